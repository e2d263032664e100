/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What flow specifications mean: winsock.md's FLOWSPEC rules, RFC 2215 3.6
 * (ranges), 2211 and 2212 (conformance), before any clock runs. The buckets in
 * motion are in bucket.c.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "core/flowspec.h"

#define NS   LC_NOT_SPECIFIED
#define CL   LC_SERVICE_CONTROLLEDLOAD
#define BE   LC_SERVICE_BESTEFFORT
#define GS   LC_SERVICE_GUARANTEED
#define NC   LC_SERVICE_NETWORK_CONTROL
#define QL   LC_SERVICE_QUALITATIVE
#define NT   LC_SERVICE_NOTRAFFIC
#define KEEP LC_SERVICE_NOCHANGE

#define OK  LEAFCAST_NO_REASON
#define BAD LEAFCAST_BAD_FLOWSPEC

/* r, b, p, M, m in the order in which the RFCs name them. */
#define FLOW(service_, r, b, p, M, m)                                                      \
	{                                                                                  \
		.token_rate = (r), .token_bucket = (b), .peak = (p), .latency_us = NS,     \
		.delay_variation_us = NS, .service = (uint32_t)(service_), .max_sdu = (M), \
		.min_policed = (m)                                                         \
	}

static bool same(const struct lc_flowspec *a, const struct lc_flowspec *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

Test(flowspec, default_is_all_ones_and_nochange)
{
	static const struct lc_flowspec want = {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF,
						0xFFFFFFFF, 6,		0xFFFFFFFF, 0xFFFFFFFF};

	cr_expect(same(&lc_flowspec_default, &want));
	cr_expect(lc_flowspec_is_unlimited(&lc_flowspec_default));
}

static const struct {
	const char *what;
	struct lc_flowspec flow;
	enum leafcast_reason sender, receiver;
} checks[] = {
	{"all members given", FLOW(GS, 1000, 1500, 2000, 1500, 64), OK, OK},
	{"rate alone", FLOW(CL, 1000, NS, NS, NS, NS), OK, OK},
	{"nothing given, best effort", FLOW(BE, NS, NS, NS, NS, NS), OK, OK},
	{"nothing given, qualitative", FLOW(QL, NS, NS, NS, NS, NS), OK, OK},
	{"nothing given, network control", FLOW(NC, NS, NS, NS, NS, NS), OK, OK},
	{"controlled load: the sender needs a rate", FLOW(CL, NS, NS, NS, NS, NS), BAD, OK},
	{"guaranteed: both need a rate", FLOW(GS, NS, NS, NS, NS, NS), BAD, BAD},
	{"rate 0, best effort", FLOW(BE, 0, NS, NS, NS, NS), OK, BAD},
	{"rate 0, qualitative", FLOW(QL, 0, NS, NS, NS, NS), OK, BAD},
	{"rate 0, network control", FLOW(NC, 0, NS, NS, NS, NS), OK, BAD},
	{"rate 0, controlled load", FLOW(CL, 0, NS, NS, NS, NS), BAD, BAD},
	{"rate 0, guaranteed", FLOW(GS, 0, NS, NS, NS, NS), BAD, BAD},
	{"p = r", FLOW(GS, 1000, NS, 1000, NS, NS), OK, OK},
	{"p < r", FLOW(GS, 1000, NS, 999, NS, NS), BAD, BAD},
	{"p infinite", FLOW(GS, 1000, NS, 0xFFFFFFFE, NS, NS), OK, OK},
	{"p without r", FLOW(BE, NS, NS, 5, NS, NS), OK, OK},
	{"m = M", FLOW(CL, 1000, NS, NS, 1500, 1500), OK, OK},
	{"m > M", FLOW(CL, 1000, NS, NS, 1500, 1501), BAD, BAD},
	{"m = 0 counts each as it is", FLOW(CL, 1000, NS, NS, NS, 0), OK, OK},
	{"m longer than any datagram", FLOW(CL, 1000, NS, NS, NS, 65536), BAD, BAD},
	{"M = 0: RFC 2215 wants it positive", FLOW(CL, 1000, NS, NS, 0, NS), BAD, BAD},
	{"b = M", FLOW(CL, 1000, 1500, NS, 1500, NS), OK, OK},
	{"b < M", FLOW(CL, 1000, 1499, NS, 1500, NS), BAD, BAD},
	{"b = 1", FLOW(CL, 1000, 1, NS, NS, NS), OK, OK},
	{"b = 0", FLOW(CL, 1000, 0, NS, NS, NS), BAD, BAD},
	{"m > b: nothing could conform", FLOW(CL, 1000, 100, NS, NS, 101), BAD, BAD},
	{"no traffic makes always sense", FLOW(NT, 0, 0, 0, 0, 9), OK, OK},
	{"no change makes always sense", FLOW(KEEP, 0, 0, 0, 0, 9), OK, OK},
	{"network unavailable is no request", FLOW(4, 1000, NS, NS, NS, NS), BAD, BAD},
	{"general information is no request", FLOW(5, 1000, NS, NS, NS, NS), BAD, BAD},
	{"service 7", FLOW(7, 1000, NS, NS, NS, NS), BAD, BAD},
	{"nonconforming is no request", FLOW(9, 1000, NS, NS, NS, NS), BAD, BAD},
	{"the service may not be defaulted", FLOW(NS, 1000, NS, NS, NS, NS), BAD, BAD},
	{"no signalling, ORed in", FLOW(0x40000000 | CL, 1000, NS, NS, NS, NS), OK, OK},
	{"no traffic control, ORed in", FLOW(0x81000000 | GS, NS, NS, NS, NS, NS), BAD, BAD},
	{"both, ORed in", FLOW(0xC1000000 | KEEP, 0, NS, NS, NS, NS), OK, OK},
};

Test(flowspec, check)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		cr_expect_eq(lc_flowspec_check(&checks[i].flow, true), checks[i].sender,
			     "%s (sender)", checks[i].what);
		cr_expect_eq(lc_flowspec_check(&checks[i].flow, false), checks[i].receiver,
			     "%s (receiver)", checks[i].what);
	}
}

static const struct {
	const char *what;
	struct lc_flowspec flow;
	uint32_t mtu;
	enum leafcast_reason want;
} paths[] = {
	{"M = mtu", FLOW(GS, 1000, NS, NS, 1500, NS), 1500, OK},
	{"M > mtu must be rejected", FLOW(GS, 1000, NS, NS, 1501, NS), 1500, BAD},
	{"M > mtu, controlled load", FLOW(CL, 1000, NS, NS, 9000, NS), 1500, BAD},
	{"M left open", FLOW(GS, 1000, NS, NS, NS, NS), 1500, OK},
	{"M left open, m > mtu", FLOW(GS, 1000, NS, NS, NS, 1501), 1500, BAD},
	{"mtu unknown", FLOW(GS, 1000, NS, NS, 60000, NS), 0, OK},
	{"no change", FLOW(KEEP, 1000, NS, NS, 60000, NS), 1500, OK},
	{"no traffic", FLOW(NT, 1000, NS, NS, 60000, NS), 1500, OK},
};

Test(flowspec, check_mtu)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		cr_expect_eq(lc_flowspec_check_mtu(&paths[i].flow, paths[i].mtu), paths[i].want,
			     "%s", paths[i].what);
}

static const struct {
	const char *what;
	struct lc_flowspec a, b, merged;
} merges[] = {
	{"minimum of r, b, p, M, maximum of m", FLOW(GS, 100, 9000, 500, 1000, 40),
	 FLOW(GS, 200, 8000, 600, 900, 80), FLOW(GS, 100, 8000, 500, 900, 80)},
	{"no opinion on one side", FLOW(CL, 100, NS, 500, NS, 40), FLOW(CL, NS, 8000, NS, 900, NS),
	 FLOW(CL, 100, 8000, 500, 900, 40)},
	{"no opinion on either", FLOW(BE, NS, NS, NS, NS, NS), FLOW(BE, NS, NS, NS, NS, NS),
	 FLOW(BE, NS, NS, NS, NS, NS)},
	{"infinite peak is an opinion", FLOW(GS, 1, NS, 0xFFFFFFFE, NS, NS),
	 FLOW(GS, 1, NS, NS, NS, NS), FLOW(GS, 1, NS, 0xFFFFFFFE, NS, NS)},
	{"m = 0 against none", FLOW(CL, 1, NS, NS, NS, 0), FLOW(CL, 1, NS, NS, NS, NS),
	 FLOW(CL, 1, NS, NS, NS, 0)},
	{"guaranteed is stricter than controlled load", FLOW(GS, 9, NS, NS, NS, NS),
	 FLOW(CL, 9, NS, NS, NS, NS), FLOW(GS, 9, NS, NS, NS, NS)},
	{"controlled load than best effort", FLOW(BE, 9, NS, NS, NS, NS),
	 FLOW(CL, 9, NS, NS, NS, NS), FLOW(CL, 9, NS, NS, NS, NS)},
	{"guaranteed than network control", FLOW(NC, 9, NS, NS, NS, NS),
	 FLOW(GS, 9, NS, NS, NS, NS), FLOW(GS, 9, NS, NS, NS, NS)},
	{"best effort than qualitative", FLOW(BE, 9, NS, NS, NS, NS), FLOW(QL, 9, NS, NS, NS, NS),
	 FLOW(BE, 9, NS, NS, NS, NS)},
	{"no traffic than anything", FLOW(NT, 9, NS, NS, NS, NS), FLOW(GS, 9, NS, NS, NS, NS),
	 FLOW(NT, 9, NS, NS, NS, NS)},
	{"no change leaves the other's", FLOW(KEEP, 1, 1, 1, 1, 1), FLOW(CL, 9, NS, NS, NS, NS),
	 FLOW(CL, 9, NS, NS, NS, NS)},
	{"no change with a flag too", FLOW(0x40000000 | KEEP, 1, 1, 1, 1, 1),
	 FLOW(CL, 9, NS, NS, NS, NS), FLOW(CL, 9, NS, NS, NS, NS)},
};

Test(flowspec, merge)
{
	for (size_t i = 0; i < sizeof(merges) / sizeof(merges[0]); i++) {
		struct lc_flowspec ab = lc_flowspec_merge(&merges[i].a, &merges[i].b);
		struct lc_flowspec ba = lc_flowspec_merge(&merges[i].b, &merges[i].a);

		cr_expect(same(&ab, &merges[i].merged), "%s", merges[i].what);
		cr_expect(same(&ba, &merges[i].merged), "%s, the other way round", merges[i].what);
	}
}

/* R26: what two ends cannot meet together shows in the result. */
Test(flowspec, merge_of_what_cannot_be_met)
{
	static const struct lc_flowspec short_ones = FLOW(CL, 9, NS, NS, 500, NS);
	static const struct lc_flowspec long_ones = FLOW(CL, 9, NS, NS, NS, 600);
	static const struct lc_flowspec shallow = FLOW(CL, 9, 400, NS, NS, NS);
	struct lc_flowspec merged = lc_flowspec_merge(&short_ones, &long_ones);

	cr_expect_eq(lc_flowspec_check(&merged, true), BAD, "m > M");
	merged = lc_flowspec_merge(&short_ones, &shallow);
	cr_expect_eq(lc_flowspec_check(&merged, true), BAD, "b < M");
}

Test(flowspec, merge_of_two_nochange_is_the_default)
{
	struct lc_flowspec junk = FLOW(KEEP, 1, 2, 3, 4, 5);
	struct lc_flowspec merged = lc_flowspec_merge(&junk, &lc_flowspec_default);

	cr_expect(same(&merged, &lc_flowspec_default));
}

/* R56; SERVICETYPE_NOCHANGE leaves the direction. */
Test(flowspec, override)
{
	struct lc_flowspec now = FLOW(CL, 100, NS, NS, NS, NS);
	struct lc_flowspec next = FLOW(BE, 7, NS, NS, NS, NS);
	struct lc_flowspec keep = FLOW(0x40000000 | KEEP, 5, 5, 5, 5, 5);
	struct lc_flowspec result = lc_flowspec_override(&now, &next);

	cr_expect(same(&result, &next), "not merged: b, p of before are gone");
	result = lc_flowspec_override(&now, &keep);
	cr_expect(same(&result, &now));
}

static const struct {
	struct lc_flowspec flow;
	bool unlimited;
} limits[] = {
	{FLOW(KEEP, 1, 1, 1, 1, 1), true},
	{FLOW(BE, NS, NS, NS, NS, NS), true},
	{FLOW(BE, NS, 5000, NS, NS, NS), true},
	{FLOW(BE, 1, NS, NS, NS, NS), false},
	{FLOW(BE, 0, NS, NS, NS, NS), false},
	{FLOW(BE, NS, NS, NS, 1500, NS), false},
	{FLOW(BE, NS, NS, NS, NS, 64), false},
	{FLOW(NT, NS, NS, NS, NS, NS), false},
	{FLOW(CL, 0xFFFFFFFE, NS, NS, NS, NS), false},
};

Test(flowspec, is_unlimited)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		cr_expect_eq(lc_flowspec_is_unlimited(&limits[i].flow), limits[i].unlimited,
			     "row %zu", i);
}
