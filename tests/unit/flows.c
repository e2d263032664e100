/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Flows in both directions: lc_flows_check(), the one judgement of what an
 * application asks, a peer requests and a join agrees on. Winsock's FLOWSPEC
 * rules; RFC 2215 3.6 (m <= M, both positive; p >= r), RFC 2212 (M above the
 * MTU must be rejected; b holds M). The members one by one are in flowspec.c.
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

/* Each flow in each direction, as each end's: what a sender may not say a receiver may. */
static const struct {
	const char *what;
	struct lc_flowspec flow;
	uint32_t mtu;
	enum leafcast_reason sent, received, merged;
} rows[] = {
	{"all members given", FLOW(GS, 1000, 1500, 2000, 1500, 64), 1500, OK, OK, OK},
	{"nothing given", FLOW(BE, NS, NS, NS, NS, NS), 1500, OK, OK, OK},
	{"no rate, controlled load", FLOW(CL, NS, NS, NS, NS, NS), 1500, BAD, OK, OK},
	{"no rate, guaranteed", FLOW(GS, NS, NS, NS, NS, NS), 1500, BAD, BAD, BAD},
	{"rate 0, best effort", FLOW(BE, 0, NS, NS, NS, NS), 1500, OK, BAD, BAD},
	{"rate 0, controlled load", FLOW(CL, 0, NS, NS, NS, NS), 1500, BAD, BAD, BAD},
	{"p < r", FLOW(GS, 1000, NS, 999, NS, NS), 1500, BAD, BAD, BAD},
	{"m > M", FLOW(CL, 1000, NS, NS, 500, 501), 1500, BAD, BAD, BAD},
	{"m = M", FLOW(CL, 1000, NS, NS, 500, 500), 1500, OK, OK, OK},
	{"m > b", FLOW(CL, 1000, 500, NS, NS, 501), 1500, BAD, BAD, BAD},
	{"M > b", FLOW(CL, 1000, 500, NS, 501, NS), 1500, BAD, BAD, BAD},
	{"M = b", FLOW(CL, 1000, 500, NS, 500, NS), 1500, OK, OK, OK},
	{"M > mtu", FLOW(CL, 1000, NS, NS, 1501, NS), 1500, BAD, BAD, BAD},
	{"M = mtu", FLOW(CL, 1000, NS, NS, 1500, NS), 1500, OK, OK, OK},
	{"M > mtu, without a rate", FLOW(BE, NS, NS, NS, 1501, NS), 1500, BAD, BAD, BAD},
	{"M, mtu unknown", FLOW(CL, 1000, NS, NS, 9000, NS), 0, OK, OK, OK},
	{"m > mtu, M open", FLOW(CL, 1000, NS, NS, NS, 1501), 1500, BAD, BAD, BAD},
	{"M = 0", FLOW(CL, 1000, NS, NS, 0, NS), 1500, BAD, BAD, BAD},
	{"b = 0", FLOW(CL, 1000, 0, NS, NS, NS), 1500, BAD, BAD, BAD},
	{"unknown service", FLOW(7, 1000, NS, NS, NS, NS), 1500, BAD, BAD, BAD},
	{"no traffic", FLOW(NT, 0, 0, 0, 9000, 9001), 1500, OK, OK, OK},
	{"no change", FLOW(KEEP, 0, 0, 0, 9000, 9001), 1500, OK, OK, OK},
};

Test(flows, check_in_both_directions_of_both_ends)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct lc_flows_use use = {.down = true, .up = true, .mtu = rows[i].mtu};
		struct lc_flows down = {rows[i].flow, lc_flowspec_default};
		struct lc_flows up = {lc_flowspec_default, rows[i].flow};
		const char *what = rows[i].what;

		cr_expect_eq(lc_flows_check(&down, LC_FLOWS_OF_ROOT, use), rows[i].sent,
			     "%s: a root sends down", what);
		cr_expect_eq(lc_flows_check(&up, LC_FLOWS_OF_ROOT, use), rows[i].received,
			     "%s: a root receives up", what);
		cr_expect_eq(lc_flows_check(&down, LC_FLOWS_OF_LEAF, use), rows[i].received,
			     "%s: a leaf receives down", what);
		cr_expect_eq(lc_flows_check(&up, LC_FLOWS_OF_LEAF, use), rows[i].sent,
			     "%s: a leaf sends up", what);
		cr_expect_eq(lc_flows_check(&down, LC_FLOWS_MERGED, use), rows[i].merged,
			     "%s: merged, down", what);
		cr_expect_eq(lc_flows_check(&up, LC_FLOWS_MERGED, use), rows[i].merged,
			     "%s: merged, up", what);
	}
}

/* R59: nothing in a direction that is not used can be wrong. */
Test(flows, an_unused_direction_is_ignored)
{
	static const struct lc_flowspec bad = FLOW(CL, 1000, 500, NS, 9000, 9001);
	const enum lc_flows_of all[] = {LC_FLOWS_OF_ROOT, LC_FLOWS_OF_LEAF, LC_FLOWS_MERGED};
	struct lc_flows down = {bad, lc_flowspec_default}, up = {lc_flowspec_default, bad};

	for (size_t i = 0; i < 3; i++) {
		struct lc_flows_use only_down = {.down = true, .mtu = 1500};
		struct lc_flows_use only_up = {.up = true, .mtu = 1500}, none = {.mtu = 1500};

		cr_expect_eq(lc_flows_check(&down, all[i], only_down), BAD);
		cr_expect_eq(lc_flows_check(&down, all[i], only_up), OK);
		cr_expect_eq(lc_flows_check(&up, all[i], only_up), BAD);
		cr_expect_eq(lc_flows_check(&up, all[i], only_down), OK);
		cr_expect_eq(lc_flows_check(&up, all[i], none), OK);
	}
}

/* R26: each end's makes sense, together they do not; the result says so, whichever direction it is. */
static const struct {
	const char *what;
	struct lc_flowspec root, leaf;
	enum leafcast_reason want;
} pairs[] = {
	{"m of one above M of the other", FLOW(CL, 9, NS, NS, 500, NS),
	 FLOW(CL, 9, NS, NS, NS, 501), BAD},
	{"M of one above b of the other", FLOW(CL, 9, NS, NS, 500, NS),
	 FLOW(CL, 9, 499, NS, NS, NS), BAD},
	{"m of one above b of the other", FLOW(CL, 9, NS, NS, NS, 500),
	 FLOW(CL, 9, 499, NS, NS, NS), BAD},
	{"p of one below r of the other", FLOW(CL, 900, NS, NS, NS, NS),
	 FLOW(BE, NS, NS, 899, NS, NS), BAD},
	{"they meet", FLOW(CL, 900, 500, NS, 500, NS), FLOW(GS, 900, 9000, 900, 600, 500), OK},
	{"one asks for nothing", FLOW(CL, 900, 500, NS, 500, NS), FLOW(KEEP, 1, 1, 1, 9, 10), OK},
	{"neither names a rate", FLOW(BE, NS, NS, NS, NS, NS), FLOW(CL, NS, NS, NS, NS, NS), OK},
};

Test(flows, what_has_been_merged_is_judged_again)
{
	const struct lc_flows_use use = {.down = true, .up = true, .mtu = 1500};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct lc_flows a[] = {{pairs[i].root, lc_flowspec_default},
				       {lc_flowspec_default, pairs[i].root}};
		struct lc_flows b[] = {{pairs[i].leaf, lc_flowspec_default},
				       {lc_flowspec_default, pairs[i].leaf}};

		for (int direction = 0; direction < 2; direction++) {
			struct lc_flows ab = lc_flows_merge(&a[direction], &b[direction]);
			struct lc_flows ba = lc_flows_merge(&b[direction], &a[direction]);

			cr_expect_eq(lc_flows_check(&ab, LC_FLOWS_MERGED, use), pairs[i].want,
				     "%s, direction %d", pairs[i].what, direction);
			cr_expect_eq(lc_flows_check(&ba, LC_FLOWS_MERGED, use), pairs[i].want,
				     "%s, the other way round, %d", pairs[i].what, direction);
		}
	}
}

/* Winsock: TokenRate 0 of a sender that need not name a rate is none. */
static const struct {
	uint32_t service, rate, read;
} senders[] = {
	{BE, 0, NS},
	{QL, 0, NS},
	{NC, 0, NS},
	{BE, 1, 1},
	{BE, NS, NS},
	{0x40000000 | BE, 0, NS},
	{CL, 0, 0},
	{GS, 0, 0},
	{NT, 0, 0},
	{KEEP, 0, 0},
	{0x81000000 | CL, 0, 0},
};

Test(flows, a_sender_that_names_no_rate)
{
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		struct lc_flowspec flow = FLOW(senders[i].service, senders[i].rate, 9000, 10, 500,
					       40);
		struct lc_flowspec read = lc_flowspec_of_sender(&flow), want = flow;

		want.token_rate = senders[i].read;
		cr_expect(same(&read, &want), "row %zu", i);
	}
}

/* ...and is not held to 0 bytes a second. */
Test(flows, a_sender_that_names_no_rate_may_send)
{
	struct lc_flowspec flow = FLOW(BE, 0, NS, NS, NS, NS);
	struct lc_meter meter = {0};
	struct lc_policer policer;

	flow = lc_flowspec_of_sender(&flow);
	policer = lc_policer_make(&flow, 1500);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(lc_police(&policer, &meter, 1, 1500, 1, 1500), LC_CONFORMS);
}

Test(flows, they_are_set_if_a_direction_says_anything)
{
	static const struct lc_flowspec some = FLOW(BE, NS, NS, NS, NS, NS);
	static const struct lc_flowspec keep = FLOW(0x40000000 | KEEP, 1, 1, 1, 1, 1);
	const struct lc_flows none = {lc_flowspec_default, lc_flowspec_default};
	const struct lc_flows flagged = {keep, keep};
	const struct lc_flows down = {some, lc_flowspec_default}, up = {keep, some};

	cr_expect_not(lc_flows_are_set(&none));
	cr_expect_not(lc_flows_are_set(&flagged));
	cr_expect(lc_flows_are_set(&down));
	cr_expect(lc_flows_are_set(&up));
}

Test(flows, override_is_a_direction_at_a_time)
{
	static const struct lc_flows now = {FLOW(CL, 1, NS, NS, NS, NS),
					    FLOW(CL, 2, NS, NS, NS, NS)};
	const struct lc_flows down = {FLOW(BE, 3, NS, NS, NS, NS), FLOW(KEEP, 4, 4, 4, 4, 4)};
	struct lc_flows result = lc_flows_override(&now, &down);

	cr_expect(same(&result.down, &down.down));
	cr_expect(same(&result.up, &now.up));
}
