/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * One end of one membership, from its first word to its last: what it knows,
 * and what each step of the join machine (core/join.h) does with it. Pure: the
 * world is a struct of functions (membership/world.h).
 *
 * Order: flows < steps < judge < membership
 *
 * Flows, from asking to holding:
 *   asked   what the joiner asks or the inviter offers, as it was said; the
 *           application that is asked sees this (R56)
 *   flows   what the member is held to: `asked`, merged with what the listener
 *           has set and what the application answered, judged after each merge
 */
#ifndef CTL_MEMBERSHIP_MEMBERSHIP_H
#define CTL_MEMBERSHIP_MEMBERSHIP_H

#include "membership/world.h"

/* In microseconds, as lc_membership_world's timers are. */
#define LC_MEMBERSHIP_SECOND 1000000ull
#define LC_JOIN_DEADLINE     (LC_LOCAL_JOIN_MS * 1000ull) /* unless its caller says otherwise */
#define LC_ASK_DEADLINE \
	(30 * LC_MEMBERSHIP_SECOND) /* how long an application may leave it undecided */
#define LC_PROBE_DEADLINE (3 * LC_MEMBERSHIP_SECOND)
/* The invitee's: the root probes, then says its last word. */
#define LC_CONFIRM_DEADLINE (2 * LC_PROBE_DEADLINE)

struct lc_membership {
	const struct lc_membership_world *world;
	enum lc_join_end end;
	enum lc_join_state state;

	/* How the two nodes name it, and what proves that one has it; drawn by who asks for the join. */
	uint64_t number; /* 0: none yet */
	struct lc_identity secret;
	struct lc_identity identity; /* of the session */

	struct lc_endpoint session_name; /* as the leaf sees it: source of what it receives */
	struct lc_endpoint leaf_name;	 /* where the leaf receives */
	struct lc_endpoint listen_name;	 /* invitations: the name that was invited */
	bool leaf_sends, leaf_receives;
	bool root_receives; /* root's ends: what the leaf sends is taken */
	uint64_t token;	    /* what the probe carries; 0: none yet */
	struct lc_connect_data caller, callee;
	uint16_t capacity;    /* of callee data */
	uint64_t deadline_us; /* of this join, in all */

	bool has_asked, has_flows;
	struct lc_flows asked, flows;
	uint32_t mtu; /* of the path when it was last looked up; 0: unknown */

	uint32_t leaf;	  /* the plane's number of its record, at the root; 0: none */
	uint64_t reply;	  /* id of the JOIN or ACCEPT that waits for an answer; 0: none */
	uint64_t request; /* number of the REQUEST before the application; 0: none */
	bool waits;	  /* holds a place in the listener's backlog */

	unsigned int probes;	   /* sent so far, as far as that matters for the pause */
	enum leafcast_reason why;  /* LEFT: the reason in our LEAVE */
	enum leafcast_reason left; /* DRAINING: the reason in the root's LEAVE */
	uint64_t expected;	   /* DRAINING: datagrams that went to this leaf */
	uint64_t admitted_before;  /* count of the socket when it became this member's */
	uint64_t last_admitted;
	unsigned int drain_steps, still_steps;
	struct lc_membership_counts reported;	 /* by the other end, last */
	struct lc_membership_counts last_counts; /* when it ended; LEFT: those of our LEAVE */
};

/* Whether the two nodes have to settle it when they meet again. */
bool lc_membership_is_resumable(const struct lc_membership *member);

/* Neither connected nor asked yet. Then the names are filled in, and lc_membership_start() or lc_membership_first_word() follows. */
void lc_membership_init(struct lc_membership *member, const struct lc_membership_world *world);

/*
 * Starts a join that an application asked for by message `reply`, with `flows`
 * (NULL: none). They are judged first: on a reason nothing has happened.
 */
enum leafcast_reason lc_membership_start(struct lc_membership *member, uint64_t reply,
					 const struct lc_flows *flows);

/*
 * Goes on from the records with what a daemon before this one began: the end,
 * number, secret, names, directions, and counts are filled in, and the plane's
 * number of a leaf's record. Suspended from now on; or draining, if `left` says so.
 * Of one that has left (`why`) number, end, secret and last_counts are enough.
 */
void lc_membership_adopt(struct lc_membership *member);

/*
 * Feeds one event to the machine and carries out what follows. `reason` as for
 * lc_join_next(). After it the member may be GONE, but not freed.
 */
void lc_membership_event(struct lc_membership *member, enum lc_join_event event,
			 enum leafcast_reason reason);

/*
 * The first message under a number, which must be a JOIN or an INVITE: fills
 * the member, judges it (policy, listener, flows, backlog) and goes on, or
 * refuses.
 */
void lc_membership_first_word(struct lc_membership *member, const struct lc_message *message);
/* Any later message. */
void lc_membership_message(struct lc_membership *member, const struct lc_message *message);
/* The connection ended. `error` 0: in order; -ETIMEDOUT and unreachable ones: the other host is dead, or the way there. */
void lc_membership_hung_up(struct lc_membership *member, int error);
/* What came is no message. */
void lc_membership_garbage(struct lc_membership *member);

/* The application's answer to REQUEST. */
struct lc_membership_answer {
	uint64_t reply; /* id of the ACCEPT */
	struct lc_connect_data data;
	bool has_flows;
	struct lc_flows flows;
	bool sends, receives; /* an invited leaf's directions */
};
/* Accepted, if what was answered can be; else the peer and the application are refused. */
void lc_membership_accept(struct lc_membership *member, const struct lc_membership_answer *answer);
void lc_membership_reject(struct lc_membership *member, enum leafcast_reason reason);

/* A timer that set_timer() set has run out. */
void lc_membership_timer(struct lc_membership *member, enum lc_membership_timer timer);
/* The network changed: the path is looked up again. */
void lc_membership_follow_path(struct lc_membership *member);

/* Why a function of the world failed, as peers and applications are told. */
enum leafcast_reason lc_reason_of_errno(int error);

#endif
