/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of one leaf's copy, wherever it is judged: at lc0 or at ls1. */
#ifndef BPF_COPY_H
#define BPF_COPY_H

#include "police.h"
#include "rewrite.h"
#include "verdict.h"

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
	__u32 hop = in_use;

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
	/*
	 * The compiler knows it to be 0 or 1 by now. The verifier of Linux 6.1 does
	 * not, if it was spilled before the switch: so it is bounded in its sight.
	 */
	asm volatile("" : "+r"(hop));
	hop &= 1;
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

#endif
