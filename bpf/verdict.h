/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Drops: the only place where a reason becomes a verdict, and so where it is
 * counted; copies too. Each drop is counted once in lc_drops, and once in the record that
 * says most about it: the leaf's, else the session's or the socket's.
 */
#ifndef BPF_VERDICT_H
#define BPF_VERDICT_H

#include "packet.h"

/* What a socket filter returns for nothing. */
#define LC_KEEP_NONE 0

static __always_inline void lc_count_drop(struct lc_drops *drops, enum lc_drop reason,
					  __u32 datagrams)
{
	struct lc_drops *node = LC_LOOKUP(struct lc_drops, lc_drops, 0);

	if (node)
		LC_COUNT(*lc_drop_counter(node, reason), datagrams);
	if (drops)
		LC_COUNT(*lc_drop_counter(drops, reason), datagrams);
}

/*
 * The verdict on a packet whose sender did its part, whoever got a copy. After
 * TC_ACT_SHOT the kernel would not count it in Udp: OutDatagrams and would tell
 * ENOBUFS to a sender with IP_RECVERR: a leaf that is dead or over its rate
 * must not cost the root that.
 */
static __always_inline int lc_consume(void)
{
	return TC_ACT_STOLEN;
}

/* The sender's datagram never became copies. `use` is NULL while the session is not known. */
static __always_inline int lc_drop_datagram(struct lc_session_use *use, enum lc_drop reason,
					    __u32 datagrams)
{
	lc_count_drop(use ? &use->drops : (struct lc_drops *)0, reason, datagrams);
	return reason == LC_DROP_NO_LEAVES ? lc_consume() : TC_ACT_SHOT;
}

/*
 * The kernel's own multicast chatter (IGMP, MLD) on a device of ours, or at ls1
 * what has been counted already. It is no drop that anybody should see.
 */
static __always_inline int lc_drop_noise(void)
{
	return TC_ACT_SHOT;
}

/* One leaf's copy is not made; the walk goes on. */
static __always_inline void lc_drop_copy(struct lc_leaf_use *use, enum lc_drop reason,
					 __u32 datagrams)
{
	lc_count_drop(&use->drops, reason, datagrams);
}

/* One leaf's copy is handed to its device. */
static __always_inline void lc_count_copy(struct lc_leaf_use *use, const struct lc_size *size)
{
	LC_COUNT(use->datagrams, size->segments);
	LC_COUNT(use->bytes, size->bytes);
}

/* At a member's socket. `use` is NULL if the socket has no record. */
static __always_inline int lc_drop_received(struct lc_admit_use *use, enum lc_drop reason,
					    __u32 datagrams)
{
	lc_count_drop(use ? &use->drops : (struct lc_drops *)0, reason, datagrams);
	return LC_KEEP_NONE;
}

/* At a root's socket, from a leaf that is known. */
static __always_inline int lc_drop_from_leaf(struct lc_leaf_use *use, enum lc_drop reason,
					     __u32 datagrams)
{
	lc_count_drop(&use->drops, reason, datagrams);
	return LC_KEEP_NONE;
}

#endif
