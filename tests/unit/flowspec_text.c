/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/flowspec.h"

#define NS LC_NOT_SPECIFIED

/* Units as in tc(8), PARAMETERS, RATES. */
static const struct {
	const char *text;
	int err;
	uint64_t bytes_per_s;
} rates[] = {
	{"8", 0, 1},
	{"8000000", 0, 1000000},
	{"8bit", 0, 1},
	{"10kbit", 0, 1250},
	{"10mbit", 0, 1250000},
	{"10Mbit", 0, 1250000},
	{"10gbit", 0, 1250000000},
	{"1tbit", 0, 125000000000},
	{"1kibit", 0, 128},
	{"1mibit", 0, 131072},
	{"1gibit", 0, 134217728},
	{"1bps", 0, 1},
	{"1kbps", 0, 1000},
	{"3mbps", 0, 3000000},
	{"1kibps", 0, 1024},
	{"1mibps", 0, 1048576},
	{"1.5mbit", 0, 187500},
	{"0.1mbit", 0, 12500},
	{"15bit", 0, 1}, /* rounded down */
	{"1bit", 0, 1},	 /* but never to nothing */
	{"0.000000001bit", 0, 1},
	{"18446744073709551615bps", 0, UINT64_MAX},
	{"0", -ERANGE, 0},
	{"0.0mbit", -ERANGE, 0},
	{"18446744073709551616", -ERANGE, 0},
	{"18446744073709551615kbps", -ERANGE, 0},
	{"99999999999999999999999999tbps", -ERANGE, 0},
	{"", -EINVAL, 0},
	{"mbit", -EINVAL, 0},
	{"-1mbit", -EINVAL, 0},
	{"+1mbit", -EINVAL, 0},
	{" 1mbit", -EINVAL, 0},
	{"1 mbit", -EINVAL, 0},
	{"1mbit ", -EINVAL, 0},
	{"1mbits", -EINVAL, 0},
	{"1mb", -EINVAL, 0},
	{"1e6", -EINVAL, 0},
	{"0x10", -EINVAL, 0},
	{"1.mbit", -EINVAL, 0},
	{".5mbit", -EINVAL, 0},
	{"1.2.3mbit", -EINVAL, 0},
	{"1.0000000001mbit", -EINVAL, 0},
	{"10%", -EINVAL, 0},
};

Test(flowspec_text, rates)
{
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t rate = 4711;

		cr_expect_eq(lc_rate_parse(&rate, rates[i].text), rates[i].err, "'%s'",
			     rates[i].text);
		cr_expect_eq(rate, rates[i].err ? 4711 : rates[i].bytes_per_s, "'%s': %lu",
			     rates[i].text, rate);
	}
}

static const struct {
	const char *text;
	struct lc_flowspec flow;
	const char *formatted; /* NULL: as given */
} good[] = {
	{"rate=10mbit,bucket=15000,peak=20mbit,max=1500,min=64,service=guaranteed",
	 {1250000, 15000, 2500000, NS, NS, 3, 1500, 64},
	 NULL},
	{"rate=10mbit", {1250000, NS, NS, NS, NS, 1, NS, NS}, NULL},
	{"rate=1bps", {1, NS, NS, NS, NS, 1, NS, NS}, "rate=8bit"},
	{"rate=1500bps", {1500, NS, NS, NS, NS, 1, NS, NS}, "rate=12kbit"},
	{"rate=34359738344", {0xFFFFFFFD, NS, NS, NS, NS, 1, NS, NS}, "rate=34359738344bit"},
	{"service=controlledload", {NS, NS, NS, NS, NS, 2, NS, NS}, NULL},
	{"service=besteffort", {NS, NS, NS, NS, NS, 1, NS, NS}, "unlimited"},
	{"service=notraffic", {NS, NS, NS, NS, NS, 0, NS, NS}, NULL},
	{"service=qualitative,max=1k",
	 {NS, NS, NS, NS, NS, 0xD, 1024, NS},
	 "max=1024,service=qualitative"},
	{"bucket=2m,min=0", {NS, 2097152, NS, NS, NS, 1, NS, 0}, "bucket=2097152,min=0"},
	{"bucket=1kb,max=5b", {NS, 1024, NS, NS, NS, 1, 5, NS}, "bucket=1024,max=5"},
	{"peak=infinite,rate=1gbit",
	 {125000000, NS, 0xFFFFFFFE, NS, NS, 1, NS, NS},
	 "rate=1gbit,peak=infinite"},
	{"max=4294967293", {NS, NS, NS, NS, NS, 1, 0xFFFFFFFD, NS}, NULL},
};

static bool same(const struct lc_flowspec *a, const struct lc_flowspec *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

Test(flowspec_text, parse_and_format)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char text[LC_FLOWSPEC_TEXT];
		const char *error = NULL;
		struct lc_flowspec flow;

		cr_assert_eq(lc_flowspec_parse(&flow, good[i].text, &error), 0, "%s: %s",
			     good[i].text, error);
		cr_expect(same(&flow, &good[i].flow), "%s", good[i].text);
		cr_expect_str_eq(lc_flowspec_format(text, &flow),
				 good[i].formatted ? good[i].formatted : good[i].text);
	}
}

static const struct {
	const char *text;
	const char *about; /* what the sentence names */
} bad[] = {
	{"", "NAME=VALUE"},
	{",", "NAME=VALUE"},
	{"rate", "NAME=VALUE"},
	{"rate=10mbit,", "NAME=VALUE"},
	{",rate=10mbit", "NAME=VALUE"},
	{"rate=10mbit,,max=5", "NAME=VALUE"},
	{"=5", "rate, bucket, peak"},
	{"Rate=10mbit", "rate, bucket, peak"},
	{" rate=10mbit", "rate, bucket, peak"},
	{"speed=10mbit", "rate, bucket, peak"},
	{"rate=", "a rate is"},
	{"rate=fast", "a rate is"},
	{"rate=infinite", "a rate is"},
	{"rate=10mbit=5", "a rate is"},
	{"rate=0", "a rate lies"},
	{"rate=34359738352", "a rate lies"}, /* would read as infinite */
	{"rate=34359738360", "a rate lies"}, /* would read as not specified */
	{"rate=100gbit", "a rate lies"},
	{"peak=0", "a rate lies"},
	{"rate=1mbit,rate=1mbit", "twice"},
	{"rate=1mbit,min=5,min=5", "twice"},
	{"bucket=", "a size is"},
	{"bucket=-1", "a size is"},
	{"bucket=1.5k", "a size is"},
	{"bucket=15kbit", "a size is"},
	{"bucket=0", "at least 1"},
	{"max=0k", "at least 1"},
	{"max=4294967294", "less than 4 GiB"},
	{"max=4g", "a size is"},
	{"max=4096m", "less than 4 GiB"},
	{"min=99999999999999999999999", "less than 4 GiB"},
	{"service=", "a service is"},
	{"service=best", "a service is"},
	{"service=nochange", "a service is"},
	{"rate=00000000000000000000000000000000000000000000000000000000000001mbit", "too long"},
};

Test(flowspec_text, one_clear_sentence_and_nothing_changed)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lc_flowspec flow, before;
		const char *error = "";

		memset(&flow, 0xa5, sizeof(flow));
		before = flow;
		cr_expect_eq(lc_flowspec_parse(&flow, bad[i].text, &error), -EINVAL, "'%s'",
			     bad[i].text);
		cr_expect(same(&flow, &before), "'%s'", bad[i].text);
		cr_expect_not_null(strstr(error, bad[i].about), "'%s': %s", bad[i].text, error);
	}
}

Test(flowspec_text, the_longest_fits)
{
	/* 33 gbit in an odd number of bits is eleven digits; sizes are ten */
	static const struct lc_flowspec longest = {
		0xFFFFFFFD, 0xFFFFFFFD, 0xFFFFFFFC, 0, 0, LC_SERVICE_CONTROLLEDLOAD,
		0xFFFFFFFD, 0xFFFFFFFD};
	char text[LC_FLOWSPEC_TEXT];

	cr_expect_str_eq(lc_flowspec_format(text, &longest),
			 "rate=34359738344bit,bucket=4294967293,peak=34359738336bit,"
			 "max=4294967293,min=4294967293,service=controlledload");
}

Test(flowspec_text, what_needs_no_text)
{
	char text[LC_FLOWSPEC_TEXT];
	struct lc_flowspec odd = lc_flowspec_default;

	cr_expect_str_eq(lc_flowspec_format(text, &odd), "unlimited");
	odd.token_rate = 1000;
	cr_expect_str_eq(lc_flowspec_format(text, &odd), "unlimited", "NOCHANGE limits nothing");
	odd.service = 0x40000000 | LC_SERVICE_GUARANTEED;
	cr_expect_str_eq(lc_flowspec_format(text, &odd), "rate=8kbit,service=guaranteed");
	odd.service = 99;
	cr_expect_str_eq(lc_service_word(odd.service), "unknown");
	odd.service = LC_SERVICE_BESTEFFORT;
	odd.token_rate = 0;
	cr_expect_str_eq(lc_flowspec_format(text, &odd), "rate=0bit");
}
