/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A connection's unsent bytes: bounded, allocated only while there are any. */
#ifndef CTL_PEER_QUEUE_H
#define CTL_PEER_QUEUE_H

#include "peer/internal.h"

/* Appends all or nothing. -ENOBUFS: full. -ENOMEM. */
int lc_queue_add(struct lc_peer *peer, const uint8_t *bytes, size_t length);
/* Gives the kernel what it takes. On an error empties the queue and sets peer->send_error. */
void lc_queue_flush(struct lc_peer *peer);
bool lc_queue_is_empty(const struct lc_peer *peer);

#endif
