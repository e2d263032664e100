// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Layouts one apart: a daemon of the next one (make LAYOUT=next) and ours follow each other. */
#include <bpf/bpf.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "books.h"

/* Where it has its own things: a slot of the drops, a field of the session's reserve, a map. */
#define NEXT_DROP LC_DROP_COUNT
#define NEXT_MAP  "lc_next_use"
/* What this one has and the one before has not. */
#define ADDED_MAP "lc_farewells"

/* What a start of the next layout says; its exit status is returned. */
static int start_next(const struct net *net, char *says, size_t room)
{
	char self[PATH_MAX] = "", command[2 * PATH_MAX];
	FILE *output;
	size_t bytes;

	cr_assert_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	snprintf(command, sizeof(command), "exec %s/layout-next/tests/layout/start %s %u %u %u %u",
		 dirname(dirname(dirname(self))), net->bpf_dir, net->devices.sender,
		 net->devices.cut, net->devices.cut_end, net->devices.loopback);
	output = popen(command, "re");
	cr_assert_not_null(output);
	bytes = fread(says, 1, room - 1, output);
	says[bytes] = '\0';
	return WEXITSTATUS(pclose(output));
}

static void next_takes_over(struct net *net)
{
	char says[512];

	net_kill(net);
	cr_assert_eq(start_next(net, says, sizeof(says)), 0, "%s", says);
	cr_assert_str_eq(says, "adopted\n");
}

static struct lc_config pinned_config(const struct net *net)
{
	struct lc_config config = {0};
	uint32_t key = 0;
	char pin[128];
	int map;

	snprintf(pin, sizeof(pin), "%s/lc_config", net->bpf_dir);
	map = bpf_obj_get(pin);
	cr_assert_geq(map, 0);
	cr_assert_eq(bpf_map_lookup_elem(map, &key, &config), 0);
	close(map);
	return config;
}

static bool has_next_map(const struct net *net)
{
	char pin[128];

	snprintf(pin, sizeof(pin), "%s/" NEXT_MAP, net->bpf_dir);
	return access(pin, F_OK) == 0;
}

struct stream {
	struct net net;
	struct session session;
	uint32_t leaf, admit;
	int socket;
	unsigned int sent;
	bool stop;
};

/* A session with a leaf on this node, whose socket is locked by our layout. */
static void stream_open(struct stream *stream)
{
	memset(stream, 0, sizeof(*stream));
	net_open(&stream->net);
	stream->session = net_session(&stream->net, ROOT4, NULL);
	stream->socket = net_socket(&stream->net, ROOT4, 7000);
	cr_assert_eq(lc_plane_admit_socket(stream->net.plane, stream->socket, 0, LC_ROLE_LEAF,
					   &stream->admit),
		     0);
	lc_plane_admit_anchor(stream->net.plane, stream->admit, &stream->session.name, true, 0,
			      true);
	stream->leaf = net_local_leaf(&stream->net, &stream->session, ROOT4, 7000);
}

static void stream_send(struct stream *stream)
{
	send_to(stream->session.root, &stream->session.channel, "x", 1, 0);
	stream->sent++;
}

/* All that was sent was copied and let in, whoever was there. */
static void stream_check(struct stream *stream)
{
	struct lc_admit_use admit;
	struct lc_leaf_use leaf;
	unsigned int got = 0;
	char byte;

	lc_plane_leaf_use(stream->net.plane, stream->leaf, &leaf);
	lc_plane_admit_use(stream->net.plane, stream->admit, &admit);
	cr_expect_eq(leaf.datagrams, stream->sent);
	cr_expect_eq(admit.datagrams, stream->sent);
	while (recv(stream->socket, &byte, 1, MSG_DONTWAIT) == 1)
		got++;
	cr_expect_eq(got, stream->sent);
}

static void *send_on(void *argument)
{
	struct stream *stream = argument;

	while (!__atomic_load_n(&stream->stop, __ATOMIC_RELAXED)) {
		stream_send(stream);
		usleep(50);
	}
	return NULL;
}

/* Under traffic: nothing is lost, and what the other layout does not know stays. */
Test(layout, up_and_down)
{
	static struct stream stream;
	pthread_t thread;

	stream_open(&stream);
	cr_assert_eq(pthread_create(&thread, NULL, send_on, &stream), 0);
	for (int round = 0; round < 3; round++) {
		struct lc_session_use use;
		uint64_t walks;

		cr_expect_eq(has_next_map(&stream.net), round > 0);
		next_takes_over(&stream.net);
		cr_expect_eq(pinned_config(&stream.net).layout, LC_LAYOUT_VERSION + 1);
		cr_expect(has_next_map(&stream.net), "what was missing is made");
		usleep(20000);
		take_over(&stream.net);
		cr_expect_eq(pinned_config(&stream.net).layout, LC_LAYOUT_VERSION);
		cr_expect_eq(pinned_config(&stream.net).readable_by, LC_LAYOUT_READABLE_BY);
		lc_plane_session_use(stream.net.plane, stream.session.number, &use);
		walks = use.reserved[0];
		cr_expect_gt(walks, 0, "its field was counted");
		usleep(20000);
		lc_plane_session_use(stream.net.plane, stream.session.number, &use);
		cr_expect_eq(use.reserved[0], walks, "by its program alone");
	}
	__atomic_store_n(&stream.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	cr_expect_gt(stream.sent, 500);
	stream_check(&stream);
	net_close(&stream.net);
}

/* The filter of a socket that was locked before is the next layout's at once, and ours again. */
Test(layout, locked_sockets_too)
{
	static struct stream stream;
	struct lc_admit_use use;

	stream_open(&stream);
	lc_plane_admit_anchor(stream.net.plane, stream.admit, &stream.session.name, true, 0, false);
	stream_send(&stream);
	next_takes_over(&stream.net);
	stream_send(&stream);
	stream_send(&stream);
	take_over(&stream.net);
	stream_send(&stream);
	lc_plane_admit_use(stream.net.plane, stream.admit, &use);
	cr_expect_eq(use.drops.not_admitted, 2);
	cr_expect_eq(lc_drop_count(&use.drops, NEXT_DROP), 2);
	net_close(&stream.net);
}

static void set_layout(struct stream *stream, uint32_t layout, uint32_t readable_by)
{
	struct lc_config config = pinned_config(&stream->net);
	uint32_t key = 0;
	char pin[128];
	int map;

	config.layout = layout;
	config.readable_by = readable_by;
	snprintf(pin, sizeof(pin), "%s/lc_config", stream->net.bpf_dir);
	map = bpf_obj_get(pin);
	cr_assert_eq(bpf_map_update_elem(map, &key, &config, BPF_ANY), 0);
	close(map);
}

/* The layout before, as it is where its last daemon never saw this one: without lc_farewells. */
Test(layout, up_from_the_one_before)
{
	static struct stream stream;
	char pin[128];

	stream_open(&stream);
	stream_send(&stream);
	set_layout(&stream, LC_LAYOUT_VERSION - 1, LC_LAYOUT_VERSION - 2);
	snprintf(pin, sizeof(pin), "%s/" ADDED_MAP, stream.net.bpf_dir);
	cr_assert_eq(unlink(pin), 0);
	take_over(&stream.net);
	stream_send(&stream);
	cr_expect_eq(access(pin, F_OK), 0, "what was missing is made");
	cr_expect_eq(pinned_config(&stream.net).layout, LC_LAYOUT_VERSION);
	cr_expect_eq(pinned_config(&stream.net).readable_by, LC_LAYOUT_VERSION - 1);
	stream_check(&stream);
	net_close(&stream.net);
}

/* What is to be said is kept by daemons of either. */
Test(layout, farewells_go_up_and_down)
{
	struct lc_farewell farewell = {.resumption = {.number = 7, .end = 1}, .why = 17};
	static struct stream stream;
	struct lc_farewell found;

	stream_open(&stream);
	cr_assert_eq(lc_plane_keep_farewell(stream.net.plane, &farewell), 0);
	next_takes_over(&stream.net);
	take_over(&stream.net);
	cr_expect(lc_plane_find_farewell(stream.net.plane, &farewell.resumption, &found));
	net_close(&stream.net);
}

/* ---- refused ---- */

/* With everything left running. */
static void expect_refused(struct stream *stream, const char *says)
{
	struct lc_error error = {""};
	char way_out[160];

	net_kill(&stream->net);
	cr_expect_eq(net_start(&stream->net, &error), -EPROTO, "%s", error.text);
	cr_expect_null(stream->net.plane);
	cr_expect_not_null(strstr(error.text, says), "\"%s\"", error.text);
	snprintf(way_out, sizeof(way_out), "`leafcastd --purge --bpf-dir %s`", stream->net.bpf_dir);
	cr_expect_not_null(strstr(error.text, way_out), "\"%s\"", error.text);
	cr_expect_null(strchr(error.text, '\n'));
	stream_send(stream);
}

Test(layout, refused)
{
	static struct stream stream;
	char says[512];
	struct lc_error error = {""};

	stream_open(&stream);
	set_layout(&stream, LC_LAYOUT_VERSION + 1, LC_LAYOUT_VERSION + 1);
	expect_refused(&stream, "have layout 5 and this program reads layout 4");
	set_layout(&stream, LC_LAYOUT_VERSION + 1, 0);
	expect_refused(&stream, "have layout 5 and this program reads layout 4");
	set_layout(&stream, LC_LAYOUT_VERSION - 2, LC_LAYOUT_VERSION - 2);
	expect_refused(&stream, "have layout 2 and this program reads layout 4");
	/* Of two apart the older one is refused, too. */
	set_layout(&stream, LC_LAYOUT_VERSION - 1, LC_LAYOUT_VERSION - 1);
	cr_expect_eq(start_next(&stream.net, says, sizeof(says)), 1);
	cr_expect_not_null(strstr(says, "have layout 3 and this program reads layout 5"), "%s",
			   says);
	/* Two above, of one that says that it may be read. */
	set_layout(&stream, LC_LAYOUT_VERSION + 2, LC_LAYOUT_VERSION);
	cr_expect_eq(net_start(&stream.net, &error), 0, "%s", error.text);
	cr_expect(lc_plane_is_adopted(stream.net.plane));
	stream_send(&stream);
	stream_check(&stream);
	net_close(&stream.net);
}

Test(layout, damaged)
{
	static struct stream stream;
	struct session other;
	char pin[128], hidden[128], other_pin[128];
	int doors;

	stream_open(&stream);
	/* Two sessions that claim the same slots. */
	other = net_session(&stream.net, ROOT6, NULL);
	net_leaf(&stream.net, &other, 1, NULL);
	lc_session_of(stream.net.plane, other.number)->extent =
		lc_session_of(stream.net.plane, stream.session.number)->extent;
	expect_refused(&stream, "contradict each other");

	/* A map is missing that no layout is without. */
	snprintf(pin, sizeof(pin), "%s/lc_uplinks", stream.net.bpf_dir);
	snprintf(hidden, sizeof(hidden), "%s/hidden", stream.net.bpf_dir);
	cr_assert_eq(rename(pin, hidden), 0);
	expect_refused(&stream, "lc_uplinks is not pinned");
	cr_assert_eq(rename(hidden, pin), 0);

	/* One that is another's. */
	cr_assert_eq(rename(pin, hidden), 0);
	snprintf(other_pin, sizeof(other_pin), "%s/lc_doors", stream.net.bpf_dir);
	doors = bpf_obj_get(other_pin);
	cr_assert_eq(bpf_obj_pin(doors, pin), 0);
	close(doors);
	expect_refused(&stream, "not those of layout 4");
	cr_assert_eq(rename(hidden, pin), 0);

	/* ...nor this one. */
	snprintf(pin, sizeof(pin), "%s/" ADDED_MAP, stream.net.bpf_dir);
	cr_assert_eq(unlink(pin), 0);
	expect_refused(&stream, ADDED_MAP " is not pinned");
	net_close(&stream.net);
}
