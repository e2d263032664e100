/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a daemon makes of a farewell (struct lc_farewell) that it finds: one whose
 * writer was killed before the rest of the membership was taken away, and one that
 * nobody is to be told of. The test is the killed daemon.
 */
#include "hostile.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "plane/plane.h"

TestSuite(goodbyes, .timeout = 60);

#define LEAF  "192.0.2.1:6000"
#define OTHER "192.0.2.2:5000"
/* A number of datagrams that nobody has counted. */
#define MADE_UP 4711

/* ---- what a killed daemon had written ---- */

static struct lc_farewell farewell_of(const struct lc_resumption *resumption)
{
	return (struct lc_farewell){
		.resumption = *resumption,
		.why = LEAFCAST_CLOSED,
		.datagrams = MADE_UP,
		.left_ns = lc_now_ns(),
	};
}

static int begin_leaf(void *context, uint32_t number, const struct lc_leaf *leaf)
{
	const struct lc_farewell farewell = farewell_of(&leaf->resumption);

	return lc_plane_keep_farewell(context, &farewell);
}

static int begin_socket(void *context, uint32_t number, const struct lc_admit *admit)
{
	const struct lc_farewell farewell = farewell_of(&admit->resumption);

	return admit->resumption.number ? lc_plane_keep_farewell(context, &farewell) : 0;
}

static struct lc_plane *take_plane(void)
{
	const struct lc_plane_options options = {.bpf_dir = bpf_dir};
	struct lc_error error = {""};
	struct lc_plane *plane;

	cr_assert_eq(lc_plane_open(&plane, &options, &error), 0, "%s", error.text);
	return plane;
}

static void daemon_is_killed_over_its_farewells(void)
{
	struct lc_plane *plane;

	daemon_is_killed();
	plane = take_plane();
	cr_assert_eq(lc_plane_each_own_leaf(plane, begin_leaf, plane), 0);
	cr_assert_eq(lc_plane_each_own_socket(plane, begin_socket, plane), 0);
	lc_plane_hand_over(plane);
}

static unsigned int farewells(void)
{
	struct lc_farewell_key key, next;
	char pin[128];
	unsigned int count = 0;
	int map, err;

	snprintf(pin, sizeof(pin), "%s/lc_farewells", bpf_dir);
	map = bpf_obj_get(pin);
	cr_assert_geq(map, 0);
	for (err = bpf_map_get_next_key(map, NULL, &next); !err; count++) {
		key = next;
		err = bpf_map_get_next_key(map, &key, &next);
	}
	close(map);
	return count;
}

static void has_no_farewells(void)
{
	long deadline = now_ms() + 5000;

	while (farewells() && now_ms() < deadline)
		pause_ms(5);
	cr_assert_eq(farewells(), 0);
}

/* ---- half done ---- */

static void are_closed(struct app *app, int *descriptors, int count)
{
	for (int i = 0; i < count; i++) {
		struct lc_local_message message = closed(descriptors[i]);

		close(descriptors[i]);
		app_must(app, message, -1);
	}
}

static void open_socket(struct app *app, enum lc_local_role role, int descriptor)
{
	app_must(app, (struct lc_local_message){.kind = LC_LOCAL_OPEN, .socket = 1, .role = role},
		 dup(descriptor));
}

static void accept_leaf(struct app *app, int descriptor)
{
	app_must(app,
		 (struct lc_local_message){
			 .kind = LC_LOCAL_ACCEPT,
			 .socket = 1,
			 .request = app_event(app, LC_LOCAL_REQUEST).request,
			 .other = 2,
			 .sends = true,
			 .receives = true,
		 },
		 dup(descriptor));
}

/* Nothing is copied any more, and what the other node is told was counted by the kernel. */
Behaves(goodbyes, before_the_leaf_was_removed)
{
	int descriptors[] = {udp_here(SESSION), udp_here("0.0.0.0:0")};
	struct app app = app_new();
	struct leaf leaf = leaf_new("192.0.2.2:0");
	struct lc_message message;

	open_socket(&app, LC_ROLE_ROOT, descriptors[0]);
	app_must(&app,
		 (struct lc_local_message){.kind = LC_LOCAL_LISTEN, .socket = 1, .backlog = 5}, -1);
	leaf_asks(&leaf, SESSION);
	leaf_proves(&leaf);
	accept_leaf(&app, descriptors[1]);
	cr_assert_eq(hear(leaf.peer, &message, 5000), LC_MESSAGE_ACCEPT);
	app_free(&app);
	daemon_is_killed_over_its_farewells();
	cut(leaf.peer);
	daemon_starts_again("60");
	has_leaves(0);
	call_again(leaf.peer, &(struct proofs){.count = 1, .peers = {leaf.peer}});
	cr_assert_eq(hear(leaf.peer, &message, 5000), LC_MESSAGE_LEAVE);
	cr_assert_eq(message.reason, LEAFCAST_CLOSED);
	cr_assert_eq(message.datagrams, 0, "%lu", (unsigned long)message.datagrams);
	has_no_farewells();
	leaf_free(&leaf);
	app = app_new();
	are_closed(&app, descriptors, 2);
	app_free(&app);
}

/* Its application learns from the socket what the killed daemon had not told it. */
Behaves(goodbyes, before_the_socket_was_let_go)
{
	struct lc_peer_listener *listener = other_daemon();
	int root = udp_there(OTHER), descriptor = udp_here(LEAF);
	struct lc_local_message join = {.kind = LC_LOCAL_JOIN,
					.socket = 1,
					.other = 2,
					.peer = at(OTHER),
					.sends = true,
					.receives = true};
	struct app app = app_new();
	struct lc_message message;
	struct peer *peer;
	uint64_t id;

	open_socket(&app, LC_ROLE_LEAF, descriptor);
	id = app_tell(&app, join, -1);
	peer = answer_call(listener);
	lc_peer_listener_free(listener);
	cr_assert_eq(hear(peer, &message, 5000), LC_MESSAGE_JOIN);
	send_probe(root, &message.leaf, message.token);
	cr_assert_eq(hear(peer, &message, 5000), LC_MESSAGE_SEEN);
	tell(peer, (struct lc_message){.kind = LC_MESSAGE_ACCEPT});
	cr_assert_eq(app_answer(&app, id).reason, LEAFCAST_NO_REASON);
	app_free(&app);
	daemon_is_killed_over_its_farewells();
	cut(peer);
	daemon_starts_again("60");
	app = app_new();
	cr_assert_eq(app_ask(&app, resume_as(1, LC_ROLE_LEAF, true), dup(descriptor)).reason,
		     LEAFCAST_CLOSED);
	call_again(peer, &(struct proofs){.count = 1, .peers = {peer}});
	hear_refusal(peer, LC_MESSAGE_LEAVE, LEAFCAST_CLOSED);
	has_no_farewells();
	peer_free(peer);
	app_must(&app, (struct lc_local_message){.kind = LC_LOCAL_CLOSE, .socket = 1}, -1);
	app_free(&app);
	close(descriptor);
	close(root);
}

/* ---- no room ---- */

/* Of a node that is not there, which has drawn the numbers and is not called for some seconds. */
static void fill_up(void)
{
	struct lc_resumption resumption = {
		.end = 2, .own = address("192.0.2.1"), .other = address("192.0.2.77")};
	struct lc_plane *plane;

	daemon_is_killed();
	plane = take_plane();
	for (uint64_t i = 0; i < LC_MAX_FAREWELLS; i++) {
		struct lc_farewell farewell = farewell_of(&resumption);

		/* Other numbers than the test's peers have. */
		farewell.resumption.number = 1ull << 32 | i;
		cr_assert_eq(lc_plane_keep_farewell(plane, &farewell), 0);
	}
	lc_plane_hand_over(plane);
	daemon_starts_again("60");
}

/* It is said all the same, by the daemon that was there. */
Behaves(goodbyes, that_there_is_no_room_for)
{
	struct leaf leaves[2];
	struct app app;

	memory_slack_kb = 64 * 1024;
	idle_descriptors = 2;
	fill_up();
	app = app_with_root(SESSION, 5);
	for (unsigned int i = 0; i < 2; i++)
		leaves[i] = leaf_joins(&app, i ? "192.0.2.10:0" : "192.0.2.2:0", 2 + i, 5000);
	for (unsigned int i = 0; i < 2; i++) {
		cut(leaves[i].peer);
		app_must(&app, (struct lc_local_message){.kind = LC_LOCAL_CLOSE, .socket = 2 + i},
			 -1);
	}
	has_leaves(0);
	cr_assert_eq(farewells(), LC_MAX_FAREWELLS);
	cr_assert_eq(daemon_has_said("there are too many"), 1);
	for (unsigned int i = 0; i < 2; i++) {
		call_again(leaves[i].peer, &(struct proofs){.count = 1, .peers = {leaves[i].peer}});
		hear_refusal(leaves[i].peer, LC_MESSAGE_LEAVE, LEAFCAST_CLOSED);
		leaf_free(&leaves[i]);
	}
	app_must(&app, (struct lc_local_message){.kind = LC_LOCAL_CLOSE, .socket = 1}, -1);
	app_free(&app);
}

/* ---- nobody is to be told of ---- */

Behaves(goodbyes, that_are_too_old_or_make_no_sense)
{
	struct lc_resumption resumption = {
		.number = 1, .end = 1, .own = address("192.0.2.1"), .other = address("192.0.2.2")};
	struct lc_farewell farewell;
	struct lc_plane *plane;
	struct peer *peer;

	daemon_is_killed();
	plane = take_plane();
	for (int row = 0; row < 6; row++) {
		farewell = farewell_of(&resumption);
		farewell.resumption.number += row;
		if (row == 1)
			farewell.left_ns = farewell.left_ns > 61 * LC_NS_PER_S
						   ? farewell.left_ns - 61 * LC_NS_PER_S
						   : 1;
		else if (row == 2)
			farewell.left_ns = 0;
		else if (row == 3)
			farewell.why = LEAFCAST_NO_REASON;
		else if (row == 4)
			farewell.resumption.end = 0;
		else if (row == 5)
			farewell.resumption.end = 5;
		cr_assert_eq(lc_plane_keep_farewell(plane, &farewell), 0);
	}
	lc_plane_hand_over(plane);
	cr_assert_eq(farewells(), 6);
	daemon_starts_again("60");
	cr_assert_eq(farewells(), 1);
	/* A node that has none of them. */
	peer = call("192.0.2.2");
	has_no_farewells();
	peer_free(peer);
}
