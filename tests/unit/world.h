/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The world as two memberships' ends see it, played without a socket, a map or
 * a clock:
 *
 *   root's node 192.0.2.1                     leaf's node 192.0.2.2
 *     session 192.0.2.1:5000  <- connection ->  leaf 192.0.2.2:6000
 *                              == probes, data ==>
 *
 * What is said is delivered by settle(), in the order in which it was said;
 * time passes by wait_us(), which runs what falls due. The connection outlives
 * the membership, and may break and come back.
 */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "membership/membership.h"

#define MTU 1500u

struct end {
	struct lc_membership member; /* first */
	const char *what;	     /* in messages */
	struct end *other;

	/* What the test decides */
	bool lets_in, within_node, is_deaf, takes_no_probe, is_stuck;
	enum leafcast_reason connect_error;
	int draw_error, name_error, add_error, enter_error, path_error, send_error, timer_error;
	struct lc_endpoint address; /* of the connection at this end; port 0 */
	struct lc_endpoint local;   /* an address of this node */
	struct lc_endpoint bound;   /* of the leaf's socket */
	struct lc_listener_terms terms;
	struct lc_path path;
	bool evicts;	      /* there is a suspended membership in the way */
	unsigned int late;    /* copies that are made while the leaf leaves */
	unsigned int backlog; /* 0: nobody listens */

	/* What the member did */
	bool connecting, connected, has_spoken, turned_away;
	bool leave_unread; /* LEAVE was said, and not read yet */
	struct lc_message inbox[16];
	unsigned int inbox_count;
	struct lc_local_message heard[16];
	unsigned int heard_count;
	unsigned int waiting;
	bool admits, has_leaf, entered, left, probe_comes;
	uint64_t arrived; /* at the leaf's socket */
	uint64_t sent;	  /* copies by the root */
	struct lc_policer down, up;
	struct lc_path hop;
	unsigned int probes, drawn;
	uint64_t due_us[LC_TIMER_COUNT];       /* 0: not set */
	unsigned int joined, ended, suspended; /* times */
	enum leafcast_reason why;
	struct lc_membership kept; /* as it was when its record was written last; number 0: never */
	struct lc_membership farewell; /* ...its farewell; number 0: there is none */
	uint64_t left_us;	       /* 0: it has not left */
	bool released, gone;
	bool shown_suspended; /* to people */
};

extern uint64_t now_us;
extern struct end root, leaf;

/* Both ends new, connected to nothing; the root's session and the leaf's socket listen. */
void world_begins(void);

/* Flows by the text of core/flowspec.h; NULL: NOCHANGE. */
struct lc_flows flows_of(const char *down, const char *up);

/* An answer of 3 bytes, both directions, as to ACCEPT 12. */
extern const struct lc_membership_answer yes;

/* The application's calls. */
enum leafcast_reason leaf_asks_to_join(const struct lc_flows *flows);
enum leafcast_reason root_invites(const struct lc_flows *flows);
/* The REQUEST before this end's application, which must be there. */
const struct lc_local_message *request_at(const struct end *end);
void accepts(struct end *end, const struct lc_membership_answer *answer);

/* Whole joins, as each of the two asks for it, that come out well. */
void leaf_joins(void);
void root_invites_and_leaf_accepts(void);

/* Delivers until nothing is under way. */
void settle(void);
/* The connection ends for both, as `error` tells; what is under way is lost. */
void connection_breaks(int error);
/* ...and is back: each end that can be resumed is, if the other has it too and proves it; else it is forgotten. */
void connection_is_back(void);
/* This end's daemon is replaced by one that knows what the record says, of a member, or the farewell. */
void daemon_is_replaced(struct end *end);
void wait_us(uint64_t us);
/* So many datagrams to this leaf; as many arrive. */
void data_flows(unsigned int sent, unsigned int arrive);

/* The last message of that kind to this end's application; NULL. */
const struct lc_local_message *heard(const struct end *end, enum lc_local_kind kind);
/* It was told exactly once how the join came out; returns that. */
enum leafcast_reason outcome(const struct end *end);

/* Both are gone, and nothing of them is left: no record, farewell, place, timer, open door or connection. */
void nothing_is_left(const char *after);

#endif
