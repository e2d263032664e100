/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A process killed in each state of a join (core/join.h): the other end is
 * told or hung up on, and nothing of it is left.
 */
#include "hostile.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(killed, .timeout = 60);

#define LEAF "192.0.2.1:6000"

static struct lc_local_message join_to(const char *peer)
{
	return (struct lc_local_message){.kind = LC_LOCAL_JOIN,
					 .socket = 1,
					 .other = 2,
					 .peer = at(peer),
					 .sends = true,
					 .receives = true};
}

/* ---- who is killed ---- */

static void joins_from_afar(void)
{
	struct app app = app_with_leaf(LEAF, 0);

	app_tell(&app, join_to("192.0.2.2:5000"), -1);
	pause();
}

static void joins_here(void)
{
	struct app app = app_with_leaf(LEAF, 0);

	app_tell(&app, join_to(SESSION), -1);
	pause();
}

static void invites(void)
{
	struct app app = app_with_root(SESSION, 0);

	app_tell(&app, join_to("192.0.2.2:5000"), udp_here("0.0.0.0:0"));
	pause();
}

static void invites_here(void)
{
	struct app app = app_with_root(SESSION, 0);

	app_tell(&app, join_to(LEAF), udp_here("0.0.0.0:0"));
	pause();
}

static void listens_as_root(void)
{
	struct app app = app_with_root(SESSION, 5);

	(void)app;
	pause();
}

static void accepts_as_root(void)
{
	struct app app = app_with_root(SESSION, 5);

	app_accepts(&app, 2);
	pause();
}

static void listens_as_leaf(void)
{
	struct app app = app_with_leaf(LEAF, 5);

	(void)app;
	pause();
}

static void accepts_as_leaf(void)
{
	struct app app = app_with_leaf(LEAF, 5);
	uint64_t request = app_event(&app, LC_LOCAL_REQUEST).request;

	app_tell(&app,
		 (struct lc_local_message){.kind = LC_LOCAL_ACCEPT,
					   .socket = 1,
					   .other = 2,
					   .request = request,
					   .receives = true},
		 udp_here("192.0.2.1:0"));
	pause();
}

static pid_t run(void (*act)(void))
{
	pid_t process = fork();

	if (process == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		act();
		_exit(0);
	}
	cr_assert(process > 0);
	return process;
}

static void slay(pid_t process)
{
	cr_assert_eq(kill(process, SIGKILL), 0);
	cr_assert_eq(waitpid(process, NULL, 0), process);
}

/* Until the process that was started has come so far. */
static void has_admits(unsigned int count)
{
	long deadline = now_ms() + 5000;

	while (holding().admits != count && now_ms() < deadline)
		pause_ms(2);
	cr_assert_eq(holding().admits, count);
}

static void is_listening(void)
{
	has_admits(1);
	pause_ms(30);
}

static struct lc_message heard(struct lc_peer *peer, enum lc_message_kind kind)
{
	struct lc_message message;

	cr_assert_eq(hear(peer, &message, 2000), (int)kind);
	return message;
}

/* ---- of the joiner ---- */

enum progress {
	REQUESTED,
	PROVEN,
	MEMBER,
	DRAINING
};

static void joiner_is_killed(enum progress when)
{
	struct lc_peer_listener *listener = other_daemon();
	int root = udp_there("192.0.2.2:5000");
	pid_t joiner = run(joins_from_afar);
	struct lc_peer *peer = answer_call(listener);
	struct lc_message join = heard(peer, LC_MESSAGE_JOIN);

	if (when >= PROVEN) {
		send_probe(root, &join.leaf, join.token);
		heard(peer, LC_MESSAGE_SEEN);
	}
	if (when >= MEMBER) {
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_ACCEPT});
		pause_ms(20);
	}
	if (when >= DRAINING) {
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_LEAVE, .datagrams = UINT64_MAX});
		pause_ms(20);
	}
	slay(joiner);
	if (when < DRAINING)
		hear_refusal(peer, LC_MESSAGE_LEAVE, LEAFCAST_RESET);
	lc_peer_free(peer);
	holds_nothing(2);
	close(root);
	lc_peer_listener_free(listener);
}

Behaves(killed, joiner_connecting)
{
	pid_t joiner;

	there("ip route add blackhole 192.0.2.1/32");
	joiner = run(joins_from_afar);
	has_admits(1);
	pause_ms(50);
	slay(joiner);
	holds_nothing(1);
	there("ip route del blackhole 192.0.2.1/32");
}

Behaves(killed, joiner_requested)
{
	joiner_is_killed(REQUESTED);
}

Behaves(killed, joiner_proven)
{
	joiner_is_killed(PROVEN);
}

Behaves(killed, joiner_member)
{
	joiner_is_killed(MEMBER);
}

Behaves(killed, joiner_draining)
{
	joiner_is_killed(DRAINING);
}

/* ---- of the admitter ---- */

Behaves(killed, admitter_probing)
{
	pid_t root = run(listens_as_root);
	struct leaf leaf = leaf_new("192.0.2.2:0");

	is_listening();
	leaf_asks(&leaf, SESSION);
	leaf_sees_probe(&leaf);
	slay(root);
	hear_refusal(leaf.peer, LC_MESSAGE_REFUSE, LEAFCAST_NOBODY_LISTENING);
	leaf_free(&leaf);
}

Behaves(killed, admitter_asking)
{
	pid_t root = run(listens_as_root);
	struct leaf leaf = leaf_new("192.0.2.2:0");

	is_listening();
	leaf_asks(&leaf, SESSION);
	leaf_proves(&leaf);
	pause_ms(20);
	slay(root);
	hear_refusal(leaf.peer, LC_MESSAGE_REFUSE, LEAFCAST_NOBODY_LISTENING);
	leaf_free(&leaf);
}

Behaves(killed, admitter_member)
{
	pid_t root = run(accepts_as_root);
	struct leaf leaf = leaf_new("192.0.2.2:0");

	is_listening();
	leaf_asks(&leaf, SESSION);
	leaf_proves(&leaf);
	heard(leaf.peer, LC_MESSAGE_ACCEPT);
	slay(root);
	hear_refusal(leaf.peer, LC_MESSAGE_LEAVE, LEAFCAST_RESET);
	leaf_free(&leaf);
}

/* ---- of the inviter ---- */

static void inviter_is_killed(enum progress when)
{
	struct lc_peer_listener *listener = other_daemon();
	int leaf = udp_there("192.0.2.2:5000");
	pid_t inviter = run(invites);
	struct lc_peer *peer = answer_call(listener);

	heard(peer, LC_MESSAGE_INVITE);
	if (when >= PROVEN) {
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_ACCEPT,
					       .leaf = at("192.0.2.2:5000"),
					       .token = 7,
					       .leaf_receives = true});
		has_leaves(1);
	}
	if (when >= MEMBER) {
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_SEEN, .token = 7});
		heard(peer, LC_MESSAGE_JOINED);
	}
	slay(inviter);
	hear_refusal(peer, LC_MESSAGE_LEAVE, LEAFCAST_RESET);
	lc_peer_free(peer);
	holds_nothing(2);
	close(leaf);
	lc_peer_listener_free(listener);
}

Behaves(killed, inviter_connecting)
{
	pid_t inviter;

	there("ip route add blackhole 192.0.2.1/32");
	inviter = run(invites);
	has_admits(2);
	pause_ms(50);
	slay(inviter);
	holds_nothing(1);
	there("ip route del blackhole 192.0.2.1/32");
}

Behaves(killed, inviter_requested)
{
	inviter_is_killed(REQUESTED);
}

Behaves(killed, inviter_probing)
{
	inviter_is_killed(PROVEN);
}

Behaves(killed, inviter_member)
{
	inviter_is_killed(MEMBER);
}

/* ---- of the invitee ---- */

static struct lc_peer *invite_it(void)
{
	struct lc_peer *peer = call("192.0.2.2");

	tell(peer, (struct lc_message){.kind = LC_MESSAGE_INVITE,
				       .session = at("192.0.2.2:5000"),
				       .leaf = at(LEAF)});
	return peer;
}

Behaves(killed, invitee_asking)
{
	pid_t leaf = run(listens_as_leaf);
	struct lc_peer *peer;

	is_listening();
	peer = invite_it();
	pause_ms(50);
	slay(leaf);
	hear_refusal(peer, LC_MESSAGE_REFUSE, LEAFCAST_NOBODY_LISTENING);
	lc_peer_free(peer);
}

static void invitee_is_killed(enum progress when)
{
	pid_t leaf = run(accepts_as_leaf);
	int root = udp_there("192.0.2.2:5000");
	struct lc_message accept;
	struct lc_peer *peer;

	is_listening();
	peer = invite_it();
	accept = heard(peer, LC_MESSAGE_ACCEPT);
	if (when >= PROVEN) {
		send_probe(root, &accept.leaf, accept.token);
		heard(peer, LC_MESSAGE_SEEN);
	}
	if (when >= MEMBER) {
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_JOINED});
		pause_ms(20);
	}
	if (when >= DRAINING) {
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_LEAVE, .datagrams = UINT64_MAX});
		pause_ms(20);
	}
	slay(leaf);
	if (when < DRAINING)
		hear_refusal(peer, LC_MESSAGE_LEAVE, LEAFCAST_RESET);
	lc_peer_free(peer);
	holds_nothing(2);
	close(root);
}

Behaves(killed, invitee_confirming)
{
	invitee_is_killed(REQUESTED);
}

Behaves(killed, invitee_proven)
{
	invitee_is_killed(PROVEN);
}

Behaves(killed, invitee_member)
{
	invitee_is_killed(MEMBER);
}

Behaves(killed, invitee_draining)
{
	invitee_is_killed(DRAINING);
}

/* ---- both ends in one daemon: at whatever moment either dies, or both at once ---- */

enum victim {
	ASKED = 1,
	ASKER = 2,
	BOTH = 3
};

static void one_of_a_pair_is_killed(void (*asked)(void), void (*asker)(void))
{
	for (int i = 0; i < 30; i++) {
		enum victim victim = (enum victim)(i % 3 + 1);
		pid_t first = run(asked), second;

		is_listening();
		second = run(asker);
		pause_ms(i < 24 ? i / 3 : 40);
		if (victim & ASKED)
			slay(first);
		if (victim & ASKER)
			slay(second);
		if (!(victim & ASKED)) {
			pause_ms(20);
			slay(first);
		}
		if (!(victim & ASKER)) {
			pause_ms(20);
			slay(second);
		}
		holds_nothing(2);
	}
}

Behaves(killed, pair_that_joins)
{
	one_of_a_pair_is_killed(accepts_as_root, joins_here);
}

Behaves(killed, pair_that_joins_and_waits)
{
	one_of_a_pair_is_killed(listens_as_root, joins_here);
}

Behaves(killed, pair_that_invites)
{
	one_of_a_pair_is_killed(accepts_as_leaf, invites_here);
}

Behaves(killed, pair_that_invites_and_waits)
{
	one_of_a_pair_is_killed(listens_as_leaf, invites_here);
}

/* A process that hands its connection to another and dies: the members go with it. */
Behaves(killed, a_child_holds_the_connection_open)
{
	pid_t root = run(accepts_as_root), joiner, child = -1;
	int report[2];

	cr_assert_eq(pipe(report), 0);
	is_listening();
	joiner = fork();
	if (joiner == 0) {
		struct app app = app_with_leaf(LEAF, 0);

		app_tell(&app, join_to(SESSION), -1);
		child = fork();
		if (child == 0) {
			alarm(20); /* should the test fail */
			pause();
		}
		_exit(write(report[1], &child, sizeof(child)) < 0 || pause() == 0);
	}
	cr_assert_eq(read(report[0], &child, sizeof(child)), (ssize_t)sizeof(child));
	has_leaves(1);
	slay(joiner);
	has_leaves(0);
	slay(root);
	holds_nothing(2);
	kill(child, SIGKILL);
}
