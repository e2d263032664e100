/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * WSPEventSelect: what is recorded, when, and what records it again. Called
 * with the mutex of sockets.h locked.
 */
#ifndef CTL_PROVIDER_EVENTS_H
#define CTL_PROVIDER_EVENTS_H

#include "provider/sockets.h"

/* Records the event if it is registered for, and signals. `bit` is one of FD_*_BIT. */
void lc_event_record(struct lc_socket *socket, int bit, int code);
/* The join or accept is complete: data may be sent (FD_WRITE) and may arrive (FD_READ). */
void lc_event_connected(struct lc_socket *socket);
/* Requests came or went: FD_ACCEPT unless one was recorded that nobody answered yet. */
void lc_event_requests(struct lc_socket *socket);
/* An accept was called. While the head is deferred there is no FD_ACCEPT all the same (N3). */
void lc_event_after_accept(struct lc_socket *socket);
/* Data was asked for: FD_READ may be recorded again. */
void lc_event_after_receive(struct lc_socket *socket);
/* A send was WSAEWOULDBLOCK: FD_WRITE when there is room. */
void lc_event_after_blocked_send(struct lc_socket *socket);
/* epoll says so; by the hidden thread. */
void lc_event_ready(struct lc_socket *socket, bool readable, bool writable);
/* A new socket takes over its parent's registration (R41). */
void lc_event_inherit(struct lc_socket *socket, const struct lc_socket *parent);

#endif
