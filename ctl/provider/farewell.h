/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * How the daemon hears that a socket is no more, which is told until a daemon has
 * answered: one that goes meanwhile may not have read it. Its successor would take
 * a membership for broken off, and keep the record of a socket that was never
 * bound for the grace time, as the kernel does not list those.
 *
 * Any lock of a socket's may be held, or none.
 */
#ifndef CTL_PROVIDER_FAREWELL_H
#define CTL_PROVIDER_FAREWELL_H

#include "provider/sockets.h"

/* CLOSE: the daemon gives its duplicate back. One that it does not know does no harm; if it goes, nothing is lost. */
void lc_tell_close(const struct lc_socket *socket, enum leafcast_reason reason);
/* The same, and CLOSED_MEANWHILE to later daemons until one has answered. Of a socket that goes for good. */
void lc_farewell(const struct lc_socket *socket, enum leafcast_reason reason);
/* A connection is up: what earlier daemons left unanswered is told. */
void lc_farewell_repeat(uint64_t link);
/* Waits until nothing is unanswered, at most until then. */
void lc_farewell_drain(uint64_t until_ns);

/* Around fork(2); before lc_connection_lock(). */
void lc_farewell_lock(void);
void lc_farewell_unlock(void);
/* In the child: they are the parent's. */
void lc_farewell_forget(void);

#endif
