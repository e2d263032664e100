/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A join under way; for those who end it before its answer comes. Mutex of sockets.h locked. */
#ifndef CTL_PROVIDER_JOIN_H
#define CTL_PROVIDER_JOIN_H

#include "provider/daemon.h"

struct lc_join {
	struct lc_call call; /* first */
	uint64_t socket;     /* numbers, because either may be closed meanwhile */
	uint64_t other;	     /* a c_root's: the new socket; else 0 */
	bool blocking;
	bool abandoned;	 /* the blocking caller has gone */
	LPWSABUF callee; /* NULL: not wanted. Not touched once either socket is closed */
	char *callee_bytes;
	ULONG capacity;
	int code; /* when done */
};

/* The socket is being closed: its join's answer concerns nobody. */
void lc_join_abandon(struct lc_socket *s);
/* R32: the new descriptor of the c_root s's join is being closed. */
void lc_join_cancel(struct lc_socket *s, uint64_t other);

#endif
