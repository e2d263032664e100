// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The sender's verdicts, packet by packet, through BPF_PROG_TEST_RUN. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

#define TC_ACT_SHOT	2
#define TC_ACT_REDIRECT 7
#define NOT_COUNTED	LC_DROP_COUNT
#define COPIED		(LC_DROP_COUNT + 1)

struct bench {
	struct net net;
	struct session session;
	uint32_t leaf;
};

enum where {
	NODE,
	SESSION,
	LEAF
};

struct row {
	const char *description;
	void (*change)(struct packet *packet);
	void (*arrange)(struct bench *bench);
	unsigned int reason; /* enum lc_drop, NOT_COUNTED or COPIED */
	enum where where;
	bool foreign;
	uint32_t gso_segs, gso_size;
};

/* ---- running one packet ---- */

/*
 * The kernel makes a new socket for each test run, and gives out cookies one
 * after the other per CPU. So the run's socket has the cookie after that of
 * one just made, unless somebody asked for a cookie in between: then it shows
 * as a foreign sender's, and is tried again.
 */
static uint64_t next_cookie(void)
{
	int made = socket(AF_INET, SOCK_DGRAM, 0);
	uint64_t cookie = 0;

	lc_socket_cookie(made, &cookie);
	close(made);
	return cookie + 1;
}

static void stay_on_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static int run_once(struct bench *bench, const struct packet *in, const struct row *row,
		    struct packet *out)
{
	struct __sk_buff skb = {.gso_segs = row->gso_segs, .gso_size = row->gso_size};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in->bytes,
		    .data_size_in = (uint32_t)in->length, .data_out = out->bytes,
		    .data_size_out = sizeof(out->bytes), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb));

	lc_session_of(bench->net.plane, bench->session.number)->sender_cookie =
		row->foreign ? ~0ull : next_cookie();
	cr_assert_eq(
		bpf_prog_test_run_opts(lc_programs_sender(bench->net.plane->programs), &options), 0,
		"%s: %m", row->description);
	out->length = options.data_size_out;
	return (int)options.retval;
}

struct counts {
	uint64_t node[LC_DROP_COUNT], session, leaf;
	struct lc_session_use session_use;
	struct lc_leaf_use leaf_use;
};

static struct counts count(struct bench *bench)
{
	struct counts counts;

	read_drops(&bench->net, counts.node);
	lc_plane_session_use(bench->net.plane, bench->session.number, &counts.session_use);
	lc_plane_leaf_use(bench->net.plane, bench->leaf, &counts.leaf_use);
	counts.session = sum_drops(counts.session_use.drops, LC_DROP_SLOTS);
	counts.leaf = sum_drops(counts.leaf_use.drops, LC_DROP_SLOTS);
	return counts;
}

/* Runs until the run's socket was the root's, if it is to be; *before is of before that run. */
static int run_row(struct bench *bench, const struct packet *in, const struct row *row,
		   struct packet *out, struct counts *before)
{
	for (int i = 0;; i++) {
		struct counts after;
		int verdict;

		*before = count(bench);
		verdict = run_once(bench, in, row, out);
		after = count(bench);
		if (row->foreign || i == 100 ||
		    after.node[LC_DROP_FOREIGN_SENDER] == before->node[LC_DROP_FOREIGN_SENDER])
			return verdict;
	}
}

static void set_up(struct bench *bench, const char *root)
{
	stay_on_one_cpu();
	net_open(&bench->net);
	bench->session = net_session(&bench->net, root, NULL);
	bench->leaf = net_leaf(&bench->net, &bench->session, 0, NULL);
}

static struct packet sent_packet(const struct bench *bench, const void *payload, size_t bytes)
{
	struct packet_spec spec = {
		.from = bench->session.name,
		.to = bench->session.channel,
		.mac_to = {1, 0, 0x5e, 0x7f, 0, 1},
		.mac_from = {2, 0, 0, 0, 9, 9},
		.hop_limit = 1,
		.ip_id = 0x4711,
		.payload = payload,
		.payload_bytes = bytes,
	};

	return packet_make(&spec);
}

static void check_row(struct bench *bench, const struct row *row)
{
	struct packet in = sent_packet(bench, "hello, world", 12), out;
	uint32_t segments = row->gso_segs ? row->gso_segs : 1;
	struct counts before, after;
	int verdict;

	if (row->change)
		row->change(&in);
	if (row->arrange)
		row->arrange(bench);
	verdict = run_row(bench, &in, row, &out, &before);
	after = count(bench);
	cr_expect_eq(verdict, row->reason == COPIED ? TC_ACT_REDIRECT : TC_ACT_SHOT,
		     "%s: verdict %d", row->description, verdict);
	for (unsigned int i = 0; i < LC_DROP_COUNT; i++)
		cr_expect_eq(after.node[i] - before.node[i], i == row->reason ? segments : 0,
			     "%s: reason %u counted %lu", row->description, i,
			     after.node[i] - before.node[i]);
	if (row->reason >= LC_DROP_COUNT)
		segments = 0;
	cr_expect_eq(after.session - before.session, row->where == SESSION ? segments : 0,
		     "%s: session's drops", row->description);
	cr_expect_eq(after.leaf - before.leaf, row->where == LEAF ? segments : 0,
		     "%s: leaf's drops", row->description);
	if (row->reason == COPIED)
		cr_expect_eq(after.leaf_use.datagrams - before.leaf_use.datagrams,
			     row->gso_segs ? row->gso_segs : 1, "%s: leaf's datagrams",
			     row->description);
}

static void check_rows(const char *root, const struct row *rows, size_t count_rows)
{
	struct bench bench;

	set_up(&bench, root);
	for (size_t i = 0; i < count_rows; i++)
		check_row(&bench, &rows[i]);
	net_close(&bench.net);
}

/* ---- what makes the packets wrong ---- */

static void other_channel(struct packet *p)
{
	packet_ip(p)[19]++;
}
static void before_pool(struct packet *p)
{
	memcpy(packet_ip(p) + 16, "\xe0\0\0\xfb", 4);
}
static void behind_table(struct packet *p)
{
	packet_ip(p)[18] = 0x7f;
}
static void other_port(struct packet *p)
{
	packet_udp(p)[3]++;
}
static void tcp(struct packet *p)
{
	packet_ip(p)[9] = 6;
}
static void igmp(struct packet *p)
{
	packet_ip(p)[9] = 2;
}
static void arp(struct packet *p)
{
	put16(p->bytes + 12, 0x0806);
}
static void cut(struct packet *p)
{
	p->length = ETH_BYTES + IPV4_BYTES + 7;
}
static void cut6(struct packet *p)
{
	p->length = ETH_BYTES + IPV6_BYTES + 7;
}
static void trailing(struct packet *p)
{
	p->length++;
}
static void options(struct packet *p)
{
	packet_ip(p)[0] = 0x46;
}
static void version(struct packet *p)
{
	packet_ip(p)[0] = 0x55;
}
static void version6(struct packet *p)
{
	packet_ip(p)[0] = 0x50;
}
static void long_udp(struct packet *p)
{
	packet_udp(p)[5]++;
}
static void short_udp(struct packet *p)
{
	packet_udp(p)[5]--;
}
static void dont_fragment(struct packet *p)
{
	packet_ip(p)[6] = 0x40;
}
static void first_fragment(struct packet *p)
{
	packet_ip(p)[6] = 0x20;
}
static void last_fragment(struct packet *p)
{
	packet_ip(p)[7] = 1;
}
static void fragment6(struct packet *p)
{
	packet_ip(p)[6] = 44;
}
static void icmp6(struct packet *p)
{
	packet_ip(p)[6] = 58;
}
static void mld(struct packet *p)
{
	packet_ip(p)[6] = 0;
	packet_udp(p)[0] = 58;
}
static void hop_by_hop(struct packet *p)
{
	packet_ip(p)[6] = 0;
	packet_udp(p)[0] = 17;
}
static void other_channel6(struct packet *p)
{
	packet_ip(p)[39]++;
}
static void other_pool6(struct packet *p)
{
	packet_ip(p)[25]++;
}

static struct lc_leaf *leaf_of(struct bench *b)
{
	return lc_leaf_of(b->net.plane, b->leaf);
}
static struct lc_session *session_of(struct bench *b)
{
	return lc_session_of(b->net.plane, b->session.number);
}
static void no_route(struct bench *b)
{
	lc_plane_set_hop(b->net.plane, b->leaf, LC_HOP_NO_ROUTE, NULL);
}
static void no_neighbour(struct bench *b)
{
	lc_plane_set_hop(b->net.plane, b->leaf, LC_HOP_NO_NEIGHBOUR, NULL);
}
static void link_down(struct bench *b)
{
	lc_plane_set_hop(b->net.plane, b->leaf, LC_HOP_LINK_DOWN, NULL);
}
static void reachable(struct bench *b)
{
	struct lc_hop hop = leaf_hop(&b->net, 0);

	lc_plane_set_hop(b->net.plane, b->leaf, LC_HOP_0, &hop);
}
/* The rows' datagram is 20 + 8 + 12 = 40 bytes (IPv6: 60). */
static void mtu_39(struct bench *b)
{
	leaf_of(b)->hop[leaf_of(b)->hop_in_use].mtu = 39;
}
static void mtu_40(struct bench *b)
{
	leaf_of(b)->hop[leaf_of(b)->hop_in_use].mtu = 40;
}
static void leaf_max_39(struct bench *b)
{
	leaf_of(b)->down.max_sdu_bytes = 39;
	mtu_40(b);
}
static void leaf_max_40(struct bench *b)
{
	leaf_of(b)->down.max_sdu_bytes = 40;
}
static void leaf_bucket_39(struct bench *b)
{
	leaf_of(b)->down = policer(1, 39);
	memset(lc_record(&b->net.plane->leaf_use, b->leaf), 0, sizeof(struct lc_leaf_use));
}
static void leaf_bucket_40(struct bench *b)
{
	leaf_bucket_39(b);
	leaf_of(b)->down = policer(1, 40);
}
static void leaf_free(struct bench *b)
{
	leaf_of(b)->down = (struct lc_policer){0};
}
static void root_max_39(struct bench *b)
{
	session_of(b)->policer.max_sdu_bytes = 39;
}
static void root_bucket_39(struct bench *b)
{
	session_of(b)->policer = policer(1, 39);
}
static void root_free(struct bench *b)
{
	session_of(b)->policer = (struct lc_policer){0};
}
static void leave(struct bench *b)
{
	root_free(b);
	lc_plane_leave_leaf(b->net.plane, b->leaf);
}
static void enter(struct bench *b)
{
	lc_plane_enter_leaf(b->net.plane, b->leaf);
}
static void mtu_68(struct bench *b)
{
	leaf_of(b)->hop[leaf_of(b)->hop_in_use].mtu = 32;
}
static void mtu_31(struct bench *b)
{
	leaf_of(b)->hop[leaf_of(b)->hop_in_use].mtu = 31;
}
static void closed(struct bench *b)
{
	session_of(b)->state = LC_SESSION_FREE;
}

Test(rows, ipv4)
{
	static const struct row rows[] = {
		{"a datagram for the channel", NULL, NULL, COPIED, .where = NODE},
		{"don't fragment is no fragment", dont_fragment, NULL, COPIED, .where = NODE},
		{"another channel", other_channel, NULL, LC_DROP_NO_SESSION, .where = NODE},
		{"another multicast address", before_pool, NULL, LC_DROP_NO_SESSION, .where = NODE},
		{"a channel behind the table", behind_table, NULL, LC_DROP_NO_SESSION,
		 .where = NODE},
		{"another port of the channel", other_port, NULL, LC_DROP_NO_SESSION,
		 .where = NODE},
		{"another root", NULL, NULL, LC_DROP_FOREIGN_SENDER, .where = SESSION,
		 .foreign = true},
		{"TCP", tcp, NULL, LC_DROP_MALFORMED, .where = SESSION},
		{"ARP", arp, NULL, LC_DROP_MALFORMED, .where = NODE},
		{"cut in the UDP header", cut, NULL, LC_DROP_MALFORMED, .where = NODE},
		{"bytes behind the datagram", trailing, NULL, LC_DROP_MALFORMED, .where = SESSION},
		{"IP options", options, NULL, LC_DROP_MALFORMED, .where = SESSION},
		{"IP version 5", version, NULL, LC_DROP_MALFORMED, .where = SESSION},
		{"UDP length too long", long_udp, NULL, LC_DROP_MALFORMED, .where = SESSION},
		{"UDP length too short", short_udp, NULL, LC_DROP_MALFORMED, .where = SESSION},
		{"first fragment", first_fragment, NULL, LC_DROP_FRAGMENT, .where = SESSION},
		{"last fragment", last_fragment, NULL, LC_DROP_FRAGMENT, .where = SESSION},
		{"IGMP is not data", igmp, NULL, NOT_COUNTED, .where = NODE},
		{"no route", NULL, no_route, LC_DROP_NO_ROUTE, .where = LEAF},
		{"no neighbour", NULL, no_neighbour, LC_DROP_NO_NEIGHBOUR, .where = LEAF},
		{"link down", NULL, link_down, LC_DROP_LINK_DOWN, .where = LEAF},
		{"reachable again", NULL, reachable, COPIED, .where = NODE},
		{"longer than the MTU", NULL, mtu_39, LC_DROP_TOO_BIG, .where = LEAF},
		{"as long as the MTU", NULL, mtu_40, COPIED, .where = NODE},
		{"longer than the leaf's M", NULL, leaf_max_39, LC_DROP_OVERSIZE, .where = LEAF},
		{"as long as the leaf's M", NULL, leaf_max_40, COPIED, .where = NODE},
		{"a byte above the leaf's bucket", NULL, leaf_bucket_39, LC_DROP_OVER_RATE,
		 .where = LEAF},
		{"all of the leaf's bucket", NULL, leaf_bucket_40, COPIED, .where = NODE},
		{"nothing left in the leaf's bucket", NULL, NULL, LC_DROP_OVER_RATE, .where = LEAF},
		{"no limits again", NULL, leaf_free, COPIED, .where = NODE},
		/* 3 segments of 4 bytes: each is 20 + 8 + 4 = 32 bytes long */
		{"segments as long as the MTU", NULL, mtu_68, COPIED, .gso_segs = 3, .gso_size = 4},
		{"segments longer than the MTU", NULL, mtu_31, LC_DROP_TOO_BIG, .where = LEAF,
		 .gso_segs = 3, .gso_size = 4},
		{"longer than the root's M", NULL, root_max_39, LC_DROP_OVERSIZE, .where = SESSION},
		{"above the root's bucket", NULL, root_bucket_39, LC_DROP_SENDER_OVER_RATE,
		 .where = SESSION},
		{"nobody listens", NULL, leave, LC_DROP_NO_LEAVES, .where = SESSION},
		{"nobody listens to a super-packet", NULL, NULL, LC_DROP_NO_LEAVES,
		 .where = SESSION, .gso_segs = 3, .gso_size = 4},
		{"somebody listens", NULL, enter, LC_DROP_TOO_BIG, .where = LEAF},
		{"closed session", NULL, closed, LC_DROP_NO_SESSION, .where = NODE},
	};

	check_rows(ROOT4, rows, sizeof(rows) / sizeof(*rows));
}

Test(rows, ipv6)
{
	static const struct row rows[] = {
		{"a datagram for the channel", NULL, NULL, COPIED, .where = NODE},
		{"another channel", other_channel6, NULL, LC_DROP_NO_SESSION, .where = NODE},
		{"the number in another pool", other_pool6, NULL, LC_DROP_NO_SESSION,
		 .where = NODE},
		{"another port of the channel", other_port, NULL, LC_DROP_NO_SESSION,
		 .where = NODE},
		{"another root", NULL, NULL, LC_DROP_FOREIGN_SENDER, .where = SESSION,
		 .foreign = true},
		{"cut in the UDP header", cut6, NULL, LC_DROP_MALFORMED, .where = NODE},
		{"bytes behind the datagram", trailing, NULL, LC_DROP_MALFORMED, .where = SESSION},
		{"IP version 5", version6, NULL, LC_DROP_MALFORMED, .where = SESSION},
		{"UDP length too long", long_udp, NULL, LC_DROP_MALFORMED, .where = SESSION},
		{"fragment header", fragment6, NULL, LC_DROP_FRAGMENT, .where = SESSION},
		{"hop-by-hop options", hop_by_hop, NULL, LC_DROP_MALFORMED, .where = SESSION},
		{"ICMPv6 is not data", icmp6, NULL, NOT_COUNTED, .where = NODE},
		{"MLD is not data", mld, NULL, NOT_COUNTED, .where = NODE},
		{"longer than the MTU", NULL, mtu_40, LC_DROP_TOO_BIG, .where = LEAF},
	};

	check_rows(ROOT6, rows, sizeof(rows) / sizeof(*rows));
}

/* ---- the one leaf's packet, byte for byte ---- */

static void expect_same(const struct packet *got, const struct packet *wanted, const char *what)
{
	cr_expect_eq(got->length, wanted->length, "%s: %zu bytes instead of %zu", what, got->length,
		     wanted->length);
	for (size_t i = 0; i < wanted->length && i < got->length; i++)
		cr_assert_eq(got->bytes[i], wanted->bytes[i],
			     "%s: byte %zu is %02x instead of %02x", what, i, got->bytes[i],
			     wanted->bytes[i]);
}

static void check_rewrite(struct bench *bench, const uint8_t *payload, size_t bytes, bool no_sum)
{
	static const struct row row = {.description = "rewrite"};
	struct packet in = sent_packet(bench, payload, bytes), out;
	struct packet wanted = leaf_packet(&bench->session, 0, payload, bytes);
	struct counts ignored;

	if (bench->session.name.family == LC_INET) {
		put16(packet_ip(&wanted) + 4, 0x4711);
		packet_seal_ipv4(&wanted);
	}
	if (no_sum) {
		put16(packet_udp(&in) + 6, 0);
		put16(packet_udp(&wanted) + 6, 0);
	}
	cr_assert_eq(run_row(bench, &in, &row, &out, &ignored), TC_ACT_REDIRECT);
	expect_same(&out, &wanted, no_sum ? "without a sum" : "with a sum");
}

static void check_rewrites(const char *root)
{
	struct bench bench;
	uint8_t payload[1400];

	set_up(&bench, root);
	srandom(1);
	for (int i = 0; i < 300; i++) {
		size_t bytes = (size_t)random() % sizeof(payload);

		for (size_t j = 0; j < bytes; j++)
			payload[j] = (uint8_t)random();
		check_rewrite(&bench, payload, bytes, false);
	}
	if (bench.session.name.family == LC_INET)
		check_rewrite(&bench, payload, 100, true);
	net_close(&bench.net);
}

Test(rewrite, ipv4)
{
	check_rewrites(ROOT4);
}

Test(rewrite, ipv6)
{
	check_rewrites(ROOT6);
}

/* A sum that comes out as 0 is sent as 0xffff: 0 would say that there is none (RFC 768). */
Test(rewrite, sum_of_zero)
{
	const char *roots[] = {ROOT4, ROOT6};

	for (int i = 0; i < 2; i++) {
		uint8_t payload[2] = {0, 0};
		struct bench bench;
		struct packet wanted;

		set_up(&bench, roots[i]);
		/* What is missing to all ones goes into the payload. */
		wanted = leaf_packet(&bench.session, 0, payload, sizeof(payload));
		memcpy(payload, packet_udp(&wanted) + 6, 2);
		wanted = leaf_packet(&bench.session, 0, payload, sizeof(payload));
		cr_assert_eq(get16(packet_udp(&wanted) + 6), 0xffff);
		check_rewrite(&bench, payload, sizeof(payload), false);
		net_close(&bench.net);
	}
}
