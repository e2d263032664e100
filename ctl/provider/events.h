/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * WSPEventSelect: what is recorded, when, and what records it again. Called
 * with the socket's lock, except lc_event_ready().
 */
#ifndef CTL_PROVIDER_EVENTS_H
#define CTL_PROVIDER_EVENTS_H

#include "provider/sockets.h"

/* Whether sending or receiving data makes sense at all. */
bool lc_socket_is_connected(const struct lc_socket *socket);

/* Records the event if it is registered for, and signals. `bit` is one of FD_*_BIT. */
void lc_event_record(struct lc_socket *socket, int bit, int code);
/* A nonblocking join's outcome: it stays recordable until it has been enumerated. */
void lc_event_join_finished(struct lc_socket *socket, int code);
/* A join begins: the last one's outcome is not its own. */
void lc_event_join_begins(struct lc_socket *socket);
/* The join or accept is complete: data may be sent (FD_WRITE) and may arrive (FD_READ). */
void lc_event_connected(struct lc_socket *socket);
/* Requests came or went: FD_ACCEPT unless one was recorded that nobody answered yet. */
void lc_event_requests(struct lc_socket *socket);
/* An accept was called. While the head is deferred there is no FD_ACCEPT all the same (N3). */
void lc_event_after_accept(struct lc_socket *socket);
/* Data was asked for: FD_READ may be recorded again. */
void lc_event_after_receive(struct lc_socket *socket);
/* A send was WSAEWOULDBLOCK: FD_WRITE when there is room, whoever is registered then. */
void lc_event_after_blocked_send(struct lc_socket *socket);
/* A new socket takes over its parent's registration (R41). Both locked. */
void lc_event_inherit(struct lc_socket *socket, const struct lc_socket *parent);
/* The descriptor is about to be closed. */
void lc_event_unwatch(struct lc_socket *socket);

/* For lc_loop_handle(): by the hidden thread, nothing locked. */
void lc_event_ready(uint64_t number, uint32_t ready);

/* The two entries' work; error codes as theirs. `event` is WSA_INVALID_EVENT with mask 0. */
int lc_event_select(struct lc_socket *socket, WSAEVENT event, LONG mask);
/* *result is writable. */
void lc_event_enumerate(struct lc_socket *socket, WSAEVENT event, LPWSANETWORKEVENTS result);

#endif
