/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A process killed in each state of a join (core/join.h): the other end is
 * told, and nothing of it is left.
 */
#include "hostile.h"

#include <poll.h>
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

/* ---- who is killed; each says how far it has come ---- */

struct actor {
	pid_t process;
	int progress; /* a byte for each step */
};

static int report_to; /* in an actor */

static void has_come_a_step(void)
{
	if (write(report_to, "", 1) != 1)
		_exit(1);
}

/* Until the daemon has told it that; nothing else ends it but being killed. */
static void waits_for(struct app *app, enum lc_local_kind kind, uint64_t id)
{
	struct lc_local_message message;

	do
		if (!app_next(app, &message, 60000))
			_exit(1);
	while (message.kind != kind || message.id != id);
	has_come_a_step();
}

/* What was told before has been looked at when this is answered. */
static void has_been_heard(struct app *app)
{
	const struct lc_local_message hello = {.kind = LC_LOCAL_HELLO, .version = LC_LOCAL_VERSION};

	waits_for(app, LC_LOCAL_REPLY, app_tell(app, hello, -1));
}

/* Steps: it has asked; it is answered. */
static void asks(struct app app, const char *peer, int descriptor)
{
	uint64_t id = app_tell(&app, join_to(peer), descriptor);

	has_been_heard(&app);
	waits_for(&app, LC_LOCAL_REPLY, id);
	pause();
}

static void joins_from_afar(void)
{
	asks(app_with_leaf(LEAF, 0), "192.0.2.2:5000", -1);
}

static void joins_here(void)
{
	asks(app_with_leaf(LEAF, 0), SESSION, -1);
}

static void invites(void)
{
	asks(app_with_root(SESSION, 0), "192.0.2.2:5000", udp_here("0.0.0.0:0"));
}

static void invites_here(void)
{
	asks(app_with_root(SESSION, 0), LEAF, udp_here("0.0.0.0:0"));
}

/* Steps: it listens; it is asked. */
static void listens(struct app app)
{
	has_come_a_step();
	waits_for(&app, LC_LOCAL_REQUEST, 0);
	pause();
}

static void listens_as_root(void)
{
	listens(app_with_root(SESSION, 5));
}

static void listens_as_leaf(void)
{
	listens(app_with_leaf(LEAF, 5));
}

/* Steps: it listens; what it accepted has become a member. */
static void accepts(struct app app, const char *name)
{
	struct lc_local_message accept = {
		.kind = LC_LOCAL_ACCEPT, .socket = 1, .other = 2, .sends = true, .receives = true};
	struct lc_local_message request = {0};

	has_come_a_step();
	while (request.kind != LC_LOCAL_REQUEST)
		if (!app_next(&app, &request, 60000))
			_exit(1);
	accept.request = request.request;
	waits_for(&app, LC_LOCAL_REPLY, app_tell(&app, accept, udp_here(name)));
	pause();
}

static void accepts_as_root(void)
{
	accepts(app_with_root(SESSION, 5), "0.0.0.0:0");
}

static void accepts_as_leaf(void)
{
	accepts(app_with_leaf(LEAF, 5), "192.0.2.1:0");
}

static struct actor run(void (*act)(void))
{
	struct actor actor;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	actor = (struct actor){.process = fork(), .progress = ends[0]};
	if (actor.process == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		report_to = ends[1];
		act();
		_exit(0);
	}
	cr_assert(actor.process > 0);
	close(ends[1]);
	return actor;
}

static void comes_a_step(const struct actor *actor)
{
	struct pollfd ready = {.fd = actor->progress, .events = POLLIN};
	char step;

	cr_assert_eq(poll(&ready, 1, 10000), 1, "it does not come so far");
	cr_assert_eq(read(actor->progress, &step, 1), 1, "it has ended");
}

static void slay(const struct actor *actor)
{
	cr_assert_eq(kill(actor->process, SIGKILL), 0);
	cr_assert_eq(waitpid(actor->process, NULL, 0), actor->process);
	close(actor->progress);
}

/* What came to the daemon before has been looked at: the loop goes round twice in order. */
static void daemon_has_looked(void)
{
	struct app app = app_new();

	for (int i = 0; i < 2; i++)
		app_must(&app,
			 (struct lc_local_message){.kind = LC_LOCAL_HELLO,
						   .version = LC_LOCAL_VERSION},
			 -1);
	app_free(&app);
}

static struct lc_message heard(struct peer *peer, enum lc_message_kind kind)
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
	struct actor joiner = run(joins_from_afar);
	struct peer *peer = answer_call(listener);
	struct lc_message join = heard(peer, LC_MESSAGE_JOIN);

	if (when >= PROVEN) {
		send_probe(root, &join.leaf, join.token);
		heard(peer, LC_MESSAGE_SEEN);
	}
	if (when >= MEMBER) {
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_ACCEPT});
		comes_a_step(&joiner);
		comes_a_step(&joiner);
	}
	if (when >= DRAINING) {
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_LEAVE, .datagrams = UINT64_MAX});
		daemon_has_looked();
	}
	slay(&joiner);
	if (when < DRAINING)
		hear_refusal(peer, LC_MESSAGE_LEAVE, LEAFCAST_RESET);
	else /* which has said its last word */
		cr_assert(hears_nothing(peer));
	peer_free(peer);
	holds_nothing(2);
	close(root);
	lc_peer_listener_free(listener);
}

Behaves(killed, joiner_connecting)
{
	struct actor joiner;

	there("ip route add blackhole 192.0.2.1/32");
	joiner = run(joins_from_afar);
	comes_a_step(&joiner);
	slay(&joiner);
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

/* ---- its daemon ---- */

/* A leaf, number 1, by `descriptor`, whose JOIN the other node has heard. */
static struct peer *asks_another_node(struct app *app, int descriptor, uint64_t *id)
{
	struct lc_peer_listener *listener = other_daemon();
	struct peer *peer;

	*app = app_new();
	app_must(
		app,
		(struct lc_local_message){.kind = LC_LOCAL_OPEN, .socket = 1, .role = LC_ROLE_LEAF},
		dup(descriptor));
	*id = app_tell(app, join_to("192.0.2.2:5000"), -1);
	peer = answer_call(listener);
	lc_peer_listener_free(listener);
	return peer;
}

static void daemon_is_another(struct app *app, struct peer *peer)
{
	daemon_is_killed();
	cut(peer);
	app_free(app);
	daemon_starts_again("60");
	*app = app_new();
}

static enum leafcast_reason resumed(struct app *app, int descriptor, bool member)
{
	const struct lc_local_message resume = {
		.kind = LC_LOCAL_RESUME, .socket = 1, .role = LC_ROLE_LEAF, .member = member};
	struct lc_local_message reply = app_ask(app, resume, dup(descriptor));

	cr_assert_eq(reply.error, 0);
	return reply.reason;
}

static struct peer *joins_another_node(struct app *app, int descriptor)
{
	int root = udp_there("192.0.2.2:5000");
	uint64_t id;
	struct peer *peer = asks_another_node(app, descriptor, &id);
	struct lc_message join = heard(peer, LC_MESSAGE_JOIN);

	send_probe(root, &join.leaf, join.token);
	heard(peer, LC_MESSAGE_SEEN);
	tell(peer, (struct lc_message){.kind = LC_MESSAGE_ACCEPT});
	cr_assert_eq(app_answer(app, id).reason, LEAFCAST_NO_REASON);
	close(root);
	return peer;
}

/* What its application was told is so for the next daemon too. */
Behaves(killed, daemon_of_a_joiner_that_is_a_member)
{
	int descriptor = udp_here(LEAF);
	struct app app;
	struct peer *peer = joins_another_node(&app, descriptor);

	daemon_is_another(&app, peer);
	call_again(peer, &(struct proofs){1, {peer}, false});
	cr_assert_eq(resumed(&app, descriptor, true), LEAFCAST_NO_REASON);
	cr_assert_eq(holding().anchors, 1);
	app_must(&app, (struct lc_local_message){.kind = LC_LOCAL_CLOSE, .socket = 1}, -1);
	hear_refusal(peer, LC_MESSAGE_LEAVE, LEAFCAST_CLOSED);
	peer_free(peer);
	app_free(&app);
	close(descriptor);
}

/* Both at once, and both are started anew: the other node hears of the end before it is asked again. */
Behaves(killed, joiner_that_is_a_member_and_its_daemon)
{
	int descriptor = udp_here(LEAF);
	struct app app;
	struct peer *peer = joins_another_node(&app, descriptor), *next;
	struct lc_message message;
	uint64_t id;

	close(descriptor);
	daemon_is_another(&app, peer);
	call_again(peer, &(struct proofs){1, {peer}, false});
	app_must(
		&app,
		(struct lc_local_message){.kind = LC_LOCAL_OPEN, .socket = 1, .role = LC_ROLE_LEAF},
		udp_here(LEAF));
	id = app_tell(&app, join_to("192.0.2.2:5000"), -1);
	next = asked_beside(peer);
	heard(next, LC_MESSAGE_JOIN);
	cr_assert_eq(hear(peer, &message, 0), LC_MESSAGE_LEAVE);
	cr_assert_eq(message.reason, LEAFCAST_RESET);
	tell(next, (struct lc_message){.kind = LC_MESSAGE_REFUSE, .reason = LEAFCAST_REJECTED});
	cr_assert_eq(app_answer(&app, id).reason, LEAFCAST_REJECTED);
	app_must(&app, (struct lc_local_message){.kind = LC_LOCAL_CLOSE, .socket = 1}, -1);
	peer_free(next);
	peer_free(peer);
	app_free(&app);
}

/* Whom it was about to let in comes in no more: nobody would ever shut that door again. */
Behaves(killed, daemon_of_a_joiner_that_has_asked)
{
	int descriptor = udp_here(LEAF);
	struct peer *peer;
	struct app app;
	uint64_t id;

	peer = asks_another_node(&app, descriptor, &id);
	heard(peer, LC_MESSAGE_JOIN);
	cr_assert_eq(holding().anchors, 1);
	daemon_is_another(&app, peer);
	cr_assert_eq(holding().anchors, 0);
	cr_assert_eq(resumed(&app, descriptor, true), LEAFCAST_LOST);
	app_must(&app, (struct lc_local_message){.kind = LC_LOCAL_CLOSE, .socket = 1}, -1);
	peer_free(peer);
	app_free(&app);
	close(descriptor);
}

/* ---- of the admitter ---- */

Behaves(killed, admitter_probing)
{
	struct actor root = run(listens_as_root);
	struct leaf leaf = leaf_new("192.0.2.2:0");

	comes_a_step(&root);
	leaf_asks(&leaf, SESSION);
	leaf_sees_probe(&leaf);
	slay(&root);
	hear_refusal(leaf.peer, LC_MESSAGE_REFUSE, LEAFCAST_NOBODY_LISTENING);
	leaf_free(&leaf);
}

Behaves(killed, admitter_asking)
{
	struct actor root = run(listens_as_root);
	struct leaf leaf = leaf_new("192.0.2.2:0");

	comes_a_step(&root);
	leaf_asks(&leaf, SESSION);
	leaf_proves(&leaf);
	comes_a_step(&root);
	slay(&root);
	hear_refusal(leaf.peer, LC_MESSAGE_REFUSE, LEAFCAST_NOBODY_LISTENING);
	leaf_free(&leaf);
}

Behaves(killed, admitter_member)
{
	struct actor root = run(accepts_as_root);
	struct leaf leaf = leaf_new("192.0.2.2:0");

	comes_a_step(&root);
	leaf_asks(&leaf, SESSION);
	leaf_proves(&leaf);
	heard(leaf.peer, LC_MESSAGE_ACCEPT);
	slay(&root);
	hear_refusal(leaf.peer, LC_MESSAGE_LEAVE, LEAFCAST_RESET);
	leaf_free(&leaf);
}

/* ---- of the inviter ---- */

static void inviter_is_killed(enum progress when)
{
	struct lc_peer_listener *listener = other_daemon();
	int leaf = udp_there("192.0.2.2:5000");
	struct actor inviter = run(invites);
	struct peer *peer = answer_call(listener);

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
	slay(&inviter);
	hear_refusal(peer, LC_MESSAGE_LEAVE, LEAFCAST_RESET);
	peer_free(peer);
	holds_nothing(2);
	close(leaf);
	lc_peer_listener_free(listener);
}

Behaves(killed, inviter_connecting)
{
	struct actor inviter;

	there("ip route add blackhole 192.0.2.1/32");
	inviter = run(invites);
	comes_a_step(&inviter);
	slay(&inviter);
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

static struct peer *invite_it(void)
{
	struct peer *peer = call("192.0.2.2");

	tell(peer, (struct lc_message){.kind = LC_MESSAGE_INVITE,
				       .session = at("192.0.2.2:5000"),
				       .leaf = at(LEAF)});
	return peer;
}

Behaves(killed, invitee_asking)
{
	struct actor leaf = run(listens_as_leaf);
	struct peer *peer;

	comes_a_step(&leaf);
	peer = invite_it();
	comes_a_step(&leaf);
	slay(&leaf);
	hear_refusal(peer, LC_MESSAGE_REFUSE, LEAFCAST_NOBODY_LISTENING);
	peer_free(peer);
}

static void invitee_is_killed(enum progress when)
{
	struct actor leaf = run(accepts_as_leaf);
	int root = udp_there("192.0.2.2:5000");
	struct lc_message accept;
	struct peer *peer;

	comes_a_step(&leaf);
	peer = invite_it();
	accept = heard(peer, LC_MESSAGE_ACCEPT);
	if (when >= PROVEN) {
		send_probe(root, &accept.leaf, accept.token);
		heard(peer, LC_MESSAGE_SEEN);
	}
	if (when >= MEMBER) {
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_JOINED});
		comes_a_step(&leaf);
	}
	if (when >= DRAINING) {
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_LEAVE, .datagrams = UINT64_MAX});
		daemon_has_looked();
	}
	slay(&leaf);
	if (when < DRAINING)
		hear_refusal(peer, LC_MESSAGE_LEAVE, LEAFCAST_RESET);
	else /* which has said its last word */
		cr_assert(hears_nothing(peer));
	peer_free(peer);
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
	idle_descriptors = 2; /* both ends of the one trunk */
	for (int i = 0; i < 30; i++) {
		enum victim victim = (enum victim)(i % 3 + 1);
		struct actor first = run(asked), second;

		comes_a_step(&first);
		second = run(asker);
		pause_ms(i < 24 ? i / 3 : 40);
		if (victim & ASKED)
			slay(&first);
		if (victim & ASKER)
			slay(&second);
		if (!(victim & ASKED)) {
			pause_ms(20);
			slay(&first);
		}
		if (!(victim & ASKER)) {
			pause_ms(20);
			slay(&second);
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

/* Steps: it listens; it has accepted, and hangs up without a word. */
static void is_away_as_root(void)
{
	struct app app = app_new();
	int descriptor = udp_here(SESSION);

	app_must(
		&app,
		(struct lc_local_message){.kind = LC_LOCAL_OPEN, .socket = 1, .role = LC_ROLE_ROOT},
		dup(descriptor));
	app_must(&app,
		 (struct lc_local_message){.kind = LC_LOCAL_LISTEN, .socket = 1, .backlog = 5}, -1);
	has_come_a_step();
	app_accepts(&app, 2);
	app_free(&app);
	has_come_a_step();
	pause();
}

/* Away for longer than the grace time, and then no more. */
Behaves(killed, admitter_that_was_away_for_long)
{
	struct actor root = run(is_away_as_root);
	struct leaf leaf = leaf_new("192.0.2.2:0");
	long deadline = now_ms() + 10000;

	comes_a_step(&root);
	leaf_asks(&leaf, SESSION);
	leaf_proves(&leaf);
	heard(leaf.peer, LC_MESSAGE_ACCEPT);
	comes_a_step(&root);
	hear_refusal(leaf.peer, LC_MESSAGE_LEAVE, LEAFCAST_RESET);
	/* The handle was closed by it; what it has open is kept. */
	while (holding().admits != 1 && now_ms() < deadline)
		pause_ms(5);
	cr_assert_eq(holding().admits, 1);
	cr_assert_eq(holding().sessions, 1);
	slay(&root);
	idle_descriptors = 1; /* the trunk */
	holds_nothing(2);
	leaf_free(&leaf);
}

/* A process that hands its connection to another and dies: the members go with it. */
Behaves(killed, a_child_holds_the_connection_open)
{
	struct actor root = run(accepts_as_root), joiner = {.progress = -1};
	pid_t child = -1;
	int report[2];

	cr_assert_eq(pipe(report), 0);
	comes_a_step(&root);
	joiner.process = fork();
	if (joiner.process == 0) {
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
	slay(&joiner);
	has_leaves(0);
	slay(&root);
	idle_descriptors = 2;
	holds_nothing(2);
	kill(child, SIGKILL);
}
