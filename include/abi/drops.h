/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Why a datagram was dropped. One list, from which the enum, the words in
 * `leafcast show drops` and the texts of the man page come.
 *
 * Every drop has exactly one reason and is counted once. A count is in
 * datagrams: a super-packet of 40 segments counts 40.
 *
 * The order is part of the pinned layout: append, never insert.
 *
 *   X(ENUMERATOR, "word", "sentence")
 */
#ifndef ABI_DROPS_H
#define ABI_DROPS_H

#define LC_DROPS(X)                                                                            \
	/* at lc0, before the walk: the sender's datagram never became copies */               \
	X(MALFORMED, "malformed", "not UDP over IP, cut short, or with IP options")            \
	X(FRAGMENT, "fragment", "an IP fragment: the sender switched path MTU discovery off")  \
	X(NO_SESSION, "no-session", "no session has this channel address")                     \
	X(FOREIGN_SENDER, "foreign-sender", "sent by a socket that is not the session's root") \
	X(SENDER_OVER_RATE, "sender-over-rate", "above the root's own flowspec")               \
	X(NO_LEAVES, "no-leaves", "the session has no receiving leaf")                         \
	/* at lc0, one copy */                                                                 \
	X(OVER_RATE, "over-rate", "above the leaf's flowspec")                                 \
	X(OVERSIZE, "oversize", "longer than the flowspec's largest datagram")                 \
	X(TOO_BIG, "too-big", "longer than the MTU towards the leaf")                          \
	X(NO_ROUTE, "no-route", "no route leads to the leaf")                                  \
	X(NO_NEIGHBOUR, "no-neighbour", "the next hop does not answer")                        \
	X(LINK_DOWN, "link-down", "the interface towards the leaf is down")                    \
	X(CLONE_FAILED, "clone-failed", "no memory for the copy, or the device refused it")    \
	/* at a member's own socket */                                                         \
	X(NOT_ADMITTED, "not-admitted", "the socket is not a member of a session (yet)")       \
	X(WRONG_SOURCE, "wrong-source", "not from the session's other end")                    \
	X(WRONG_INTERFACE, "wrong-interface", "from the right address on the wrong interface") \
	X(LEAF_OVER_RATE, "leaf-over-rate", "from a leaf above its sending flowspec")          \
	/* between ls0 and ls1, one copy */                                                    \
	X(QUEUE_FULL, "queue-full", "lost on the way to being policed datagram by datagram")   \
	/* at a leaf's own socket, counted by the daemon every second and at the end */        \
	X(BUFFER_FULL, "buffer-full", "let in, but the application does not keep up")

enum lc_drop {
#define LC_DROP_ENUM(name, word, text) LC_DROP_##name,
	LC_DROPS(LC_DROP_ENUM)
#undef LC_DROP_ENUM
	LC_DROP_COUNT,
};

/* Room for reasons that later layouts append. */
#define LC_DROP_SLOTS 32
_Static_assert(LC_DROP_COUNT <= LC_DROP_SLOTS, "more reasons than slots");

#endif
