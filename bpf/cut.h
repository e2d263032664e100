/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of copies that are policed datagram by datagram:
 *
 *   lc0 [lc_sender] --> ls0 ==> ls1 [lc_segments] --> the leaf's hop
 *
 * ls0 sends no super-packets, so the kernel cuts one up when it is transmitted
 * there. The Ethernet addresses, which each copy gets anew anyway, carry
 * struct lc_cut_tag across the pair; all else of the packet is the leaf's
 * already, and its mark stays the sender's.
 *
 * Order. What a leaf is sent after a super-packet that is being cut must not
 * overtake it, so everything for that leaf goes this way until all of it is
 * settled: cut_sent == cut_settled. What settles datagrams is that they, or
 * later ones, arrive at ls1: what has not come by then was lost in the backlog
 * (net.core.netdev_max_backlog), or its sender was moved to another CPU and
 * has overtaken itself. It is counted as lost, and should it come after all,
 * it finds itself settled and is dropped, counted already. So nothing arrives
 * in disorder, each datagram is counted once, and a leaf that lost some is
 * back on the fast way after the next.
 *
 * Room. Each leaf's copy is cut up for itself, and the backlog is emptied only
 * after the walk: at its default of 1000 datagrams 25 leaves can be limited at
 * once under super-packets of 40. With more, what does not fit is lost, a
 * different leaf's each time, and leaves fall below their rates: then
 * net.core.netdev_max_backlog should hold segments x limited leaves.
 */
#ifndef BPF_CUT_H
#define BPF_CUT_H

#include "copy.h"

static __always_inline int lc_is_being_cut(const struct lc_leaf_use *use)
{
	return LC_READ_ONCE(use->cut_sent) != LC_READ_ONCE(use->cut_settled);
}

/* The last of a super-packet's datagrams may be shorter than the others. */
static __always_inline __u32 lc_shortest(const struct lc_datagram *datagram)
{
	return datagram->bytes - (datagram->segments - 1) * datagram->datagram_bytes;
}

/*
 * Refused: less than 0, or NET_XMIT_CN (2), which is how a device says that it
 * is down. After NET_XMIT_DROP (1) the last datagram is lost, the others
 * perhaps not: what is missing shows when the next arrives.
 */
static __always_inline int lc_is_on_its_way(long ret)
{
	return ret == 0 || ret == 1;
}

static __always_inline void lc_send_to_be_cut(struct __sk_buff *skb, __u32 cut_ifindex,
					      const struct lc_datagram *datagram,
					      const struct lc_rewrite *rewrite, __u32 number,
					      const struct lc_leaf *leaf, struct lc_leaf_use *use)
{
	__u32 first = __sync_fetch_and_add(&use->cut_sent, datagram->segments);
	struct lc_cut_tag tag = {number, first, first + datagram->segments};
	struct lc_hop hop = {};

	_Static_assert(sizeof(tag) == sizeof(hop.destination) + sizeof(hop.source),
		       "as long as both addresses");
	__builtin_memcpy(hop.destination, &tag, sizeof(hop.destination));
	__builtin_memcpy(hop.source, (const char *)&tag + sizeof(hop.destination),
			 sizeof(hop.source));
	if (!lc_rewrite(skb, rewrite, leaf, &hop) &&
	    lc_is_on_its_way(bpf_clone_redirect(skb, cut_ifindex, 0)))
		return;
	/* Unless another CPU's are behind it: then theirs find it missing. */
	if (__sync_val_compare_and_swap(&use->cut_sent, tag.end, first) == tag.end)
		lc_drop_copy(use, LC_DROP_CLONE_FAILED, datagram->segments);
}

/* Whether the datagrams are due; if so, those before them that are missing are counted as lost. */
static __always_inline int lc_settle(struct lc_leaf_use *use, const struct lc_cut_tag *tag,
				     __u32 datagrams)
{
	for (int i = 0; i < LC_BUCKET_TRIES; i++) {
		__u32 settled = LC_READ_ONCE(use->cut_settled), start = settled;

		if ((__s32)(tag->first - settled) > 0)
			start = tag->first;
		if ((__s32)(tag->end - start - datagrams) < 0 ||
		    (__s32)(LC_READ_ONCE(use->cut_sent) - tag->end) < 0)
			return 0;
		if (__sync_val_compare_and_swap(&use->cut_settled, settled, start + datagrams) !=
		    settled)
			continue;
		if (start != settled)
			lc_drop_copy(use, LC_DROP_QUEUE_FULL, start - settled);
		return 1;
	}
	return 0;
}

#endif
