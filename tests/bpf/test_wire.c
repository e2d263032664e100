// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What a root's real socket sends, as it comes out at the leaves: on a wire, and on the root's own node. */
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

#define LEAVES	    3
#define MTU_PAYLOAD 1400

static uint8_t stream[60000];

static void fill_stream(void)
{
	srandom(7);
	for (size_t i = 0; i < sizeof(stream); i++)
		stream[i] = (uint8_t)random();
}

/* ---- ways to send: each sends the stream's first `bytes`, `size` a datagram ---- */

typedef void send_fn(const struct session *session, size_t bytes, size_t size);

static size_t at_most(size_t bytes, size_t limit)
{
	return bytes < limit ? bytes : limit;
}

static void send_ordinary(const struct session *session, size_t bytes, size_t size)
{
	for (size_t at = 0; at < bytes; at += size)
		send_to(session->root, &session->channel, stream + at, at_most(size, bytes - at),
			0);
}

/* The kernel sums the payload while it gathers the parts, and leaves nothing to the device. */
static void send_more(const struct session *session, size_t bytes, size_t size)
{
	for (size_t at = 0; at < bytes; at += size) {
		size_t all = at_most(size, bytes - at), first = all / 3 | 1;

		send_to(session->root, &session->channel, stream + at, first, MSG_MORE);
		send_to(session->root, &session->channel, stream + at + first, all - first, 0);
	}
}

static void send_segmented(const struct session *session, size_t bytes, size_t size)
{
	int segment = (int)size;

	cr_assert_eq(setsockopt(session->root, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)),
		     0);
	send_to(session->root, &session->channel, stream, bytes, 0);
	segment = 0;
	setsockopt(session->root, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
}

/* ---- on a wire ---- */

/* Identification, DF and flow label are the sending stack's own affair: taken over, all else is compared. */
static void expect_leafs(const struct session *session, unsigned int leaf, const struct packet *got,
			 const uint8_t *payload, size_t bytes)
{
	struct packet wanted = leaf_packet(session, leaf, payload, bytes);

	if (session->name.family == LC_INET) {
		memcpy(packet_ip(&wanted) + 4, got->bytes + ETH_BYTES + 4, 4);
		packet_seal_ipv4(&wanted);
	} else {
		memcpy(packet_ip(&wanted) + 1, got->bytes + ETH_BYTES + 1, 3);
	}
	cr_assert_eq(got->length, wanted.length, "leaf %u: %zu bytes instead of %zu", leaf,
		     got->length, wanted.length);
	for (size_t i = 0; i < wanted.length; i++)
		cr_assert_eq(got->bytes[i], wanted.bytes[i],
			     "leaf %u: byte %zu: %02x instead of %02x", leaf, i, got->bytes[i],
			     wanted.bytes[i]);
}

static void expect_stream(const struct net *net, const struct session *session, size_t bytes,
			  size_t size)
{
	size_t at[LEAVES] = {0};
	struct packet got;

	while (tap_read(net, &got)) {
		unsigned int leaf = packet_port_to(&got) - 6000u;
		size_t length;

		cr_assert_lt(leaf, LEAVES);
		length = at_most(size, bytes - at[leaf]);
		expect_leafs(session, leaf, &got, stream + at[leaf], length);
		at[leaf] += length;
	}
	for (int i = 0; i < LEAVES; i++)
		cr_assert_eq(at[i], bytes, "leaf %d: %zu bytes of %zu", i, at[i], bytes);
}

static void check_way(const char *root, send_fn *send_by, size_t bytes, size_t size)
{
	uint64_t datagrams = (bytes + size - 1) / size;
	size_t headers = strchr(root, ':') ? 48 : 28;
	uint32_t leaves[LEAVES];
	struct lc_session_use use;
	struct session session;
	struct net net;

	fill_stream();
	net_open(&net);
	session = net_session(&net, root, NULL);
	for (unsigned int i = 0; i < LEAVES; i++)
		leaves[i] = net_leaf(&net, &session, i, NULL);
	for (int i = 0; i < 3; i++) {
		send_by(&session, bytes, size);
		expect_stream(&net, &session, bytes, size);
	}
	lc_plane_session_use(net.plane, session.number, &use);
	cr_expect_eq(use.datagrams, 3 * datagrams);
	cr_expect_eq(use.bytes, 3 * (bytes + datagrams * headers));
	for (int i = 0; i < LEAVES; i++) {
		struct lc_leaf_use leaf_use;

		lc_plane_leaf_use(net.plane, leaves[i], &leaf_use);
		cr_expect_eq(leaf_use.datagrams, use.datagrams);
		cr_expect_eq(leaf_use.bytes, use.bytes);
	}
	close(session.root);
	net_close(&net);
}

static void check_sizes(const char *root, send_fn *send_by)
{
	check_way(root, send_by, sizeof(stream), MTU_PAYLOAD);
}

Test(wire, ordinary_ipv4)
{
	check_sizes(ROOT4, send_ordinary);
}
Test(wire, ordinary_ipv6)
{
	check_sizes(ROOT6, send_ordinary);
}
Test(wire, odd_sizes_ipv4)
{
	check_way(ROOT4, send_ordinary, 9999, 77);
}
Test(wire, odd_sizes_ipv6)
{
	check_way(ROOT6, send_ordinary, 9999, 77);
}
Test(wire, more_ipv4)
{
	check_sizes(ROOT4, send_more);
}
Test(wire, more_ipv6)
{
	check_sizes(ROOT6, send_more);
}
Test(wire, segmented_ipv4)
{
	check_sizes(ROOT4, send_segmented);
}
Test(wire, segmented_ipv6)
{
	check_sizes(ROOT6, send_segmented);
}

/* SO_NO_CHECK: no sum goes in, and none comes out (IPv4). */
Test(wire, without_sums)
{
	struct session session;
	struct packet got;
	struct net net;
	int on = 1;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	net_leaf(&net, &session, 0, NULL);
	net_leaf(&net, &session, 1, NULL);
	setsockopt(session.root, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
	send_to(session.root, &session.channel, "unsummed", 8, 0);
	for (int i = 0; i < 2; i++) {
		cr_assert(tap_read(&net, &got));
		cr_expect_eq(get16(packet_udp(&got) + 6), 0);
		cr_expect_arr_eq(packet_payload(&got), "unsummed", 8);
	}
	net_close(&net);
}

/* ---- on the root's own node ---- */

static size_t receive(int socket, uint8_t *into, size_t room)
{
	struct pollfd ready = {.fd = socket, .events = POLLIN};
	ssize_t got;

	if (poll(&ready, 1, 500) != 1)
		return 0;
	got = recv(socket, into, room, 0);
	return got > 0 ? (size_t)got : 0;
}

static void expect_locally(struct net *net, const struct session *session, int socket,
			   uint32_t admit, bool gro)
{
	uint8_t got[65536];
	struct lc_admit_use use;
	size_t at = 0, bytes = 20 * 1000;
	size_t headers = session->name.family == LC_INET ? 28 : 48;

	send_ordinary(session, bytes, 1000);
	while (at < bytes) {
		cr_assert_eq(receive(socket, got, sizeof(got)), 1000);
		cr_assert_arr_eq(got, stream + at, 1000);
		at += 1000;
	}
	send_segmented(session, bytes, 1000);
	at = 0;
	while (at < bytes) {
		size_t length = receive(socket, got, sizeof(got));

		cr_assert_eq(length, gro ? bytes : 1000);
		cr_assert_arr_eq(got, stream + at, length);
		at += length;
	}
	lc_plane_admit_use(net->plane, admit, &use);
	cr_expect_eq(use.datagrams, 40);
	cr_expect_eq(use.bytes, 40 * (1000 + headers));
	cr_expect_eq(sum_drops(&use.drops), 0);
}

/* Two leaves next to the root and one on a wire, all of the same session. */
static void check_local(const char *root)
{
	struct session session;
	struct packet ignored;
	uint32_t admits[2];
	int sockets[2], on = 1;
	struct net net;

	fill_stream();
	net_open(&net);
	session = net_session(&net, root, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		sockets[i] = net_socket(&net, root, 7000 + i);
		cr_assert_eq(
			lc_plane_admit_socket(net.plane, sockets[i], 0, LC_ROLE_LEAF, &admits[i]),
			0);
		lc_plane_admit_anchor(net.plane, admits[i], &session.name, true, 0, true);
	}
	setsockopt(sockets[1], IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
	net_local_leaf(&net, &session, root, 7000);
	expect_locally(&net, &session, sockets[0], admits[0], false);
	net_local_leaf(&net, &session, root, 7001);
	net_leaf(&net, &session, 0, NULL);
	expect_locally(&net, &session, sockets[1], admits[1], true);
	for (int i = 0; i < 40; i++)
		cr_expect(tap_read(&net, &ignored));
	cr_expect_not(tap_read(&net, &ignored));
	net_close(&net);
}

Test(local, ipv4)
{
	check_local(ROOT4);
}
Test(local, ipv6)
{
	check_local(ROOT6);
}
