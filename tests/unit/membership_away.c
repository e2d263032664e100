/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Memberships whose other daemon, other host or own daemon is away; in the world of world.h. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "world.h"

TestSuite(membership_away, .init = world_begins, .timeout = 30);

/* ---- the other daemon is away, the other host is dead ---- */

/* Nothing but the state changes, at either end; what was agreed on goes on. */
Test(membership_away, connection_breaks_and_is_back)
{
	leaf_joins();
	connection_breaks(0);
	cr_assert_eq(root.member.state, LC_JOIN_SUSPENDED);
	cr_assert_eq(leaf.member.state, LC_JOIN_SUSPENDED);
	cr_assert(root.shown_suspended && leaf.shown_suspended);
	data_flows(7, 7);
	wait_us(59 * LC_MEMBERSHIP_SECOND);
	cr_assert(root.entered && leaf.admits, "less than the grace time");
	connection_is_back();
	cr_assert_eq(root.member.state, LC_JOIN_MEMBER);
	cr_assert_eq(leaf.member.state, LC_JOIN_MEMBER);
	cr_assert_not(root.shown_suspended || leaf.shown_suspended);
	cr_assert_null(heard(&root, LC_LOCAL_CLOSED));
	cr_assert_null(heard(&leaf, LC_LOCAL_CLOSED));
	cr_assert_eq(root.joined + leaf.joined, 2, "a resume is no join");
	wait_us(120 * LC_MEMBERSHIP_SECOND);
	cr_assert_eq(root.member.state, LC_JOIN_MEMBER, "and no deadline is left of it");
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("a close after a resume");
}

Test(membership_away, nobody_claims_it)
{
	leaf_joins();
	connection_breaks(-ECONNRESET);
	wait_us(61 * LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
	nothing_is_left("the grace time");
}

Test(membership_away, other_host_dies)
{
	static const int errors[] = {-ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		world_begins();
		leaf_joins();
		connection_breaks(errors[i]);
		cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
		cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
		nothing_is_left("a dead host");
	}
}

/* A daemon that is back without it: its host was started anew, or all was taken down there. */
Test(membership_away, other_daemon_has_forgotten)
{
	leaf_joins();
	connection_breaks(0);
	root.member.state = LC_JOIN_GONE;
	connection_is_back();
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
	cr_assert_not(leaf.admits);
	cr_assert(leaf.gone);
	world_begins();
	leaf_joins();
	connection_breaks(0);
	leaf.member.state = LC_JOIN_GONE;
	connection_is_back();
	cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
	cr_assert_not(root.entered || root.has_leaf);
	cr_assert(root.gone);
}

/* What either end does meanwhile is said when they meet again, with its counts. */
Test(membership_away, root_closes_while_the_leafs_daemon_is_away)
{
	leaf_joins();
	connection_breaks(0);
	data_flows(10, 4);
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	cr_assert(root.released && !root.has_leaf && !root.entered, "it holds nothing any more");
	cr_assert_not(root.gone, "but still has something to say");
	root.sent = 4711; /* of whoever has the record now */
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_null(heard(&leaf, LC_LOCAL_CLOSED));
	connection_is_back();
	cr_assert_eq(leaf.member.state, LC_JOIN_DRAINING);
	cr_assert_eq(leaf.member.expected, 10);
	leaf.arrived += 6;
	wait_us(10000);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("a close while the leaf's daemon was away");
}

Test(membership_away, leaf_ends_while_the_roots_daemon_is_away)
{
	static const struct {
		enum lc_join_event event;
		enum leafcast_reason reason;
	} rows[] = {{LC_ON_APP_CLOSES, LEAFCAST_CLOSED}, {LC_ON_APP_DIES, LEAFCAST_RESET}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_begins();
		leaf_joins();
		connection_breaks(0);
		lc_membership_event(&leaf.member, rows[i].event, LEAFCAST_NO_REASON);
		cr_assert(leaf.released && !leaf.admits);
		lc_membership_follow_path(&leaf.member);
		cr_assert_not(leaf.admits, "what it held is somebody else's");
		connection_is_back();
		cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, rows[i].reason);
		cr_assert_null(heard(&leaf, LC_LOCAL_CLOSED));
		nothing_is_left("an end while the root's daemon was away");
	}
}

/* The connection is broken and nobody knows yet: what is held is given back all the same. */
Test(membership_away, leave_cannot_be_sent)
{
	leaf_joins();
	root.send_error = -EPIPE;
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	cr_assert(root.released && !root.has_leaf);
	root.send_error = 0;
	connection_breaks(-ECONNRESET);
	connection_is_back();
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("a LEAVE that could not be sent");
}

/* A LEAVE that is lost with the connection is said again; one that nobody will ever hear is not kept for ever. */
Test(membership_away, leave_is_lost_with_the_connection)
{
	leaf_joins();
	data_flows(10, 10);
	root.sent = 10;
	leaf.is_stuck = true;
	lc_membership_event(&root.member, LC_ON_APP_DIES, LEAFCAST_NO_REASON);
	settle();
	cr_assert_eq(root.member.state, LC_JOIN_LEFT);
	connection_breaks(-ECONNRESET);
	leaf.is_stuck = false;
	connection_is_back();
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_RESET);
	nothing_is_left("a LEAVE that was lost");
	world_begins();
	leaf_joins();
	connection_breaks(0);
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	wait_us(61 * LC_MEMBERSHIP_SECOND);
	nothing_is_left("a LEAVE that nobody hears");
}

Test(membership_away, both_close_at_once)
{
	leaf_joins();
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	lc_membership_event(&leaf.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	settle();
	cr_assert_null(heard(&root, LC_LOCAL_CLOSED));
	cr_assert_null(heard(&leaf, LC_LOCAL_CLOSED));
	nothing_is_left("two closes");
	world_begins();
	leaf_joins();
	connection_breaks(0);
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	lc_membership_event(&leaf.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	connection_is_back();
	nothing_is_left("two closes, said later");
}

/* Joins that are not complete end with the connection, and what the other end made of them when it is back. */
Test(membership_away, acceptance_is_lost_with_the_connection)
{
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	wait_us(1);
	leaf.is_stuck = true;
	accepts(&root, &yes);
	settle();
	cr_assert_eq(root.member.state, LC_JOIN_MEMBER);
	connection_breaks(0);
	cr_assert_eq(outcome(&leaf), LEAFCAST_NO_CONTROL);
	connection_is_back();
	cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
	nothing_is_left("an acceptance that was lost");
}

/* ---- the own daemon goes and comes ---- */

/* Both ends have what a resume needs before the other can know that it is a member. */
Test(membership_away, is_kept_before_anybody_is_told)
{
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	wait_us(1);
	cr_assert_eq(root.kept.number, 0, "no member yet");
	accepts(&root, &yes);
	cr_assert_neq(root.kept.number, 0);
	cr_assert_eq(leaf.kept.number, 0);
	settle();
	cr_assert_eq(leaf.kept.number, root.kept.number);
	cr_assert_eq(memcmp(&leaf.kept.secret, &root.kept.secret, sizeof(root.kept.secret)), 0);
	cr_assert_eq(leaf.kept.left, LEAFCAST_NO_REASON);
}

static void each_daemon_is_replaced(void)
{
	static struct end *const ends[] = {&root, &leaf};

	for (int i = 0; i < 2; i++) {
		connection_breaks(0);
		daemon_is_replaced(ends[i]);
		cr_assert_eq(ends[i]->member.state, LC_JOIN_SUSPENDED);
		cr_assert(ends[i]->shown_suspended, "until the other node is heard of");
		data_flows(5, 5);
		connection_is_back();
		cr_assert_eq(root.member.state, LC_JOIN_MEMBER);
		cr_assert_eq(leaf.member.state, LC_JOIN_MEMBER);
		cr_assert_not(root.shown_suspended || leaf.shown_suspended);
	}
	cr_assert_eq(root.heard_count, 2, "REQUEST and REPLY, nothing else");
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("a close after two other daemons");
}

/* The grace time runs anew for the next daemon, and no longer. */
Test(membership_away, daemon_is_replaced_and_nobody_claims_it)
{
	leaf_joins();
	connection_breaks(0);
	daemon_is_replaced(&root);
	wait_us(61 * LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
	nothing_is_left("the grace time after another daemon");
}

Test(membership_away, daemons_are_replaced)
{
	leaf.arrived = 100; /* of a membership before this one */
	leaf_joins();
	each_daemon_is_replaced();
}

/* What is on its way when the leaf's daemon goes is waited for by the next one. */
Test(membership_away, daemon_is_replaced_while_it_drains)
{
	leaf.arrived = 100;
	leaf_joins();
	data_flows(10, 4);
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	settle();
	cr_assert_eq(leaf.kept.left, LEAFCAST_CLOSED);
	daemon_is_replaced(&leaf);
	cr_assert_eq(leaf.member.state, LC_JOIN_DRAINING);
	wait_us(50000);
	cr_assert_null(heard(&leaf, LC_LOCAL_CLOSED));
	leaf.arrived += 6;
	wait_us(10000);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("a close that two daemons waited for");
	world_begins();
	leaf_joins();
	data_flows(10, 4);
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	settle();
	leaf.timer_error = -ENOMEM;
	daemon_is_replaced(&leaf);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("a close without a timer, at the next daemon");
}
