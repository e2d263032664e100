/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a membership is held to: the flows of all who have a say; in the world of world.h. */
#include <criterion/criterion.h>

#include "world.h"

TestSuite(membership_flows, .init = world_begins, .timeout = 30);

/* minimum of r, b, p, M and maximum of m over all who have a say (winsock.md, "Meaning of QoS at a join"). */
Test(membership_flows, flows_of_all_are_merged)
{
	struct lc_flows asked = flows_of("rate=8mbit,bucket=9000,min=64", NULL);
	struct lc_membership_answer answer = yes;
	const struct lc_local_message *reply;

	root.terms.has_flows = true;
	root.terms.flows = flows_of("rate=16mbit,bucket=6000,max=1400", NULL);
	cr_assert_eq(leaf_asks_to_join(&asked), LEAFCAST_NO_REASON);
	wait_us(1);
	/* R56: the application sees what the joiner asked, not what comes of it. */
	cr_assert_eq(request_at(&root)->flows.down.token_bucket, 9000);
	cr_assert_eq(request_at(&root)->flows.down.max_sdu, LC_NOT_SPECIFIED);
	answer.has_flows = true;
	answer.flows = flows_of("rate=4mbit,bucket=7000,min=100", NULL);
	accepts(&root, &answer);
	settle();
	reply = heard(&leaf, LC_LOCAL_REPLY);
	cr_assert_eq(outcome(&leaf), LEAFCAST_NO_REASON);
	cr_assert(reply->has_flows);
	cr_assert_eq(reply->flows.down.token_rate, 500000, "4 Mbit/s");
	cr_assert_eq(reply->flows.down.token_bucket, 6000);
	cr_assert_eq(reply->flows.down.max_sdu, 1400);
	cr_assert_eq(reply->flows.down.min_policed, 100);
	cr_assert_eq(root.down.max_sdu_bytes, 1400);
	cr_assert_eq(root.down.min_policed_bytes, 100);
	cr_assert_eq(root.down.rate.cost, lc_bucket_make(500000, 6000).cost);
	cr_assert_eq(root.down.rate.burst, lc_bucket_make(500000, 6000).burst);
	cr_assert_eq(root.up.rate.cost, 0, "nobody limits what the leaf sends");
}

/* M left open is the path's MTU: RFC 2212's burst at the peak is M, not 64 KiB. */
Test(membership_flows, open_m_is_the_path_mtu)
{
	struct lc_flows asked = flows_of("service=guaranteed,rate=8mbit,bucket=60000,peak=80mbit",
					 NULL);

	cr_assert_eq(leaf_asks_to_join(&asked), LEAFCAST_NO_REASON);
	wait_us(1);
	accepts(&root, &yes);
	cr_assert(root.entered);
	cr_assert_eq(root.down.peak.burst, lc_bucket_make(10000000, MTU).burst);
}

/* R58: what merging with the asked flows would make sense of is refused all the same. */
Test(membership_flows, answer_that_makes_sense_only_merged)
{
	const struct {
		const char *asked, *answered;
		uint32_t service;
	} rows[] = {
		{"rate=1mbit", "rate=8mbit,peak=2mbit", LC_SERVICE_BESTEFFORT}, /* p < r */
		{"rate=8mbit", "rate=1mbit", 99}, /* no service that there is */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lc_flows asked = flows_of(rows[i].asked, NULL);
		struct lc_membership_answer answer = yes;

		world_begins();
		answer.has_flows = true;
		answer.flows = flows_of(rows[i].answered, NULL);
		answer.flows.down.service = rows[i].service;
		cr_assert_eq(leaf_asks_to_join(&asked), LEAFCAST_NO_REASON);
		wait_us(1);
		accepts(&root, &answer);
		settle();
		cr_assert_eq(outcome(&root), LEAFCAST_BAD_FLOWSPEC, "%s", rows[i].answered);
		cr_assert_eq(outcome(&leaf), LEAFCAST_BAD_FLOWSPEC, "%s", rows[i].answered);
	}
}

/* R59 of a root that only sends: what it would take from leaves is nobody's concern. */
Test(membership_flows, root_that_only_sends_ignores_its_up)
{
	struct lc_flows impossible = flows_of(NULL, "rate=1mbit,bucket=9000,max=1501");

	root.terms = (struct lc_listener_terms){.has_flows = true, .flows = impossible};
	leaf_joins();
	world_begins();
	root.terms.root_receives = false;
	leaf.path.hop.mtu = 9000; /* to the leaf's own end it is possible */
	cr_assert_eq(leaf_asks_to_join(&impossible), LEAFCAST_NO_REASON);
	wait_us(1);
	request_at(&root);
	world_begins();
	cr_assert_eq(root_invites(&impossible), LEAFCAST_NO_REASON);
	settle();
	cr_assert_eq(outcome(&root), LEAFCAST_BAD_FLOWSPEC, "one that receives, too");
	world_begins();
	root.member.root_receives = false;
	cr_assert_eq(root_invites(&impossible), LEAFCAST_NO_REASON);
	settle();
	accepts(&leaf, &yes);
	wait_us(1);
	cr_assert_eq(outcome(&root), LEAFCAST_NO_REASON);
}

/* A sender must name its rate, a receiver need not (winsock.md, FLOWSPEC). */
Test(membership_flows, who_sends_names_a_rate)
{
	struct lc_flows open = flows_of("service=controlledload", NULL);

	cr_assert_eq(leaf_asks_to_join(&open), LEAFCAST_NO_REASON);
	world_begins();
	cr_assert_eq(root_invites(&open), LEAFCAST_BAD_FLOWSPEC);
	cr_assert_not(root.connecting);
}

/* M above the path's MTU: the end that sees that refuses, whatever the other one sees. */
Test(membership_flows, m_above_the_mtu_of_either_end)
{
	struct lc_flows asked = flows_of("rate=8mbit,max=1501", NULL);

	root.path.hop.mtu = 9000;
	cr_assert_eq(leaf_asks_to_join(&asked), LEAFCAST_NO_REASON);
	settle();
	cr_assert_eq(outcome(&leaf), LEAFCAST_BAD_FLOWSPEC);
	cr_assert(root.turned_away, "the root need not be asked");
	world_begins();
	leaf.path.hop.mtu = 9000;
	cr_assert_eq(root_invites(&asked), LEAFCAST_NO_REASON);
	settle();
	accepts(&leaf, &yes);
	wait_us(1);
	cr_assert_eq(outcome(&root), LEAFCAST_BAD_FLOWSPEC);
	cr_assert_eq(outcome(&leaf), LEAFCAST_BAD_FLOWSPEC);
	nothing_is_left("M above the MTU");
}

/* Who was given no flows asks for none (R61). */
Test(membership_flows, no_flows_are_none)
{
	root.terms.has_flows = true;
	root.terms.flows = flows_of("rate=16mbit", NULL);
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	wait_us(1);
	cr_assert_not(request_at(&root)->has_flows);
	accepts(&root, &yes);
	settle();
	cr_assert_eq(heard(&leaf, LC_LOCAL_REPLY)->flows.down.token_rate, 2000000);
}

/* R59: a direction that the member does not use is nobody's concern. */
Test(membership_flows, unused_direction_is_ignored)
{
	struct lc_flows asked = flows_of("rate=8mbit",
					 "service=controlledload,rate=8mbit,peak=1mbit");

	leaf_asks_to_join(NULL);
	world_begins();
	leaf.member.end = LC_END_JOINER;
	leaf.member.leaf_receives = true;
	cr_assert_eq(lc_membership_start(&leaf.member, 1, &asked), LEAFCAST_NO_REASON);
	world_begins();
	leaf.member.end = LC_END_JOINER;
	leaf.member.leaf_sends = true;
	asked = flows_of("rate=8mbit,peak=1mbit", "service=controlledload,rate=8mbit");
	cr_assert_eq(lc_membership_start(&leaf.member, 1, &asked), LEAFCAST_NO_REASON);
	world_begins();
	asked = flows_of("rate=8mbit", "service=controlledload,rate=8mbit,peak=1mbit");
	cr_assert_eq(leaf_asks_to_join(&asked), LEAFCAST_BAD_FLOWSPEC, "p < r where it sends");
	cr_assert_eq(leaf.heard_count, 0);
	cr_assert_not(leaf.connecting, "judged before anybody is asked");
}
