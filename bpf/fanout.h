/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk over a session's leaves, sized to their number. One conforming leaf
 * is held back while the walk goes on, so that every copy but the last is a
 * clone and the last is the packet itself, by bpf_redirect().
 *
 * What the device does with that last one cannot be seen here: it is counted
 * as handed over. Every other copy's failure is counted.
 */
#ifndef BPF_FANOUT_H
#define BPF_FANOUT_H

#include "police.h"
#include "rewrite.h"
#include "verdict.h"

struct lc_walk {
	struct __sk_buff *skb;
	struct lc_datagram datagram;
	struct lc_rewrite rewrite;
	__u64 now;
	__u32 offset, count; /* the extent */
	__u32 start;	     /* of the first leaf in the extent: rotates, for fairness */
	__u32 held;	     /* leaf number, 0: none */
	__u32 held_hop;
};

/*
 * Always 0. Kernels before 6.7 verify a callback once, with what it is given
 * first, and cut branches that those values rule out: so the start values of
 * fields that steer the callback must not be constants to the verifier.
 */
volatile __u32 lc_no_leaf = 0;

/* net_xmit_errno(): with NET_XMIT_CN (2) the copy was queued. */
static __always_inline int lc_clone_refused(long ret)
{
	return ret != 0 && ret != 2;
}

static __always_inline __u32 lc_redirect_flags(const struct lc_hop *hop)
{
	return hop->local ? BPF_F_INGRESS : 0;
}

static __always_inline void lc_count_copy(struct lc_leaf_use *use,
					  const struct lc_datagram *datagram)
{
	LC_COUNT(use->datagrams, datagram->segments);
	LC_COUNT(use->bytes, datagram->bytes);
}

/* The hop a copy for this leaf would take, or -1 and the drop is counted. */
static __always_inline int lc_choose_hop(const struct lc_leaf *leaf, struct lc_leaf_use *use,
					 const struct lc_datagram *datagram)
{
	__u32 in_use = LC_READ_ONCE(leaf->hop_in_use);
	__u32 hop = in_use & 1;

	switch (in_use) {
	case LC_HOP_0:
	case LC_HOP_1:
		break;
	case LC_HOP_NO_NEIGHBOUR:
		lc_drop_copy(use, LC_DROP_NO_NEIGHBOUR, datagram->segments);
		return -1;
	case LC_HOP_LINK_DOWN:
		lc_drop_copy(use, LC_DROP_LINK_DOWN, datagram->segments);
		return -1;
	default:
		lc_drop_copy(use, LC_DROP_NO_ROUTE, datagram->segments);
		return -1;
	}
	if (datagram->datagram_bytes > leaf->hop[hop].mtu) {
		lc_drop_copy(use, LC_DROP_TOO_BIG, datagram->segments);
		return -1;
	}
	return hop;
}

static __always_inline int lc_conforms(const struct lc_leaf *leaf, struct lc_leaf_use *use,
				       __u64 now, const struct lc_datagram *datagram)
{
	switch (lc_police_datagram(&leaf->down, &use->meter, now, datagram)) {
	case LC_CONFORMS:
		return 1;
	case LC_OVERSIZE:
		lc_drop_copy(use, LC_DROP_OVERSIZE, datagram->segments);
		return 0;
	case LC_OVER_RATE:
		lc_drop_copy(use, LC_DROP_OVER_RATE, datagram->segments);
		return 0;
	}
	return 0;
}

/* Hands a clone to the held leaf. It may fail; the others must not notice. */
static __always_inline void lc_clone_to_held(struct lc_walk *walk)
{
	struct lc_leaf *leaf = LC_LOOKUP(struct lc_leaf, lc_leaves, walk->held);
	struct lc_leaf_use *use = LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, walk->held);
	const struct lc_hop *hop;

	if (!leaf || !use)
		return;
	hop = &leaf->hop[walk->held_hop & 1];
	if (lc_rewrite(walk->skb, &walk->rewrite, leaf, hop) ||
	    lc_clone_refused(bpf_clone_redirect(walk->skb, hop->ifindex, lc_redirect_flags(hop))))
		lc_drop_copy(use, LC_DROP_CLONE_FAILED, walk->datagram.segments);
	else
		lc_count_copy(use, &walk->datagram);
}

/* Gives the packet itself away: the last copy. */
static __always_inline int lc_redirect_to_held(struct lc_walk *walk)
{
	struct lc_leaf *leaf = LC_LOOKUP(struct lc_leaf, lc_leaves, walk->held);
	struct lc_leaf_use *use = LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, walk->held);
	const struct lc_hop *hop;

	if (!leaf || !use)
		return lc_consume();
	hop = &leaf->hop[walk->held_hop & 1];
	if (lc_rewrite(walk->skb, &walk->rewrite, leaf, hop)) {
		lc_drop_copy(use, LC_DROP_CLONE_FAILED, walk->datagram.segments);
		return lc_consume();
	}
	lc_count_copy(use, &walk->datagram);
	return bpf_redirect(hop->ifindex, lc_redirect_flags(hop));
}

/* One leaf. Returns 0, always: a bad leaf never stops the walk. */
static long lc_fanout_step(__u32 i, struct lc_walk *walk)
{
	__u32 slot = walk->start + i, number;
	__u32 *member;
	struct lc_leaf *leaf;
	struct lc_leaf_use *use;
	int hop;

	if (slot >= walk->count)
		slot -= walk->count;
	member = LC_LOOKUP(__u32, lc_extents, walk->offset + slot);
	number = member ? LC_READ_ONCE(*member) : 0;
	if (!number)
		return 0; /* the hole of a leaf that left */
	leaf = LC_LOOKUP(struct lc_leaf, lc_leaves, number);
	use = LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, number);
	if (!leaf || !use)
		return 0;
	hop = lc_choose_hop(leaf, use, &walk->datagram);
	if (hop < 0 || !lc_conforms(leaf, use, walk->now, &walk->datagram))
		return 0;
	if (walk->held)
		lc_clone_to_held(walk);
	walk->held = number;
	walk->held_hop = hop;
	return 0;
}

/* Copies the packet to every leaf of the extent. Returns the verdict; whatever is dropped is counted. */
static __always_inline int lc_fanout(struct lc_walk *walk)
{
	walk->held = lc_no_leaf;
	walk->held_hop = lc_no_leaf;
	walk->start = bpf_get_prandom_u32() % walk->count;
	bpf_loop(walk->count, lc_fanout_step, walk, 0);
	return walk->held ? lc_redirect_to_held(walk) : lc_consume();
}

/* A probe goes to one leaf, past the buckets, and moves none of its counters but drops. */
static __always_inline int lc_fanout_probe(struct lc_walk *walk, const struct lc_leaf *leaf,
					   struct lc_leaf_use *use)
{
	int hop_number = lc_choose_hop(leaf, use, &walk->datagram);
	const struct lc_hop *hop;

	if (hop_number < 0)
		return lc_consume();
	hop = &leaf->hop[hop_number & 1];
	if (lc_rewrite(walk->skb, &walk->rewrite, leaf, hop)) {
		lc_drop_copy(use, LC_DROP_CLONE_FAILED, walk->datagram.segments);
		return lc_consume();
	}
	return bpf_redirect(hop->ifindex, lc_redirect_flags(hop));
}

#endif
