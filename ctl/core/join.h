/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The join machine: the life of one membership as one of its two ends sees it.
 * A pure function (end, state, event) -> (state, actions); the daemon feeds
 * events in and carries actions out, in the order of their bits.
 *
 * Four ends, by who is asked and which side this is (pictures in message.h):
 *   LC_END_JOINER    the leaf's side of a leaf-initiated join
 *   LC_END_ADMITTER  the root's side of it
 *   LC_END_INVITER   the root's side of a root-initiated join
 *   LC_END_INVITEE   the leaf's side of it
 *
 * Every pair (state, event) is defined: the table in join.c lists those that
 * mean something; any other message of the peer is a protocol error (the join
 * fails or the member leaves; after its LEAVE it is ignored), any other event
 * is ignored. A leaf's join cannot complete before its filter saw the probe.
 *
 * The daemon's health is not the data path's: when the other daemon goes away a
 * member is SUSPENDED, nothing else happens to it, and either RESUMED or, when
 * nobody has claimed it for the grace time, lost. An end that is over is LEFT
 * until the other node is known to have read so, now or when it is back.
 */
#ifndef CTL_CORE_JOIN_H
#define CTL_CORE_JOIN_H

#include <stdbool.h>

#include "leafcast/reason.h"

enum lc_join_end {
	LC_END_JOINER,
	LC_END_ADMITTER,
	LC_END_INVITER,
	LC_END_INVITEE,
	LC_END_COUNT,
};

#define LC_JOIN_STATES(X)                                                                         \
	X(IDLE, "idle")		    /* nothing happened yet */                                    \
	X(CONNECTING, "connecting") /* joiner, inviter: the connection is being opened */         \
	X(REQUESTED, "requested")   /* joiner, inviter: JOIN or INVITE sent, no answer yet */     \
	X(PROBING, "probing")	    /* admitter, inviter: the leaf's record exists, probes run */ \
	X(ASKING, "asking")	    /* admitter, invitee: the application decides */              \
	X(CONFIRMING, "confirming") /* invitee: ACCEPT sent, waits for the probe */               \
	X(PROVEN, "proven")	    /* joiner, invitee: SEEN sent, waits for ACCEPT or JOINED */  \
	X(MEMBER, "member")	    /* joined */                                                  \
	X(SUSPENDED, "suspended")   /* joined, but the other node's daemon is away */             \
	X(LEFT, "left")		    /* over at this end; the other node does not know it yet */   \
	X(DRAINING, "draining")	    /* leaf: the root left; data on the way is awaited */         \
	X(GONE, "gone")		    /* final */

enum lc_join_state {
#define LC_JOIN_STATE_ENUM(name, word) LC_JOIN_##name,
	LC_JOIN_STATES(LC_JOIN_STATE_ENUM)
#undef LC_JOIN_STATE_ENUM
	LC_JOIN_STATE_COUNT,
};

#define LC_JOIN_EVENTS(X)                                                                          \
	/* of this node */                                                                         \
	X(START, "start")	      /* joiner, inviter: the application asked for the join */    \
	X(CONNECTED, "connected")     /* the connection is open */                                 \
	X(ADMISSIBLE, "admissible")   /* admitter, invitee: policy, listener, backlog say yes */   \
	X(PROBED, "probed")	      /* leaf: the filter saw the probe */                         \
	X(APP_ACCEPTS, "app-accepts") /* admitter, invitee: WSPAccept with CF_ACCEPT */            \
	X(APP_REJECTS, "app-rejects") /* CF_REJECT, or the listener closed */                      \
	X(APP_CLOSES, "app-closes")   /* the socket is closed, or the pending join cancelled */    \
	X(APP_DIES, "app-dies")	      /* its process ended without closing, or linger 0 */         \
	X(FAILED, "failed")	      /* something here failed; the reason comes with the event */ \
	X(DEADLINE, "deadline")	      /* the join took too long */                                 \
	X(DRAINED, "drained")	      /* leaf: all data is in, or no more will come */             \
	/* of the connection */                                                                    \
	X(GOT_SEEN, "got-seen")                                                                    \
	X(GOT_ACCEPT, "got-accept")                                                                \
	X(GOT_JOINED, "got-joined")                                                                \
	X(GOT_REFUSE, "got-refuse")                                                                \
	X(GOT_LEAVE, "got-leave")                                                                  \
	X(GOT_REPORT, "got-report")                                                                \
	X(GOT_OTHER, "got-other") /* a second JOIN or INVITE, or bytes that make no message */     \
	X(HUNG_UP, "hung-up")	  /* the connection ended: the other daemon went away */           \
	X(DEAD, "dead")		  /* the connection ended: the other host, or the way there, is */ \
	X(LEAVE_READ, "leave-read") /* the other node has read our LEAVE */                        \
	X(RESUMED, "resumed")	    /* the other node has proven that it still has it */           \
	X(FORGOTTEN, "forgotten")   /* the other node is back without it */

enum lc_join_event {
#define LC_JOIN_EVENT_ENUM(name, word) LC_ON_##name,
	LC_JOIN_EVENTS(LC_JOIN_EVENT_ENUM)
#undef LC_JOIN_EVENT_ENUM
	LC_JOIN_EVENT_COUNT,
};

/* In the order in which the daemon carries them out. */
enum lc_join_action {
	LC_DO_CONNECT = 1 << 0, /* open the connection to the peer's node */
	/* leaf: the anchor's data and probe may enter the socket */
	LC_DO_ADMIT_ANCHOR = 1 << 1,
	LC_DO_SEND_REQUEST = 1 << 2, /* JOIN or INVITE */
	LC_DO_ADD_LEAF = 1 << 3,     /* root: the leaf's record, reached by probes only */
	LC_DO_PROBE = 1 << 4,	     /* root: send probes until told otherwise */
	LC_DO_SEND_SEEN = 1 << 5,
	LC_DO_ASK = 1 << 6,	 /* put the request before the application */
	LC_DO_WITHDRAW = 1 << 7, /* ...and take it back: the peer has gone */
	LC_DO_STOP_PROBE = 1 << 8,
	LC_DO_ENTER = 1 << 9, /* root: the leaf receives from here on */
	LC_DO_SEND_ACCEPT = 1 << 10,
	LC_DO_SEND_JOINED = 1 << 11,
	LC_DO_COMPLETE = 1 << 12, /* tell the application that the join succeeded */
	LC_DO_FAIL = 1 << 13,	  /* ...or failed, with the step's reason */
	/* root: no copy for the leaf any more; before its count is read */
	LC_DO_LEAVE = 1 << 14,
	LC_DO_SEND_REFUSE = 1 << 15,
	LC_DO_SEND_LEAVE = 1 << 16, /* with the count and the step's reason */
	/* leaf: raise DRAINED when the count is reached or in time */
	LC_DO_DRAIN = 1 << 17,
	LC_DO_ADMIT_NOBODY = 1 << 18, /* leaf: nothing enters the socket any more */
	/* tell the application that the member ended, with the step's reason */
	LC_DO_NOTIFY_CLOSE = 1 << 19,
	/* give back all that the member holds on this node */
	LC_DO_REMOVE = 1 << 20,
};

struct lc_join_step {
	enum lc_join_state state;
	unsigned int actions;
	/* For FAIL, SEND_REFUSE, SEND_LEAVE, NOTIFY_CLOSE: `reason` as given, or what the event implies. */
	enum leafcast_reason reason;
};

/*
 * `reason` is what came with FAILED, APP_REJECTS, GOT_REFUSE, GOT_LEAVE, or for
 * DRAINED with the LEAVE before it; ignored otherwise.
 */
struct lc_join_step lc_join_next(enum lc_join_end end, enum lc_join_state state,
				 enum lc_join_event event, enum leafcast_reason reason);

/* Whether this end is the root's. */
bool lc_join_end_is_root(enum lc_join_end end);
/* Whether the join is still being decided (a DEADLINE must be armed). */
bool lc_join_is_pending(enum lc_join_state state);

const char *lc_join_state_word(enum lc_join_state state);
const char *lc_join_event_word(enum lc_join_event event);

#endif
