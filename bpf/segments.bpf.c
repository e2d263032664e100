// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * At the ingress of ls1: each datagram that was cut out of a super-packet
 * meets its leaf's bucket by itself. See cut.h.
 */
#include "cut.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* A number may stand for another leaf by now. */
static __always_inline int lc_is_to(const struct lc_leaf *leaf, const struct lc_datagram *datagram)
{
	const struct lc_endpoint *to = &leaf->to;

	return LC_READ_ONCE(leaf->session) && to->family == datagram->family &&
	       to->addr[0] == datagram->destination[0] && to->addr[1] == datagram->destination[1] &&
	       to->addr[2] == datagram->destination[2] && to->addr[3] == datagram->destination[3] &&
	       to->port == datagram->port;
}

static __always_inline int lc_send_segment(struct __sk_buff *skb, const struct lc_leaf *leaf,
					   struct lc_leaf_use *use,
					   const struct lc_datagram *datagram)
{
	int number = lc_choose_hop(leaf, use, datagram);
	struct ethhdr *eth = lc_packet_start(skb);
	const struct lc_hop *hop;

	if (number < 0 || !lc_conforms(leaf, use, lc_ticks(bpf_ktime_get_ns()), datagram))
		return lc_consume();
	hop = &leaf->hop[number & 1];
	if ((void *)(eth + 1) > lc_packet_end(skb)) {
		lc_drop_copy(use, LC_DROP_CLONE_FAILED, datagram->segments);
		return lc_consume();
	}
	lc_rewrite_ethernet(eth, hop);
	lc_count_copy(use, datagram);
	return bpf_redirect(hop->ifindex, lc_redirect_flags(hop));
}

static __always_inline int lc_receive_segment(struct __sk_buff *skb)
{
	struct lc_datagram datagram = {};
	struct lc_leaf_use *use;
	struct lc_cut_tag tag;
	struct lc_leaf *leaf;

	if (lc_parse(skb, &datagram) != LC_PARSED_UDP ||
	    bpf_skb_load_bytes(skb, 0, &tag, sizeof(tag)))
		return lc_drop_noise();
	leaf = LC_LOOKUP(struct lc_leaf, lc_leaves, tag.leaf);
	use = LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, tag.leaf);
	if (!leaf || !use || !lc_is_to(leaf, &datagram) || !lc_settle(use, &tag, datagram.segments))
		return lc_drop_noise();
	return lc_send_segment(skb, leaf, use, &datagram);
}

SEC("tc")
int lc_segments(struct __sk_buff *skb)
{
	return lc_receive_segment(skb);
}
