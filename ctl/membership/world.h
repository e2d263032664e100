/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * All that a membership reaches outside itself: the connection to the other
 * end's node, the application, the application's socket, the records in the
 * kernel, paths, timers. The daemon carries these out; unit tests play them,
 * so that whole memberships run without a socket, a map or a clock.
 *
 * Rules for whoever implements them:
 *   - each may be called during lc_membership_event() of that member, so none may
 *     feed an event to the same member before it returns (evict_suspended() feeds
 *     one to another);
 *   - `int` is 0 or a negative errno, and nothing was changed on failure;
 *   - what is said to a peer or an application that is gone is lost in silence,
 *     but for the error of send(): their end is an event of its own.
 */
#ifndef CTL_MEMBERSHIP_WORLD_H
#define CTL_MEMBERSHIP_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/join.h"
#include "core/local.h"
#include "core/message.h"
#include "core/path.h"

struct lc_membership;

enum lc_membership_timer {
	LC_TIMER_DEADLINE, /* of the state it is in */
	LC_TIMER_PROBE,	   /* until the next probe */
	LC_TIMER_DRAIN,	   /* until the next look at what has arrived */
	LC_TIMER_COUNT,
};

/* What this end counts: at the root what was sent to the leaf, at the leaf what was admitted. */
struct lc_membership_counts {
	uint64_t datagrams, bytes;
	uint64_t buffer_drops; /* leaf: of those, what its buffer had no room for */
};

/* What a listening socket says about joins through it. */
struct lc_listener_terms {
	bool has_flows;
	struct lc_flows flows;
	bool root_receives; /* a root's: takes what leaves send */
};

struct lc_membership_world {
	/* ---- the node of the other end ---- */
	/*
	 * Finds or opens the connection to `to`'s node, which all memberships
	 * between two addresses share; POLICY: no other node is talked to.
	 * CONNECTED, or lc_membership_hung_up(), follows, not from within.
	 */
	enum leafcast_reason (*connect)(struct lc_membership *member, const struct lc_endpoint *to);
	/*
	 * Under member->number. -EPIPE: there is no connection, or it ended; -ENOBUFS:
	 * the peer does not read. LEAVE is never refused so: LEAVE_READ follows, or
	 * the connection's end.
	 */
	int (*send)(struct lc_membership *member, const struct lc_message *message);
	/* The addresses of the connection's two ends. */
	const struct lc_endpoint *(*own_address)(const struct lc_membership *member);
	const struct lc_endpoint *(*other_address)(const struct lc_membership *member);
	/* Whether the other end is this very node. */
	bool (*is_within_node)(const struct lc_membership *member);
	/* Whether other nodes are let in at all. */
	bool (*lets_nodes_in)(const struct lc_membership *member);
	/* Whether the address is one of this node's. */
	bool (*is_local)(const struct lc_membership *member, const struct lc_endpoint *address);

	/* ---- who is asked ---- */
	/*
	 * Finds the root's session by session_name, or the leaf that listens at
	 * listen_name, and remembers it. A session's identity becomes the member's.
	 */
	bool (*find_listener)(struct lc_membership *member, struct lc_listener_terms *terms);
	/* One of the places in its backlog; false: full. */
	bool (*take_place)(struct lc_membership *member);
	/* The application has decided, or need not any more: the number of its REQUEST is forgotten too. */
	void (*give_place)(struct lc_membership *member);

	/* ---- the application ---- */
	/*
	 * Puts a REQUEST before the application of the listener; fills in `socket`
	 * and returns its number, which is never given twice; 0: the application
	 * does not read what it is told.
	 */
	uint64_t (*ask)(struct lc_membership *member, struct lc_local_message *request);
	/*
	 * WITHDRAWN and REPLY go to whose request it is, CLOSED to the member's own
	 * socket. Fills in `socket`, and in a root's REPLY `channel`.
	 */
	void (*tell)(struct lc_membership *member, struct lc_local_message *message);

	/* ---- the leaf's socket ---- */
	/*
	 * The address it receives at: what it is bound to; an unbound one is bound
	 * to `address` and a port of the system's choice. A wildcard is replaced
	 * by `address`.
	 */
	int (*name_socket)(struct lc_membership *member, const struct lc_endpoint *address,
			   struct lc_endpoint *name);
	/* The anchor may reach it: session_name, and the probe with member->token. */
	void (*admit_anchor)(struct lc_membership *member);
	void (*admit_nobody)(struct lc_membership *member);
	/* Datagrams admitted since it is open. */
	uint64_t (*admitted)(struct lc_membership *member);

	/* ---- the leaf's record at the root: sets and keeps member->leaf ---- */
	/* -EEXIST: another membership of the session has this leaf_name. */
	int (*add_leaf)(struct lc_membership *member);
	/* That other one ends if it is suspended; true: it did. */
	bool (*evict_suspended)(struct lc_membership *member);
	void (*set_hop)(struct lc_membership *member, const struct lc_path *path);
	void (*send_probe)(struct lc_membership *member);
	int (*enter_leaf)(struct lc_membership *member, const struct lc_policer *down,
			  const struct lc_policer *up);
	/* No copy is made any more; the record and its counts stay. */
	void (*leave_leaf)(struct lc_membership *member);
	void (*remove_leaf)(struct lc_membership *member);
	struct lc_membership_counts (*count)(struct lc_membership *member);

	/* ---- paths ---- */
	int (*find_path)(struct lc_membership *member, const struct lc_endpoint *from,
			 const struct lc_endpoint *to, struct lc_path *path);

	/* ---- what outlives the daemon ---- */
	/*
	 * The record of this end gets what a resume needs (struct lc_resumption).
	 * Where that is lost so is the membership, when its daemon is.
	 */
	void (*keep)(struct lc_membership *member);
	/*
	 * This end is over, and the other node has not read so: what a daemon after this
	 * one needs to say it is stored (why, last_counts). Called before anything of this
	 * end is taken away; at the root again when no copy is made any more, with the counts
	 * that are final then. Its record goes later.
	 * Where that is lost the other end learns, once both daemons have met, that it is over
	 * and not why.
	 */
	void (*keep_farewell)(struct lc_membership *member);
	/* ...and need not be said any more. */
	void (*forget_farewell)(struct lc_membership *member);
	/*
	 * How long one may be suspended, in microseconds; of one that has left, what is
	 * left of that since then. More than 0.
	 */
	uint64_t (*grace_us)(const struct lc_membership *member);

	/* ---- chance and time ---- */
	/* So many bytes that nobody can guess. */
	int (*draw)(struct lc_membership *member, void *bytes, size_t length);
	/* lc_membership_timer() after `in_us` microseconds, never from within; replaces an earlier one. */
	int (*set_timer)(struct lc_membership *member, enum lc_membership_timer timer,
			 uint64_t in_us);
	void (*stop_timer)(struct lc_membership *member, enum lc_membership_timer timer);

	/* ---- what became of it ---- */
	/*
	 * For people: the other node's daemon is away from now on, or is back. Of one that
	 * ends while it is suspended nothing more is told: it is not shown any more.
	 */
	void (*show_suspended)(struct lc_membership *member, bool suspended);
	/* The join was decided, or the membership ended (for the log). */
	void (*note)(const struct lc_membership *member, enum lc_join_state before,
		     enum leafcast_reason reason);
	/* Gives back socket, listener's place, session. The connection stays until gone(). */
	void (*release)(struct lc_membership *member);
	/* Once, as the last call: it is GONE and may be freed when control is back in the loop. */
	void (*gone)(struct lc_membership *member);
};

#endif
