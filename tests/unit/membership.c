/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Whole memberships, both ends against each other, in the world of world.h:
 * the pictures of core/message.h, and every way in which a membership can end.
 * Its flows are in membership_flows.c, daemons that go and come in
 * membership_away.c, refusals in refusals.c.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/endpoint.h"
#include "world.h"

TestSuite(membership, .init = world_begins, .timeout = 30);

static void is_data(const struct lc_connect_data *data, const char *text)
{
	cr_assert(data->present);
	cr_assert_eq(data->length, strlen(text));
	cr_assert_eq(memcmp(data->bytes, text, data->length), 0);
}

static void is_name(const struct lc_endpoint *name, const char *text)
{
	char found[LC_ENDPOINT_TEXT];

	cr_assert_str_eq(lc_endpoint_format(found, name), text);
}

/* ---- the left picture ---- */

Test(membership, leaf_asks_root_accepts)
{
	const struct lc_local_message *request, *reply;

	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	settle();
	cr_assert(leaf.admits, "the anchor is admitted before it is asked for a probe");
	cr_assert(root.has_leaf);
	cr_assert_null(heard(&root, LC_LOCAL_REQUEST), "the path is proven first");
	wait_us(1);
	cr_assert_eq(root.probes, 1);
	request = request_at(&root);
	is_data(&request->data, "hi");
	is_name(&request->peer, "192.0.2.2:6000");
	is_name(&request->name, "192.0.2.1:5000");
	cr_assert_not(request->has_flows);
	cr_assert_eq(root.waiting, 1);
	cr_assert_not(root.entered, "no data before the application has said yes");
	accepts(&root, &yes);
	cr_assert(root.entered);
	cr_assert_eq(root.waiting, 0, "decided: the place is free");
	settle();
	reply = heard(&leaf, LC_LOCAL_REPLY);
	cr_assert_eq(outcome(&leaf), LEAFCAST_NO_REASON);
	cr_assert_eq(reply->id, 11);
	is_data(&reply->data, "yes");
	is_name(&reply->peer, "192.0.2.1:5000");
	is_name(&reply->name, "192.0.2.2:6000");
	cr_assert_eq(outcome(&root), LEAFCAST_NO_REASON);
	cr_assert_eq(heard(&root, LC_LOCAL_REPLY)->id, yes.reply);
}

/* The close does not overtake the data: what was sent arrives first. */
Test(membership, root_closes_after_data)
{
	leaf.arrived = 100; /* of a membership before this one */
	leaf_joins();
	data_flows(10, 4);
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	cr_assert(root.left && root.released);
	wait_us(100000);
	cr_assert_null(heard(&leaf, LC_LOCAL_CLOSED), "six are on their way");
	leaf.arrived += 6;
	wait_us(10000);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	cr_assert_null(heard(&root, LC_LOCAL_CLOSED), "who closes is not told");
	nothing_is_left("the root's close");
}

/* What does not arrive is waited for, but not for ever. */
Test(membership, root_closes_data_is_lost)
{
	leaf_joins();
	data_flows(10, 4);
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("a close with data lost");
}

/* ...nor for ever where it trickles in. */
Test(membership, root_closes_data_trickles)
{
	leaf_joins();
	data_flows(1000, 0);
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	for (int i = 0; i < 20; i++) {
		wait_us(LC_MEMBERSHIP_SECOND / 10);
		leaf.arrived++;
	}
	cr_assert_null(heard(&leaf, LC_LOCAL_CLOSED));
	for (int i = 0; i < 40; i++) {
		wait_us(LC_MEMBERSHIP_SECOND / 10);
		leaf.arrived++;
	}
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("a close with data that trickles");
}

/* Without memory for a timer the end is told at once, not never. */
Test(membership, drains_without_a_timer)
{
	leaf_joins();
	data_flows(10, 4);
	leaf.timer_error = -ENOMEM;
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	settle();
	cr_assert_not_null(heard(&leaf, LC_LOCAL_CLOSED));
	nothing_is_left("a close without a timer");
	world_begins();
	leaf_joins();
	data_flows(10, 4);
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	wait_us(1);
	leaf.timer_error = -ENOMEM;
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("a close whose timer goes");
}

/* Peers that give no reason. */
Test(membership, words_without_a_reason)
{
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	settle();
	lc_membership_message(&leaf.member, &(struct lc_message){.kind = LC_MESSAGE_REFUSE});
	cr_assert_eq(outcome(&leaf), LEAFCAST_REJECTED);
	world_begins();
	leaf_joins();
	lc_membership_message(&root.member, &(struct lc_message){.kind = LC_MESSAGE_LEAVE});
	cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
}

/* A root that takes nothing from leaves says so to its record of each. */
Test(membership, root_that_only_sends)
{
	leaf_joins();
	cr_assert(root.member.root_receives);
	world_begins();
	root.terms.root_receives = false;
	leaf_joins();
	cr_assert_not(root.member.root_receives);
}

Test(membership, leaf_closes)
{
	leaf_joins();
	lc_membership_event(&leaf.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	settle();
	cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	cr_assert_null(heard(&leaf, LC_LOCAL_CLOSED));
	nothing_is_left("the leaf's close");
}

Test(membership, processes_die)
{
	leaf_joins();
	lc_membership_event(&leaf.member, LC_ON_APP_DIES, LEAFCAST_NO_REASON);
	settle();
	cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_RESET);
	nothing_is_left("the leaf's death");
	world_begins();
	leaf_joins();
	lc_membership_event(&root.member, LC_ON_APP_DIES, LEAFCAST_NO_REASON);
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_RESET);
	nothing_is_left("the root's death");
}

/* ---- the right picture ---- */

Test(membership, root_invites_leaf_accepts)
{
	const struct lc_local_message *request, *reply;

	cr_assert_eq(root_invites(NULL), LEAFCAST_NO_REASON);
	settle();
	request = request_at(&leaf);
	is_data(&request->data, "hi");
	is_name(&request->peer, "192.0.2.1:5000");
	is_name(&request->name, "192.0.2.2:7000");
	cr_assert_not(root.has_leaf, "where the leaf receives is known when it has accepted");
	accepts(&leaf, &yes);
	settle();
	cr_assert(leaf.admits && root.has_leaf);
	cr_assert_null(heard(&root, LC_LOCAL_REPLY), "the path is proven first");
	cr_assert_null(heard(&leaf, LC_LOCAL_REPLY), "the root enters it first");
	wait_us(1);
	reply = heard(&root, LC_LOCAL_REPLY);
	cr_assert_eq(outcome(&root), LEAFCAST_NO_REASON);
	is_data(&reply->data, "yes");
	is_name(&reply->peer, "192.0.2.2:6000");
	cr_assert_eq(outcome(&leaf), LEAFCAST_NO_REASON);
	cr_assert(root.entered);
}

Test(membership, invited_leaf_closes)
{
	root_invites_and_leaf_accepts();
	lc_membership_event(&leaf.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	settle();
	cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("the invited leaf's close");
}

Test(membership, inviting_root_closes)
{
	root_invites_and_leaf_accepts();
	data_flows(3, 3);
	lc_membership_event(&root.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_CLOSED);
	nothing_is_left("the inviting root's close");
}

/* Which directions it uses an invited leaf says when it accepts. */
Test(membership, invited_leaf_of_one_direction)
{
	struct lc_membership_answer answer = yes;

	answer.sends = false;
	cr_assert_eq(root_invites(NULL), LEAFCAST_NO_REASON);
	settle();
	accepts(&leaf, &answer);
	wait_us(1);
	cr_assert_eq(outcome(&root), LEAFCAST_NO_REASON);
	cr_assert(root.member.leaf_receives);
	cr_assert_not(root.member.leaf_sends);
	world_begins();
	answer = yes;
	answer.receives = false;
	cr_assert_eq(root_invites(NULL), LEAFCAST_NO_REASON);
	settle();
	accepts(&leaf, &answer);
	wait_us(1);
	cr_assert_eq(outcome(&root), LEAFCAST_NO_REASON);
	cr_assert_not(root.member.leaf_receives);
	cr_assert(root.member.leaf_sends);
}

/* The root has fallen silent after the leaf said yes: WSPAccept comes back all the same. */
Test(membership, invited_leaf_waits_no_longer_than_that)
{
	cr_assert_eq(root_invites(NULL), LEAFCAST_NO_REASON);
	settle();
	root.is_stuck = true;
	accepts(&leaf, &yes);
	wait_us(LC_CONFIRM_DEADLINE);
	cr_assert_eq(outcome(&leaf), LEAFCAST_TIMED_OUT);
	cr_assert_leq(LC_CONFIRM_DEADLINE, LC_LOCAL_ACCEPT_MS * 1000ull);
}

/* A root on the wildcard is known to the leaf by the address it is reached from. */
Test(membership, root_on_the_wildcard)
{
	cr_assert_eq(root_invites(NULL), LEAFCAST_NO_REASON);
	memset(root.member.session_name.addr, 0, sizeof(root.member.session_name.addr));
	settle();
	is_name(&request_at(&leaf)->peer, "192.0.2.1:5000");
}

/* ---- connections that break, and garbage, at every moment ---- */

Test(membership, connection_ends_while_asked)
{
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	wait_us(1);
	request_at(&root);
	connection_breaks(0);
	cr_assert_eq(outcome(&leaf), LEAFCAST_NO_CONTROL);
	cr_assert_eq(heard(&root, LC_LOCAL_WITHDRAWN)->reason, LEAFCAST_RESET);
	nothing_is_left("an end of the connection");
}

Test(membership, garbage_while_asked)
{
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	wait_us(1);
	request_at(&root);
	lc_membership_garbage(&root.member);
	settle();
	cr_assert_eq(outcome(&leaf), LEAFCAST_PROTOCOL);
	cr_assert_eq(heard(&root, LC_LOCAL_WITHDRAWN)->reason, LEAFCAST_PROTOCOL);
	nothing_is_left("garbage");
}

/* The token proves that the probe was seen. */
Test(membership, seen_with_another_token)
{
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	settle();
	lc_membership_message(&root.member,
			      &(struct lc_message){.kind = LC_MESSAGE_SEEN, .token = 4711});
	settle();
	cr_assert_eq(outcome(&leaf), LEAFCAST_PROTOCOL);
	nothing_is_left("a probe that was not seen");
}

/* An invited leaf names another host's address: copies are not directed there. */
Test(membership, answer_that_names_a_third_party)
{
	cr_assert_eq(root_invites(NULL), LEAFCAST_NO_REASON);
	settle();
	lc_endpoint_parse(&leaf.bound, "192.0.2.77:6000");
	accepts(&leaf, &yes);
	settle();
	cr_assert_eq(outcome(&root), LEAFCAST_PROTOCOL);
	cr_assert_eq(outcome(&leaf), LEAFCAST_PROTOCOL);
	cr_assert_eq(root.probes, 0);
	nothing_is_left("an answer that names a third party");
}

/* A leaf whose daemon came back without the old membership is let in while that one is suspended. */
Test(membership, suspended_one_makes_room)
{
	root.add_error = -EEXIST;
	root.evicts = true;
	leaf_joins();
}

/* Members on one node: both addresses are its own, and no other node must be let in. */
Test(membership, within_one_node)
{
	root.within_node = leaf.within_node = true;
	root.lets_in = leaf.lets_in = false;
	leaf.address = leaf.local = root.local;
	leaf_joins();
	is_name(&leaf.member.leaf_name, "192.0.2.1:6000");
}

/* Probes go on, ever more slowly, until one is seen. */
Test(membership, probes_until_seen)
{
	leaf.takes_no_probe = true;
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	wait_us(LC_MEMBERSHIP_SECOND);
	cr_assert_gt(root.probes, 3);
	cr_assert_lt(root.probes, 10);
	leaf.takes_no_probe = false;
	wait_us(LC_MEMBERSHIP_SECOND);
	request_at(&root);
}

/* A changed network is followed by the root's end; one that is gone follows nothing. */
Test(membership, path_is_followed)
{
	leaf_joins();
	root.path.hop.ifindex = 9;
	lc_membership_follow_path(&root.member);
	lc_membership_follow_path(&leaf.member);
	cr_assert_eq(root.hop.hop.ifindex, 9);
	root.path_error = -EIO;
	lc_membership_follow_path(&root.member);
	cr_assert_eq(root.hop.usable, LC_HOP_NO_ROUTE);
	lc_membership_event(&leaf.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	settle();
	lc_membership_follow_path(&leaf.member);
	cr_assert_not(leaf.admits);
}
