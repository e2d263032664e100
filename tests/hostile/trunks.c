/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the other node of a trunk does to it: order, numbers, proofs, and what it never reads. */
#include "hostile.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/codec.h"

TestSuite(trunks, .timeout = 60);

/* Of trunk/trunk.h and trunk/window.h: their promises, not their code. */
#define CLAIMS_MAX 65536
#define WINDOW	   (32 * 1024)
#define QUEUE_KB   512

static const struct lc_message resume_end = {.kind = LC_MESSAGE_RESUME_END};

/* The daemon's HELLO and list are heard, and nothing was said but HELLO. */
static struct lc_peer *greeted(void)
{
	struct lc_peer *connection = knock_from("192.0.2.2");
	struct lc_message message;

	say(connection, hello());
	cr_assert_eq(listen_to(connection, &message, 1000), LC_MESSAGE_HELLO);
	cr_assert_eq(listen_to(connection, &message, 1000), LC_MESSAGE_RESUME_END);
	return connection;
}

static struct lc_message first_claim(uint64_t number)
{
	return (struct lc_message){
		.kind = LC_MESSAGE_RESUME, .entry_count = 1, .entries = {{.number = number}}};
}

/* READs may come before it. */
static void is_ended(struct lc_peer *connection, const char *what)
{
	struct lc_message message;
	int kind;

	do
		kind = listen_to(connection, &message, 1000);
	while (kind == LC_MESSAGE_READ);
	cr_assert_eq(kind, HUNG_UP, "%s: %d", what, kind);
	lc_peer_free(connection);
}

/* ---- order ---- */

Behaves(trunks, hello_twice)
{
	struct lc_peer *connection = greeted();

	say(connection, hello());
	is_ended(connection, "before the list");
	connection = greeted();
	say(connection, resume_end);
	say(connection, hello());
	is_ended(connection, "after it");
}

Behaves(trunks, lists_after_their_end)
{
	struct lc_peer *connection = greeted();

	say(connection, resume_end);
	say(connection, first_claim(5));
	is_ended(connection, "a claim");
	connection = greeted();
	say(connection, resume_end);
	say(connection, resume_end);
	is_ended(connection, "a second end");
}

Behaves(trunks, memberships_before_the_lists)
{
	static const enum lc_message_kind kinds[] = {
		LC_MESSAGE_JOIN,   LC_MESSAGE_INVITE, LC_MESSAGE_SEEN,
		LC_MESSAGE_ACCEPT, LC_MESSAGE_JOINED, LC_MESSAGE_REFUSE,
		LC_MESSAGE_LEAVE,  LC_MESSAGE_REPORT, LC_MESSAGE_DONE,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct lc_peer *connection = greeted();

		say(connection, (struct lc_message){.kind = kinds[i],
						    .number = 5,
						    .numbered_by_sender = true,
						    .session = at(SESSION),
						    .leaf = at("192.0.2.2:4000"),
						    .reason = LEAFCAST_CLOSED});
		is_ended(connection, "too early");
	}
}

Behaves(trunks, more_is_read_than_was_said)
{
	struct lc_peer *connection = greeted();

	say(connection, resume_end);
	say(connection, (struct lc_message){.kind = LC_MESSAGE_READ, .read_bytes = 4096});
	is_ended(connection, "READ of what was never said");
}

/* A list without end ends. */
Behaves(trunks, more_claims_than_any_node_has)
{
	struct lc_peer *connection = greeted();
	struct lc_message claims = {.kind = LC_MESSAGE_RESUME,
				    .entry_count = LC_MESSAGE_ENTRIES_MAX};
	uint8_t bytes[LC_MESSAGE_MAX];
	size_t length;
	long sent = 0;

	for (unsigned int i = 0; i < LC_MESSAGE_ENTRIES_MAX; i++)
		claims.entries[i].number = i + 1;
	length = lc_message_encode(&claims, bytes);
	for (; sent < 2L * CLAIMS_MAX; sent += LC_MESSAGE_ENTRIES_MAX) {
		struct lc_message message;
		int error = lc_peer_send_frame(connection, bytes, length);

		if (error == -EPIPE)
			break;
		if (error) /* it is slower than we are */
			listen_to(connection, &message, 20);
	}
	cr_assert_gt(sent, CLAIMS_MAX);
	cr_assert_lt(sent, 2L * CLAIMS_MAX, "it takes %ld claims", sent);
	lc_peer_free(connection);
}

/* ---- a second connection ---- */

Behaves(trunks, a_second_connection_is_held)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:0", 2, 1000);
	struct lc_peer *second = knock_from("192.0.2.2"), *third = knock_from("192.0.2.2");
	struct lc_message message;

	say(second, hello());
	cr_assert_eq(listen_to(second, &message, 300), NOTHING_HEARD);
	has_leaves(1);
	/* One is held at most: the newest. */
	say(third, hello());
	cr_assert_eq(listen_to(second, &message, 1000), HUNG_UP);
	cr_assert_eq(listen_to(third, &message, 300), NOTHING_HEARD);
	cr_assert(app_hears_nothing(&app, 0));
	cr_assert(hears_nothing(leaf.peer));
	/* It is the trunk when the first one has ended, and has nothing to resume. */
	cut(leaf.peer);
	cr_assert_eq(listen_to(third, &message, 1000), LC_MESSAGE_HELLO);
	say(third, resume_end);
	app_event(&app, LC_LOCAL_CLOSED);
	has_leaves(0);
	lc_peer_free(second);
	lc_peer_free(third);
	leaf_free(&leaf);
	app_free(&app);
}

/* Held, it may say nothing more; nor may it be held for ever. */
Behaves(trunks, who_is_held_waits)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:0", 2, 1000);
	struct lc_peer *second = knock_from("192.0.2.2");
	struct lc_message message;

	say(second, hello());
	say(second, resume_end);
	cr_assert_eq(listen_to(second, &message, 1000), HUNG_UP);
	lc_peer_free(second);
	second = knock_from("192.0.2.2");
	say(second, hello());
	for (int i = 0; i < 8 && listen_to(second, &message, 1000) == NOTHING_HEARD; i++)
		cr_assert(hears_nothing(leaf.peer));
	cr_assert_eq(listen_to(second, &message, 0), HUNG_UP);
	lc_peer_free(second);
	has_leaves(1);
	leaf_free(&leaf);
	app_event(&app, LC_LOCAL_CLOSED);
	app_free(&app);
}

/* ---- numbers ---- */

Behaves(trunks, unknown_numbers)
{
	static const enum lc_message_kind kinds[] = {LC_MESSAGE_SEEN,	LC_MESSAGE_ACCEPT,
						     LC_MESSAGE_JOINED, LC_MESSAGE_REFUSE,
						     LC_MESSAGE_LEAVE,	LC_MESSAGE_REPORT};
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:0", 2, 1000);
	struct peer *other = call("192.0.2.2");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		tell(other, (struct lc_message){.kind = kinds[i], .reason = LEAFCAST_CLOSED});
		cr_assert(hears_nothing(other), "kind %d", kinds[i]);
		cr_assert(hears_nothing(leaf.peer));
	}
	/* The number that is in use, but said to be drawn by the daemon. */
	other->number = leaf.peer->number;
	other->numbered_by_daemon = true;
	tell(other, (struct lc_message){.kind = LC_MESSAGE_LEAVE});
	cr_assert(hears_nothing(leaf.peer));
	cr_assert(app_hears_nothing(&app, 50));
	has_leaves(1);
	peer_free(other);
	leaf_free(&leaf);
	app_event(&app, LC_LOCAL_CLOSED);
	app_free(&app);
}

/* Two joins under one number: that membership ends for it, and no other. */
Behaves(trunks, a_number_twice)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:4000", 2, 1000);
	struct leaf other = leaf_joins(&app, "192.0.2.2:4001", 3, 1000), clash = leaf;

	clash.name = at("192.0.2.2:4002");
	leaf_asks(&clash, SESSION);
	hear_refusal(leaf.peer, LC_MESSAGE_LEAVE, LEAFCAST_PROTOCOL);
	cr_assert_eq(app_event(&app, LC_LOCAL_CLOSED).socket, 2);
	cr_assert(hears_nothing(other.peer));
	has_leaves(1);
	leaf_free(&leaf);
	leaf_free(&other);
	cr_assert_eq(app_event(&app, LC_LOCAL_CLOSED).socket, 3);
	app_free(&app);
}

/* Both sides have drawn the same: those are two memberships. */
Behaves(trunks, the_number_that_the_other_side_has_drawn)
{
	struct lc_peer_listener *listener = other_daemon();
	struct app app = app_with_root(SESSION, 5);
	struct lc_local_message invite = {.kind = LC_LOCAL_JOIN,
					  .socket = 1,
					  .other = 2,
					  .peer = at("192.0.2.2:4000"),
					  .receives = true};
	uint64_t id = app_tell(&app, invite, udp_here("0.0.0.0:0"));
	struct peer *invited = answer_call(listener);
	struct lc_message message;
	struct leaf leaf;

	cr_assert_eq(hear(invited, &message, 1000), LC_MESSAGE_INVITE);
	leaf = leaf_new("192.0.2.2:0");
	leaf.peer->number = invited->number;
	leaf_asks(&leaf, SESSION);
	leaf_proves(&leaf);
	app_accepts(&app, 3);
	cr_assert_eq(hear(leaf.peer, &message, 1000), LC_MESSAGE_ACCEPT);
	tell(invited, (struct lc_message){.kind = LC_MESSAGE_REFUSE, .reason = LEAFCAST_CLOSED});
	cr_assert_eq(app_answer(&app, id).reason, LEAFCAST_CLOSED);
	cr_assert(hears_nothing(leaf.peer));
	has_leaves(1);
	peer_free(invited);
	leaf_free(&leaf);
	app_event(&app, LC_LOCAL_CLOSED);
	lc_peer_listener_free(listener);
	app_free(&app);
}

/* ---- proofs ---- */

/* Also twice, and among those of others. */
Behaves(trunks, a_right_proof)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:4000", 2, 1000);
	struct peer *unknown = call("192.0.2.2");

	cut(leaf.peer);
	call_again(leaf.peer,
		   &(struct proofs){.count = 3, .peers = {leaf.peer, unknown, leaf.peer}});
	cr_assert(hears_nothing(leaf.peer));
	cr_assert(app_hears_nothing(&app, 1500), "longer than the grace time");
	has_leaves(1);
	peer_free(unknown);
	leaf_free(&leaf);
	app_event(&app, LC_LOCAL_CLOSED);
	app_free(&app);
}

static void resumes_nothing(struct app *app, struct leaf *leaf)
{
	cr_assert(hears_nothing(leaf->peer));
	app_event(app, LC_LOCAL_CLOSED);
	has_leaves(0);
	leaf_free(leaf);
}

Behaves(trunks, a_wrong_proof)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:4000", 2, 1000), other;

	cut(leaf.peer);
	call_again(leaf.peer, &(struct proofs){.count = 1, .peers = {leaf.peer}, .wrong = true});
	resumes_nothing(&app, &leaf);
	/* The proof of one is none for another. */
	leaf = leaf_joins(&app, "192.0.2.2:4000", 3, 1000);
	other = leaf_joins(&app, "192.0.2.2:4001", 4, 1000);
	cut(leaf.peer);
	leaf.peer->secret = other.peer->secret;
	call_again(leaf.peer, &(struct proofs){.count = 2, .peers = {leaf.peer, other.peer}});
	cr_assert_eq(app_event(&app, LC_LOCAL_CLOSED).socket, 3);
	cr_assert(hears_nothing(other.peer));
	has_leaves(1);
	leaf_free(&leaf);
	leaf_free(&other);
	cr_assert_eq(app_event(&app, LC_LOCAL_CLOSED).socket, 4);
	app_free(&app);
}

/* Said by the daemon for this very membership, and given back. */
Behaves(trunks, the_daemons_own_proof)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:4000", 2, 1000);
	struct lc_peer *connection;
	struct lc_message message;

	cut(leaf.peer);
	connection = knock_from("192.0.2.2");
	say(connection, hello());
	cr_assert_eq(listen_to(connection, &message, 1000), LC_MESSAGE_HELLO);
	cr_assert_eq(listen_to(connection, &message, 1000), LC_MESSAGE_RESUME);
	cr_assert_eq(message.entry_count, 1);
	cr_assert_eq(message.entries[0].number, leaf.peer->number);
	message.entries[0].numbered_by_sender = true;
	say(connection, message);
	say(connection, resume_end);
	app_event(&app, LC_LOCAL_CLOSED);
	has_leaves(0);
	lc_peer_free(connection);
	leaf_free(&leaf);
	app_free(&app);
}

/* Who knows all but has another address: the membership is of its own pair. */
Behaves(trunks, a_proof_from_elsewhere)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:4000", 2, 1000);
	struct peer *elsewhere = call("192.0.2.10");
	uint64_t number = elsewhere->number;

	cut(leaf.peer);
	cut(elsewhere);
	elsewhere->number = leaf.peer->number;
	elsewhere->secret = leaf.peer->secret;
	call_again(elsewhere, &(struct proofs){.count = 1, .peers = {elsewhere}});
	tell(elsewhere, (struct lc_message){.kind = LC_MESSAGE_LEAVE});
	cr_assert(hears_nothing(elsewhere));
	cr_assert(app_hears_nothing(&app, 0));
	has_leaves(1);
	call_again(leaf.peer, &(struct proofs){.count = 1, .peers = {leaf.peer}});
	cr_assert(hears_nothing(leaf.peer));
	cr_assert(app_hears_nothing(&app, 1500), "longer than the grace time");
	has_leaves(1);
	elsewhere->number = number;
	peer_free(elsewhere);
	leaf_free(&leaf);
	app_event(&app, LC_LOCAL_CLOSED);
	app_free(&app);
}

/* What the other node has no more is over when it says so, not when the grace time is. */
Behaves(trunks, nothing_to_resume)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:4000", 2, 1000), later;
	struct lc_message message;

	cut(leaf.peer);
	call_again(leaf.peer, &(struct proofs){0});
	later = leaf_new("192.0.2.2:4001");
	leaf_asks(&later, SESSION);
	leaf_proves(&later);
	/* So it comes before what is asked after that. */
	cr_assert_eq(app_event(&app, LC_LOCAL_CLOSED).socket, 2);
	app_accepts(&app, 3);
	cr_assert_eq(hear(later.peer, &message, 1000), LC_MESSAGE_ACCEPT);
	has_leaves(1);
	leaf_free(&leaf);
	leaf_free(&later);
	cr_assert_eq(app_event(&app, LC_LOCAL_CLOSED).socket, 3);
	app_free(&app);
}

/* ---- memory ---- */

/* Asks and never acknowledges: a window of answers at most comes, the rest waits, bounded, and then that is the end. */
Behaves(trunks, answers_that_are_not_read)
{
	struct lc_peer *connection = greeted();
	struct lc_message ask = {.kind = LC_MESSAGE_JOIN,
				 .number = 1,
				 .numbered_by_sender = true,
				 .session = at(SESSION),
				 .leaf = at("192.0.2.2:4000")},
			  message;
	unsigned long before = holding().memory_kb, most = 0;
	size_t heard = 0;
	int kind = NOTHING_HEARD;

	say(connection, resume_end);
	/* Of more than ten bytes each: more than the queue takes. */
	while (kind != HUNG_UP && ask.number < QUEUE_KB * 1024 / 10) {
		for (int i = 0; i < 100 && lc_peer_send(connection, &ask) == 0; i++)
			ask.number++;
		while ((kind = listen_to(connection, &message, 0)) > 0)
			if (kind == LC_MESSAGE_REFUSE)
				heard += lc_peer_frame_bytes(connection);
		if (kind != HUNG_UP && ask.number % 1000 < 100 && holding().memory_kb > most)
			most = holding().memory_kb;
	}
	cr_assert_eq(kind, HUNG_UP, "after %lu joins", ask.number);
	cr_assert_leq(heard, WINDOW);
	cr_assert_gt(heard, WINDOW / 2);
	/* A sanitizer keeps what was freed. */
#ifdef __SANITIZE_ADDRESS__
	(void)before;
#else
	cr_assert_leq(most, before + 4 * QUEUE_KB, "%lu kB", most - before);
#endif
	lc_peer_free(connection);
}

/* ---- a daemon that is stopped ---- */

/* By a process of its own: who calls meanwhile waits for an answer. */
static pid_t continues_in(long ms)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	pause_ms(ms);
	kill(daemon_pid, SIGCONT);
	_exit(0);
}

/* A root, number 1, whose application goes away. */
static void root_is_left_behind(int descriptor)
{
	struct app app = app_new();

	app_must(
		&app,
		(struct lc_local_message){.kind = LC_LOCAL_OPEN, .socket = 1, .role = LC_ROLE_ROOT},
		dup(descriptor));
	app_must(&app,
		 (struct lc_local_message){.kind = LC_LOCAL_LISTEN, .socket = 1, .backlog = 5}, -1);
	app_free(&app);
}

/* Who came while it could hear nobody is heard before a grace time that is over ends anything. */
Behaves(trunks, who_comes_while_the_daemon_is_stopped)
{
	struct app app = app_with_root(SESSION, 5), again;
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:4000", 2, 1000);
	int descriptor = udp_here("192.0.2.1:5001");
	struct peer *other;
	pid_t child;

	root_is_left_behind(descriptor);
	cut(leaf.peer);
	/* Later events are served after those ends. */
	other = call("192.0.2.10");
	kill(daemon_pid, SIGSTOP);
	child = continues_in(1500); /* longer than the grace time */
	call_again(leaf.peer, &(struct proofs){.count = 1, .peers = {leaf.peer}});
	again = app_new();
	app_must(
		&again,
		(struct lc_local_message){
			.kind = LC_LOCAL_RESUME, .socket = 1, .role = LC_ROLE_ROOT, .member = true},
		dup(descriptor));
	cr_assert_eq(waitpid(child, NULL, 0), child);
	cr_assert(hears_nothing(leaf.peer));
	cr_assert(app_hears_nothing(&app, 0));
	has_leaves(1);
	app_must(&again, (struct lc_local_message){.kind = LC_LOCAL_CLOSE, .socket = 1}, -1);
	app_free(&again);
	close(descriptor);
	peer_free(other);
	leaf_free(&leaf);
	app_event(&app, LC_LOCAL_CLOSED);
	app_free(&app);
}
