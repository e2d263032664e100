/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The daemon's record of one end of one membership: the pure part
 * (membership/membership.h) and what of this node belongs to it.
 */
#ifndef CTL_DAEMON_MEMBERSHIP_H
#define CTL_DAEMON_MEMBERSHIP_H

#include "daemon/session.h"
#include "daemon/timer.h"
#include "membership/membership.h"
#include "trunk/trunk.h"

struct membership {
	struct lc_membership member;
	struct node *node;
	LIST_ENTRY(membership) entry; /* node->memberships, then node->gone */
	struct timer timers[LC_TIMER_COUNT];

	struct lc_trunk_member trunk;  /* as its trunk knows it; of none until it is asked for */
	struct lc_endpoint own, other; /* the addresses of the two nodes, port 0 */
	bool within_node;	       /* they are one */
	uint64_t left_ns;	       /* CLOCK_MONOTONIC; 0: it has not left */

	struct socket *owner; /* whose request it is: the joiner's, the root's, the listener's */
	LIST_ENTRY(membership) of_owner; /* owner->requested */
	struct socket *listener;	 /* in whose backlog it has a place; NULL: none */
	struct socket *socket;		 /* the leaf's own, or the root's handle of it */
	struct session *session;	 /* root's ends */

	uint64_t asked_as; /* key of node->asked; 0: not in it */
	UT_hash_handle by_request;
	uint32_t leaf;		  /* key of node->by_leaf; 0: not in it */
	struct lc_path_use path;  /* root's ends: where copies go */
	uint32_t leaf_in_the_way; /* who has this leaf's name, when add_leaf() found that */
	UT_hash_handle by_leaf;
};

static inline struct membership *membership_of(const struct lc_membership *member)
{
	return (struct membership *)((char *)(uintptr_t)member -
				     offsetof(struct membership, member));
}

/* NULL: no memory. */
struct membership *membership_new(struct node *node, const struct lc_membership_world *world);
/* Ends all that it has in the loop; it is freed when control is back there. */
void membership_bury(struct membership *membership);
/* Frees all there are, at the daemon's end. */
void memberships_end(struct node *node);

/* What each of its records has of it. */
struct lc_resumption membership_resumption(const struct membership *membership);

/* From now on the socket's application is the one to be asked and told. */
void membership_set_owner(struct membership *membership, struct socket *owner);
/* Of socket, owner and session alike. */
void membership_detach(struct membership *membership);

/* Gives the REQUEST a number that no other has had, by which it is found; 0: no memory. */
uint64_t membership_number_request(struct membership *membership);
void membership_forget_request(struct membership *membership);
struct membership *membership_of_request(struct node *node, uint64_t request);

/* Makes it findable by its leaf's number; -ENOMEM. */
int membership_set_leaf(struct membership *membership, uint32_t leaf);
void membership_forget_leaf(struct membership *membership);
struct membership *membership_of_leaf(struct node *node, uint32_t leaf);

/*
 * Each membership the socket has part in hears that its application closed
 * it, or that the process died.
 */
void memberships_of_socket_end(struct socket *socket, bool died);
/* What the socket's application has asked for or is asked ends as if it had died; what is decided stays. */
void memberships_of_socket_give_up(struct socket *socket);
/* Ends what the socket takes part in, its session too, in order or because the process died. */
void membership_part(struct socket *socket, bool died);
/* ...then the socket. */
void membership_end_socket(struct socket *socket, bool died);
/* Follows paths that may have changed, as many as one turn of the loop has time for; true: there are more. */
bool memberships_follow_network(struct node *node);
/* Every second: of what no notification tells, some more is looked at again. */
void memberships_look_again(struct node *node);

#endif
