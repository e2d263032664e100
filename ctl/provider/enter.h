/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * How calls come in. A call is counted while it may use the socket's
 * descriptor, and WSPCloseSocket waits for those that are.
 *
 * The application may have closed the descriptor by close(2), and its number
 * may be a file's or another socket's by now. So SO_COOKIE is compared: by every
 * call that is not about data, and by those about data once a tick of the
 * kernel's coarse clock (1 to 10 ms) and after each wait; a system call each
 * time would make them a fifth dearer. Until the next tick a reused number that
 * is a socket's again can be taken for ours; a file's is WSAENOTSOCK at once.
 */
#ifndef CTL_PROVIDER_ENTER_H
#define CTL_PROVIDER_ENTER_H

#include "provider/sockets.h"
#include "provider/upcalls.h"

/*
 * Finds the socket, counts the call and leaves the socket locked.
 * WSANOTINITIALISED, WSAENOTSOCK; WSAENOTCONN: not yet usable. On failure
 * nothing is locked.
 */
int lc_enter(SOCKET handle, struct lc_socket **socket);
/* The same for calls about data. */
int lc_enter_for_data(SOCKET handle, struct lc_socket **socket);
/* Ends a call: uncounts it and unlocks. */
void lc_leave(struct lc_socket *socket);

/* Locked. While it runs what is the application's, a call is not waited for: after it, the socket may be closing. */
void lc_step_out(struct lc_socket *socket);
void lc_step_in(struct lc_socket *socket);

/* WSPCloseSocket: makes it unfindable; the caller has the reference for lc_retire(). Codes as of lc_enter(). */
int lc_take_out(SOCKET handle, struct lc_socket **socket);

#endif
