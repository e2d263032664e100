/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Flow specifications as people write them. */
#include "core/flowspec.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Longest member of a text, "service=controlledload", with room for digits. */
#define MEMBER_TEXT 64

/* The two numbers at the top mean something else. */
#define MOST_NUMBER (LC_INFINITE_RATE - 1)

#define FRACTION_DIGITS 9

__extension__ typedef unsigned __int128 u128;

struct unit {
	const char *word;
	uint64_t factor;
};

/* In bits per second. */
static const struct unit rate_units[] = {
	{"", 1},
	{"bit", 1},
	{"kbit", 1000},
	{"mbit", 1000000},
	{"gbit", 1000000000},
	{"tbit", 1000000000000},
	{"kibit", 1ull << 10},
	{"mibit", 1ull << 20},
	{"gibit", 1ull << 30},
	{"tibit", 1ull << 40},
	{"bps", 8},
	{"kbps", 8000},
	{"mbps", 8000000},
	{"gbps", 8000000000},
	{"tbps", 8000000000000},
	{"kibps", 8ull << 10},
	{"mibps", 8ull << 20},
	{"gibps", 8ull << 30},
	{"tibps", 8ull << 40},
	{NULL, 0},
};

/* In bytes. */
static const struct unit size_units[] = {
	{"", 1}, {"b", 1}, {"k", 1024}, {"kb", 1024}, {"m", 1 << 20}, {"mb", 1 << 20}, {NULL, 0},
};

static const struct {
	uint32_t service;
	const char *word;
} services[] = {
	{LC_SERVICE_NOTRAFFIC, "notraffic"},
	{LC_SERVICE_BESTEFFORT, "besteffort"},
	{LC_SERVICE_CONTROLLEDLOAD, "controlledload"},
	{LC_SERVICE_GUARANTEED, "guaranteed"},
	{LC_SERVICE_NOCHANGE, "nochange"},
	{LC_SERVICE_NETWORK_CONTROL, "networkcontrol"},
	{LC_SERVICE_QUALITATIVE, "qualitative"},
};

#define SERVICES (sizeof(services) / sizeof(services[0]))

static const struct unit *find_unit(const struct unit *units, const char *word)
{
	for (; units->word; units++)
		if (strcasecmp(units->word, word) == 0)
			return units;
	return NULL;
}

/*
 * Reads "DIGITS[.DIGITS]" as *digits / *scale and moves *text behind it.
 * -EINVAL: no digits, or more of a fraction than can matter; -ERANGE.
 */
static int parse_decimal(uint64_t *digits, uint64_t *scale, const char **text)
{
	const char *c = *text;
	unsigned int fraction = 0;
	bool point = false;

	*digits = 0;
	*scale = 1;
	if (*c < '0' || *c > '9')
		return -EINVAL;
	for (;; c++) {
		if (*c == '.' && !point && c[1] >= '0' && c[1] <= '9') {
			point = true;
			continue;
		}
		if (*c < '0' || *c > '9')
			break;
		if (point && ++fraction > FRACTION_DIGITS)
			return -EINVAL;
		if (__builtin_mul_overflow(*digits, 10, digits) ||
		    __builtin_add_overflow(*digits, (uint64_t)(*c - '0'), digits))
			return -ERANGE;
		if (point)
			*scale *= 10;
	}
	*text = c;
	return 0;
}

int lc_rate_parse(uint64_t *bytes_per_s, const char *text)
{
	const struct unit *unit;
	uint64_t digits, scale;
	u128 rate;
	int err;

	err = parse_decimal(&digits, &scale, &text);
	if (err)
		return err;
	unit = find_unit(rate_units, text);
	if (!unit)
		return -EINVAL;
	if (digits == 0)
		return -ERANGE;
	rate = (u128)digits * unit->factor / ((u128)scale * 8);
	if (rate > UINT64_MAX)
		return -ERANGE;
	*bytes_per_s = rate ? (uint64_t)rate : 1;
	return 0;
}

static const char *read_rate(uint32_t *value, const char *text)
{
	uint64_t rate;
	int err = lc_rate_parse(&rate, text);

	if (err == -ERANGE || (!err && rate > MOST_NUMBER))
		return "a rate lies between 1bit and 34gbit";
	if (err)
		return "a rate is a number and a unit of tc(8), such as 10mbit";
	*value = (uint32_t)rate;
	return NULL;
}

static const char *read_peak(uint32_t *value, const char *text)
{
	if (strcmp(text, "infinite") == 0) {
		*value = LC_INFINITE_RATE;
		return NULL;
	}
	return read_rate(value, text);
}

static const char *read_size_or_zero(uint32_t *value, const char *text)
{
	static const char what[] = "a size is a number of bytes, or one with k or m behind it";
	const struct unit *unit;
	uint64_t digits, scale;
	int err;

	err = parse_decimal(&digits, &scale, &text);
	if (err == -EINVAL || (!err && scale != 1))
		return what;
	unit = err ? NULL : find_unit(size_units, text);
	if (!err && !unit)
		return what;
	if (err || digits > MOST_NUMBER / unit->factor)
		return "a size is less than 4 GiB";
	*value = (uint32_t)(digits * unit->factor);
	return NULL;
}

static const char *read_size(uint32_t *value, const char *text)
{
	const char *error = read_size_or_zero(value, text);

	if (!error && *value == 0)
		return "a size is at least 1";
	return error;
}

static const char *read_service(uint32_t *value, const char *text)
{
	for (size_t i = 0; i < SERVICES; i++) {
		/* It would silently undo whatever stands beside it. */
		if (services[i].service == LC_SERVICE_NOCHANGE)
			continue;
		if (strcmp(services[i].word, text) == 0) {
			*value = services[i].service;
			return NULL;
		}
	}
	return "a service is guaranteed, controlledload, besteffort, qualitative, networkcontrol "
	       "or notraffic";
}

/* What may stand left of "=", and who reads what stands right of it. */
static const struct key {
	const char *word;
	size_t offset;
	const char *(*read)(uint32_t *value, const char *text);
} keys[] = {
	{"rate", offsetof(struct lc_flowspec, token_rate), read_rate},
	{"bucket", offsetof(struct lc_flowspec, token_bucket), read_size},
	{"peak", offsetof(struct lc_flowspec, peak), read_peak},
	{"max", offsetof(struct lc_flowspec, max_sdu), read_size},
	{"min", offsetof(struct lc_flowspec, min_policed), read_size_or_zero},
	{"service", offsetof(struct lc_flowspec, service), read_service},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static const char *read_member(struct lc_flowspec *flow, unsigned int *seen, char *member)
{
	char *value = strchr(member, '=');

	if (!value)
		return "a flow specification is a list of NAME=VALUE with commas between";
	*value++ = '\0';
	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].word, member) != 0)
			continue;
		if (*seen & 1u << i)
			return "a name stands twice in the flow specification";
		*seen |= 1u << i;
		return keys[i].read((uint32_t *)((char *)flow + keys[i].offset), value);
	}
	return "a flow specification has rate, bucket, peak, max, min and service";
}

int lc_flowspec_parse(struct lc_flowspec *flow, const char *text, const char **error)
{
	struct lc_flowspec parsed = lc_flowspec_default;
	unsigned int seen = 0;

	parsed.service = LC_SERVICE_BESTEFFORT;
	for (;;) {
		size_t length = strcspn(text, ",");
		char member[MEMBER_TEXT];
		const char *wrong;

		if (length >= sizeof(member)) {
			*error = "a member of the flow specification is too long";
			return -EINVAL;
		}
		memcpy(member, text, length);
		member[length] = '\0';
		wrong = read_member(&parsed, &seen, member);
		if (wrong) {
			*error = wrong;
			return -EINVAL;
		}
		if (text[length] == '\0')
			break;
		text += length + 1;
	}
	*flow = parsed;
	return 0;
}

const char *lc_service_word(uint32_t service)
{
	service &= ~((uint32_t)LC_SERVICE_NO_TRAFFIC_CONTROL | LC_SERVICE_NO_SIGNALLING);
	for (size_t i = 0; i < SERVICES; i++)
		if (services[i].service == service)
			return services[i].word;
	return "unknown";
}

/* A text being put together; what does not fit is cut, which LC_FLOWSPEC_TEXT rules out. */
struct writer {
	char *text;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct writer *writer, const char *format,
						      ...)
{
	size_t left = LC_FLOWSPEC_TEXT - writer->used;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(writer->text + writer->used, left, format, arguments);
	va_end(arguments);
	writer->used += (size_t)length < left ? (size_t)length : left - 1;
}

static const char *comma(const struct writer *writer)
{
	return writer->used ? "," : "";
}

static void add_rate(struct writer *writer, const char *word, uint32_t rate)
{
	static const char *const units[] = {"bit", "kbit", "mbit", "gbit"};
	uint64_t bits = (uint64_t)rate * 8;
	size_t unit = 0;

	if (rate == LC_NOT_SPECIFIED)
		return;
	/* The largest unit that keeps it exact */
	while (unit < 3 && bits && bits % 1000 == 0) {
		bits /= 1000;
		unit++;
	}
	add(writer, "%s%s=%llu%s", comma(writer), word, (unsigned long long)bits, units[unit]);
}

static void add_size(struct writer *writer, const char *word, uint32_t size)
{
	if (size != LC_NOT_SPECIFIED)
		add(writer, "%s%s=%u", comma(writer), word, size);
}

const char *lc_flowspec_format(char text[LC_FLOWSPEC_TEXT], const struct lc_flowspec *flow)
{
	const char *service = lc_service_word(flow->service);
	struct writer writer = {.text = text};

	text[0] = '\0';
	if (strcmp(service, "nochange") != 0) {
		add_rate(&writer, "rate", flow->token_rate);
		add_size(&writer, "bucket", flow->token_bucket);
		if (flow->peak == LC_INFINITE_RATE)
			add(&writer, "%speak=infinite", comma(&writer));
		else
			add_rate(&writer, "peak", flow->peak);
		add_size(&writer, "max", flow->max_sdu);
		add_size(&writer, "min", flow->min_policed);
		if (strcmp(service, "besteffort") != 0)
			add(&writer, "%sservice=%s", comma(&writer), service);
	}
	if (writer.used == 0)
		add(&writer, "unlimited");
	return text;
}
