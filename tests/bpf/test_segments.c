// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Datagrams that a leaf's bucket judges one by one: the program at ls1, and the way there. */
#include <bpf/bpf.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "run.h"

#define SIZE  1000 /* of a payload: 1028 bytes of IPv4 */
#define COUNT 40

/* ---- the program: a packet as it comes out of ls0, one after the other on one bench ---- */

struct segment_row {
	const char *description;
	void (*arrange)(struct bench *bench);
	struct lc_cut_tag tag;	/* leaf 0: the bench's */
	uint32_t sent, settled; /* before */
	int verdict;
	unsigned int reason; /* LC_DROP_COUNT: none */
	uint32_t lost, settles;
};

static struct lc_leaf_use *use_of(const struct net *net, uint32_t leaf)
{
	return lc_leaf_use_of(net->plane, leaf);
}
static struct lc_leaf *record_of(struct bench *b)
{
	return lc_leaf_of(b->net.plane, b->leaf);
}
static void bucket_2_datagrams(struct bench *b)
{
	record_of(b)->down = policer(1, 2 * 40);
}
static void no_limit(struct bench *b)
{
	record_of(b)->down = (struct lc_policer){0};
}
static void no_route(struct bench *b)
{
	lc_plane_set_hop(b->net.plane, b->leaf, LC_HOP_NO_ROUTE, NULL);
}
static void local(struct bench *b)
{
	struct lc_hop hop = {.ifindex = b->net.lo, .mtu = 65535, .local = 1};

	record_of(b)->hop[0] = hop;
	record_of(b)->hop_in_use = LC_HOP_0;
}
static void other_address(struct bench *b)
{
	record_of(b)->to.addr[0] ^= htonl(1);
}
static void other_port(struct bench *b)
{
	record_of(b)->to.addr[0] ^= htonl(1);
	record_of(b)->to.port ^= htons(1);
}
static void alive_no_more(struct bench *b)
{
	lc_plane_set_alive_until(b->net.plane, 1);
}
static void alive_again(struct bench *b)
{
	lc_plane_set_alive_until(b->net.plane, 0);
}
static void gone(struct bench *b)
{
	record_of(b)->to.port ^= htons(1);
	record_of(b)->session = 0;
}

static void check_addresses(const struct bench *bench, const struct packet *got, const char *what)
{
	const struct lc_leaf *leaf = lc_leaf_of(bench->net.plane, bench->leaf);
	const struct lc_hop *hop = &leaf->hop[leaf->hop_in_use];

	cr_expect_arr_eq(got->bytes, hop->destination, 6, "%s: destination", what);
	cr_expect_arr_eq(got->bytes + 6, hop->source, 6, "%s: source", what);
}

static int run_segments(struct bench *bench, const struct lc_cut_tag *tag, struct packet *out)
{
	struct packet in = leaf_packet(&bench->session, 0, "hello, world", 12);
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in.bytes,
		    .data_size_in = (uint32_t)in.length, .data_out = out->bytes,
		    .data_size_out = sizeof(out->bytes));

	memcpy(in.bytes, tag, sizeof(*tag));
	cr_assert_eq(
		bpf_prog_test_run_opts(lc_programs_segments(bench->net.plane->programs), &options),
		0, "%m");
	return (int)options.retval;
}

static void check_segment(struct bench *bench, const struct segment_row *row)
{
	struct lc_leaf_use *use = use_of(&bench->net, bench->leaf);
	struct counts before = bench_count(bench), after;
	struct lc_cut_tag tag = row->tag;
	struct packet out;
	int verdict;

	if (row->arrange)
		row->arrange(bench);
	if (!tag.leaf)
		tag.leaf = bench->leaf;
	use->cut_sent = row->sent;
	use->cut_settled = row->settled;
	verdict = run_segments(bench, &tag, &out);
	after = bench_count(bench);
	cr_expect_eq(verdict, row->verdict, "%s: verdict %d", row->description, verdict);
	cr_expect_eq(use->cut_sent, row->sent, "%s", row->description);
	cr_expect_eq(use->cut_settled, row->settles, "%s: settled %u", row->description,
		     use->cut_settled);
	for (unsigned int i = 0; i < LC_DROP_COUNT; i++) {
		uint64_t wanted = i == LC_DROP_QUEUE_FULL ? row->lost : i == row->reason;

		cr_expect_eq(after.node[i] - before.node[i], wanted, "%s: reason %u counted %lu",
			     row->description, i, after.node[i] - before.node[i]);
		cr_expect_eq(lc_drop_count(&after.leaf_use.drops, i) -
				     lc_drop_count(&before.leaf_use.drops, i),
			     wanted, "%s: leaf's reason %u", row->description, i);
	}
	cr_expect_eq(after.leaf_use.datagrams - before.leaf_use.datagrams,
		     row->verdict == TC_ACT_REDIRECT, "%s: datagrams", row->description);
	cr_expect_eq(after.leaf_use.bytes - before.leaf_use.bytes,
		     row->verdict == TC_ACT_REDIRECT ? 40 : 0, "%s: bytes", row->description);
	if (row->verdict == TC_ACT_REDIRECT)
		check_addresses(bench, &out, row->description);
}

#define NONE LC_DROP_COUNT

Test(segments, verdicts)
{
	static const struct segment_row rows[] = {
		{"the first of its packet",
		 bucket_2_datagrams,
		 {0, 0, 3},
		 3,
		 0,
		 TC_ACT_REDIRECT,
		 NONE,
		 0,
		 1},
		{"the second", NULL, {0, 0, 3}, 3, 1, TC_ACT_REDIRECT, NONE, 0, 2},
		{"the third is above the bucket",
		 NULL,
		 {0, 0, 3},
		 3,
		 2,
		 TC_ACT_STOLEN,
		 LC_DROP_OVER_RATE,
		 0,
		 3},
		{"a fourth of three", no_limit, {0, 0, 3}, 3, 3, TC_ACT_SHOT, NONE, 0, 3},
		{"one that was given up", NULL, {0, 0, 3}, 6, 4, TC_ACT_SHOT, NONE, 0, 4},
		{"the first after lost ones",
		 NULL,
		 {0, 10, 20},
		 20,
		 3,
		 TC_ACT_REDIRECT,
		 NONE,
		 7,
		 11},
		{"across the counters' end", NULL, {0, 5, 6}, 6, -2u, TC_ACT_REDIRECT, NONE, 7, 6},
		{"nobody sent it", NULL, {0, 0, 40}, 0, 0, TC_ACT_SHOT, NONE, 0, 0},
		{"leaf number 0", NULL, {-1u, 0, 3}, 3, 0, TC_ACT_SHOT, NONE, 0, 0},
		{"no route any more",
		 no_route,
		 {0, 0, 3},
		 3,
		 0,
		 TC_ACT_STOLEN,
		 LC_DROP_NO_ROUTE,
		 0,
		 1},
		{"a leaf on this node", local, {0, 0, 3}, 3, 0, TC_ACT_REDIRECT, NONE, 0, 1},
		{"after the time to live",
		 alive_no_more,
		 {0, 0, 3},
		 3,
		 0,
		 TC_ACT_STOLEN,
		 LC_DROP_NOT_ALIVE,
		 0,
		 1},
		{"no end again", alive_again, {0, 0, 3}, 3, 0, TC_ACT_REDIRECT, NONE, 0, 1},
		{"another leaf's address", other_address, {0, 0, 3}, 3, 0, TC_ACT_SHOT, NONE, 0, 0},
		{"another leaf's port", other_port, {0, 0, 3}, 3, 0, TC_ACT_SHOT, NONE, 0, 0},
		{"a leaf that is gone", gone, {0, 0, 3}, 3, 0, TC_ACT_SHOT, NONE, 0, 0},
	};
	struct bench bench;

	bench_open(&bench, ROOT4);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_segment(&bench, &rows[i]);
	net_close(&bench.net);
}

/* ---- the whole way, from a real socket to the wire ---- */

static uint8_t stream[COUNT * SIZE];

static void fill_stream(void)
{
	srandom(12);
	for (size_t i = 0; i < sizeof(stream); i++)
		stream[i] = (uint8_t)random();
}

static void send_super(const struct session *session, size_t bytes)
{
	int size = SIZE;

	setsockopt(session->root, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
	send_to(session->root, &session->channel, stream, bytes, 0);
}

/* Identification and flow label are the sending stack's own affair. */
static void expect_datagram(const struct net *net, const struct session *session, unsigned int leaf,
			    size_t at, size_t bytes)
{
	struct packet wanted = leaf_packet(session, leaf, stream + at, bytes), got;

	cr_assert(tap_read(net, &got), "leaf %u: nothing for byte %zu", leaf, at);
	if (session->name.family == LC_INET) {
		memcpy(packet_ip(&wanted) + 4, packet_ip(&got) + 4, 4);
		packet_seal_ipv4(&wanted);
	} else {
		memcpy(packet_ip(&wanted) + 1, packet_ip(&got) + 1, 3);
	}
	cr_assert_eq(got.length, wanted.length);
	cr_assert_arr_eq(got.bytes, wanted.bytes, wanted.length, "leaf %u, byte %zu", leaf, at);
}

static void expect_nothing(const struct net *net)
{
	struct packet ignored;

	cr_expect_not(tap_read(net, &ignored));
}

static void expect_use(const struct net *net, uint32_t leaf, uint64_t datagrams, uint64_t over_rate,
		       uint64_t lost, uint64_t failed)
{
	const struct lc_leaf_use *use = use_of(net, leaf);

	cr_expect_eq(use->datagrams, datagrams, "%llu datagrams", use->datagrams);
	cr_expect_eq(use->drops.over_rate, over_rate, "%llu over the rate", use->drops.over_rate);
	cr_expect_eq(use->drops.queue_full, lost, "%llu lost", use->drops.queue_full);
	cr_expect_eq(use->drops.clone_failed, failed, "%llu not cloned", use->drops.clone_failed);
	cr_expect_eq(sum_drops(&use->drops), over_rate + lost + failed);
}

struct way {
	struct net net;
	struct session session;
	uint32_t leaf;
};

/* One leaf whose bucket holds ten datagrams and a bit, and never fills up again. */
static void way_open(struct way *way, const char *root)
{
	struct lc_policer ten = policer(1, 10 * (SIZE + (strchr(root, ':') ? 48 : 28)) + 500);

	fill_stream();
	net_open(&way->net);
	way->session = net_session(&way->net, root, NULL);
	way->leaf = net_leaf(&way->net, &way->session, 0, &ten);
}

/* The leaf gets what its bucket holds, from the front and unchanged; others get all. */
static void check_cut(const char *root)
{
	uint64_t headers = strchr(root, ':') ? 48 : 28;
	uint32_t unlimited;
	struct way way;

	way_open(&way, root);
	unlimited = net_leaf(&way.net, &way.session, 1, NULL);
	send_super(&way.session, sizeof(stream));
	for (size_t i = 0; i < COUNT + 10; i++) {
		struct packet got;

		cr_assert(tap_read(&way.net, &got));
		cr_expect(packet_sums_right(&got));
	}
	expect_nothing(&way.net);
	expect_use(&way.net, way.leaf, 10, COUNT - 10, 0, 0);
	cr_expect_eq(use_of(&way.net, way.leaf)->bytes, 10 * (SIZE + headers));
	expect_use(&way.net, unlimited, COUNT, 0, 0, 0);
	lc_plane_leave_leaf(way.net.plane, unlimited);

	/* Alone, datagram by datagram: what is left in the bucket holds a short one, the last. */
	memset(&use_of(&way.net, way.leaf)->meter, 0, sizeof(struct lc_meter));
	send_super(&way.session, 39 * SIZE + 200);
	for (size_t i = 0; i < 10; i++)
		expect_datagram(&way.net, &way.session, 0, i * SIZE, SIZE);
	expect_datagram(&way.net, &way.session, 0, 39 * SIZE, 200);
	expect_nothing(&way.net);
	expect_use(&way.net, way.leaf, 21, COUNT - 10 + 29, 0, 0);

	/* Now only such a short one would pass: it does. */
	send_super(&way.session, 39 * SIZE + 200);
	expect_datagram(&way.net, &way.session, 0, 39 * SIZE, 200);
	expect_nothing(&way.net);
	expect_use(&way.net, way.leaf, 22, COUNT - 10 + 29 + 39, 0, 0);
	net_close(&way.net);
}

Test(cut, ipv4)
{
	check_cut(ROOT4);
}
Test(cut, ipv6)
{
	check_cut(ROOT6);
}

/* What conforms wholly is not cut, and what cannot conform at all is not even tried. */
Test(cut, only_what_needs_it)
{
	struct way way;

	way_open(&way, ROOT4);
	send_super(&way.session, 10 * SIZE);
	expect_use(&way.net, way.leaf, 10, 0, 0, 0);
	send_super(&way.session, COUNT * SIZE);
	expect_use(&way.net, way.leaf, 10, COUNT, 0, 0);
	cr_expect_eq(use_of(&way.net, way.leaf)->cut_sent, 0);
	net_close(&way.net);
}

/* While something is on the way, what is sent after it goes the same way, also if it would conform at once. */
Test(cut, nothing_overtakes)
{
	struct lc_leaf_use *use;
	struct way way;

	way_open(&way, ROOT4);
	use = use_of(&way.net, way.leaf);
	use->cut_sent = 3; /* three are on the way, and will never come */
	send_to(way.session.root, &way.session.channel, stream, SIZE, 0);
	expect_datagram(&way.net, &way.session, 0, 0, SIZE);
	cr_expect_eq(use->cut_sent, 4, "it did not go by ls0");
	cr_expect_eq(use->cut_settled, 4);
	expect_use(&way.net, way.leaf, 1, 0, 3, 0);
	send_super(&way.session, 2 * SIZE);
	cr_expect_eq(use->cut_sent, 4, "the leaf is still on the slow way");
	expect_use(&way.net, way.leaf, 3, 0, 3, 0);
	net_close(&way.net);
}

/* Datagrams that vanish between ls0 and ls1 are counted when the next comes through. */
Test(cut, lost_on_the_way)
{
	struct way way;

	way_open(&way, ROOT4);
	cr_assert_eq(system("ip link set ls1 mtu 500"), 0);
	send_super(&way.session, COUNT * SIZE);
	expect_use(&way.net, way.leaf, 0, 0, 0, 0);
	cr_assert_eq(system("ip link set ls1 mtu 1500"), 0);
	send_super(&way.session, 2 * SIZE);
	expect_use(&way.net, way.leaf, 2, 0, COUNT, 0);
	send_super(&way.session, 2 * SIZE);
	expect_use(&way.net, way.leaf, 4, 0, COUNT, 0);
	cr_expect_eq(use_of(&way.net, way.leaf)->cut_sent, COUNT + 2);
	net_close(&way.net);
}

Test(cut, no_way)
{
	struct way way;

	way_open(&way, ROOT4);
	cr_assert_eq(system("ip link set ls0 down"), 0);
	send_super(&way.session, COUNT * SIZE);
	expect_use(&way.net, way.leaf, 0, 0, 0, COUNT);
	send_super(&way.session, 2 * SIZE);
	expect_use(&way.net, way.leaf, 2, 0, 0, COUNT);
	net_close(&way.net);
}

/* On the root's own node, and with the mark that the sender gave it. */
Test(cut, local_leaf_and_mark)
{
	struct lc_policer ten = policer(1, 10 * (SIZE + 28));
	uint8_t got[SIZE], control[CMSG_SPACE(sizeof(int))];
	struct iovec into = {got, sizeof(got)};
	struct session session;
	struct net net;
	uint32_t admit, leaf;
	int socket, on = 1, mark = 0x4711;

	fill_stream();
	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	socket = net_socket(&net, ROOT4, 7000);
	setsockopt(socket, SOL_SOCKET, SO_RCVMARK, &on, sizeof(on));
	setsockopt(session.root, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	cr_assert_eq(lc_plane_admit_socket(net.plane, socket, 0, LC_ROLE_LEAF, &admit), 0);
	lc_plane_admit_anchor(net.plane, admit, &session.name, true, 0, true);
	leaf = net_local_leaf(&net, &session, ROOT4, 7000);
	lc_leaf_of(net.plane, leaf)->down = ten;
	send_super(&session, sizeof(stream));
	expect_use(&net, leaf, 10, COUNT - 10, 0, 0);
	for (size_t i = 0; i < 10; i++) {
		struct msghdr message = {.msg_iov = &into,
					 .msg_iovlen = 1,
					 .msg_control = control,
					 .msg_controllen = sizeof(control)};
		struct cmsghdr *found;

		cr_assert_eq(recvmsg(socket, &message, 0), SIZE);
		cr_expect_arr_eq(got, stream + i * SIZE, SIZE);
		found = CMSG_FIRSTHDR(&message);
		cr_assert(found && found->cmsg_type == SO_MARK);
		cr_expect_eq(*(int *)CMSG_DATA(found), mark);
	}
	cr_expect_lt(recv(socket, got, sizeof(got), 0), 0);
	net_close(&net);
}
