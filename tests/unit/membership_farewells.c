/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A close is told to the other end as what it was, whichever daemons go and come
 * before that end has read so; in the world of world.h, where the farewell is stored
 * before anything else is taken away and nothing_is_left() finds none.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "world.h"

TestSuite(membership_farewells, .init = world_begins, .timeout = 30);

/* All the ways in which an end that is a member ends by itself. */
static const struct {
	enum lc_join_event event;
	enum leafcast_reason given, reason;
} ways[] = {
	{LC_ON_APP_CLOSES, LEAFCAST_NO_REASON, LEAFCAST_CLOSED},
	{LC_ON_APP_DIES, LEAFCAST_NO_REASON, LEAFCAST_RESET},
	{LC_ON_FAILED, LEAFCAST_LIMIT, LEAFCAST_LIMIT},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void (*const joins[])(void) = {leaf_joins, root_invites_and_leaf_accepts};
#define JOINS (sizeof(joins) / sizeof(joins[0]))

static void leaves(struct end *end, size_t way)
{
	lc_membership_event(&end->member, ways[way].event, ways[way].given);
}

static void is_kept(const struct end *end, size_t way, uint64_t datagrams)
{
	cr_assert_eq(end->farewell.number, end->kept.number);
	cr_assert_eq(end->farewell.end, end->kept.end);
	cr_assert_eq(memcmp(&end->farewell.secret, &end->kept.secret, sizeof(end->kept.secret)), 0);
	cr_assert_eq(end->farewell.why, ways[way].reason);
	cr_assert_eq(end->farewell.last_counts.datagrams, datagrams);
}

/* The LEAVE that this end has been sent and has not read. */
static const struct lc_message *unread_leave(const struct end *end)
{
	cr_assert_gt(end->inbox_count, 0);
	cr_assert_eq(end->inbox[end->inbox_count - 1].kind, LC_MESSAGE_LEAVE);
	return &end->inbox[end->inbox_count - 1];
}

/* What is on its way still arrives before the leaf is told. */
Test(membership_farewells, root_ends_while_the_leafs_daemon_is_away)
{
	for (size_t i = 0; i < WAYS * JOINS; i++) {
		world_begins();
		joins[i / WAYS]();
		data_flows(10, 4);
		connection_breaks(0);
		leaves(&root, i % WAYS);
		is_kept(&root, i % WAYS, 10);
		root.sent = 4711; /* of whoever has the record now */
		for (int daemons = 0; daemons < 2; daemons++) {
			daemon_is_replaced(&root);
			cr_assert_eq(root.member.state, LC_JOIN_LEFT);
			is_kept(&root, i % WAYS, 10);
		}
		connection_is_back();
		cr_assert_eq(leaf.member.state, LC_JOIN_DRAINING);
		cr_assert_eq(leaf.member.expected, 10);
		cr_assert_null(heard(&leaf, LC_LOCAL_CLOSED), "six are on their way");
		leaf.arrived += 6;
		wait_us(10000);
		cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, ways[i % WAYS].reason);
		nothing_is_left("an end that the root's next daemon tells of");
	}
}

Test(membership_farewells, leaf_ends_while_the_roots_daemon_is_away)
{
	for (size_t i = 0; i < WAYS * JOINS; i++) {
		world_begins();
		joins[i / WAYS]();
		data_flows(10, 4);
		connection_breaks(0);
		leaves(&leaf, i % WAYS);
		is_kept(&leaf, i % WAYS, 4);
		leaf.arrived = 4711;
		daemon_is_replaced(&leaf);
		cr_assert_eq(leaf.member.state, LC_JOIN_LEFT);
		root.is_stuck = true;
		connection_is_back();
		cr_assert_eq(unread_leave(&root)->reason, ways[i % WAYS].reason);
		cr_assert_eq(unread_leave(&root)->datagrams, 4);
		root.is_stuck = false;
		settle();
		cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, ways[i % WAYS].reason);
		nothing_is_left("an end that the leaf's next daemon tells of");
	}
}

/* Said, and lost with the daemon that said it: the next one says the same. */
Test(membership_farewells, leave_is_lost_with_its_daemon)
{
	struct lc_message said;

	leaf_joins();
	data_flows(10, 10);
	leaf.is_stuck = true;
	leaves(&root, 0);
	said = *unread_leave(&leaf);
	cr_assert_eq(said.reason, LEAFCAST_CLOSED);
	cr_assert_eq(said.datagrams, 10);
	is_kept(&root, 0, 10);
	connection_breaks(0);
	daemon_is_replaced(&root);
	connection_is_back();
	cr_assert_eq(unread_leave(&leaf)->reason, said.reason);
	cr_assert_eq(unread_leave(&leaf)->datagrams, said.datagrams);
	leaf.is_stuck = false;
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("a LEAVE that two daemons said");
}

/* What is sent until the leaf has left is in the LEAVE, and in the farewell that is stored before. */
Test(membership_farewells, copies_are_made_while_the_leaf_leaves)
{
	leaf_joins();
	data_flows(10, 10);
	root.late = 2;
	leaf.is_stuck = true;
	leaves(&root, 0);
	cr_assert_eq(unread_leave(&leaf)->datagrams, 12);
	is_kept(&root, 0, 12);
	connection_breaks(0);
	daemon_is_replaced(&root);
	leaf.is_stuck = false;
	connection_is_back();
	cr_assert_eq(leaf.member.expected, 12);
	leaf.arrived += 2;
	wait_us(10000);
	nothing_is_left("a close with copies that came late");
}

Test(membership_farewells, both_close_and_both_daemons_are_replaced)
{
	leaf_joins();
	connection_breaks(0);
	leaves(&root, 0);
	leaves(&leaf, 0);
	daemon_is_replaced(&root);
	daemon_is_replaced(&leaf);
	connection_is_back();
	cr_assert_null(heard(&root, LC_LOCAL_CLOSED));
	cr_assert_null(heard(&leaf, LC_LOCAL_CLOSED));
	nothing_is_left("two closes that two other daemons told of");
}

/* ---- how long ---- */

static void is_forgotten(const struct end *end)
{
	cr_assert_eq(end->farewell.number, 0);
	cr_assert(end->gone);
}

Test(membership_farewells, none_for_who_is_told_at_once)
{
	leaf_joins();
	leaves(&leaf, 0);
	settle();
	is_forgotten(&leaf);
	cr_assert_eq(root.farewell.number, 0, "who was left has nothing to say");
	nothing_is_left("a close that is read at once");
	world_begins();
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	settle();
	lc_membership_event(&leaf.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	settle();
	nothing_is_left("a join that was given up");
}

/* However many daemons there were: the time is counted from when it left. */
Test(membership_farewells, is_kept_for_the_grace_time)
{
	leaf_joins();
	connection_breaks(0);
	leaves(&root, 0);
	for (int daemons = 0; daemons < 3; daemons++) {
		wait_us(19 * LC_MEMBERSHIP_SECOND);
		daemon_is_replaced(&root);
		cr_assert_eq(root.member.state, LC_JOIN_LEFT);
	}
	wait_us(2 * LC_MEMBERSHIP_SECOND);
	cr_assert_eq(root.member.state, LC_JOIN_LEFT, "59 s");
	wait_us(2 * LC_MEMBERSHIP_SECOND);
	is_forgotten(&root);
	nothing_is_left("a farewell that nobody came for");
}

/* The other node knows, has it no more, or has not come in the grace time. */
Test(membership_farewells, nobody_is_to_be_told_any_more)
{
	static const enum lc_join_event events[] = {LC_ON_LEAVE_READ, LC_ON_GOT_LEAVE,
						    LC_ON_FORGOTTEN, LC_ON_DEADLINE};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct end *ends[] = {&root, &leaf};

		for (int j = 0; j < 2; j++) {
			world_begins();
			leaf_joins();
			connection_breaks(0);
			leaves(ends[j], 0);
			daemon_is_replaced(ends[j]);
			lc_membership_event(&ends[j]->member, LC_ON_GOT_REPORT, LEAFCAST_NO_REASON);
			lc_membership_event(&ends[j]->member, LC_ON_RESUMED, LEAFCAST_NO_REASON);
			/* That there is no way there for a moment is no reason not to say it later. */
			lc_membership_event(&ends[j]->member, LC_ON_DEAD, LEAFCAST_NO_REASON);
			cr_assert_eq(ends[j]->member.state, LC_JOIN_LEFT);
			cr_assert_neq(ends[j]->farewell.number, 0);
			lc_membership_event(&ends[j]->member, events[i], LEAFCAST_NO_REASON);
			is_forgotten(ends[j]);
		}
	}
}
