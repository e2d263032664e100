/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Connections that came in, until their HELLO. Where too many say nothing, the
 * one that has waited longest makes room, so that whoever speaks at once is
 * heard however many others there are.
 */
#ifndef CTL_DAEMON_ARRIVALS_H
#define CTL_DAEMON_ARRIVALS_H

#include "daemon/line.h"

/* Of all peers, and of one address (IPv6: one /64). */
#define MAX_ARRIVALS		1024
#define MAX_ARRIVALS_OF_ADDRESS 128

/* Who gets a connection that has said HELLO, a frame of `bytes`; the line is the taker's. */
typedef void arrival_greets(struct lc_line *line, const struct lc_message *hello, size_t bytes);

/* Takes the peer over. */
void arrivals_add(struct node *node, struct lc_peer *peer, arrival_greets *greets);
/* Ends those that have said nothing. */
void arrivals_end(struct node *node);
/* Whether both count as one address where room is made. */
bool arrivals_are_alike(const struct lc_endpoint *one, const struct lc_endpoint *other);

#endif
