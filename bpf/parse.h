/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a locally sent packet on lc0 is. The return value says which fields of
 * struct lc_datagram are set; nothing here drops or counts.
 */
#ifndef BPF_PARSE_H
#define BPF_PARSE_H

#include "packet.h"
#include <bpf/bpf_endian.h>

enum lc_parsed {
	LC_PARSED_UDP,	     /* all fields are set and the headers are in linear memory */
	LC_PARSED_NOISE,     /* IGMP or MLD: segments only */
	LC_PARSED_FRAGMENT,  /* the address, no port, segments */
	LC_PARSED_MALFORMED, /* segments; the address too if its family is not LC_FAMILY_NONE */
};

struct lc_datagram {
	struct lc_endpoint to;
	struct lc_size size;
};

#define LC_IP_FRAGMENT_MASK 0x3fff /* more fragments, or an offset */

static __always_inline void lc_measure_packet(const struct lc_packet *packet, __u32 header_bytes,
					      struct lc_datagram *datagram)
{
	datagram->size = lc_measure(packet->segments, packet->segment_bytes, header_bytes,
				    packet->bytes - ETH_HLEN - header_bytes);
}

static __always_inline enum lc_parsed lc_parse_ipv4(const struct lc_packet *packet,
						    struct lc_datagram *datagram)
{
	struct lc_headers4 at;
	__u32 ip_bytes = packet->bytes - ETH_HLEN;

	if (!lc_headers4(packet, &at))
		return LC_PARSED_MALFORMED;
	if (at.ip->protocol == IPPROTO_IGMP)
		return LC_PARSED_NOISE;
	datagram->to.family = LC_INET;
	datagram->to.addr[0] = at.ip->daddr;
	if (at.ip->version_ihl != 0x45 || bpf_ntohs(at.ip->tot_len) != ip_bytes ||
	    at.ip->protocol != IPPROTO_UDP)
		return LC_PARSED_MALFORMED;
	if (at.ip->frag_off & bpf_htons(LC_IP_FRAGMENT_MASK))
		return LC_PARSED_FRAGMENT;
	if (bpf_ntohs(at.udp->len) != ip_bytes - sizeof(struct iphdr))
		return LC_PARSED_MALFORMED;
	datagram->to.port = at.udp->dest;
	lc_measure_packet(packet, sizeof(struct iphdr) + sizeof(struct udphdr), datagram);
	return LC_PARSED_UDP;
}

static __always_inline enum lc_parsed lc_parse_ipv6(const struct lc_packet *packet,
						    struct lc_datagram *datagram)
{
	struct lc_headers6 at;
	__u32 ip_bytes = packet->bytes - ETH_HLEN;

	if (!lc_headers6(packet, &at))
		return LC_PARSED_MALFORMED;
	/* MLD hides behind a router alert in a hop-by-hop header, whose first byte is the next one's type. */
	if (at.ip->nexthdr == IPPROTO_ICMPV6 ||
	    (at.ip->nexthdr == IPPROTO_HOPOPTS && *(__u8 *)at.udp == IPPROTO_ICMPV6))
		return LC_PARSED_NOISE;
	datagram->to.family = LC_INET6;
	__builtin_memcpy(datagram->to.addr, at.ip->daddr.s6_addr32, 16);
	if ((at.ip->version_class_flow & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000) ||
	    bpf_ntohs(at.ip->payload_len) != ip_bytes - sizeof(struct ipv6hdr))
		return LC_PARSED_MALFORMED;
	if (at.ip->nexthdr == IPPROTO_FRAGMENT)
		return LC_PARSED_FRAGMENT;
	if (at.ip->nexthdr != IPPROTO_UDP || at.udp->len != at.ip->payload_len)
		return LC_PARSED_MALFORMED;
	datagram->to.port = at.udp->dest;
	lc_measure_packet(packet, sizeof(struct ipv6hdr) + sizeof(struct udphdr), datagram);
	return LC_PARSED_UDP;
}

static __always_inline enum lc_parsed lc_parse(const struct lc_packet *packet,
					       struct lc_datagram *datagram)
{
	datagram->size.segments = packet->segments > 1 ? packet->segments : 1;
	if (packet->protocol == bpf_htons(ETH_P_IP))
		return lc_parse_ipv4(packet, datagram);
	if (packet->protocol == bpf_htons(ETH_P_IPV6))
		return lc_parse_ipv6(packet, datagram);
	return LC_PARSED_MALFORMED;
}

#endif
