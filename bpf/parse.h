/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a locally sent packet on lc0 is. The return value says which fields of
 * struct lc_datagram are set; nothing here drops or counts.
 */
#ifndef BPF_PARSE_H
#define BPF_PARSE_H

#include "maps.h"
#include <bpf/bpf_endian.h>

enum lc_parsed {
	LC_PARSED_UDP,	     /* all fields are set and the headers are in linear memory */
	LC_PARSED_NOISE,     /* IGMP or MLD: segments only */
	LC_PARSED_FRAGMENT,  /* all but the port */
	LC_PARSED_MALFORMED, /* segments; destination too if family is not LC_FAMILY_NONE */
};

struct lc_datagram {
	__u32 family;	      /* enum lc_family */
	__u32 segments;	      /* datagrams in this packet: more than 1 in a super-packet */
	__u32 datagram_bytes; /* of the longest one, IP header included */
	__u32 bytes;	      /* of all of them */
	__be32 destination[4];
	__be16 port;
};

/* Where the headers are; valid until a helper changes the packet. */
struct lc_headers4 {
	struct ethhdr *eth;
	struct iphdr *ip;
	struct udphdr *udp;
};

struct lc_headers6 {
	struct ethhdr *eth;
	struct ipv6hdr *ip;
	struct udphdr *udp;
};

#define LC_UDP4_OFFSET (ETH_HLEN + sizeof(struct iphdr))
#define LC_UDP6_OFFSET (ETH_HLEN + sizeof(struct ipv6hdr))
#define LC_HEADERS_MAX (LC_UDP6_OFFSET + sizeof(struct udphdr))

#define LC_IP_FRAGMENT_MASK 0x3fff /* more fragments, or an offset */

/*
 * The context's packet pointers are declared as 32 bits wide though the kernel
 * puts whole pointers there, and clang takes the declaration at its word: it
 * may copy them by 32-bit moves. An asm load keeps them whole.
 */
#define LC_CONTEXT_POINTER(skb, field)                                                      \
	({                                                                                  \
		void *loaded;                                                               \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                                       \
			     : "=r"(loaded)                                                 \
			     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, field))); \
		loaded;                                                                     \
	})

/*
 * skb->data and skb->data_end are 32-bit fields that the verifier turns into
 * 64-bit pointers. Left to itself the compiler may keep one in a 32-bit
 * register, and a privileged program loads all the same with half a pointer:
 * so they are loaded where it cannot see their width.
 */
static __always_inline void *lc_packet_start(const struct __sk_buff *skb)
{
	void *start;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(start)
		     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, data)));
	return start;
}

static __always_inline void *lc_packet_end(const struct __sk_buff *skb)
{
	void *end;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(end)
		     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, data_end)));
	return end;
}

/* False if the packet is shorter than these headers, or they are not linear. */
static __always_inline _Bool lc_headers4(struct __sk_buff *skb, struct lc_headers4 *headers)
{
	void *data = LC_CONTEXT_POINTER(skb, data);

	headers->eth = data;
	headers->ip = data + ETH_HLEN;
	headers->udp = data + LC_UDP4_OFFSET;
	return (void *)(headers->udp + 1) <= LC_CONTEXT_POINTER(skb, data_end);
}

static __always_inline _Bool lc_headers6(struct __sk_buff *skb, struct lc_headers6 *headers)
{
	void *data = LC_CONTEXT_POINTER(skb, data);

	headers->eth = data;
	headers->ip = data + ETH_HLEN;
	headers->udp = data + LC_UDP6_OFFSET;
	return (void *)(headers->udp + 1) <= LC_CONTEXT_POINTER(skb, data_end);
}

static __always_inline void lc_measure(struct __sk_buff *skb, __u32 header_bytes,
				       struct lc_datagram *datagram)
{
	datagram->bytes = skb->len - ETH_HLEN;
	datagram->datagram_bytes = datagram->bytes;
	if (datagram->segments > 1) {
		datagram->bytes += (datagram->segments - 1) * header_bytes;
		datagram->datagram_bytes = skb->gso_size + header_bytes;
	}
}

static __always_inline enum lc_parsed lc_parse_ipv4(struct __sk_buff *skb,
						    struct lc_datagram *datagram)
{
	struct lc_headers4 at;
	__u32 ip_bytes = skb->len - ETH_HLEN;

	if (!lc_headers4(skb, &at))
		return LC_PARSED_MALFORMED;
	if (at.ip->protocol == IPPROTO_IGMP)
		return LC_PARSED_NOISE;
	datagram->family = LC_INET;
	datagram->destination[0] = at.ip->daddr;
	if (at.ip->version_ihl != 0x45 || bpf_ntohs(at.ip->tot_len) != ip_bytes ||
	    at.ip->protocol != IPPROTO_UDP)
		return LC_PARSED_MALFORMED;
	if (at.ip->frag_off & bpf_htons(LC_IP_FRAGMENT_MASK))
		return LC_PARSED_FRAGMENT;
	if (bpf_ntohs(at.udp->len) != ip_bytes - sizeof(struct iphdr))
		return LC_PARSED_MALFORMED;
	datagram->port = at.udp->dest;
	lc_measure(skb, sizeof(struct iphdr) + sizeof(struct udphdr), datagram);
	return LC_PARSED_UDP;
}

static __always_inline enum lc_parsed lc_parse_ipv6(struct __sk_buff *skb,
						    struct lc_datagram *datagram)
{
	struct lc_headers6 at;
	__u32 ip_bytes = skb->len - ETH_HLEN;

	if (!lc_headers6(skb, &at))
		return LC_PARSED_MALFORMED;
	/* MLD hides behind a router alert in a hop-by-hop header, whose first byte is the next one's type. */
	if (at.ip->nexthdr == IPPROTO_ICMPV6 ||
	    (at.ip->nexthdr == IPPROTO_HOPOPTS && *(__u8 *)at.udp == IPPROTO_ICMPV6))
		return LC_PARSED_NOISE;
	datagram->family = LC_INET6;
	__builtin_memcpy(datagram->destination, at.ip->daddr.s6_addr32, 16);
	if ((at.ip->version_class_flow & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000) ||
	    bpf_ntohs(at.ip->payload_len) != ip_bytes - sizeof(struct ipv6hdr))
		return LC_PARSED_MALFORMED;
	if (at.ip->nexthdr == IPPROTO_FRAGMENT)
		return LC_PARSED_FRAGMENT;
	if (at.ip->nexthdr != IPPROTO_UDP || at.udp->len != at.ip->payload_len)
		return LC_PARSED_MALFORMED;
	datagram->port = at.udp->dest;
	lc_measure(skb, sizeof(struct ipv6hdr) + sizeof(struct udphdr), datagram);
	return LC_PARSED_UDP;
}

static __always_inline enum lc_parsed lc_parse(struct __sk_buff *skb, struct lc_datagram *datagram)
{
	datagram->segments = skb->gso_segs > 1 ? skb->gso_segs : 1;
	/* Headers usually are linear; where they are not, one pull makes them so for good. */
	if (LC_CONTEXT_POINTER(skb, data) + LC_HEADERS_MAX > LC_CONTEXT_POINTER(skb, data_end))
		bpf_skb_pull_data(skb, skb->len < LC_HEADERS_MAX ? skb->len : LC_HEADERS_MAX);
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return lc_parse_ipv4(skb, datagram);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return lc_parse_ipv6(skb, datagram);
	return LC_PARSED_MALFORMED;
}

#endif
