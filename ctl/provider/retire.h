/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How a socket becomes known to the application, and how it goes. Nothing locked. */
#ifndef CTL_PROVIDER_RETIRE_H
#define CTL_PROVIDER_RETIRE_H

#include "provider/sockets.h"

/* Makes it findable by handle. What had the handle before is retired: its descriptor has been closed. */
void lc_publish(struct lc_socket *socket);
/*
 * The end of a socket that cannot be found by handle (any more): its calls end
 * with WSAEINTR and are waited for, its join is cancelled, the daemon and the
 * handles of its leaves are told, its descriptor is closed. Takes the caller's
 * reference.
 */
void lc_retire(struct lc_socket *socket);
/* The same; what the daemon may have joined by it ends as a reset. */
void lc_retire_abortively(struct lc_socket *socket);

#endif
