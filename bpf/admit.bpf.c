// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Admission: where the locked filter on every member's own socket leads (see
 * door.bpf.c). It runs when a datagram is about to enter the socket's buffer, on whatever path it came.
 * Here skb->data is the UDP header and only load helpers may read.
 */
#include "alive.h"
#include "endpoint.h"
#include "order.h"
#include "police.h"
#include "verdict.h"
#include <bpf/bpf_endian.h>

char _license[] SEC("license") = "Dual BSD/GPL";

struct lc_arrival {
	struct lc_endpoint from;
	struct lc_size size;
	__u32 payload_bytes;
};

/* ---- what arrived ---- */

/*
 * Both headers by one helper, which costs more than all else here, as they
 * nearly always stand: without IP options or extension headers in between.
 */
static __always_inline int lc_read_ipv4(struct __sk_buff *skb, struct lc_arrival *arrival,
					struct udphdr *udp)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
	} at;
	__u32 ip_bytes;

	if (bpf_skb_load_bytes_relative(skb, 0, &at, sizeof(at), BPF_HDR_START_NET))
		return -1;
	arrival->from.family = LC_INET;
	arrival->from.addr[0] = at.ip.saddr;
	*udp = at.udp;
	ip_bytes = (at.ip.version_ihl & 0xf) * 4;
	if (ip_bytes != sizeof(at.ip) && bpf_skb_load_bytes(skb, 0, udp, sizeof(*udp)))
		return -1;
	return ip_bytes;
}

static __always_inline int lc_read_ipv6(struct __sk_buff *skb, struct lc_arrival *arrival,
					struct udphdr *udp)
{
	struct {
		struct ipv6hdr ip;
		struct udphdr udp;
	} at;

	if (bpf_skb_load_bytes_relative(skb, 0, &at, sizeof(at), BPF_HDR_START_NET))
		return -1;
	arrival->from.family = LC_INET6;
	__builtin_memcpy(arrival->from.addr, &at.ip.saddr, sizeof(at.ip.saddr));
	*udp = at.udp;
	if (at.ip.nexthdr != IPPROTO_UDP && bpf_skb_load_bytes(skb, 0, udp, sizeof(*udp)))
		return -1;
	return sizeof(at.ip);
}

static __always_inline int lc_read_arrival(struct __sk_buff *skb, struct lc_arrival *arrival)
{
	struct udphdr udp;
	int ip_bytes = -1;

	arrival->size.segments = skb->gso_segs > 1 ? skb->gso_segs : 1;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		ip_bytes = lc_read_ipv4(skb, arrival, &udp);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		ip_bytes = lc_read_ipv6(skb, arrival, &udp);
	if (ip_bytes < 0)
		return -1;
	arrival->from.port = udp.source;
	arrival->payload_bytes = skb->len - sizeof(udp);
	arrival->size = lc_measure(skb->gso_segs, skb->gso_size, ip_bytes + sizeof(udp),
				   arrival->payload_bytes);
	return 0;
}

/* ---- what is admitted ---- */

/* A rule is whole if its version was the same, and even, before and after: *rule is then a copy of it. */
static __always_inline int lc_read_rule(const struct lc_admit *admit, struct lc_admit_rule *rule)
{
	__u32 version = LC_READ_ONCE(admit->version);
	const volatile __u64 *from = LC_AFTER(version, (const __u64 *)&admit->rule);
	__u64 *to = (__u64 *)rule, all = 0;

	_Static_assert(sizeof(*rule) % sizeof(*to) == 0, "in words");
#pragma unroll
	for (unsigned int i = 0; i < sizeof(*rule) / sizeof(*to); i++) {
		to[i] = from[i];
		all |= to[i];
	}
	admit = LC_AFTER(all, admit);
	return version & 1 || LC_READ_ONCE(admit->version) != version ? -1 : 0;
}

static __always_inline int lc_admit_whole(struct __sk_buff *skb, struct lc_admit_use *use,
					  const struct lc_size *size)
{
	LC_COUNT(use->datagrams, size->segments);
	LC_COUNT(use->bytes, size->bytes);
	return skb->len;
}

/* Whether this is the probe the leaf waits for: then it is told, and the application never sees it. */
static __always_inline int lc_take_probe(struct __sk_buff *skb, const struct lc_admit_rule *rule,
					 struct lc_admit_use *use, __u32 number,
					 const struct lc_arrival *arrival)
{
	struct lc_event event = {.kind = LC_EVENT_PROBED, .admit = number, .token = rule->token};
	struct lc_probe probe;

	if (!rule->token || arrival->payload_bytes != sizeof(probe) ||
	    bpf_skb_load_bytes(skb, sizeof(struct udphdr), &probe, sizeof(probe)) ||
	    probe.magic != bpf_cpu_to_be64(LC_PROBE_MAGIC) ||
	    probe.token != bpf_cpu_to_be64(rule->token))
		return 0;
	LC_COUNT(use->probes, 1);
	bpf_ringbuf_output(&lc_events, &event, sizeof(event), 0);
	return 1;
}

#ifdef LC_LAYOUT_NEXT
#define LC_TAKES_NO_DATA LC_DROP_PROBES_ONLY
#else
#define LC_TAKES_NO_DATA LC_DROP_NOT_ADMITTED
#endif

/*
 * An anchor of this node is heard by the loopback device, any other by any other
 * device: which of them may bring what is for the host to say (rp_filter).
 */
static __always_inline int lc_comes_from_there(const struct __sk_buff *skb,
					       const struct lc_config *config,
					       const struct lc_admit_rule *rule)
{
	return (skb->ifindex == config->loopback_ifindex) ==
	       (rule->ifindex == config->loopback_ifindex);
}

static __always_inline int lc_admit_from_anchor(struct __sk_buff *skb,
						const struct lc_config *config,
						const struct lc_admit_rule *rule,
						struct lc_admit_use *use, __u32 number,
						const struct lc_arrival *arrival)
{
	if (!lc_same_endpoint(&rule->peer, &arrival->from))
		return lc_drop_received(use, LC_DROP_WRONG_SOURCE, arrival->size.segments);
	if (!lc_comes_from_there(skb, config, rule))
		return lc_drop_received(use, LC_DROP_WRONG_INTERFACE, arrival->size.segments);
	if (lc_take_probe(skb, rule, use, number, arrival))
		return LC_KEEP_NONE;
	if (!rule->receives)
		return lc_drop_received(use, LC_TAKES_NO_DATA, arrival->size.segments);
	return lc_admit_whole(skb, use, &arrival->size);
}

static __always_inline int lc_admit_from_leaf(struct __sk_buff *skb,
					      const struct lc_admit_rule *rule,
					      struct lc_admit_use *use,
					      const struct lc_arrival *arrival)
{
	struct lc_uplink_key key = {.session = rule->session, .leaf = arrival->from};
	const struct lc_size *size = &arrival->size;
	__u32 *number = bpf_map_lookup_elem(&lc_uplinks, &key), reason;
	struct lc_leaf *leaf = number ? LC_LOOKUP(struct lc_leaf, lc_leaves, *number) : 0;
	struct lc_leaf_use *leaf_use = number ? LC_LOOKUP(struct lc_leaf_use, lc_leaf_use, *number)
					      : 0;

	if (!leaf || !leaf_use)
		return lc_drop_received(use, LC_DROP_WRONG_SOURCE, size->segments);
	reason = lc_police_packet(&leaf->up, &leaf_use->up_meter, lc_ticks(bpf_ktime_get_ns()),
				  size, LC_DROP_LEAF_OVER_RATE);
	if (reason != LC_KEEP)
		return lc_drop_from_leaf(leaf_use, reason, size->segments);
	LC_COUNT(leaf_use->up_datagrams, size->segments);
	LC_COUNT(leaf_use->up_bytes, size->bytes);
	return lc_admit_whole(skb, use, size);
}

static __always_inline int lc_receive(struct __sk_buff *skb)
{
	const struct lc_config *config = LC_LOOKUP(struct lc_config, lc_config, 0);
	__u64 cookie = bpf_get_socket_cookie(skb);
	__u32 *number = bpf_map_lookup_elem(&lc_admit_index, &cookie);
	struct lc_admit_use *use = number ? LC_LOOKUP(struct lc_admit_use, lc_admit_use, *number)
					  : 0;
	struct lc_admit *admit = number ? LC_LOOKUP(struct lc_admit, lc_admits, *number) : 0;
	struct lc_arrival arrival = {};
	struct lc_admit_rule rule;

	if (lc_read_arrival(skb, &arrival))
		return lc_drop_received(use, LC_DROP_MALFORMED, arrival.size.segments);
	if (!number || !admit || !use)
		return lc_drop_received(0, LC_DROP_NOT_ADMITTED, arrival.size.segments);
	if (!config || !lc_is_alive(config))
		return lc_drop_received(use, LC_DROP_NOT_ALIVE, arrival.size.segments);
	/* While the daemon changes it nobody is admitted: it may be stopped half-way, and this cannot wait. */
	if (lc_read_rule(admit, &rule))
		return lc_drop_received(use, LC_DROP_NOT_ADMITTED, arrival.size.segments);
	switch (rule.kind) {
	case LC_ADMIT_ANCHOR:
		return lc_admit_from_anchor(skb, config, &rule, use, *number, &arrival);
	case LC_ADMIT_LEAVES:
		return lc_admit_from_leaf(skb, &rule, use, &arrival);
	default:
		return lc_drop_received(use, LC_DROP_NOT_ADMITTED, arrival.size.segments);
	}
}

SEC("socket")
int lc_admit(struct __sk_buff *skb)
{
	return lc_receive(skb);
}
