// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "run.h"

#include <bpf/bpf.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

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

static int run_once(struct bench *bench, const struct packet *in, const struct run *run,
		    struct packet *out)
{
	struct __sk_buff skb = {.gso_segs = run->gso_segs, .gso_size = run->gso_size};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in->bytes,
		    .data_size_in = (uint32_t)in->length, .data_out = out->bytes,
		    .data_size_out = sizeof(out->bytes), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb));

	lc_session_of(bench->net.plane, bench->session.number)->sender_cookie =
		run->foreign ? ~0ull : next_cookie();
	cr_assert_eq(
		bpf_prog_test_run_opts(lc_programs_sender(bench->net.plane->programs), &options), 0,
		"%s: %m", run->description);
	out->length = options.data_size_out;
	return (int)options.retval;
}

struct counts bench_count(struct bench *bench)
{
	struct counts counts;

	read_drops(&bench->net, counts.node);
	lc_plane_session_use(bench->net.plane, bench->session.number, &counts.session_use);
	lc_plane_leaf_use(bench->net.plane, bench->leaf, &counts.leaf_use);
	counts.session = sum_drops(&counts.session_use.drops);
	counts.leaf = sum_drops(&counts.leaf_use.drops);
	return counts;
}

/* Runs until the run's socket was the root's, if it is to be. */
int bench_run(struct bench *bench, const struct packet *in, const struct run *run,
	      struct packet *out, struct counts *before)
{
	for (int i = 0;; i++) {
		struct counts after;
		int verdict;

		*before = bench_count(bench);
		verdict = run_once(bench, in, run, out);
		after = bench_count(bench);
		if (run->foreign || i == 100 ||
		    after.node[LC_DROP_FOREIGN_SENDER] == before->node[LC_DROP_FOREIGN_SENDER])
			return verdict;
	}
}

void bench_open(struct bench *bench, const char *root)
{
	stay_on_one_cpu();
	net_open(&bench->net);
	bench->session = net_session(&bench->net, root, NULL);
	bench->leaf = net_leaf(&bench->net, &bench->session, 0, NULL);
}

struct packet sent_packet(const struct bench *bench, const void *payload, size_t bytes)
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
