// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * At the egress of lc0: what a root sends to its session's channel address
 * becomes one unicast datagram per leaf. lc0 is our own device, so nothing
 * leaves it but copies.
 */
#include "alive.h"
#include "tc.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* A probe goes to one leaf, past the buckets, and moves none of its counters but drops. */
static __always_inline int lc_send_probe_to(struct __sk_buff *skb,
					    const struct lc_datagram *datagram,
					    const struct lc_leaf *leaf, struct lc_leaf_use *use)
{
	struct lc_decision decision = lc_decide_hop(leaf, use, &datagram->size);
	const struct lc_hop *hop = &leaf->hop[decision.hop & 1];
	struct lc_rewrite rewrite;

	if (decision.way == LC_WAY_NONE)
		return lc_consume();
	if (lc_tc_rewrite_prepare(skb, datagram->to.family, &rewrite) ||
	    lc_tc_rewrite(skb, &rewrite, leaf, hop)) {
		lc_drop_copy(use, LC_DROP_CLONE_FAILED, datagram->size.segments);
		return lc_consume();
	}
	return lc_tc_redirect(hop);
}

static __always_inline int lc_send_probe(struct __sk_buff *skb, const struct lc_datagram *datagram,
					 const struct lc_sending *sending)
{
	__u32 udp = datagram->to.family == LC_INET ? LC_UDP4_OFFSET : LC_UDP6_OFFSET;
	struct lc_leaf_use *use;
	struct lc_leaf *leaf;
	struct lc_probe probe;

	if (bpf_skb_load_bytes(skb, udp + sizeof(struct udphdr), &probe, sizeof(probe)) ||
	    probe.magic != bpf_cpu_to_be64(LC_PROBE_MAGIC))
		return lc_drop_datagram(sending->use, LC_DROP_MALFORMED, datagram->size.segments);
	leaf = LC_LOOKUP(struct lc_leaf, lc_leaves, bpf_ntohl(probe.leaf));
	use = LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, bpf_ntohl(probe.leaf));
	if (!leaf || !use || !lc_is_of_session(&leaf, sending->number))
		return lc_drop_datagram(sending->use, LC_DROP_NO_LEAVES, datagram->size.segments);
	return lc_send_probe_to(skb, datagram, leaf, use);
}

static __always_inline void lc_count_walk(struct lc_session_use *use)
{
#ifdef LC_LAYOUT_NEXT
	struct lc_next_use *node = LC_LOOKUP(struct lc_next_use, lc_next_use, 0);

	if (node)
		LC_COUNT(node->walks, 1);
	LC_COUNT(use->walks, 1);
#endif
}

static __always_inline int lc_send_data(struct __sk_buff *skb, const struct lc_datagram *datagram,
					const struct lc_config *config,
					const struct lc_sending *sending)
{
	struct lc_session_use *use = sending->use;
	struct lc_walk walk = {
		.skb = skb,
		.size = datagram->size,
		.now = lc_ticks(bpf_ktime_get_ns()),
		.cut_ifindex = LC_READ_ONCE(config->cut_ifindex),
	};
	__u32 reason = lc_decide_datagram(sending, walk.now, &walk.size, &walk.receivers);

	if (reason == LC_KEEP && lc_tc_rewrite_prepare(skb, datagram->to.family, &walk.rewrite))
		reason = LC_DROP_MALFORMED;
	if (reason != LC_KEEP)
		return lc_drop_datagram(use, reason, walk.size.segments);
	LC_COUNT(use->datagrams, walk.size.segments);
	LC_COUNT(use->bytes, walk.size.bytes);
	lc_count_walk(use);
	return lc_walk(&walk);
}

static __always_inline int lc_send(struct __sk_buff *skb)
{
	const struct lc_config *config = LC_LOOKUP(struct lc_config, lc_config, 0);
	struct lc_sending sending = {};
	struct lc_datagram datagram = {};
	enum lc_parsed parsed = lc_tc_parse(skb, &datagram);
	__u32 segments = datagram.size.segments;

	if (parsed == LC_PARSED_NOISE)
		return lc_drop_noise();
	if (config && datagram.to.family != LC_FAMILY_NONE)
		lc_find_session(config, &datagram.to, &sending);
	if (parsed == LC_PARSED_MALFORMED)
		return lc_drop_datagram(sending.use, LC_DROP_MALFORMED, segments);
	if (parsed == LC_PARSED_FRAGMENT)
		return lc_drop_datagram(sending.use, LC_DROP_FRAGMENT, segments);
	if (!config || !sending.session || !sending.use ||
	    sending.session->channel.port != datagram.to.port)
		return lc_drop_datagram(0, LC_DROP_NO_SESSION, segments);
	if (!lc_is_alive(config))
		return lc_drop_datagram(sending.use, LC_DROP_NOT_ALIVE, segments);
	switch (lc_sender_of(config, sending.session, bpf_get_socket_cookie(skb))) {
	case LC_SENDER_ROOT:
		return lc_send_data(skb, &datagram, config, &sending);
	case LC_SENDER_PROBER:
		return lc_send_probe(skb, &datagram, &sending);
	case LC_SENDER_FOREIGN:
		break;
	}
	return lc_drop_datagram(sending.use, LC_DROP_FOREIGN_SENDER, segments);
}

SEC("tc")
int lc_sender(struct __sk_buff *skb)
{
	return lc_send(skb);
}
