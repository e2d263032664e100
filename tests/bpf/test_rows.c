// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The sender's verdicts: {description, packet in, verdict, where the drop is counted}. */
#include <string.h>

#include "run.h"

#define NOT_COUNTED LC_DROP_COUNT
#define COPIED	    (LC_DROP_COUNT + 1)

enum where {
	NODE,
	SESSION,
	LEAF
};

struct row {
	struct run run;
	void (*change)(struct packet *packet);
	void (*arrange)(struct bench *bench);
	unsigned int reason; /* enum lc_drop, NOT_COUNTED or COPIED */
	enum where where;
};

/* The sender is told of a drop only if it is of its own making. */
static int expected_verdict(const struct row *row)
{
	if (row->reason == COPIED)
		return TC_ACT_REDIRECT;
	return row->where == LEAF || row->reason == LC_DROP_NO_LEAVES ? TC_ACT_STOLEN : TC_ACT_SHOT;
}

static void check_row(struct bench *bench, const struct row *row)
{
	struct packet in = sent_packet(bench, "hello, world", 12), out;
	uint32_t segments = row->run.gso_segs ? row->run.gso_segs : 1;
	struct counts before, after;
	int verdict;

	if (row->change)
		row->change(&in);
	if (row->arrange)
		row->arrange(bench);
	verdict = bench_run(bench, &in, &row->run, &out, &before);
	after = bench_count(bench);
	cr_expect_eq(verdict, expected_verdict(row), "%s: verdict %d", row->run.description,
		     verdict);
	for (unsigned int i = 0; i < LC_DROP_COUNT; i++)
		cr_expect_eq(after.node[i] - before.node[i], i == row->reason ? segments : 0,
			     "%s: reason %u counted %lu", row->run.description, i,
			     after.node[i] - before.node[i]);
	if (row->reason >= LC_DROP_COUNT)
		segments = 0;
	cr_expect_eq(after.session - before.session, row->where == SESSION ? segments : 0,
		     "%s: session's drops", row->run.description);
	cr_expect_eq(after.leaf - before.leaf, row->where == LEAF ? segments : 0,
		     "%s: leaf's drops", row->run.description);
	if (row->reason == COPIED)
		cr_expect_eq(after.leaf_use.datagrams - before.leaf_use.datagrams,
			     row->run.gso_segs ? row->run.gso_segs : 1, "%s: leaf's datagrams",
			     row->run.description);
}

static void check_rows(const char *root, const struct row *rows, size_t count_rows)
{
	struct bench bench;

	bench_open(&bench, root);
	for (size_t i = 0; i < count_rows; i++)
		check_row(&bench, &rows[i]);
	net_close(&bench.net);
}

#define ROW(text, change_, arrange_, reason_, where_) \
	ROW_AS(text, change_, arrange_, reason_, where_, .foreign = false)
#define ROW_AS(text, change_, arrange_, reason_, where_, ...)                     \
	{                                                                         \
		.run = {.description = (text), __VA_ARGS__}, .change = (change_), \
		.arrange = (arrange_), .reason = (reason_), .where = (where_),    \
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
static void other_middle6(struct packet *p)
{
	packet_ip(p)[30]++;
}
static void other_third6(struct packet *p)
{
	packet_ip(p)[34]++;
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
	memset(lc_leaf_use_of(b->net.plane, b->leaf), 0, sizeof(struct lc_leaf_use));
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
static void mtu_32(struct bench *b)
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

/* Rows run in order on one bench: what one arranges holds for those after it. */
Test(rows, ipv4)
{
	static const struct row rows[] = {
		ROW("a datagram for the channel", NULL, NULL, COPIED, NODE),
		ROW("don't fragment is no fragment", dont_fragment, NULL, COPIED, NODE),
		ROW("another channel", other_channel, NULL, LC_DROP_NO_SESSION, NODE),
		ROW("another multicast address", before_pool, NULL, LC_DROP_NO_SESSION, NODE),
		ROW("a channel behind the table", behind_table, NULL, LC_DROP_NO_SESSION, NODE),
		ROW("another port of the channel", other_port, NULL, LC_DROP_NO_SESSION, NODE),
		ROW_AS("another root", NULL, NULL, LC_DROP_FOREIGN_SENDER, SESSION,
		       .foreign = true),
		ROW("TCP", tcp, NULL, LC_DROP_MALFORMED, SESSION),
		ROW("ARP", arp, NULL, LC_DROP_MALFORMED, NODE),
		ROW("cut in the UDP header", cut, NULL, LC_DROP_MALFORMED, NODE),
		ROW("bytes behind the datagram", trailing, NULL, LC_DROP_MALFORMED, SESSION),
		ROW("IP options", options, NULL, LC_DROP_MALFORMED, SESSION),
		ROW("IP version 5", version, NULL, LC_DROP_MALFORMED, SESSION),
		ROW("UDP length too long", long_udp, NULL, LC_DROP_MALFORMED, SESSION),
		ROW("UDP length too short", short_udp, NULL, LC_DROP_MALFORMED, SESSION),
		ROW("first fragment", first_fragment, NULL, LC_DROP_FRAGMENT, SESSION),
		ROW("last fragment", last_fragment, NULL, LC_DROP_FRAGMENT, SESSION),
		ROW("IGMP is not data", igmp, NULL, NOT_COUNTED, NODE),
		ROW("no route", NULL, no_route, LC_DROP_NO_ROUTE, LEAF),
		ROW("no neighbour", NULL, no_neighbour, LC_DROP_NO_NEIGHBOUR, LEAF),
		ROW("link down", NULL, link_down, LC_DROP_LINK_DOWN, LEAF),
		ROW("reachable again", NULL, reachable, COPIED, NODE),
		ROW("longer than the MTU", NULL, mtu_39, LC_DROP_TOO_BIG, LEAF),
		ROW("as long as the MTU", NULL, mtu_40, COPIED, NODE),
		ROW("longer than the leaf's M", NULL, leaf_max_39, LC_DROP_OVERSIZE, LEAF),
		ROW("as long as the leaf's M", NULL, leaf_max_40, COPIED, NODE),
		ROW("a byte above the leaf's bucket", NULL, leaf_bucket_39, LC_DROP_OVER_RATE,
		    LEAF),
		ROW("all of the leaf's bucket", NULL, leaf_bucket_40, COPIED, NODE),
		ROW("nothing left in the leaf's bucket", NULL, NULL, LC_DROP_OVER_RATE, LEAF),
		ROW("no limits again", NULL, leaf_free, COPIED, NODE),
		/* 3 segments of 4 bytes: each is 20 + 8 + 4 = 32 bytes long */
		ROW_AS("segments as long as the MTU", NULL, mtu_32, COPIED, NODE, .gso_segs = 3,
		       .gso_size = 4),
		ROW_AS("segments longer than the MTU", NULL, mtu_31, LC_DROP_TOO_BIG, LEAF,
		       .gso_segs = 3, .gso_size = 4),
		ROW("longer than the root's M", NULL, root_max_39, LC_DROP_OVERSIZE, SESSION),
		ROW("above the root's bucket", NULL, root_bucket_39, LC_DROP_SENDER_OVER_RATE,
		    SESSION),
		ROW("nobody listens", NULL, leave, LC_DROP_NO_LEAVES, SESSION),
		ROW_AS("nobody listens to a super-packet", NULL, NULL, LC_DROP_NO_LEAVES, SESSION,
		       .gso_segs = 3, .gso_size = 4),
		ROW("somebody listens", NULL, enter, LC_DROP_TOO_BIG, LEAF),
		ROW("closed session", NULL, closed, LC_DROP_NO_SESSION, NODE),
	};

	check_rows(ROOT4, rows, sizeof(rows) / sizeof(*rows));
}

Test(rows, ipv6)
{
	static const struct row rows[] = {
		ROW("a datagram for the channel", NULL, NULL, COPIED, NODE),
		ROW("another channel", other_channel6, NULL, LC_DROP_NO_SESSION, NODE),
		ROW("another address that ends in the number", other_middle6, NULL,
		    LC_DROP_NO_SESSION, NODE),
		ROW("another address that ends like the channel", other_third6, NULL,
		    LC_DROP_NO_SESSION, NODE),
		ROW("the number in another pool", other_pool6, NULL, LC_DROP_NO_SESSION, NODE),
		ROW("another port of the channel", other_port, NULL, LC_DROP_NO_SESSION, NODE),
		ROW_AS("another root", NULL, NULL, LC_DROP_FOREIGN_SENDER, SESSION,
		       .foreign = true),
		ROW("cut in the UDP header", cut6, NULL, LC_DROP_MALFORMED, NODE),
		ROW("bytes behind the datagram", trailing, NULL, LC_DROP_MALFORMED, SESSION),
		ROW("IP version 5", version6, NULL, LC_DROP_MALFORMED, SESSION),
		ROW("UDP length too long", long_udp, NULL, LC_DROP_MALFORMED, SESSION),
		ROW("fragment header", fragment6, NULL, LC_DROP_FRAGMENT, SESSION),
		ROW("hop-by-hop options", hop_by_hop, NULL, LC_DROP_MALFORMED, SESSION),
		ROW("ICMPv6 is not data", icmp6, NULL, NOT_COUNTED, NODE),
		ROW("MLD is not data", mld, NULL, NOT_COUNTED, NODE),
		ROW("longer than the MTU", NULL, mtu_40, LC_DROP_TOO_BIG, LEAF),
	};

	check_rows(ROOT6, rows, sizeof(rows) / sizeof(*rows));
}
