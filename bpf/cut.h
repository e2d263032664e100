/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of copies that are policed datagram by datagram:
 *
 *   lc0 [lc_sender] --> ls0 ==> ls1 [lc_segments] --> the leaf's hop
 *
 * ls0 sends no super-packets, so the kernel cuts one up when it is transmitted
 * there. The Ethernet addresses, which each copy gets anew anyway, carry
 * struct lc_cut_tag across the pair; all else of the packet is the leaf's
 * already, and its mark stays the sender's. Here is what is counted on that way.
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

#include "order.h"
#include "verdict.h"

static __always_inline _Bool lc_is_being_cut(const struct lc_leaf_use *use)
{
	return LC_READ_ONCE(use->cut_sent) != LC_READ_ONCE(use->cut_settled);
}

/* The leaf's next `datagrams` on this way. */
static __always_inline struct lc_cut_tag lc_cut_begin(struct lc_leaf_use *use, __u32 leaf,
						      __u32 datagrams)
{
	__u32 first = __sync_fetch_and_add(&use->cut_sent, datagrams);

	return (struct lc_cut_tag){leaf, first, first + datagrams};
}

/* They were not sent: true if it is as if they had never begun. False if another CPU's are behind them, and find them missing. */
static __always_inline _Bool lc_cut_undo(struct lc_leaf_use *use, const struct lc_cut_tag *tag)
{
	return __sync_val_compare_and_swap(&use->cut_sent, tag->end, tag->first) == tag->end;
}

/* Whether the datagrams are due; if so, those before them that are missing are counted as lost. */
static __always_inline _Bool lc_settle(struct lc_leaf_use *use, const struct lc_cut_tag *tag,
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
