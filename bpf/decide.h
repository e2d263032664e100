/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Decisions: which session and whose datagram it is, which leaves get a copy,
 * by which hop, which way, or why not. Nothing here knows how copies are made,
 * or what context a packet comes in: an engine asks, and carries out.
 *
 * What is decided against is counted here, once.
 */
#ifndef BPF_DECIDE_H
#define BPF_DECIDE_H

#include "cut.h"
#include "endpoint.h"
#include "parse.h"
#include "police.h"

/* ---- the datagram ---- */

struct lc_sending {
	__u32 number;
	struct lc_session *session;
	struct lc_session_use *use; /* NULL: no session has this address */
};

/* The number that the address stands for; a wrong one finds no session, or another's address. */
static __always_inline __u32 lc_channel_number(const struct lc_config *config,
					       const struct lc_endpoint *to)
{
	if (to->family == LC_INET)
		return bpf_ntohl(to->addr[0]) - bpf_ntohl(config->pool4);
	return bpf_ntohl(to->addr[3]);
}

/* By the address alone: what is malformed has no port. */
static __always_inline void lc_find_session(const struct lc_config *config,
					    const struct lc_endpoint *to,
					    struct lc_sending *sending)
{
	struct lc_session *session;
	__u32 state;

	sending->number = lc_channel_number(config, to);
	session = LC_LOOKUP(struct lc_session, lc_sessions, sending->number);
	if (!session)
		return;
	state = LC_READ_ONCE(session->state);
	session = LC_AFTER(state, session);
	if (state != LC_SESSION_OPEN || !lc_same_address(&session->channel, to))
		return;
	sending->session = session;
	sending->use = LC_LOOKUP(struct lc_session_use, lc_session_use, sending->number);
}

enum lc_sender_kind {
	LC_SENDER_FOREIGN,
	LC_SENDER_ROOT,
	LC_SENDER_PROBER, /* the daemon */
};

/* `cookie`: of the socket that sent it. 0: none of this host, and an unset field must not match that. */
static __always_inline enum lc_sender_kind
lc_sender_of(const struct lc_config *config, const struct lc_session *session, __u64 cookie)
{
	if (!cookie)
		return LC_SENDER_FOREIGN;
	if (cookie == session->sender_cookie)
		return LC_SENDER_ROOT;
	if (cookie == LC_READ_ONCE(config->probe_cookie[0]) ||
	    cookie == LC_READ_ONCE(config->probe_cookie[1]))
		return LC_SENDER_PROBER;
	return LC_SENDER_FOREIGN;
}

/* ---- which leaves ---- */

/* A session's extent as it was when the walk began. */
struct lc_receivers {
	__u32 offset, count;
	__u32 start; /* of the walk, in the extent: rotates, for fairness */
};

static __always_inline void lc_read_receivers(const struct lc_session *session,
					      struct lc_receivers *receivers)
{
	__u64 extent = LC_READ_ONCE(session->extent);

	receivers->offset = LC_EXTENT_OFFSET(extent);
	receivers->count = LC_EXTENT_COUNT(extent);
}

/* The i-th leaf's number, i below the count; 0: the hole of one that left. */
static __always_inline __u32 lc_receiver(const struct lc_receivers *receivers, __u32 i)
{
	__u32 slot = receivers->start + i;
	__u32 *member;

	if (slot >= receivers->count)
		slot -= receivers->count;
	member = LC_LOOKUP(__u32, lc_extents, receivers->offset + slot);
	return member ? LC_READ_ONCE(*member) : 0;
}

/* What the root is held to, and whether anybody is there; LC_KEEP, and *receivers is to be walked. */
static __always_inline __u32 lc_decide_datagram(const struct lc_sending *sending, __u64 now,
						const struct lc_size *size,
						struct lc_receivers *receivers)
{
	__u32 reason = lc_police_packet(&sending->session->policer, &sending->use->meter, now, size,
					LC_DROP_SENDER_OVER_RATE);

	lc_read_receivers(sending->session, receivers);
	return reason == LC_KEEP && receivers->count == 0 ? LC_DROP_NO_LEAVES : reason;
}

/* ---- which leaf a number in a packet stands for ---- */

/* Whether the number is a leaf of this session. Sets *leaf to what may be read then. */
static __always_inline _Bool lc_is_of_session(struct lc_leaf **leaf, __u32 session)
{
	__u32 now = LC_READ_ONCE((*leaf)->session);

	*leaf = LC_AFTER(now, *leaf);
	return now == session;
}

/* Whether the number is a leaf that receives there. Sets *leaf to what may be read then. */
static __always_inline _Bool lc_is_leaf_at(struct lc_leaf **leaf, const struct lc_endpoint *to)
{
	__u32 now = LC_READ_ONCE((*leaf)->session);

	*leaf = LC_AFTER(now, *leaf);
	return now && lc_same_endpoint(&(*leaf)->to, to);
}

/* ---- one copy ---- */

enum lc_way {
	LC_WAY_NONE, /* dropped, and counted */
	LC_WAY_WHOLE,
	LC_WAY_CUT, /* its datagrams are policed one by one, see cut.h */
};

struct lc_decision {
	enum lc_way way;
	__u32 hop; /* of lc_leaf.hop[], 0 or 1, unless the way is LC_WAY_NONE */
};

static __always_inline struct lc_decision
lc_decide_against(struct lc_leaf_use *use, enum lc_drop reason, const struct lc_size *size)
{
	lc_drop_copy(use, reason, size->segments);
	return (struct lc_decision){.way = LC_WAY_NONE};
}

/* Why there is no hop, or LC_KEEP. */
static __always_inline __u32 lc_hop_missing(__u32 in_use)
{
	switch (in_use) {
	case LC_HOP_0:
	case LC_HOP_1:
		return LC_KEEP;
	case LC_HOP_NO_NEIGHBOUR:
		return LC_DROP_NO_NEIGHBOUR;
	case LC_HOP_LINK_DOWN:
		return LC_DROP_LINK_DOWN;
	default:
		return LC_DROP_NO_ROUTE;
	}
}

/* Whether it can go at all: what a probe is asked, which no bucket holds up. */
static __always_inline struct lc_decision
lc_decide_hop(const struct lc_leaf *leaf, struct lc_leaf_use *use, const struct lc_size *size)
{
	__u32 hop = LC_READ_ONCE(leaf->hop_in_use);
	__u32 missing = lc_hop_missing(hop);

	if (missing != LC_KEEP)
		return lc_decide_against(use, missing, size);
	/*
	 * The compiler knows it to be 0 or 1 by now. The verifier of Linux 6.1 does
	 * not, if it was spilled before the switch: so it is bounded in its sight.
	 */
	asm volatile("" : "+r"(hop));
	hop &= 1;
	if (size->datagram_bytes > leaf->hop[hop].mtu)
		return lc_decide_against(use, LC_DROP_TOO_BIG, size);
	return (struct lc_decision){LC_WAY_WHOLE, hop};
}

/* Holds the leaf to its flowspec, the packet as one. */
static __always_inline struct lc_decision lc_decide_whole(const struct lc_leaf *leaf,
							  struct lc_leaf_use *use, __u64 now,
							  const struct lc_size *size)
{
	struct lc_decision decision = lc_decide_hop(leaf, use, size);
	__u32 reason;

	if (decision.way == LC_WAY_NONE)
		return decision;
	reason = lc_police_packet(&leaf->down, &use->meter, now, size, LC_DROP_OVER_RATE);
	return reason == LC_KEEP ? decision : lc_decide_against(use, reason, size);
}

/*
 * The same where super-packets can be cut: one above the flowspec may hold
 * datagrams that are not; and whatever comes behind one that is being cut waits
 * its turn.
 */
static __always_inline struct lc_decision lc_decide(const struct lc_leaf *leaf,
						    struct lc_leaf_use *use, __u64 now,
						    const struct lc_size *size, _Bool can_cut)
{
	const struct lc_policer *policer = &leaf->down;
	struct lc_decision decision = lc_decide_hop(leaf, use, size);
	__u32 reason;
	_Bool waits;

	if (decision.way == LC_WAY_NONE)
		return decision;
	waits = lc_has_bucket(policer) && lc_is_being_cut(use) &&
		!lc_is_oversize(policer, size->datagram_bytes);
	reason = waits ? LC_DROP_OVER_RATE
		       : lc_police_packet(policer, &use->meter, now, size, LC_DROP_OVER_RATE);
	if (reason == LC_KEEP)
		return decision;
	if (reason == LC_DROP_OVER_RATE && can_cut && (waits || size->segments > 1) &&
	    lc_could_conform(policer, &use->meter, now, lc_shortest(size))) {
		decision.way = LC_WAY_CUT;
		return decision;
	}
	return lc_decide_against(use, reason, size);
}

#endif
