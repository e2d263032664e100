/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk over a session's leaves, sized to their number. One conforming leaf
 * is held back while the walk goes on, so that every copy but the last is a
 * clone and the last is the packet itself, by bpf_redirect().
 *
 * What the device does with that last one cannot be seen here: it is counted
 * as handed over. Every other copy's failure is counted.
 *
 * A super-packet of which a leaf may have a part only is cut up first (cut.h).
 */
#ifndef BPF_FANOUT_H
#define BPF_FANOUT_H

#include "cut.h"

struct lc_walk {
	struct __sk_buff *skb;
	struct lc_datagram datagram;
	struct lc_rewrite rewrite;
	__u64 now;
	__u32 cut_ifindex;   /* ls0, 0: none */
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

enum lc_way {
	LC_WAY_NONE, /* dropped, and counted */
	LC_WAY_WHOLE,
	LC_WAY_CUT, /* its datagrams are policed one by one, see cut.h */
};

/*
 * Holds the leaf to its flowspec. A super-packet above it may hold datagrams
 * that are not; and whatever comes behind one that is being cut waits its turn.
 */
static __always_inline enum lc_way
lc_choose_way(const struct lc_walk *walk, const struct lc_leaf *leaf, struct lc_leaf_use *use)
{
	const struct lc_datagram *datagram = &walk->datagram;
	const struct lc_policer *policer = &leaf->down;
	int waits = lc_has_bucket(policer) && lc_is_being_cut(use) &&
		    !lc_is_oversize(policer, datagram->datagram_bytes);
	enum lc_conformance conformance = waits ? LC_OVER_RATE
						: lc_police_datagram(policer, &use->meter,
								     walk->now, datagram);

	switch (conformance) {
	case LC_CONFORMS:
		return LC_WAY_WHOLE;
	case LC_OVERSIZE:
		lc_drop_copy(use, LC_DROP_OVERSIZE, datagram->segments);
		return LC_WAY_NONE;
	case LC_OVER_RATE:
		break;
	}
	if (walk->cut_ifindex && (waits || datagram->segments > 1) &&
	    lc_could_conform(policer, &use->meter, walk->now, lc_shortest(datagram)))
		return LC_WAY_CUT;
	lc_drop_copy(use, LC_DROP_OVER_RATE, datagram->segments);
	return LC_WAY_NONE;
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
	if (hop < 0)
		return 0;
	switch (lc_choose_way(walk, leaf, use)) {
	case LC_WAY_NONE:
		return 0;
	case LC_WAY_CUT:
		lc_send_to_be_cut(walk->skb, walk->cut_ifindex, &walk->datagram, &walk->rewrite,
				  number, leaf, use);
		return 0;
	case LC_WAY_WHOLE:
		break;
	}
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
