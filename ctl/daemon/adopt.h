/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What an earlier daemon left in the records is found again: sessions, their
 * leaves, sockets and what they are members of. Their applications are away
 * and claim them by RESUME, other nodes claim memberships by theirs. What was
 * half done when that daemon was killed is completed, or undone.
 *
 * Sockets that are no more end as soon as two looks at what sockets there are
 * have missed them, or at once where another socket has taken their name; one
 * that was closed meanwhile ends in order if its application says so before. Only
 * sockets that are bound can be seen: of the others, handles of leaves end with
 * their root, and the rest after the grace time or with their process, where that is known.
 *
 * One that is there, or whose process is known to live, keeps its record, which
 * admits nobody, and its session for as long: its filter is locked, so it could
 * not be given another. Where the kernel does not say what sockets there are,
 * applications are believed, and nothing that is adopted outlives the grace time.
 */
#ifndef CTL_DAEMON_ADOPT_H
#define CTL_DAEMON_ADOPT_H

#include "daemon/world.h"

/*
 * Adopts all there is; before applications and peers are heard. `handler` is
 * for the applications. Calls `over` when all sockets are claimed, or after a
 * second: until then nobody should be told that a session is not there.
 * Negative errno: nothing in the kernel is worse than it was.
 */
int adopt(struct node *node, const struct application_handler *handler, void (*over)(void *context),
	  void *context);
/* A socket was claimed, or ended. */
void adopt_progress(struct node *node);
/*
 * `teller` says that it closed the socket while there was no connection. It is
 * believed of a socket of the same user that is away, once that is no more.
 */
void adopt_closed(const struct application *teller, uint64_t cookie, bool reset);
/*
 * Nobody has claimed it for the grace time: what it is a member of ends. It does
 * too, unless it or its process is known to be there; then it is let go.
 */
void adopt_lapse(struct socket *socket);
/*
 * `socket` is about to go by the name it is bound to: an unclaimed one that had
 * it and is no more ends now. Looks at what sockets there are if need be, but
 * not more than 20 times a second.
 */
void adopt_make_way(const struct socket *socket);
/* Looks no more. */
void adopt_end(void);

#endif
