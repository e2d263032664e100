/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Whole memberships, both ends against each other, in the world of world.h:
 * the pictures of core/message.h, flows, and every way in which a membership
 * can end. Refusals are in refusals.c.
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

static void leaf_joins(void)
{
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	wait_us(1);
	accepts(&root, &yes);
	settle();
	cr_assert_eq(outcome(&leaf), LEAFCAST_NO_REASON);
	cr_assert_eq(outcome(&root), LEAFCAST_NO_REASON);
	cr_assert(root.entered && leaf.admits);
	cr_assert_eq(root.joined, 1);
	cr_assert_eq(leaf.joined, 1);
}

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

/* ---- the other daemon is away, the other host is dead ---- */

/* Nothing but the state changes, at either end; what was agreed on goes on. */
Test(membership, connection_breaks_and_is_back)
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

Test(membership, nobody_claims_it)
{
	leaf_joins();
	connection_breaks(-ECONNRESET);
	wait_us(61 * LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
	cr_assert_eq(heard(&leaf, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
	nothing_is_left("the grace time");
}

Test(membership, other_host_dies)
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
Test(membership, other_daemon_has_forgotten)
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
Test(membership, root_closes_while_the_leafs_daemon_is_away)
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

Test(membership, leaf_ends_while_the_roots_daemon_is_away)
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
Test(membership, leave_cannot_be_sent)
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
Test(membership, leave_is_lost_with_the_connection)
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

Test(membership, both_close_at_once)
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
Test(membership, acceptance_is_lost_with_the_connection)
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
Test(membership, is_kept_before_anybody_is_told)
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
Test(membership, daemon_is_replaced_and_nobody_claims_it)
{
	leaf_joins();
	connection_breaks(0);
	daemon_is_replaced(&root);
	wait_us(61 * LC_MEMBERSHIP_SECOND);
	cr_assert_eq(heard(&root, LC_LOCAL_CLOSED)->reason, LEAFCAST_LOST);
	nothing_is_left("the grace time after another daemon");
}

Test(membership, daemons_are_replaced)
{
	leaf.arrived = 100; /* of a membership before this one */
	leaf_joins();
	each_daemon_is_replaced();
}

/* What is on its way when the leaf's daemon goes is waited for by the next one. */
Test(membership, daemon_is_replaced_while_it_drains)
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

/* ---- the right picture ---- */

static void root_invites_and_leaf_accepts(void)
{
	cr_assert_eq(root_invites(NULL), LEAFCAST_NO_REASON);
	settle();
	accepts(&leaf, &yes);
	wait_us(1);
	cr_assert_eq(outcome(&root), LEAFCAST_NO_REASON);
	cr_assert_eq(outcome(&leaf), LEAFCAST_NO_REASON);
	cr_assert(root.entered && leaf.admits);
}

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

/* ---- flows ---- */

/* minimum of r, b, p, M and maximum of m over all who have a say (winsock.md, "Meaning of QoS at a join"). */
Test(membership, flows_of_all_are_merged)
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
Test(membership, open_m_is_the_path_mtu)
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
Test(membership, answer_that_makes_sense_only_merged)
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
Test(membership, root_that_only_sends_ignores_its_up)
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

/* A sender must name its rate, a receiver need not (winsock.md, FLOWSPEC). */
Test(membership, who_sends_names_a_rate)
{
	struct lc_flows open = flows_of("service=controlledload", NULL);

	cr_assert_eq(leaf_asks_to_join(&open), LEAFCAST_NO_REASON);
	world_begins();
	cr_assert_eq(root_invites(&open), LEAFCAST_BAD_FLOWSPEC);
	cr_assert_not(root.connecting);
}

/* M above the path's MTU: the end that sees that refuses, whatever the other one sees. */
Test(membership, m_above_the_mtu_of_either_end)
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
Test(membership, no_flows_are_none)
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
Test(membership, unused_direction_is_ignored)
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

/* A changed network is followed by both ends; one that is gone follows nothing. */
Test(membership, path_is_followed)
{
	leaf_joins();
	root.path.hop.ifindex = leaf.path.hop.ifindex = 9;
	lc_membership_follow_path(&root.member);
	lc_membership_follow_path(&leaf.member);
	cr_assert_eq(root.hop.hop.ifindex, 9);
	cr_assert_eq(leaf.admit_ifindex, 9);
	root.path_error = -EIO;
	lc_membership_follow_path(&root.member);
	cr_assert_eq(root.hop.usable, LC_HOP_NO_ROUTE);
	lc_membership_event(&leaf.member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	settle();
	lc_membership_follow_path(&leaf.member);
	cr_assert_not(leaf.admits);
}
