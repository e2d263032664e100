// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Admission: the locked filter on every member's own socket. It runs when a
 * datagram is about to enter the socket's buffer, on whatever path it came.
 * Here skb->data is the UDP header and only load helpers may read.
 */
#include "police.h"
#include "verdict.h"

char _license[] SEC("license") = "Dual BSD/GPL";

struct lc_arrival {
	struct lc_endpoint source;
	__u32 payload_bytes;
	struct lc_datagram datagram; /* destination and port are not filled in */
};

static __always_inline int lc_read_source(struct __sk_buff *skb, struct lc_arrival *arrival,
					  __u32 *ip_bytes)
{
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr ip;

		if (bpf_skb_load_bytes_relative(skb, 0, &ip, sizeof(ip), BPF_HDR_START_NET))
			return -1;
		arrival->source.family = LC_INET;
		arrival->source.addr[0] = ip.saddr;
		*ip_bytes = (ip.version_ihl & 0xf) * 4;
		return 0;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr ip;

		if (bpf_skb_load_bytes_relative(skb, 0, &ip, sizeof(ip), BPF_HDR_START_NET))
			return -1;
		arrival->source.family = LC_INET6;
		__builtin_memcpy(arrival->source.addr, &ip.saddr, sizeof(ip.saddr));
		*ip_bytes = sizeof(ip);
		return 0;
	}
	return -1;
}

static __always_inline int lc_read_arrival(struct __sk_buff *skb, struct lc_arrival *arrival)
{
	struct lc_datagram *datagram = &arrival->datagram;
	__u32 ip_bytes, header_bytes;
	struct udphdr udp;

	datagram->segments = skb->gso_segs > 1 ? skb->gso_segs : 1;
	if (lc_read_source(skb, arrival, &ip_bytes) ||
	    bpf_skb_load_bytes(skb, 0, &udp, sizeof(udp)))
		return -1;
	arrival->source.port = udp.source;
	arrival->payload_bytes = skb->len - sizeof(udp);
	header_bytes = ip_bytes + sizeof(udp);
	datagram->bytes = arrival->payload_bytes + datagram->segments * header_bytes;
	datagram->datagram_bytes = datagram->segments > 1 ? skb->gso_size + header_bytes
							  : datagram->bytes;
	return 0;
}

static __always_inline int lc_same_endpoint(const struct lc_endpoint *a,
					    const struct lc_endpoint *b)
{
	return a->addr[0] == b->addr[0] && a->addr[1] == b->addr[1] && a->addr[2] == b->addr[2] &&
	       a->addr[3] == b->addr[3] && a->port == b->port && a->family == b->family;
}

static __always_inline int lc_admit_whole(struct __sk_buff *skb, struct lc_admit_use *use,
					  const struct lc_datagram *datagram)
{
	LC_COUNT(use->datagrams, datagram->segments);
	LC_COUNT(use->bytes, datagram->bytes);
	return skb->len;
}

/* Whether this is the probe the leaf waits for: then it is told, and the application never sees it. */
static __always_inline int lc_take_probe(struct __sk_buff *skb, const struct lc_admit *admit,
					 struct lc_admit_use *use, __u32 number,
					 const struct lc_arrival *arrival)
{
	__u64 token = LC_READ_ONCE(admit->rule.token);
	struct lc_event event = {.kind = LC_EVENT_PROBED, .admit = number, .token = token};
	struct lc_probe probe;

	if (!token || arrival->payload_bytes != sizeof(probe) ||
	    bpf_skb_load_bytes(skb, sizeof(struct udphdr), &probe, sizeof(probe)) ||
	    probe.magic != bpf_cpu_to_be64(LC_PROBE_MAGIC) || probe.token != bpf_cpu_to_be64(token))
		return 0;
	LC_COUNT(use->probes, 1);
	bpf_ringbuf_output(&lc_events, &event, sizeof(event), 0);
	return 1;
}

static __always_inline int lc_admit_from_anchor(struct __sk_buff *skb, const struct lc_admit *admit,
						struct lc_admit_use *use, __u32 number,
						const struct lc_arrival *arrival)
{
	__u32 ifindex = LC_READ_ONCE(admit->rule.ifindex);

	if (!lc_same_endpoint(&admit->rule.peer, &arrival->source))
		return lc_drop_received(use, LC_DROP_WRONG_SOURCE, arrival->datagram.segments);
	if (ifindex && ifindex != skb->ifindex)
		return lc_drop_received(use, LC_DROP_WRONG_INTERFACE, arrival->datagram.segments);
	if (lc_take_probe(skb, admit, use, number, arrival))
		return LC_KEEP_NONE;
	if (!LC_READ_ONCE(admit->rule.receives))
		return lc_drop_received(use, LC_DROP_NOT_ADMITTED, arrival->datagram.segments);
	return lc_admit_whole(skb, use, &arrival->datagram);
}

static __always_inline int lc_admit_from_leaf(struct __sk_buff *skb, const struct lc_admit *admit,
					      struct lc_admit_use *use,
					      const struct lc_arrival *arrival)
{
	struct lc_uplink_key key = {.session = admit->rule.session, .leaf = arrival->source};
	const struct lc_datagram *datagram = &arrival->datagram;
	__u32 *number = bpf_map_lookup_elem(&lc_uplinks, &key);
	struct lc_leaf *leaf = number ? LC_LOOKUP(struct lc_leaf, lc_leaves, *number) : 0;
	struct lc_leaf_use *leaf_use = number ? LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, *number)
					      : 0;

	if (!leaf || !leaf_use)
		return lc_drop_received(use, LC_DROP_WRONG_SOURCE, datagram->segments);
	switch (lc_police_datagram(&leaf->up, &leaf_use->up_meter, lc_ticks(bpf_ktime_get_ns()),
				   datagram)) {
	case LC_CONFORMS:
		break;
	case LC_OVERSIZE:
		return lc_drop_from_leaf(leaf_use, LC_DROP_OVERSIZE, datagram->segments);
	case LC_OVER_RATE:
		return lc_drop_from_leaf(leaf_use, LC_DROP_LEAF_OVER_RATE, datagram->segments);
	}
	LC_COUNT(leaf_use->up_datagrams, datagram->segments);
	LC_COUNT(leaf_use->up_bytes, datagram->bytes);
	return lc_admit_whole(skb, use, datagram);
}

static __always_inline int lc_receive(struct __sk_buff *skb)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	__u32 *number = bpf_map_lookup_elem(&lc_admit_index, &cookie);
	struct lc_admit_use *use = number ? LC_LOOKUP(struct lc_admit_use, lc_admit_use, *number)
					  : 0;
	struct lc_admit *admit = number ? LC_LOOKUP(struct lc_admit, lc_admits, *number) : 0;
	struct lc_arrival arrival = {};

	if (lc_read_arrival(skb, &arrival))
		return lc_drop_received(use, LC_DROP_MALFORMED, arrival.datagram.segments);
	if (!number || !admit || !use)
		return lc_drop_received(0, LC_DROP_NOT_ADMITTED, arrival.datagram.segments);
	switch (LC_READ_ONCE(admit->rule.kind)) {
	case LC_ADMIT_ANCHOR:
		return lc_admit_from_anchor(skb, admit, use, *number, &arrival);
	case LC_ADMIT_LEAVES:
		return lc_admit_from_leaf(skb, admit, use, &arrival);
	default:
		return lc_drop_received(use, LC_DROP_NOT_ADMITTED, arrival.datagram.segments);
	}
}

SEC("socket")
int lc_admit(struct __sk_buff *skb)
{
	return lc_receive(skb);
}
