/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet and its headers, whatever context it comes in: struct __sk_buff
 * today, struct xdp_md for an engine in XDP.
 */
#ifndef BPF_PACKET_H
#define BPF_PACKET_H

#include "maps.h"

struct lc_packet {
	void *start, *end;   /* its linear part, until a helper changes the packet */
	__u32 bytes;	     /* all of it, Ethernet header included */
	__u32 segments;	     /* datagrams in it; 0 or 1: it is one */
	__u32 segment_bytes; /* payload of all of them but the last, where there are more */
	__be16 protocol;     /* ETH_P_* */
};

/*
 * The context's packet pointers are declared as 32 bits wide though the kernel
 * puts whole pointers there, and clang takes the declaration at its word: it
 * may copy them by 32-bit moves, and a privileged program loads all the same
 * with half a pointer. An asm load keeps them whole.
 */
#define LC_CONTEXT_POINTER(context, field)                                                        \
	({                                                                                        \
		void *loaded;                                                                     \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                                             \
			     : "=r"(loaded)                                                       \
			     : "r"(context), "i"(__builtin_offsetof(typeof(*(context)), field))); \
		loaded;                                                                           \
	})

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

/* False if the packet is shorter than these headers, or they are not linear. */
static __always_inline _Bool lc_headers4(const struct lc_packet *packet,
					 struct lc_headers4 *headers)
{
	headers->eth = packet->start;
	headers->ip = packet->start + ETH_HLEN;
	headers->udp = packet->start + LC_UDP4_OFFSET;
	return (void *)(headers->udp + 1) <= packet->end;
}

static __always_inline _Bool lc_headers6(const struct lc_packet *packet,
					 struct lc_headers6 *headers)
{
	headers->eth = packet->start;
	headers->ip = packet->start + ETH_HLEN;
	headers->udp = packet->start + LC_UDP6_OFFSET;
	return (void *)(headers->udp + 1) <= packet->end;
}

/* ---- how much it is ---- */

/* IP headers included, of each datagram. */
struct lc_size {
	__u32 segments;	      /* datagrams: more than 1 in a super-packet */
	__u32 datagram_bytes; /* of the longest one */
	__u32 bytes;	      /* of all of them */
};

/* `header_bytes`: IP and UDP. `payload_bytes`: of all datagrams together. */
static __always_inline struct lc_size lc_measure(__u32 segments, __u32 segment_bytes,
						 __u32 header_bytes, __u32 payload_bytes)
{
	struct lc_size size = {.segments = segments > 1 ? segments : 1};

	size.bytes = payload_bytes + size.segments * header_bytes;
	size.datagram_bytes = size.segments > 1 ? segment_bytes + header_bytes : size.bytes;
	return size;
}

/* The last of a super-packet's datagrams may be shorter than the others. */
static __always_inline __u32 lc_shortest(const struct lc_size *size)
{
	return size->bytes - (size->segments - 1) * size->datagram_bytes;
}

#endif
