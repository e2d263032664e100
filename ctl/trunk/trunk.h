/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The trunk: the one connection between a pair of node addresses, and all
 * memberships that it carries (pictures in core/message.h). Pure: the world is a
 * struct of functions (trunk/world.h).
 *
 * Order: proof, window, members < flow < resume, report < trunk
 *
 *   DOWN -> OPENING -> GREETING -> RESUMING -> SETTLING -> UP -> ENDING -> DOWN
 *             own connection         |  both lists are    |       all are told,
 *             is being opened        |  exchanged; what   |       then it is
 *                                    |  they mean is told |       opened anew, if
 *                 HELLO sent ........|....................|       anybody needs it
 *   A connection that came in enters at RESUMING: its HELLO is what brought it here.
 *
 * Simultaneous opening: of two connections that are being opened the one of the
 * side with the greater address wins; the other side moves over. A second
 * connection beside one that is up is held, unanswered, until that ends: it is
 * the word of a peer that has started anew, while we do not know yet that the old
 * one is dead.
 *
 * Flow: window.h. No walk of all memberships is made in one turn: lc_trunk_run()
 * does a part and asks to be called again.
 */
#ifndef CTL_TRUNK_TRUNK_H
#define CTL_TRUNK_TRUNK_H

#include <sys/queue.h>

/* Memory that is not to be had is an error, not the end. */
#ifndef HASH_NONFATAL_OOM
#define HASH_NONFATAL_OOM 1
#endif
#include <uthash.h>

#include "trunk/window.h"
#include "trunk/world.h"

#define LC_TRUNK_SECOND 1000000ull
/* Without memberships, until DONE; and once more, until it is closed unanswered. */
#define LC_TRUNK_IDLE_US (10 * LC_TRUNK_SECOND)
/* How long a second connection may wait for the first one's end. */
#define LC_TRUNK_HELD_US (5 * LC_TRUNK_SECOND)
/* Between two attempts to reach a node that is away, give or take a quarter. */
#define LC_TRUNK_RETRY_US LC_TRUNK_SECOND
/*
 * The same of the side that waits for the other one to call, which drew the numbers:
 * killed at a wrong moment, that one has nothing left to call for.
 */
#define LC_TRUNK_DOUBT_US (4 * LC_TRUNK_SECOND)
/*
 * As many attempts of the side that drew the numbers as have failed when a host that
 * cannot be reached is taken for dead. The other side takes none for that.
 */
#define LC_TRUNK_FAILURES 3
/* Memberships told, listed or proven in one turn of the loop. */
#define LC_TRUNK_AT_ONCE 256
/* More than any node has: who lists more than that has no end. */
#define LC_TRUNK_CLAIMS_MAX 65536

enum lc_trunk_state {
	LC_TRUNK_DOWN,
	LC_TRUNK_OPENING,
	LC_TRUNK_GREETING,
	LC_TRUNK_RESUMING,
	LC_TRUNK_SETTLING,
	LC_TRUNK_UP,
	LC_TRUNK_ENDING,
};

/* How a membership is named on its trunk. */
struct lc_trunk_name {
	uint64_t number;
	uint64_t numbered_here; /* 1: drawn by this node */
};

/* One membership, as its trunk knows it. All zero: of no trunk. */
struct lc_trunk_member {
	struct lc_trunk *trunk;
	struct lc_trunk_name name;
	struct lc_identity secret;
	TAILQ_ENTRY(lc_trunk_member) entry;
	UT_hash_handle by_name;

	bool wants; /* to be told that it may speak */
	TAILQ_ENTRY(lc_trunk_member) wanting;
	bool leaves; /* its LEAVE is said, and not read */
	uint64_t leave_at;
	TAILQ_ENTRY(lc_trunk_member) leaving;

	/* Of the connection with that serial. */
	uint64_t proven_in;  /* the other node's claim was right */
	uint64_t settled_in; /* ...and what it means for this membership is told */
};

TAILQ_HEAD(lc_trunk_members, lc_trunk_member);

/* A walk over all members, in parts; who comes meanwhile is not in it. */
struct lc_trunk_walk {
	struct lc_trunk_member *next, *last; /* NULL: over */
};

struct lc_trunk {
	const struct lc_trunk_world *world;
	struct lc_endpoint own, other; /* port 0 */
	uint64_t instance;	       /* of this node's HELLOs */
	bool within_node;	       /* the other node is this one */

	enum lc_trunk_state state;
	struct lc_line *line; /* NULL: none */
	bool opened_here;
	bool broken; /* it is of no use any more, and will be closed */
	struct lc_window window;
	struct lc_identity own_nonce, other_nonce;
	uint64_t serial; /* of connections; members' proven_in and settled_in */
	int end_error;	 /* ENDING: why */
	bool was_up;	 /* ENDING: joins that wait for it have not failed */

	struct lc_line *held; /* a second connection; NULL: none */
	struct lc_identity held_nonce;
	size_t held_bytes; /* of its HELLO */

	struct lc_trunk_member *by_name;
	struct lc_trunk_members members, wanting, leaving;
	unsigned int drawn_here; /* of members: those whose number this node has drawn */
	struct lc_trunk_walk walk;

	bool has_listed, other_has_listed;
	unsigned int claims;   /* of the other side */
	unsigned int tries;    /* to connect, since it was up */
	unsigned int failures; /* ...that failed, one after the other */
	bool retries;	       /* LC_TRUNK_RETRY is set */

	bool has_said_done; /* unasked, and nothing after it but an answer */
	bool is_silent;	    /* has answered the other side's, and heard nothing since */

	struct lc_trunk_walk reporting;
	uint64_t report_at; /* no next report before so much is read */
};

/* Down, and without members. */
void lc_trunk_init(struct lc_trunk *trunk, const struct lc_trunk_world *world,
		   const struct lc_endpoint *own, const struct lc_endpoint *other,
		   uint64_t instance, bool within_node);
/* Closes its lines and detaches all members without a word. */
void lc_trunk_end(struct lc_trunk *trunk);

/* ---- memberships ---- */

/*
 * One that is there already: it was asked for by the other node, or a daemon
 * before this one had it. -EEXIST: there is one of that name; -ENOMEM.
 */
int lc_trunk_attach(struct lc_trunk *trunk, struct lc_trunk_member *member,
		    const struct lc_trunk_name *name, const struct lc_identity *secret);
/* One that is to be asked for: connected() or hung_up() follows. Number drawn here. Errors as above. */
int lc_trunk_join(struct lc_trunk *trunk, struct lc_trunk_member *member, uint64_t number,
		  const struct lc_identity *secret);
/* Nothing more is told to it. Also if it is of no trunk. */
void lc_trunk_detach(struct lc_trunk_member *member);
/*
 * Fills in the name, and sends or queues. -EPIPE: there is no connection, or none
 * on which memberships may speak yet; -ENOBUFS: the peer does not read. LEAVE and
 * REFUSE are never refused for that: the connection ends. For a LEAVE leave_read()
 * follows, or the end.
 */
int lc_trunk_send(struct lc_trunk_member *member, const struct lc_message *message);

/* ---- what happens ---- */

/* The line of open() is connected. */
void lc_trunk_opened(struct lc_trunk *trunk);
/* A connection came in from `other` and said `hello`, a frame of `bytes`. Takes the line over. */
void lc_trunk_came(struct lc_trunk *trunk, struct lc_line *line, const struct lc_message *hello,
		   size_t bytes);
/* A message came, in a frame of `bytes`. */
void lc_trunk_message(struct lc_trunk *trunk, struct lc_line *line,
		      const struct lc_message *message, size_t bytes);
/* No more messages are there for now. */
void lc_trunk_drained(struct lc_trunk *trunk, struct lc_line *line);
/* The line has ended, `error` as LC_PEER_CLOSED has it; bytes that are no message: -EBADMSG. */
void lc_trunk_ended(struct lc_trunk *trunk, struct lc_line *line, int error);
void lc_trunk_timer(struct lc_trunk *trunk, enum lc_trunk_timer timer);
/* Goes on with what is to be done in parts. */
void lc_trunk_run(struct lc_trunk *trunk);
/* Every second: starts a round of reports, unless the last is still under way. */
void lc_trunk_report(struct lc_trunk *trunk);

#endif
