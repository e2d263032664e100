/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tc engine: turns decisions into clones and redirects of a struct
 * __sk_buff. It holds one copy back while the walk goes on, so that every copy
 * but the last is a clone and the last is the packet itself, by bpf_redirect().
 *
 * What the device does with that last one cannot be seen here: it is counted
 * as handed over. Every other copy's failure is counted.
 */
#ifndef BPF_TC_H
#define BPF_TC_H

#include "decide.h"
#include "rewrite.h"

/* ---- the packet ---- */

static __always_inline struct lc_packet lc_tc_packet(const struct __sk_buff *skb)
{
	return (struct lc_packet){
		.start = LC_CONTEXT_POINTER(skb, data),
		.end = LC_CONTEXT_POINTER(skb, data_end),
		.bytes = skb->len,
		.segments = skb->gso_segs,
		.segment_bytes = skb->gso_size,
		.protocol = skb->protocol,
	};
}

/* Headers usually are linear; where they are not, one pull makes them so for good. */
static __always_inline enum lc_parsed lc_tc_parse(struct __sk_buff *skb,
						  struct lc_datagram *datagram)
{
	struct lc_packet packet = lc_tc_packet(skb);

	if (packet.start + LC_HEADERS_MAX > packet.end) {
		bpf_skb_pull_data(skb, skb->len < LC_HEADERS_MAX ? skb->len : LC_HEADERS_MAX);
		packet = lc_tc_packet(skb);
	}
	return lc_parse(&packet, datagram);
}

static __always_inline struct udphdr *lc_tc_udp_header(struct __sk_buff *skb, __u32 family)
{
	struct lc_packet packet = lc_tc_packet(skb);
	struct lc_headers4 at4;
	struct lc_headers6 at6;

	if (family == LC_INET)
		return lc_headers4(&packet, &at4) ? at4.udp : (struct udphdr *)0;
	return lc_headers6(&packet, &at6) ? at6.udp : (struct udphdr *)0;
}

/*
 * A program cannot see skb->ip_summed. But without BPF_F_PSEUDO_HDR this
 * helper leaves the field of a CHECKSUM_PARTIAL packet alone, since it does
 * not hold a checksum of the payload: ask it to add one and look. Assuming
 * PARTIAL would lose every MSG_MORE datagram. Less than 0: the headers are out
 * of reach.
 */
static __always_inline int lc_tc_find_udp_sum(struct __sk_buff *skb, __u32 family)
{
	__u32 offset = (family == LC_INET ? LC_UDP4_OFFSET : LC_UDP6_OFFSET) +
		       __builtin_offsetof(struct udphdr, check);
	struct udphdr *udp = lc_tc_udp_header(skb, family);
	__sum16 before;

	if (!udp)
		return -1;
	before = udp->check;
	/* A real sum is never 0 on the wire (RFC 768), and a pseudo-header's cannot be. */
	if (before == 0)
		return LC_UDP_SUM_NONE;
	if (bpf_l4_csum_replace(skb, offset, 0, 1, sizeof(before)))
		return -1;
	udp = lc_tc_udp_header(skb, family);
	if (!udp)
		return -1;
	if (udp->check == before)
		return LC_UDP_SUM_PARTIAL;
	udp->check = before;
	return LC_UDP_SUM_FULL;
}

static __always_inline int lc_tc_rewrite_prepare(struct __sk_buff *skb, __u32 family,
						 struct lc_rewrite *rewrite)
{
	int udp_sum = lc_tc_find_udp_sum(skb, family);
	struct lc_packet packet = lc_tc_packet(skb);

	return udp_sum < 0 ? -1 : lc_rewrite_prepare(&packet, family, udp_sum, rewrite);
}

static __always_inline int lc_tc_rewrite(struct __sk_buff *skb, const struct lc_rewrite *rewrite,
					 const struct lc_leaf *leaf, const struct lc_hop *hop)
{
	struct lc_packet packet = lc_tc_packet(skb);

	return lc_rewrite(&packet, rewrite, leaf, hop);
}

/* ---- one copy ---- */

/* net_xmit_errno(): with NET_XMIT_CN (2) the copy was queued. */
static __always_inline int lc_tc_clone_refused(long ret)
{
	return ret != 0 && ret != 2;
}

static __always_inline int lc_tc_redirect(const struct lc_hop *hop)
{
	return bpf_redirect(hop->ifindex, hop->local ? BPF_F_INGRESS : 0);
}

/* It may fail; the others must not notice. */
static __always_inline void lc_tc_clone(struct __sk_buff *skb, const struct lc_rewrite *rewrite,
					const struct lc_leaf *leaf, struct lc_leaf_use *use,
					const struct lc_hop *hop, const struct lc_size *size)
{
	if (lc_tc_rewrite(skb, rewrite, leaf, hop) ||
	    lc_tc_clone_refused(
		    bpf_clone_redirect(skb, hop->ifindex, hop->local ? BPF_F_INGRESS : 0)))
		lc_drop_copy(use, LC_DROP_CLONE_FAILED, size->segments);
	else
		lc_count_copy(use, size);
}

/*
 * Refused: less than 0, or NET_XMIT_CN (2), which is how a device says that it
 * is down. After NET_XMIT_DROP (1) the last datagram is lost, the others
 * perhaps not: what is missing shows when the next arrives.
 */
static __always_inline int lc_tc_is_on_its_way(long ret)
{
	return ret == 0 || ret == 1;
}

static __always_inline void lc_tc_send_to_be_cut(struct __sk_buff *skb, __u32 cut_ifindex,
						 const struct lc_rewrite *rewrite, __u32 number,
						 const struct lc_leaf *leaf,
						 struct lc_leaf_use *use,
						 const struct lc_size *size)
{
	struct lc_cut_tag tag = lc_cut_begin(use, number, size->segments);
	struct lc_hop hop = {};

	_Static_assert(sizeof(tag) == sizeof(hop.destination) + sizeof(hop.source),
		       "as long as both addresses");
	__builtin_memcpy(hop.destination, &tag, sizeof(hop.destination));
	__builtin_memcpy(hop.source, (const char *)&tag + sizeof(hop.destination),
			 sizeof(hop.source));
	if (!lc_tc_rewrite(skb, rewrite, leaf, &hop) &&
	    lc_tc_is_on_its_way(bpf_clone_redirect(skb, cut_ifindex, 0)))
		return;
	if (lc_cut_undo(use, &tag))
		lc_drop_copy(use, LC_DROP_CLONE_FAILED, size->segments);
}

/* ---- the walk over a session's leaves, sized to their number ---- */

struct lc_walk {
	struct __sk_buff *skb;
	struct lc_size size;
	struct lc_rewrite rewrite;
	struct lc_receivers receivers;
	__u64 now;
	__u32 cut_ifindex; /* ls0, 0: none */
	__u32 held;	   /* leaf number, 0: none */
	__u32 held_hop;
};

/*
 * Always 0. Kernels before 6.7 verify a callback once, with what it is given
 * first, and cut branches that those values rule out: so the start values of
 * fields that steer the callback must not be constants to the verifier.
 */
volatile __u32 lc_no_leaf = 0;

/* Hands a clone to the held leaf. */
static __always_inline void lc_clone_to_held(struct lc_walk *walk)
{
	struct lc_leaf *leaf = LC_LOOKUP(struct lc_leaf, lc_leaves, walk->held);
	struct lc_leaf_use *use = LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, walk->held);

	if (leaf && use)
		lc_tc_clone(walk->skb, &walk->rewrite, leaf, use, &leaf->hop[walk->held_hop & 1],
			    &walk->size);
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
	if (lc_tc_rewrite(walk->skb, &walk->rewrite, leaf, hop)) {
		lc_drop_copy(use, LC_DROP_CLONE_FAILED, walk->size.segments);
		return lc_consume();
	}
	lc_count_copy(use, &walk->size);
	return lc_tc_redirect(hop);
}

/* One leaf. Returns 0, always: a bad leaf never stops the walk. */
static long lc_walk_step(__u32 i, struct lc_walk *walk)
{
	__u32 number = lc_receiver(&walk->receivers, i);
	struct lc_decision decision;
	struct lc_leaf *leaf;
	struct lc_leaf_use *use;

	if (!number)
		return 0;
	leaf = LC_LOOKUP(struct lc_leaf, lc_leaves, number);
	use = LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, number);
	if (!leaf || !use)
		return 0;
	decision = lc_decide(leaf, use, walk->now, &walk->size, walk->cut_ifindex != 0);
	switch (decision.way) {
	case LC_WAY_NONE:
		return 0;
	case LC_WAY_CUT:
		lc_tc_send_to_be_cut(walk->skb, walk->cut_ifindex, &walk->rewrite, number, leaf,
				     use, &walk->size);
		return 0;
	case LC_WAY_WHOLE:
		break;
	}
	if (walk->held)
		lc_clone_to_held(walk);
	walk->held = number;
	walk->held_hop = decision.hop;
	return 0;
}

/* Copies the packet to every leaf of the extent, which is not empty. Returns the verdict. */
static __always_inline int lc_walk(struct lc_walk *walk)
{
	walk->held = lc_no_leaf;
	walk->held_hop = lc_no_leaf;
	walk->receivers.start = bpf_get_prandom_u32() % walk->receivers.count;
	bpf_loop(walk->receivers.count, lc_walk_step, walk, 0);
	return walk->held ? lc_redirect_to_held(walk) : lc_consume();
}

#endif
