/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What strangers do to the control port. */
#include "hostile.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/codec.h"

TestSuite(connections, .timeout = 60);

/* Of daemon/arrivals.h: its promises, not its code. */
#define HELLO_MS		5000
#define MAX_ARRIVALS		1024
#define MAX_ARRIVALS_OF_ADDRESS 128
/* Memory of each of those. */
#define CONNECTION_KB 10
/* Descriptors of an honest member and its application. */
#define HONEST 8

Behaves(connections, bytes_that_make_no_message)
{
	static const struct {
		size_t length;
		const char *bytes;
	} garbage[] = {
		{4, "\xff\xff\xff\xff"},		 /* a frame of 4 GiB */
		{4, "\x00\x00\x0f\xfd"},		 /* of one byte too many */
		{4, "\x00\x00\x00\x00"},		 /* of nothing */
		{8, "\x00\x00\x00\x04\xff\xff\xff\xff"}, /* no protobuf */
		{6, "\x00\x00\x00\x02\x0a\x00"},	 /* JOIN without anything */
		{6, "\x00\x00\x00\x02\x7a\x00"},	 /* a kind that there is not */
		{8, "\x00\x00\x00\x04\x0a\x80\x80\x80"}, /* a length without end */
		{18, "GET / HTTP/1.1\r\n\r\n"},		 /* what finds every port */
		{8, "\x16\x03\x01\x02\x00\x01\x00\x01"}, /* TLS */
	};

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		int connection = call_raw("192.0.2.2");

		cr_assert_eq(send(connection, garbage[i].bytes, garbage[i].length, 0),
			     (ssize_t)garbage[i].length);
		cr_assert(is_hung_up(connection, 1000), "garbage %zu", i);
		close(connection);
	}
}

Behaves(connections, first_words_that_are_none)
{
	static const enum lc_message_kind kinds[] = {
		LC_MESSAGE_JOIN,       LC_MESSAGE_INVITE, LC_MESSAGE_SEEN,  LC_MESSAGE_ACCEPT,
		LC_MESSAGE_JOINED,     LC_MESSAGE_REFUSE, LC_MESSAGE_LEAVE, LC_MESSAGE_REPORT,
		LC_MESSAGE_RESUME_END, LC_MESSAGE_READ,	  LC_MESSAGE_DONE,
	};
	struct lc_message message;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct lc_peer *connection = knock_from("192.0.2.2");

		say(connection, (struct lc_message){.kind = kinds[i],
						    .number = 5,
						    .numbered_by_sender = true,
						    .session = at(SESSION),
						    .leaf = at("192.0.2.2:4000"),
						    .reason = LEAFCAST_CLOSED});
		cr_assert_eq(listen_to(connection, &message, 1000), HUNG_UP, "kind %d", kinds[i]);
		lc_peer_free(connection);
	}
}

/* A HELLO byte by byte, its frame's half, and nothing. */
Behaves(connections, the_slow_end_at_the_deadline_and_delay_nobody)
{
	struct app app = app_with_root(SESSION, 5);
	uint8_t bytes[LC_MESSAGE_MAX];
	struct lc_message greeting = hello();
	size_t length = lc_message_encode(&greeting, bytes);
	struct leaf honest;
	enum {
		EACH = 20
	};
	int slow[EACH], half[EACH], mute[EACH];
	long start = now_ms();

	for (int i = 0; i < EACH; i++) {
		slow[i] = call_raw("192.0.2.2");
		half[i] = call_raw("192.0.2.2");
		mute[i] = call_raw("192.0.2.2");
		cr_assert_eq(send(half[i], bytes, length / 2, 0), (ssize_t)(length / 2));
	}
	honest = leaf_joins(&app, "192.0.2.2:0", 2, 500);
	for (size_t at_byte = 0; now_ms() < start + HELLO_MS - 1000; at_byte++) {
		for (int i = 0; i < EACH; i++)
			cr_assert_eq(send(slow[i], bytes + at_byte, 1, MSG_NOSIGNAL), 1);
		pause_ms(1000);
	}
	for (int i = 0; i < EACH; i++)
		cr_assert(!is_hung_up(mute[i], 0), "before the deadline");
	for (int i = 0; i < EACH; i++) {
		int left = (int)(start + HELLO_MS + 1000 - now_ms());

		cr_assert(is_hung_up(slow[i], left) && is_hung_up(half[i], left) &&
			  is_hung_up(mute[i], left));
		close(slow[i]);
		close(half[i]);
		close(mute[i]);
	}
	leaf_free(&honest);
	app_free(&app);
}

/* Of one address: 128 at most, and the honest join from that very address is not delayed. */
Behaves(connections, a_flood_from_one_address)
{
	struct app app = app_with_root(SESSION, 5);
	struct holding before = holding(), during;
	enum {
		FLOOD = 2000
	};
	static int flood[FLOOD];
	struct leaf one, other;

	memory_slack_kb += MAX_ARRIVALS_OF_ADDRESS * CONNECTION_KB;
	for (int i = 0; i < FLOOD; i++) {
		flood[i] = call_raw("192.0.2.2");
		if (i == FLOOD / 2)
			one = leaf_joins(&app, "192.0.2.2:0", 2, 500);
	}
	pause_ms(100);
	during = holding();
	cr_assert_leq(during.descriptors, before.descriptors + MAX_ARRIVALS_OF_ADDRESS + HONEST);
	cr_assert_geq(during.descriptors, before.descriptors + MAX_ARRIVALS_OF_ADDRESS);
	other = leaf_joins(&app, "192.0.2.2:0", 3, 500);
	for (int i = 0; i < FLOOD; i++)
		close(flood[i]);
	leaf_free(&one);
	leaf_free(&other);
	app_free(&app);
}

/* Of sixteen: 1024 at most. */
Behaves(connections, a_flood_from_many_addresses)
{
	struct app app = app_with_root(SESSION, 5);
	struct holding before = holding(), during;
	enum {
		HOSTS = 16,
		EACH = 100
	};
	static int flood[HOSTS * EACH];
	struct leaf honest;
	char from[32];

	memory_slack_kb = MAX_ARRIVALS * CONNECTION_KB;
	for (int i = 0; i < HOSTS * EACH; i++) {
		snprintf(from, sizeof(from), "192.0.2.%d", 10 + i % HOSTS);
		flood[i] = call_raw(from);
	}
	pause_ms(100);
	during = holding();
	cr_assert_leq(during.descriptors, before.descriptors + MAX_ARRIVALS);
	cr_assert_geq(during.descriptors, before.descriptors + MAX_ARRIVALS - 50);
	honest = leaf_joins(&app, "192.0.2.2:0", 2, 500);
	for (int i = 0; i < HOSTS * EACH; i++)
		close(flood[i]);
	leaf_free(&honest);
	app_free(&app);
}

/* Greeted well, but of one address: one connection is its trunk, one is held, and no more. */
Behaves(connections, a_flood_that_says_hello)
{
	struct holding before = holding(), during;
	struct lc_message greeting = hello();
	uint8_t bytes[LC_MESSAGE_MAX];
	size_t length = lc_message_encode(&greeting, bytes);
	enum {
		FLOOD = 1500
	};
	static int flood[FLOOD];
	long deadline;

	for (int i = 0; i < FLOOD; i++) {
		flood[i] = call_raw("192.0.2.2");
		cr_assert_eq(send(flood[i], bytes, length, 0), (ssize_t)length);
	}
	deadline = now_ms() + 2000;
	do
		during = holding();
	while (during.descriptors > before.descriptors + 2 && now_ms() < deadline);
	cr_assert_leq(during.descriptors, before.descriptors + 2);
	for (int i = 0; i < FLOOD; i++)
		close(flood[i]);
}

/* A leaf that floods a listener with joins it never completes: the backlog bounds it. */
Behaves(connections, joins_that_are_never_completed)
{
	struct app app = app_with_root(SESSION, 8);
	struct leaf leaf[12];
	struct lc_message message;
	bool is_refused[12];
	int refused = 0;

	for (int i = 0; i < 12; i++) {
		leaf[i] = leaf_new("192.0.2.2:0");
		leaf_asks(&leaf[i], SESSION);
	}
	for (int i = 0; i < 12; i++) {
		is_refused[i] = hear(leaf[i].peer, &message, 50) == LC_MESSAGE_REFUSE;
		cr_assert(!is_refused[i] || message.reason == LEAFCAST_BACKLOG_FULL);
		refused += is_refused[i];
	}
	cr_assert_eq(refused, 4);
	has_leaves(8);
	/* After the probe's deadline the places are free again, and the leaves were told why. */
	for (int i = 0; i < 12; i++)
		if (!is_refused[i])
			hear_refusal(leaf[i].peer, LC_MESSAGE_REFUSE, LEAFCAST_PATH_BLOCKED);
	has_leaves(0);
	for (int i = 0; i < 12; i++)
		leaf_free(&leaf[i]);
	leaf[0] = leaf_joins(&app, "192.0.2.2:0", 2, 500);
	leaf_free(&leaf[0]);
	app_free(&app);
}

/* Out of descriptors it does not spin, and goes on when there are some again. */
Hostile(connections, without_descriptors, daemon_starts_with(80), daemon_ends())
{
	enum {
		FLOOD = 120
	};
	int flood[FLOOD];
	unsigned long cpu;
	struct leaf leaf;
	struct app app;

	for (int i = 0; i < FLOOD; i++)
		flood[i] = call_raw("192.0.2.2");
	pause_ms(200);
	cpu = cpu_ms();
	pause_ms(1000);
	cpu = cpu_ms() - cpu;
	cr_assert_leq(cpu, 100, "%lu ms of 1000 on doing nothing", cpu);
	for (int i = 0; i < FLOOD; i++)
		close(flood[i]);
	pause_ms(200);
	app = app_with_root(SESSION, 5);
	leaf = leaf_joins(&app, "192.0.2.2:0", 2, 500);
	leaf_free(&leaf);
	app_free(&app);
}

/* Told to stop with connections, members and requests on its hands: it hangs up, at once, and what is joined stays. */
Hostile(connections, stopping, daemon_starts(), (void)0)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf member = leaf_joins(&app, "192.0.2.2:0", 2, 500);
	struct leaf asking = leaf_new("192.0.2.10:0"), probing = leaf_new("192.0.2.11:0");
	int mute = call_raw("192.0.2.2");
	struct lc_message message;
	long start = now_ms();

	leaf_asks(&asking, SESSION);
	leaf_proves(&asking);
	app_event(&app, LC_LOCAL_REQUEST);
	leaf_asks(&probing, SESSION);
	leaf_sees_probe(&probing);
	kill(daemon_pid, SIGTERM);
	cr_assert_eq(hear(member.peer, &message, 500), HUNG_UP, "without a LEAVE");
	cr_assert_eq(hear(asking.peer, &message, 500), HUNG_UP);
	cr_assert_eq(hear(probing.peer, &message, 500), HUNG_UP);
	leaf_free(&member);
	leaf_free(&asking);
	leaf_free(&probing);
	cr_assert(is_hung_up(mute, 500));
	cr_assert(app_is_cut(&app));
	daemon_exits(start + 900);
	close(mute);
	app_free(&app);
}
