/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* One packet through the sender's program, by BPF_PROG_TEST_RUN. */
#ifndef TESTS_BPF_RUN_H
#define TESTS_BPF_RUN_H

#include "harness.h"

#define TC_ACT_SHOT	2
#define TC_ACT_STOLEN	4
#define TC_ACT_REDIRECT 7

struct bench {
	struct net net;
	struct session session;
	uint32_t leaf; /* the session's only one, behind tap0 */
};

struct run {
	const char *description;
	bool foreign; /* not from the root's socket */
	uint32_t gso_segs, gso_size;
};

struct counts {
	uint64_t node[LC_DROP_COUNT], session, leaf;
	struct lc_session_use session_use;
	struct lc_leaf_use leaf_use;
};

void bench_open(struct bench *bench, const char *root);
struct counts bench_count(struct bench *bench);
/* What the root's stack would hand to lc0. */
struct packet sent_packet(const struct bench *bench, const void *payload, size_t bytes);
/* Returns the verdict; *out is the packet after it, *before what was counted before it. */
int bench_run(struct bench *bench, const struct packet *in, const struct run *run,
	      struct packet *out, struct counts *before);

#endif
