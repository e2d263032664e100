/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Connections that came in, until their first word. Where too many say
 * nothing, the one that has waited longest makes room, so that whoever speaks
 * at once is heard however many others there are.
 */
#ifndef CTL_DAEMON_ARRIVALS_H
#define CTL_DAEMON_ARRIVALS_H

#include "daemon/membership.h"

/* Of all peers, and of one address (IPv6: one /64). */
#define MAX_ARRIVALS		1024
#define MAX_ARRIVALS_OF_ADDRESS 128

/* Takes the peer over; what it says goes to `world`'s kind of member. */
void arrivals_add(struct node *node, struct lc_peer *peer, const struct lc_membership_world *world);
/* Ends those that have said nothing. */
void arrivals_end(struct node *node);

/* What members' links, those that came in and those we opened, call. */
extern const struct link_handler membership_link;

#endif
