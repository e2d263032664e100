/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The end of each copy in the benchmark: at a leaf's tc ingress, UDP is counted
 * and dropped, a super-packet as what it carries. Joins and neighbours pass.
 */
#include <vmlinux.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PROTOCOL_IN_IP	    9
#define NEXT_HEADER_IN_IPV6 6
#define TC_ACT_OK	    0

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sunk SEC(".maps");

static __always_inline int is_udp(const struct __sk_buff *skb)
{
	__u8 protocol = 0;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		bpf_skb_load_bytes(skb, ETH_HLEN + PROTOCOL_IN_IP, &protocol, 1);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		bpf_skb_load_bytes(skb, ETH_HLEN + NEXT_HEADER_IN_IPV6, &protocol, 1);
	return protocol == IPPROTO_UDP;
}

SEC("tc")
int sink(struct __sk_buff *skb)
{
	__u32 only = 0;
	__u64 *count = bpf_map_lookup_elem(&sunk, &only);

	if (!is_udp(skb))
		return TC_ACT_OK;
	if (count)
		*count += skb->gso_segs ?: 1;
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "LGPL-2.1-only OR BSD-2-Clause";
