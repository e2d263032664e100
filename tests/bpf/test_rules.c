// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Admission where headers stand between IP and UDP, and while the rule changes. */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "harness.h"

#define MEMBER_PORT 7000

struct bench {
	struct net net;
	int socket;
	uint32_t admit;
};

static void set_up(struct bench *bench, const char *here)
{
	memset(bench, 0, sizeof(*bench));
	net_open(&bench->net);
	bench->socket = net_socket(&bench->net, here, MEMBER_PORT);
	cr_assert_eq(lc_plane_admit_socket(bench->net.plane, bench->socket, 0, LC_ROLE_LEAF,
					   &bench->admit),
		     0);
}

static struct packet arriving(const char *here, const char *from, uint16_t port)
{
	struct packet_spec spec = {
		.from = endpoint(from, port),
		.to = endpoint(here, MEMBER_PORT),
		.mac_to = {2, 0, 0, 0, 0, 1},
		.mac_from = {2, 0, 0, 0, 1, 1},
		.hop_limit = 64,
		.payload = "hello",
		.payload_bytes = 5,
	};

	return packet_make(&spec);
}

/* ---- headers in between ---- */

static void insert(struct packet *packet, size_t at, const uint8_t *bytes, size_t count)
{
	memmove(packet->bytes + at + count, packet->bytes + at, packet->length - at);
	memcpy(packet->bytes + at, bytes, count);
	packet->length += count;
}

/* Two words of IPv4 options, NOP and end (RFC 791 3.1): whoever takes them for UDP finds port 257. */
static void add_options(struct packet *packet)
{
	static const uint8_t options[8] = {1, 1, 1, 1, 1, 1, 1, 0};

	insert(packet, ETH_BYTES + IPV4_BYTES, options, sizeof(options));
	packet_ip(packet)[0] = 0x47;
	put16(packet_ip(packet) + 2, packet->length - ETH_BYTES);
	packet_seal_ipv4(packet);
}

/* Destination options with a PadN (RFC 8200 4.2, 4.6), before UDP (17). */
static void add_extension(struct packet *packet)
{
	static const uint8_t extension[8] = {17, 0, 1, 4};

	insert(packet, ETH_BYTES + IPV6_BYTES, extension, sizeof(extension));
	packet_ip(packet)[6] = 60;
	put16(packet_ip(packet) + 4, packet->length - ETH_BYTES - IPV6_BYTES);
}

static void check_headers_between(const char *here, const char *from,
				  void (*add)(struct packet *packet))
{
	struct lc_endpoint anchor = endpoint(from, 5000);
	struct packet right = arriving(here, from, 5000), wrong = arriving(here, from, 5001);
	struct lc_admit_use use;
	struct bench bench;
	char got[16];

	set_up(&bench, here);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, false, 0, true);
	add(&right);
	add(&wrong);
	tap_write(&bench.net, &right);
	cr_expect_eq(recv(bench.socket, got, sizeof(got), MSG_DONTWAIT), 5);
	tap_write(&bench.net, &wrong);
	cr_expect_lt(recv(bench.socket, got, sizeof(got), MSG_DONTWAIT), 0);
	lc_plane_admit_use(bench.net.plane, bench.admit, &use);
	cr_expect_eq(use.datagrams, 1);
	cr_expect_eq(use.drops.wrong_source, 1);
	cr_expect_eq(sum_drops(&use.drops), 1);
	net_close(&bench.net);
}

Test(rules, ipv4_options)
{
	check_headers_between(ROOT4, "10.9.0.32", add_options);
}

Test(rules, ipv6_extension)
{
	check_headers_between(ROOT6, "fd09::20", add_extension);
}

/* ---- while it changes ---- */

struct changes {
	struct bench *bench;
	struct lc_endpoint anchors[2];
	bool stop;
};

static void *change_on(void *argument)
{
	struct changes *changes = argument;

	for (unsigned int i = 0; !__atomic_load_n(&changes->stop, __ATOMIC_RELAXED); i++)
		lc_plane_admit_anchor(changes->bench->net.plane, changes->bench->admit,
				      &changes->anchors[i % 2], false, 0, true);
	return NULL;
}

/*
 * Two anchors take turns. One's address with the other's port is neither: a
 * program that read a part of each rule would let it in.
 */
Test(rules, are_read_whole)
{
	enum {
		SENT = 50000
	};
	struct packet mixed = arriving(ROOT6, "fd09::20", 5001);
	struct packet whole = arriving(ROOT6, "fd09::20", 5000);
	struct lc_admit_use use;
	struct changes changes;
	unsigned int whole_sent = 0;
	struct bench bench;
	pthread_t thread;

	set_up(&bench, ROOT6);
	changes = (struct changes){
		.bench = &bench,
		.anchors = {endpoint("fd09::20", 5000), endpoint("fd09::21", 5001)},
	};
	cr_assert_eq(pthread_create(&thread, NULL, change_on, &changes), 0);
	for (int i = 0; i < SENT; i++)
		tap_write(&bench.net, &mixed);
	lc_plane_admit_use(bench.net.plane, bench.admit, &use);
	cr_expect_eq(use.datagrams, 0, "%llu of neither anchor", use.datagrams);
	/* That there was something to mix: one is let in when it is its turn. */
	while (use.datagrams == 0 && whole_sent < 100 * SENT) {
		tap_write(&bench.net, &whole);
		if (++whole_sent % 100 == 0)
			sched_yield();
		lc_plane_admit_use(bench.net.plane, bench.admit, &use);
	}
	__atomic_store_n(&changes.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	lc_plane_admit_use(bench.net.plane, bench.admit, &use);
	cr_expect_gt(use.datagrams, 0);
	cr_expect_eq(use.datagrams + use.drops.wrong_source + use.drops.not_admitted,
		     SENT + whole_sent);
	net_close(&bench.net);
}

/* A new interface, token or direction of the same anchor costs no datagram. */
Test(rules, same_anchor_is_never_shut_out)
{
	struct packet whole = arriving(ROOT4, "10.9.0.32", 5000);
	struct lc_admit_use use;
	struct changes changes;
	struct bench bench;
	pthread_t thread;

	set_up(&bench, ROOT4);
	changes = (struct changes){
		.bench = &bench,
		.anchors = {endpoint("10.9.0.32", 5000), endpoint("10.9.0.32", 5000)},
	};
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &changes.anchors[0], false, 0, true);
	cr_assert_eq(pthread_create(&thread, NULL, change_on, &changes), 0);
	for (int i = 0; i < 50000; i++)
		tap_write(&bench.net, &whole);
	__atomic_store_n(&changes.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	lc_plane_admit_use(bench.net.plane, bench.admit, &use);
	cr_expect_eq(use.datagrams, 50000);
	cr_expect_eq(sum_drops(&use.drops), 0);
	net_close(&bench.net);
}

/* A daemon that is stopped between the two stores admits nobody, rather than somebody. */
Test(rules, half_written_admits_nobody)
{
	struct lc_endpoint anchor = endpoint("10.9.0.32", 5000);
	struct packet whole = arriving(ROOT4, "10.9.0.32", 5000);
	struct lc_admit_use use;
	struct bench bench;

	set_up(&bench, ROOT4);
	lc_plane_admit_anchor(bench.net.plane, bench.admit, &anchor, false, 0, true);
	lc_admit_of(bench.net.plane, bench.admit)->version++;
	tap_write(&bench.net, &whole);
	lc_plane_admit_use(bench.net.plane, bench.admit, &use);
	cr_expect_eq(use.drops.not_admitted, 1);
	lc_admit_of(bench.net.plane, bench.admit)->version++;
	tap_write(&bench.net, &whole);
	lc_plane_admit_use(bench.net.plane, bench.admit, &use);
	cr_expect_eq(use.datagrams, 1);
	net_close(&bench.net);
}
