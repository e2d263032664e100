// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What a root's real socket sends, as it comes out at the leaves: on a wire, and on the root's own node. */
#include <arpa/inet.h>
#include <endian.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
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

/* A bad leaf costs the others nothing, and what it does not get is counted. */
Test(wire, bad_leaves)
{
	enum {
		HEALTHY,
		LAST = 8,
		SENT = 500
	};
	struct lc_policer tenth = policer(1, 10 * 128);
	uint32_t leaves[LAST + 1];
	uint64_t node[LC_DROP_COUNT], got[LAST + 1] = {0}, counted = 0, dropped = 0;
	struct lc_hop nowhere, narrow;
	struct session session;
	struct packet packet;
	struct net net;

	fill_stream();
	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	for (unsigned int i = 0; i <= LAST; i++)
		leaves[i] = net_leaf(&net, &session, i, i == 1 ? &tenth : NULL);
	while (net_process(&net, NULL, NULL) && net.plane->leaf_states[leaves[LAST]].spare_busy)
		;
	nowhere = narrow = leaf_hop(&net, 2);
	nowhere.ifindex = 4711;
	narrow.mtu = 100;
	lc_plane_set_hop(net.plane, leaves[2], LC_HOP_0, &nowhere);
	lc_plane_set_hop(net.plane, leaves[3], LC_HOP_0, &narrow);
	lc_plane_set_hop(net.plane, leaves[4], LC_HOP_NO_ROUTE, NULL);
	lc_plane_set_hop(net.plane, leaves[5], LC_HOP_NO_NEIGHBOUR, NULL);
	lc_plane_set_hop(net.plane, leaves[6], LC_HOP_LINK_DOWN, NULL);
	for (int i = 0; i < SENT; i++) /* 20 + 8 + 100 bytes each */
		send_to(session.root, &session.channel, stream, 100, 0);
	while (tap_read(&net, &packet))
		got[packet_port_to(&packet) - 6000]++;
	for (int i = 0; i <= LAST; i++) {
		struct lc_leaf_use use;

		lc_plane_leaf_use(net.plane, leaves[i], &use);
		if (i !=
		    2) /* that one's clone may be the packet itself, which only its device loses */
			cr_expect_eq(use.datagrams, got[i], "leaf %d", i);
		counted += use.datagrams;
		dropped += sum_drops(use.drops, LC_DROP_SLOTS);
	}
	cr_expect_eq(got[HEALTHY], SENT);
	cr_expect_eq(got[7], SENT);
	cr_expect_eq(got[LAST], SENT);
	cr_expect_eq(got[1], 10); /* the bucket's depth; a byte a second adds nothing */
	cr_expect_eq(counted + dropped, SENT * (LAST + 1));
	read_drops(&net, node);
	cr_expect_eq(node[LC_DROP_OVER_RATE], SENT - 10);
	cr_expect_eq(node[LC_DROP_TOO_BIG], SENT);
	cr_expect_eq(node[LC_DROP_NO_ROUTE], SENT);
	cr_expect_eq(node[LC_DROP_NO_NEIGHBOUR], SENT);
	cr_expect_eq(node[LC_DROP_LINK_DOWN], SENT);
	cr_expect_gt(node[LC_DROP_CLONE_FAILED], SENT / 4);
	net_close(&net);
}

/* ---- on the root's own node ---- */

static uint32_t local_leaf(struct net *net, const struct session *session, const char *address,
			   uint16_t port)
{
	struct lc_leaf_spec spec = leaf_spec(session, endpoint(address, port));
	struct lc_hop hop = {.ifindex = net->lo, .mtu = 65535, .local = 1};
	uint32_t leaf;

	cr_assert_eq(lc_plane_add_leaf(net->plane, &spec, &leaf), 0);
	lc_plane_set_hop(net->plane, leaf, LC_HOP_0, &hop);
	cr_assert_eq(lc_plane_enter_leaf(net->plane, leaf), 0);
	return leaf;
}

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
	cr_expect_eq(sum_drops(use.drops, LC_DROP_SLOTS), 0);
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
		cr_assert_eq(lc_plane_admit_socket(net.plane, sockets[i], &admits[i]), 0);
		lc_plane_admit_anchor(net.plane, admits[i], &session.name, net.lo, 0, true);
	}
	setsockopt(sockets[1], IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
	local_leaf(&net, &session, root, 7000);
	expect_locally(&net, &session, sockets[0], admits[0], false);
	local_leaf(&net, &session, root, 7001);
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

/* ---- probes ---- */

struct probed {
	uint32_t admit;
	uint64_t token;
	int times;
};

static void on_probed(void *context, uint32_t admit, uint64_t token)
{
	struct probed *probed = context;

	*probed = (struct probed){admit, token, probed->times + 1};
}

static void send_probe(int socket, const struct session *session, uint32_t leaf, uint64_t token)
{
	struct lc_probe probe = {
		.magic = htobe64(LC_PROBE_MAGIC),
		.token = htobe64(token),
		.leaf = htonl(leaf),
	};

	send_to(socket, &session->channel, &probe, sizeof(probe), 0);
}

static bool wait_probed(struct net *net, struct probed *probed)
{
	int before = probed->times;

	while (probed->times == before)
		if (!net_process(net, on_probed, probed))
			return false;
	return true;
}

/* To a leaf that has not entered, past an empty bucket, and without a trace in the counters of data. */
static void check_probe(const char *root)
{
	struct probed probed = {0};
	struct lc_policer nothing = policer(1, 1);
	uint64_t drops[LC_DROP_COUNT];
	struct lc_admit_use admit_use;
	struct lc_leaf_use leaf_use;
	struct session session;
	int prober, leaf_socket;
	uint32_t leaf, admit;
	struct net net;

	net_open(&net);
	session = net_session(&net, root, NULL);
	prober = net_socket(&net, root, 0);
	leaf_socket = net_socket(&net, root, 7000);
	cr_assert_eq(lc_plane_set_probers(net.plane, strchr(root, ':') ? -1 : prober,
					  strchr(root, ':') ? prober : -1),
		     0);
	cr_assert_eq(lc_plane_admit_socket(net.plane, leaf_socket, &admit), 0);
	lc_plane_admit_anchor(net.plane, admit, &session.name, net.lo, 0x1122334455667788, false);
	leaf = local_leaf(&net, &session, root, 7000);
	lc_leaf_of(net.plane, leaf)->down = nothing;
	lc_plane_leave_leaf(net.plane, leaf);

	send_probe(prober, &session, leaf, 0x1122334455667788);
	cr_assert(wait_probed(&net, &probed));
	cr_expect_eq(probed.times, 1);
	cr_expect_eq(probed.admit, admit);
	cr_expect_eq(probed.token, 0x1122334455667788);
	lc_plane_admit_use(net.plane, admit, &admit_use);
	cr_expect_eq(admit_use.probes, 1);
	cr_expect_eq(admit_use.datagrams, 0);
	lc_plane_leaf_use(net.plane, leaf, &leaf_use);
	cr_expect_eq(leaf_use.datagrams, 0);
	read_drops(&net, drops);
	cr_expect_eq(sum_drops((__u64 *)drops, LC_DROP_COUNT), 0);

	/* A token that nobody waits for is data, which this leaf does not take. */
	send_probe(prober, &session, leaf, 0x1122334455667789);
	/* Another session's leaf, or none, and what is no probe. */
	send_probe(prober, &session, leaf + 1, 0x1122334455667788);
	send_probe(prober, &session, 1u << 31, 0x1122334455667788);
	send_to(prober, &session.channel, "not a probe, but as long", 24, 0);
	send_to(prober, &session.channel, "short", 5, 0);
	/* The right bytes from a socket that is not the daemon's. */
	send_probe(leaf_socket, &session, leaf, 0x1122334455667788);
	usleep(50000);
	while (net_process(&net, on_probed, &probed))
		;
	cr_expect_eq(probed.times, 1);
	read_drops(&net, drops);
	cr_expect_eq(drops[LC_DROP_NOT_ADMITTED], 1);
	cr_expect_eq(drops[LC_DROP_NO_LEAVES], 2);
	cr_expect_eq(drops[LC_DROP_MALFORMED], 2);
	cr_expect_eq(drops[LC_DROP_FOREIGN_SENDER], 1);
	net_close(&net);
}

Test(probe, ipv4)
{
	check_probe(ROOT4);
}
Test(probe, ipv6)
{
	check_probe(ROOT6);
}

/* ---- membership under traffic ---- */

struct sender {
	const struct session *session;
	unsigned int sent;
	bool stop;
};

static void *send_on(void *argument)
{
	struct sender *sender = argument;

	while (!__atomic_load_n(&sender->stop, __ATOMIC_RELAXED)) {
		send_to(sender->session->root, &sender->session->channel, "x", 1, 0);
		sender->sent++;
	}
	return NULL;
}

/*
 * While 60 leaves come and go, two that stay get every datagram exactly once.
 * (Copies go to lc1, where nobody wants them; what it refuses is counted too.)
 */
Test(membership, disturbs_nobody)
{
	enum {
		STAY = 2,
		GUESTS = 60,
		ROUNDS = 60
	};
	uint32_t stay[STAY], guests[GUESTS];
	struct lc_session_use session_use;
	struct session session;
	struct sender sender = {.session = &session};
	pthread_t thread;
	struct net net;

	net_open_sized(&net, 0, 128, 0);
	net.tap0 = net.lc0 - 1; /* the pair's other end has the lower number */
	session = net_session(&net, ROOT4, NULL);
	for (unsigned int i = 0; i < STAY; i++)
		stay[i] = net_leaf(&net, &session, i, NULL);
	cr_assert_eq(pthread_create(&thread, NULL, send_on, &sender), 0);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < GUESTS; i++)
			guests[i] = net_leaf(&net, &session, 100 + i, NULL);
		for (unsigned int i = 0; i < GUESTS; i++)
			lc_plane_remove_leaf(net.plane, guests[(i * 7 + round) % GUESTS]);
		while (net.plane->free_leaves.count < GUESTS)
			cr_assert(net_process(&net, NULL, NULL));
	}
	sender.stop = true;
	pthread_join(thread, NULL);
	lc_plane_session_use(net.plane, session.number, &session_use);
	cr_expect_eq(session_use.datagrams, sender.sent);
	cr_expect_gt(sender.sent, 1000);
	for (unsigned int i = 0; i < STAY; i++) {
		struct lc_leaf_use use;

		lc_plane_leaf_use(net.plane, stay[i], &use);
		cr_expect_eq(use.datagrams + sum_drops(use.drops, LC_DROP_SLOTS), sender.sent,
			     "leaf %u: %llu of %u", i, use.datagrams, sender.sent);
	}
	net_close(&net);
}
