/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Trunks as they really are (trunk/trunk.h): one for each pair of node
 * addresses, found by them, made when it is needed and freed when nothing is
 * left of it.
 *
 * Memberships whose both ends are on this node have trunks too, over a pair of
 * sockets, with two ends here: one of those that ask, one of those that are
 * asked.
 */
#ifndef CTL_DAEMON_TRUNK_H
#define CTL_DAEMON_TRUNK_H

#include "daemon/arrivals.h"
#include "daemon/membership.h"

/* Trunks without memberships, of all peers; beyond, the oldest makes room. Of one address as in arrivals.h. */
#define MAX_IDLE_TRUNKS 1024

/* Once, before any of the others; `world`: of memberships that are asked for from elsewhere. -EIO: no chance is to be had. */
int trunks_begin(struct node *node, const struct lc_membership_world *world);
/* Memberships are detached without a word. */
void trunks_end(struct node *node);

/*
 * A join from the address `own` to `other`'s node: it is connected, or hears why
 * not, but not from within. Both addresses without ports. Negative errno.
 */
int trunk_join(struct membership *membership, const struct lc_endpoint *own,
	       const struct lc_endpoint *other);
/* One that a daemon before this one had, by membership->own and ->other. Where that fails it ends with the grace time. */
void trunk_take_up(struct membership *membership);
/* A connection came in and said HELLO. */
arrival_greets trunk_greets;
/* Every second: reports. */
void trunks_tick(struct node *node);

#endif
