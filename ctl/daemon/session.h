/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Sessions whose root is on this node. */
#ifndef CTL_DAEMON_SESSION_H
#define CTL_DAEMON_SESSION_H

#include "daemon/socket.h"

struct session {
	UT_hash_handle by_name;
	struct socket *root;
	uint32_t number; /* the plane's */
	struct lc_endpoint name, channel;
	struct lc_identity identity;	 /* this session's and no other's */
	struct lc_route_keys route_keys; /* of the root's socket, when it was last asked */
	/* Takes what leaves send. A root's first successful join of its own decides, for good. */
	bool root_receives, directions_fixed;
};

/*
 * The root's session, opened if it is not yet; binds an unbound root.
 * -EADDRINUSE: another root here has the name; -EADDRNOTAVAIL: it is bound to
 * a group or broadcast address; -ENOSPC; -ENOMEM.
 */
int session_of_root(struct node *node, struct socket *root, struct session **session);
/* The session that an earlier daemon had opened for this root. -ENOMEM. */
int session_adopt(struct node *node, struct socket *root, uint32_t number,
		  const struct lc_session *record);
/* The one with the plane's number; NULL. */
struct session *session_numbered(struct node *node, uint32_t number);
/* Its root has a descriptor again, and what devices there are may have changed meanwhile. */
void session_lead_again(struct node *node, struct session *session);
/* Asks the root's socket again by what it is routed: whether it is by others now. */
bool session_routes_anew(struct node *node, struct session *session);
/* A root's first join of its own that succeeds fixes its directions. */
void session_fix_directions(struct node *node, struct session *session, bool receives);
/* The session that takes requests at that name; one named so goes before a wildcard. NULL. */
struct session *session_listening_at(struct node *node, const struct lc_endpoint *name);
/* The root's sending flow has changed. */
void session_follow_flow(struct node *node, struct session *session);
/* It has no members any more. */
void session_free(struct node *node, struct session *session);

#endif
