// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tc engine, at the egress of lc0: what a root sends to its session's
 * channel address becomes one unicast datagram per leaf. lc0 is our own
 * device, so nothing leaves it but copies.
 */
#include "fanout.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* The number that the destination address stands for; a wrong one finds no session, or another's address. */
static __always_inline __u32 lc_channel_number(const struct lc_config *config,
					       const struct lc_datagram *datagram)
{
	if (datagram->family == LC_INET)
		return bpf_ntohl(datagram->destination[0]) - bpf_ntohl(config->pool4);
	return bpf_ntohl(datagram->destination[3]);
}

static __always_inline int lc_is_channel(const struct lc_session *session,
					 const struct lc_datagram *datagram)
{
	const struct lc_endpoint *channel = &session->channel;

	return LC_READ_ONCE(session->state) == LC_SESSION_OPEN &&
	       channel->family == datagram->family &&
	       channel->addr[0] == datagram->destination[0] &&
	       channel->addr[1] == datagram->destination[1] &&
	       channel->addr[2] == datagram->destination[2] &&
	       channel->addr[3] == datagram->destination[3];
}

static __always_inline int lc_send_probe(struct lc_walk *walk, __u32 number,
					 struct lc_session_use *session_use)
{
	__u32 udp = walk->datagram.family == LC_INET ? LC_UDP4_OFFSET : LC_UDP6_OFFSET;
	struct lc_leaf_use *use;
	struct lc_leaf *leaf;
	struct lc_probe probe;

	if (bpf_skb_load_bytes(walk->skb, udp + sizeof(struct udphdr), &probe, sizeof(probe)) ||
	    probe.magic != bpf_cpu_to_be64(LC_PROBE_MAGIC))
		return lc_drop_datagram(session_use, LC_DROP_MALFORMED, walk->datagram.segments);
	leaf = LC_LOOKUP(struct lc_leaf, lc_leaves, bpf_ntohl(probe.leaf));
	use = LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, bpf_ntohl(probe.leaf));
	if (!leaf || !use || LC_READ_ONCE(leaf->session) != number)
		return lc_drop_datagram(session_use, LC_DROP_NO_LEAVES, walk->datagram.segments);
	if (lc_rewrite_prepare(walk->skb, walk->datagram.family, &walk->rewrite))
		return lc_drop_datagram(session_use, LC_DROP_MALFORMED, walk->datagram.segments);
	return lc_fanout_probe(walk, leaf, use);
}

static __always_inline int lc_send_data(struct lc_walk *walk, const struct lc_config *config,
					const struct lc_session *session,
					struct lc_session_use *use)
{
	__u64 extent = LC_READ_ONCE(session->extent);

	walk->now = lc_ticks(bpf_ktime_get_ns());
	walk->cut_ifindex = LC_READ_ONCE(config->cut_ifindex);
	walk->offset = LC_EXTENT_OFFSET(extent);
	walk->count = LC_EXTENT_COUNT(extent);
	switch (lc_police_datagram(&session->policer, &use->meter, walk->now, &walk->datagram)) {
	case LC_CONFORMS:
		break;
	case LC_OVERSIZE:
		return lc_drop_datagram(use, LC_DROP_OVERSIZE, walk->datagram.segments);
	case LC_OVER_RATE:
		return lc_drop_datagram(use, LC_DROP_SENDER_OVER_RATE, walk->datagram.segments);
	}
	if (walk->count == 0)
		return lc_drop_datagram(use, LC_DROP_NO_LEAVES, walk->datagram.segments);
	if (lc_rewrite_prepare(walk->skb, walk->datagram.family, &walk->rewrite))
		return lc_drop_datagram(use, LC_DROP_MALFORMED, walk->datagram.segments);
	LC_COUNT(use->datagrams, walk->datagram.segments);
	LC_COUNT(use->bytes, walk->datagram.bytes);
	return lc_fanout(walk);
}

static __always_inline int lc_send(struct __sk_buff *skb)
{
	struct lc_walk walk = {.skb = skb};
	enum lc_parsed parsed = lc_parse(skb, &walk.datagram);
	const struct lc_config *config = LC_LOOKUP(struct lc_config, lc_config, 0);
	struct lc_session *session = 0;
	struct lc_session_use *use = 0;
	__u32 number = 0;
	__u64 cookie;

	if (parsed == LC_PARSED_NOISE)
		return lc_drop_noise();
	if (config && walk.datagram.family != LC_FAMILY_NONE) {
		number = lc_channel_number(config, &walk.datagram);
		session = LC_LOOKUP(struct lc_session, lc_sessions, number);
		if (session && lc_is_channel(session, &walk.datagram))
			use = LC_LOOKUP(struct lc_session_use, lc_session_use, number);
	}
	if (parsed == LC_PARSED_MALFORMED)
		return lc_drop_datagram(use, LC_DROP_MALFORMED, walk.datagram.segments);
	if (parsed == LC_PARSED_FRAGMENT)
		return lc_drop_datagram(use, LC_DROP_FRAGMENT, walk.datagram.segments);
	if (!config || !session || !use || session->channel.port != walk.datagram.port)
		return lc_drop_datagram(0, LC_DROP_NO_SESSION, walk.datagram.segments);

	/* 0: no socket of this host sent it, and an unset field must not match that. */
	cookie = bpf_get_socket_cookie(skb);
	if (cookie && cookie == session->sender_cookie)
		return lc_send_data(&walk, config, session, use);
	if (cookie && (cookie == LC_READ_ONCE(config->probe_cookie[0]) ||
		       cookie == LC_READ_ONCE(config->probe_cookie[1])))
		return lc_send_probe(&walk, number, use);
	return lc_drop_datagram(use, LC_DROP_FOREIGN_SENDER, walk.datagram.segments);
}

SEC("tc")
int lc_sender(struct __sk_buff *skb)
{
	return lc_send(skb);
}
