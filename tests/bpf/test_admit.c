// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Admission at a member's own socket: frames that arrive on tap0, and what the socket gets of them. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

#define MEMBER_PORT 7000
#define PAYLOAD	    "payload of an unusual length"

struct bench {
	struct net net;
	const char *here, *there, *elsewhere;
	int socket;
	uint32_t admit;
	struct session session;
	uint32_t leaf; /* there:5000, entered, sends */
};

static void set_up(struct bench *bench, bool ipv6)
{
	memset(bench, 0, sizeof(*bench));
	net_open(&bench->net);
	bench->here = ipv6 ? ROOT6 : ROOT4;
	bench->there = ipv6 ? "fd09::20" : "10.9.0.32";
	bench->elsewhere = ipv6 ? "fd09::21" : "10.9.0.33";
	bench->socket = net_socket(&bench->net, bench->here, MEMBER_PORT);
	cr_assert_eq(lc_plane_admit_socket(bench->net.plane, bench->socket, 0, LC_ROLE_LEAF,
					   &bench->admit),
		     0);
}

static void add_uplink(struct bench *bench, const struct lc_policer *up)
{
	struct lc_leaf_spec spec;

	bench->session = net_session(&bench->net, bench->here, NULL);
	spec = leaf_spec(&bench->session, endpoint(bench->there, 5000));
	spec.sends = true;
	if (up)
		spec.up = *up;
	cr_assert_eq(lc_plane_add_leaf(bench->net.plane, &spec, &bench->leaf), 0);
	cr_assert_eq(lc_plane_enter_leaf(bench->net.plane, bench->leaf), 0);
	lc_plane_admit_leaves(bench->net.plane, bench->admit, bench->session.number);
}

static void arrive(struct bench *bench, const char *from, uint16_t port, const void *payload,
		   size_t bytes)
{
	struct packet_spec spec = {
		.from = endpoint(from, port),
		.to = endpoint(bench->here, MEMBER_PORT),
		.mac_to = {2, 0, 0, 0, 0, 1},
		.mac_from = {2, 0, 0, 0, 1, 1},
		.hop_limit = 64,
		.payload = payload,
		.payload_bytes = bytes,
	};
	struct packet packet = packet_make(&spec);

	tap_write(&bench->net, &packet);
}

/* How many datagrams wait at the socket; they are taken off, and must be whole. */
static int received(struct bench *bench)
{
	char got[2048];
	int count = 0;

	for (;; count++) {
		ssize_t bytes = recv(bench->socket, got, sizeof(got), MSG_DONTWAIT);

		if (bytes < 0)
			return count;
		cr_expect_eq(bytes, (ssize_t)strlen(PAYLOAD));
		cr_expect_arr_eq(got, PAYLOAD, strlen(PAYLOAD));
	}
}

/* One datagram arrives; `reason` (LC_DROP_COUNT: none) is why it is not let through. */
static void expect_one(struct bench *bench, const char *what, const char *from, uint16_t port,
		       unsigned int reason)
{
	uint64_t before[LC_DROP_COUNT], after[LC_DROP_COUNT];
	struct lc_admit_use use_before, use;
	unsigned int admitted = reason == LC_DROP_COUNT;

	read_drops(&bench->net, before);
	lc_plane_admit_use(bench->net.plane, bench->admit, &use_before);
	arrive(bench, from, port, PAYLOAD, strlen(PAYLOAD));
	cr_expect_eq(received(bench), (int)admitted, "%s", what);
	read_drops(&bench->net, after);
	lc_plane_admit_use(bench->net.plane, bench->admit, &use);
	for (unsigned int i = 0; i < LC_DROP_COUNT; i++) {
		cr_expect_eq(after[i] - before[i], i == reason, "%s: reason %u", what, i);
		if (reason != LC_DROP_LEAF_OVER_RATE) /* that is in the leaf's record */
			cr_expect_eq(lc_drop_count(&use.drops, i) -
					     lc_drop_count(&use_before.drops, i),
				     i == reason, "%s: the socket's reason %u", what, i);
	}
	cr_expect_eq(use.datagrams - use_before.datagrams, admitted, "%s", what);
	cr_expect_eq(use.bytes - use_before.bytes,
		     admitted * (strlen(PAYLOAD) + (strchr(from, ':') ? 48 : 28)), "%s", what);
}

static void check_anchor(bool ipv6)
{
	struct bench bench;
	struct lc_endpoint anchor;

	set_up(&bench, ipv6);
	anchor = endpoint(bench.there, 5000);
	expect_one(&bench, "before admission", bench.there, 5000, LC_DROP_NOT_ADMITTED);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, false, 0, true);
	expect_one(&bench, "the anchor", bench.there, 5000, LC_DROP_COUNT);
	expect_one(&bench, "another address", bench.elsewhere, 5000, LC_DROP_WRONG_SOURCE);
	expect_one(&bench, "another port", bench.there, 5001, LC_DROP_WRONG_SOURCE);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, true, 0, true);
	expect_one(&bench, "an anchor of this node, from outside", bench.there, 5000,
		   LC_DROP_WRONG_INTERFACE);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, false, 0, true);
	expect_one(&bench, "the anchor again", bench.there, 5000, LC_DROP_COUNT);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, false, 0, false);
	expect_one(&bench, "a leaf that takes nothing", bench.there, 5000, LC_DROP_NOT_ADMITTED);
	anchor = endpoint(bench.elsewhere, 5001);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, false, 0, true);
	expect_one(&bench, "the former anchor", bench.there, 5000, LC_DROP_WRONG_SOURCE);
	expect_one(&bench, "the new anchor", bench.elsewhere, 5001, LC_DROP_COUNT);
	lc_plane_admit_nobody(bench.net.plane, bench.admit);
	expect_one(&bench, "nobody", bench.elsewhere, 5001, LC_DROP_NOT_ADMITTED);
	net_close(&bench.net);
}

/* What this host sends to itself is no word of an anchor elsewhere, whatever its source. */
static void check_loopback(bool ipv6)
{
	struct bench bench;
	struct lc_endpoint anchor, member;
	struct lc_admit_use use;
	int sender;

	set_up(&bench, ipv6);
	sender = net_socket(&bench.net, bench.here, 5000);
	anchor = endpoint(bench.here, 5000);
	member = endpoint(bench.here, MEMBER_PORT);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, false, 0, true);
	send_to(sender, &member, PAYLOAD, strlen(PAYLOAD), 0);
	cr_expect_eq(received(&bench), 0);
	lc_plane_admit_use(bench.net.plane, bench.admit, &use);
	cr_expect_eq(use.drops.wrong_interface, 1);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, true, 0, true);
	send_to(sender, &member, PAYLOAD, strlen(PAYLOAD), 0);
	cr_expect_eq(received(&bench), 1);
	close(sender);
	net_close(&bench.net);
}

Test(admit, loopback_ipv4)
{
	check_loopback(false);
}

Test(admit, loopback_ipv6)
{
	check_loopback(true);
}

Test(admit, anchor_ipv4)
{
	check_anchor(false);
}

Test(admit, anchor_ipv6)
{
	check_anchor(true);
}

static void check_leaves(bool ipv6)
{
	/* Room for two of these datagrams, and next to nothing more. */
	size_t bytes = strlen(PAYLOAD) + (ipv6 ? 48 : 28);
	struct lc_policer two = policer(1, 2 * bytes);
	struct lc_leaf_use use;
	struct bench bench;

	set_up(&bench, ipv6);
	add_uplink(&bench, &two);
	expect_one(&bench, "a leaf", bench.there, 5000, LC_DROP_COUNT);
	expect_one(&bench, "a stranger", bench.elsewhere, 5000, LC_DROP_WRONG_SOURCE);
	expect_one(&bench, "the leaf's host", bench.there, 5001, LC_DROP_WRONG_SOURCE);
	expect_one(&bench, "a leaf", bench.there, 5000, LC_DROP_COUNT);
	expect_one(&bench, "a leaf above its rate", bench.there, 5000, LC_DROP_LEAF_OVER_RATE);
	lc_plane_leaf_use(bench.net.plane, bench.leaf, &use);
	cr_expect_eq(use.up_datagrams, 2);
	cr_expect_eq(use.up_bytes, 2 * bytes);
	cr_expect_eq(use.drops.leaf_over_rate, 1);
	cr_expect_eq(use.datagrams, 0);
	cr_expect_eq(use.meter.rate, 0, "the other direction's bucket is its own");
	lc_plane_admit_leaves(bench.net.plane, bench.admit, bench.session.number + 1);
	expect_one(&bench, "another session's leaf", bench.there, 5000, LC_DROP_WRONG_SOURCE);
	lc_plane_admit_leaves(bench.net.plane, bench.admit, bench.session.number);
	lc_plane_leave_leaf(bench.net.plane, bench.leaf);
	expect_one(&bench, "a leaf that left", bench.there, 5000, LC_DROP_WRONG_SOURCE);
	net_close(&bench.net);
}

Test(admit, leaves_ipv4)
{
	check_leaves(false);
}

Test(admit, leaves_ipv6)
{
	check_leaves(true);
}

/* A leaf that does not send is no uplink. */
Test(admit, receiving_leaf_does_not_send)
{
	struct lc_leaf_spec spec;
	struct bench bench;
	uint32_t leaf;

	set_up(&bench, false);
	add_uplink(&bench, NULL);
	spec = leaf_spec(&bench.session, endpoint(bench.elsewhere, 5000));
	cr_assert_eq(lc_plane_add_leaf(bench.net.plane, &spec, &leaf), 0);
	cr_assert_eq(lc_plane_enter_leaf(bench.net.plane, leaf), 0);
	expect_one(&bench, "the one that sends", bench.there, 5000, LC_DROP_COUNT);
	expect_one(&bench, "the one that does not", bench.elsewhere, 5000, LC_DROP_WRONG_SOURCE);
	net_close(&bench.net);
}

static void count_call(void *context, uint32_t admit, uint64_t token)
{
	(*(int *)context)++;
}

static void arrive_probe(struct bench *bench, const char *from, uint64_t magic, uint64_t token,
			 size_t bytes)
{
	uint8_t payload[64] = {0};
	struct lc_probe probe = {.magic = htobe64(magic), .token = htobe64(token)};

	memcpy(payload, &probe, sizeof(probe));
	arrive(bench, from, 5000, payload, bytes);
}

/* Only the token that is waited for, from the anchor, whole, is a probe; the application sees none of it. */
Test(admit, probes)
{
	struct lc_admit_use use;
	struct bench bench;
	struct lc_endpoint anchor;
	int seen = 0;
	char got[64];

	set_up(&bench, false);
	anchor = endpoint(bench.there, 5000);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, false, 42, true);
	arrive_probe(&bench, bench.there, LC_PROBE_MAGIC, 42, 24);
	cr_expect_lt(recv(bench.socket, got, sizeof(got), MSG_DONTWAIT), 0);
	cr_expect(net_process(&bench.net, count_call, &seen));
	cr_expect_eq(seen, 1);
	arrive_probe(&bench, bench.elsewhere, LC_PROBE_MAGIC, 42, 24);
	arrive_probe(&bench, bench.there, LC_PROBE_MAGIC, 41, 24);
	arrive_probe(&bench, bench.there, LC_PROBE_MAGIC + 1, 42, 24);
	arrive_probe(&bench, bench.there, LC_PROBE_MAGIC, 42, 25);
	arrive_probe(&bench, bench.there, LC_PROBE_MAGIC, 42, 23);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, false, 0, true);
	arrive_probe(&bench, bench.there, LC_PROBE_MAGIC, 0, 24);
	arrive_probe(&bench, bench.there, LC_PROBE_MAGIC, 42, 24);
	lc_plane_process(bench.net.plane, count_call, &seen);
	cr_expect_eq(seen, 1);
	lc_plane_admit_use(bench.net.plane, bench.admit, &use);
	cr_expect_eq(use.probes, 1);
	cr_expect_eq(use.datagrams, 6); /* data, as far as the kernel can tell */
	cr_expect_eq(use.drops.wrong_source, 1);
	net_close(&bench.net);
}

/* The owner of the socket can neither take the filter off nor put another in its place. */
Test(admit, is_locked)
{
	struct bench bench;
	uint32_t again;
	int off = 0;

	set_up(&bench, false);
	cr_expect_lt(setsockopt(bench.socket, SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof(off)), 0);
	cr_expect_eq(errno, EPERM);
	cr_expect_lt(setsockopt(bench.socket, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof(off)), 0);
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(lc_plane_admit_socket(bench.net.plane, bench.socket, 0, LC_ROLE_LEAF, &again),
		     -EEXIST);
	expect_one(&bench, "still nobody", bench.there, 5000, LC_DROP_NOT_ADMITTED);
	net_close(&bench.net);
}

/* Forgotten, or its plane gone: nothing passes. */
Test(admit, forgotten)
{
	uint64_t drops[LC_DROP_COUNT];
	struct lc_endpoint anchor;
	struct bench bench;

	set_up(&bench, false);
	anchor = endpoint(bench.there, 5000);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, false, 0, true);
	lc_plane_forget_socket(bench.net.plane, bench.admit);
	arrive(&bench, bench.there, 5000, PAYLOAD, strlen(PAYLOAD));
	cr_expect_eq(received(&bench), 0);
	read_drops(&bench.net, drops);
	cr_expect_eq(drops[LC_DROP_NOT_ADMITTED], 1);
	net_close(&bench.net);
}

Test(admit, not_a_socket)
{
	struct bench bench;
	uint32_t admit = 99;

	set_up(&bench, false);
	cr_expect_eq(lc_plane_admit_socket(bench.net.plane, -1, 0, LC_ROLE_LEAF, &admit), -EBADF);
	cr_expect_eq(lc_plane_admit_socket(bench.net.plane, bench.net.tap, 0, LC_ROLE_LEAF, &admit),
		     -ENOTSOCK);
	cr_expect_eq(admit, 99);
	net_close(&bench.net);
}
