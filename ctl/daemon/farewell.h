/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What is to be said to other nodes of memberships that are over here: in a map of
 * its own (struct lc_farewell), since the records of a leaf and a socket go with
 * them. So it is said once by each daemon that meets the other node, until one
 * knows that it was read, or for the grace time.
 */
#ifndef CTL_DAEMON_FAREWELL_H
#define CTL_DAEMON_FAREWELL_H

#include "daemon/trunk.h"

/* As it is now. Where there is no room it is said by this daemon or not at all; the log says so once. */
void farewell_keep(struct membership *membership);
void farewell_forget(const struct membership *membership);
/* What is left of the grace time, counted from when it left, if it has; at least 1. */
uint64_t farewell_grace_us(const struct membership *membership);
/*
 * Goes on with those of an earlier daemon, and ends what that one had not done with
 * them yet; after its sockets are adopted, before its leaves and members are. -ENOMEM.
 */
int farewells_adopt(struct node *node);

#endif
