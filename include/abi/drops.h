/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Why a datagram was dropped. One list, from which the enum, the counters'
 * names in the maps, the words in `leafcast show drops` and the texts of the man
 * page come.
 *
 * Every drop has exactly one reason and is counted once. A count is in
 * datagrams: a super-packet of 40 segments counts 40.
 *
 * The order is part of the pinned layout: append, never insert.
 *
 *   X(ENUMERATOR, field, "word", "sentence")
 */
#ifndef ABI_DROPS_H
#define ABI_DROPS_H

#include "abi/types.h"

#ifdef LC_LAYOUT_NEXT
#define LC_DROPS_NEXT(X) \
	X(PROBES_ONLY, probes_only, "probes-only", "data for a leaf that takes none")
#else
#define LC_DROPS_NEXT(X)
#endif

#define LC_DROPS(X)                                                                                \
	/* at lc0, before the walk: the sender's datagram never became copies */                   \
	X(MALFORMED, malformed, "malformed", "not UDP over IP, cut short, or with IP options")     \
	X(FRAGMENT, fragment, "fragment",                                                          \
	  "an IP fragment: the sender switched path MTU discovery off")                            \
	X(NO_SESSION, no_session, "no-session", "no session has this channel address")             \
	X(FOREIGN_SENDER, foreign_sender, "foreign-sender",                                        \
	  "sent by a socket that is not the session's root")                                       \
	X(SENDER_OVER_RATE, sender_over_rate, "sender-over-rate", "above the root's own flowspec") \
	X(NO_LEAVES, no_leaves, "no-leaves", "the session has no receiving leaf")                  \
	/* at lc0, one copy */                                                                     \
	X(OVER_RATE, over_rate, "over-rate", "above the leaf's flowspec")                          \
	X(OVERSIZE, oversize, "oversize", "longer than the flowspec's largest datagram")           \
	X(TOO_BIG, too_big, "too-big", "longer than the MTU towards the leaf")                     \
	X(NO_ROUTE, no_route, "no-route", "no route leads to the leaf")                            \
	X(NO_NEIGHBOUR, no_neighbour, "no-neighbour", "the next hop does not answer")              \
	X(LINK_DOWN, link_down, "link-down", "the interface towards the leaf is down")             \
	X(CLONE_FAILED, clone_failed, "clone-failed",                                              \
	  "no memory for the copy, or the device refused it")                                      \
	/* at a member's own socket */                                                             \
	X(NOT_ADMITTED, not_admitted, "not-admitted",                                              \
	  "the socket is not a member of a session (yet)")                                         \
	X(WRONG_SOURCE, wrong_source, "wrong-source", "not from the session's other end")          \
	X(WRONG_INTERFACE, wrong_interface, "wrong-interface",                                     \
	  "from the right address, but by lo where the root is on another node, or the reverse")   \
	X(LEAF_OVER_RATE, leaf_over_rate, "leaf-over-rate",                                        \
	  "from a leaf above its sending flowspec")                                                \
	/* between ls0 and ls1, one copy */                                                        \
	X(QUEUE_FULL, queue_full, "queue-full",                                                    \
	  "lost on the way to being policed datagram by datagram")                                 \
	/* at a leaf's own socket, counted by the daemon every second and at the end */            \
	X(BUFFER_FULL, buffer_full, "buffer-full", "let in, but the application does not keep up") \
	/* at lc0, ls1 or a member's own socket */                                                 \
	X(NOT_ALIVE, not_alive, "not-alive", "after the time until which this node may copy")      \
	LC_DROPS_NEXT(X)

enum lc_drop {
#define LC_DROP_ENUM(name, field, word, text) LC_DROP_##name,
	LC_DROPS(LC_DROP_ENUM)
#undef LC_DROP_ENUM
	LC_DROP_COUNT,
};

/* Room for reasons that later layouts append. */
#define LC_DROP_SLOTS 64
_Static_assert(LC_DROP_COUNT < LC_DROP_SLOTS, "more reasons than slots");

/* Datagrams dropped, by reason: a field each for who reads the maps with BTF, an index for programs. */
struct lc_drops {
#define LC_DROP_FIELD(name, field, word, text) __u64 field;
	LC_DROPS(LC_DROP_FIELD)
#undef LC_DROP_FIELD
	__u64 reserved[LC_DROP_SLOTS - LC_DROP_COUNT];
};
LC_ASSERT_SIZE(struct lc_drops, 8 * LC_DROP_SLOTS);

#define LC_DROP_IN_PLACE(name, field, word, text)                                        \
	_Static_assert(__builtin_offsetof(struct lc_drops, field) == 8 * LC_DROP_##name, \
		       "the fields are in the order of the enum");
LC_DROPS(LC_DROP_IN_PLACE)
#undef LC_DROP_IN_PLACE

/* The counter of a reason; of a number that is none, one within the record all the same. */
static inline __u64 *lc_drop_counter(struct lc_drops *drops, __u32 reason)
{
	return (__u64 *)drops + (reason & (LC_DROP_SLOTS - 1));
}

static inline __u64 lc_drop_count(const struct lc_drops *drops, __u32 reason)
{
	return ((const __u64 *)drops)[reason & (LC_DROP_SLOTS - 1)];
}

#endif
