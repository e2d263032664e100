// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * At the ingress of ls1: each datagram that was cut out of a super-packet
 * meets its leaf's bucket by itself. See cut.h.
 */
#include "alive.h"
#include "tc.h"

char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline int lc_send_segment(struct __sk_buff *skb, const struct lc_leaf *leaf,
					   struct lc_leaf_use *use, const struct lc_size *size)
{
	struct lc_decision decision = lc_decide_whole(leaf, use, lc_ticks(bpf_ktime_get_ns()),
						      size);
	const struct lc_hop *hop = &leaf->hop[decision.hop & 1];
	struct lc_packet packet = lc_tc_packet(skb);

	if (decision.way == LC_WAY_NONE)
		return lc_consume();
	if (packet.start + ETH_HLEN > packet.end) {
		lc_drop_copy(use, LC_DROP_CLONE_FAILED, size->segments);
		return lc_consume();
	}
	lc_rewrite_ethernet(packet.start, hop);
	lc_count_copy(use, size);
	return lc_tc_redirect(hop);
}

static __always_inline int lc_receive_segment(struct __sk_buff *skb)
{
	const struct lc_config *config = LC_LOOKUP(struct lc_config, lc_config, 0);
	struct lc_datagram datagram = {};
	struct lc_leaf_use *use;
	struct lc_leaf *leaf;
	struct lc_cut_tag tag;

	if (lc_tc_parse(skb, &datagram) != LC_PARSED_UDP ||
	    bpf_skb_load_bytes(skb, 0, &tag, sizeof(tag)))
		return lc_drop_noise();
	leaf = LC_LOOKUP(struct lc_leaf, lc_leaves, tag.leaf);
	use = LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, tag.leaf);
	/* A number may stand for another leaf by now. */
	if (!leaf || !use || !lc_is_leaf_at(&leaf, &datagram.to) ||
	    !lc_settle(use, &tag, datagram.size.segments))
		return lc_drop_noise();
	if (!config || !lc_is_alive(config)) {
		lc_drop_copy(use, LC_DROP_NOT_ALIVE, datagram.size.segments);
		return lc_consume();
	}
	return lc_send_segment(skb, leaf, use, &datagram.size);
}

SEC("tc")
int lc_segments(struct __sk_buff *skb)
{
	return lc_receive_segment(skb);
}
