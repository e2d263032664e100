/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Turning the sender's packet into one leaf's, in place. Each leaf's headers
 * are computed from sums taken of the original's once, so it does not matter
 * for which leaf the packet was rewritten before.
 *
 * Checksums by RFC 1624 (3): what a leaf replaces is taken out of the sum once
 * per packet, and what it puts in is added per leaf. Sums are of 16-bit words
 * as they lie in memory, which is right in either byte order (RFC 1071 2 (B)).
 */
#ifndef BPF_REWRITE_H
#define BPF_REWRITE_H

#include "packet.h"
#include <bpf/bpf_endian.h>

enum lc_udp_sum {
	LC_UDP_SUM_NONE, /* the sender switched it off (IPv4), and it stays off */
	LC_UDP_SUM_FULL, /* over pseudo-header, ports and payload */
	LC_UDP_SUM_PARTIAL, /* CHECKSUM_PARTIAL: the folded sum of the pseudo-header alone, not inverted */
};

struct lc_rewrite {
	__u32 family;
	__u32 udp_sum;	/* enum lc_udp_sum */
	__u32 ip_base;	/* IPv4 header without addresses, TTL and protocol */
	__u32 udp_base; /* UDP without addresses, and if LC_UDP_SUM_FULL without ports */
};

static __always_inline __u32 lc_sum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* The 16-bit number that takes `sum` away when it is added. */
static __always_inline __u32 lc_sum_negate(__u32 sum)
{
	return lc_sum_fold(sum) ^ 0xffff;
}

static __always_inline __u32 lc_sum_word(__be32 word)
{
	return (word & 0xffff) + (word >> 16);
}

static __always_inline __u32 lc_sum_address6(const struct in6_addr *address)
{
	return lc_sum_word(address->s6_addr32[0]) + lc_sum_word(address->s6_addr32[1]) +
	       lc_sum_word(address->s6_addr32[2]) + lc_sum_word(address->s6_addr32[3]);
}

/* TTL and protocol share a word of the header. */
static __always_inline __u32 lc_sum_ttl(__u8 ttl)
{
	return bpf_htons((__u16)ttl << 8 | IPPROTO_UDP);
}

/* `udp_sum`: what the packet's UDP checksum is, which its context tells. Less than 0: its headers are out of reach. */
static __always_inline int lc_rewrite_prepare(const struct lc_packet *packet, __u32 family,
					      enum lc_udp_sum udp_sum, struct lc_rewrite *rewrite)
{
	__u32 addresses, check, ports;

	rewrite->family = family;
	rewrite->udp_sum = udp_sum;
	if (family == LC_INET) {
		struct lc_headers4 at;

		if (!lc_headers4(packet, &at))
			return -1;
		addresses = lc_sum_word(at.ip->saddr) + lc_sum_word(at.ip->daddr);
		rewrite->ip_base = (at.ip->check ^ 0xffff) +
				   lc_sum_negate(addresses + lc_sum_ttl(at.ip->ttl));
		ports = at.udp->source + at.udp->dest;
		check = at.udp->check;
	} else {
		struct lc_headers6 at;

		if (!lc_headers6(packet, &at))
			return -1;
		addresses = lc_sum_address6(&at.ip->saddr) + lc_sum_address6(&at.ip->daddr);
		ports = at.udp->source + at.udp->dest;
		check = at.udp->check;
	}
	if (udp_sum == LC_UDP_SUM_PARTIAL)
		rewrite->udp_base = check + lc_sum_negate(addresses);
	else
		rewrite->udp_base = (check ^ 0xffff) + lc_sum_negate(addresses + ports);
	return 0;
}

static __always_inline __sum16 lc_udp_check(const struct lc_rewrite *rewrite,
					    const struct lc_leaf *leaf)
{
	__u32 sum = rewrite->udp_base + leaf->address_sum;
	__u32 check;

	if (rewrite->udp_sum == LC_UDP_SUM_NONE)
		return 0;
	if (rewrite->udp_sum == LC_UDP_SUM_PARTIAL)
		return lc_sum_fold(sum);
	check = lc_sum_negate(sum + leaf->port_sum);
	return check ? check : 0xffff;
}

/* By 16-bit words: what both sides are aligned to on machines that care. */
static __always_inline void lc_rewrite_ethernet(struct ethhdr *eth, const struct lc_hop *hop)
{
	const __u16 *from = (const __u16 *)hop->destination;
	__u16 *to = (__u16 *)eth;

	_Static_assert(__builtin_offsetof(struct lc_hop, source) ==
			       __builtin_offsetof(struct lc_hop, destination) + ETH_ALEN,
		       "both addresses in a row, as on the wire");
#pragma unroll
	for (int i = 0; i < ETH_ALEN; i++)
		to[i] = from[i];
}

static __always_inline void lc_rewrite_udp(struct udphdr *udp, const struct lc_rewrite *rewrite,
					   const struct lc_leaf *leaf)
{
	udp->source = leaf->from.port;
	udp->dest = leaf->to.port;
	udp->check = lc_udp_check(rewrite, leaf);
}

/* Makes the packet this leaf's. Less than 0: its headers are out of reach, which no parsed packet's are. */
static __always_inline int lc_rewrite(const struct lc_packet *packet,
				      const struct lc_rewrite *rewrite, const struct lc_leaf *leaf,
				      const struct lc_hop *hop)
{
	if (rewrite->family == LC_INET) {
		struct lc_headers4 at;

		if (!lc_headers4(packet, &at))
			return -1;
		lc_rewrite_ethernet(at.eth, hop);
		at.ip->ttl = leaf->hop_limit;
		at.ip->saddr = leaf->from.addr[0];
		at.ip->daddr = leaf->to.addr[0];
		at.ip->check = lc_sum_negate(rewrite->ip_base + leaf->address_sum +
					     lc_sum_ttl(leaf->hop_limit));
		lc_rewrite_udp(at.udp, rewrite, leaf);
	} else {
		struct lc_headers6 at;

		if (!lc_headers6(packet, &at))
			return -1;
		lc_rewrite_ethernet(at.eth, hop);
		at.ip->hop_limit = leaf->hop_limit;
		__builtin_memcpy(&at.ip->saddr, leaf->from.addr, 16);
		__builtin_memcpy(&at.ip->daddr, leaf->to.addr, 16);
		lc_rewrite_udp(at.udp, rewrite, leaf);
	}
	return 0;
}

#endif
