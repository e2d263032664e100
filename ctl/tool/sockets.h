/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What root and leaf both need of the Winsock calls; failures are said. */
#ifndef CTL_TOOL_SOCKETS_H
#define CTL_TOOL_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leafcast/leafcast.h"
#include "abi/endpoint.h"
#include "abi/records.h"
#include "tool/winsock.h"

/* Any datagram fits. */
#define LC_BUFFER_BYTES 65536

/*
 * Starts the library for the daemon at runtime_dir (NULL: as the environment
 * says), makes the event everything waits on, and the waiting for signals. All
 * memberships end once no daemon has answered for absence_ms (0: as the
 * environment says).
 */
bool lc_sockets_begin(const char *runtime_dir, uint64_t absence_ms, WSAEVENT *event);
void lc_sockets_end(void);

/*
 * A socket of the rooted session kind and of the name's family, with `flags`
 * of WSASocket; limited to the flowspecs (NULL: left alone). INVALID_SOCKET
 * after a sentence.
 */
SOCKET lc_sockets_open(const struct lc_endpoint *name, DWORD flags,
		       const struct lc_flowspec *sending, const struct lc_flowspec *receiving);

/* Binds, and listens where `backlog` is not 0. */
bool lc_sockets_bind(SOCKET socket, const struct lc_endpoint *name, int backlog);

/* From now on closing it tells its members that the session broke. */
void lc_sockets_break(SOCKET socket);

/* Registers the event for all that a member can be told. */
bool lc_sockets_watch(SOCKET socket, WSAEVENT event);

/* What happened on the socket since the last call; `event` is reset unless NULL. */
void lc_sockets_events(SOCKET socket, WSAEVENT event, WSANETWORKEVENTS *events);

/* Sleeps until the event is set or the time is over; WSA_INFINITE: no limit. */
void lc_sockets_wait(WSAEVENT event, DWORD milliseconds);

/* Sends one datagram to the session, waiting for room. 0, a Winsock code, or WSAEINTR when asked to stop. */
int lc_sockets_send(SOCKET socket, const void *payload, size_t length);

/*
 * Writes all datagrams that are there to standard output, at most `most`.
 * Adds them to *datagrams. 0 when there are no more for now, WSAEDISCON at the
 * session's end, another Winsock code, or WSAEINTR when asked to stop or when
 * standard output is gone (then said).
 */
int lc_sockets_drain(SOCKET socket, uint64_t most, uint64_t *datagrams);

/* Connect data for a call; empty where `text` is NULL. */
WSABUF lc_sockets_buffer(const char *text);

/* Whether a later try of the same join may do: nobody listens there yet, too many ask at once, or the own daemon is away. */
bool lc_sockets_may_pass(enum leafcast_reason reason);

#endif
