/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Connections on which the last word is said but perhaps not read. */
#ifndef CTL_DAEMON_PARTING_H
#define CTL_DAEMON_PARTING_H

#include "daemon/daemon.h"
#include "peer/peer.h"

/* So many; the oldest makes room. */
#define MAX_PARTINGS 1024

/* Takes the connection over until the peer has closed it, for 3 s at most. */
void parting_start(struct node *node, struct lc_peer *peer);
/* Ends all. */
void partings_end(struct node *node);

#endif
