/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The caller's fd_sets in and out, their memory and their count not trusted. */
#ifndef CTL_PROVIDER_FDSET_H
#define CTL_PROVIDER_FDSET_H

#include <stddef.h>

#include "provider/provider.h"

/* A set as the caller gave it. All zero: none was given. */
struct lc_fd_set {
	leafcast_fd_set *caller;
	SOCKET *members; /* owned; in the caller's order */
	size_t count;
};

/*
 * `caller` may be NULL. WSAEFAULT: it cannot be read or written as far as its
 * count says, or the count is beyond any number of sockets; WSAENOBUFS. On
 * failure *set is all zero.
 */
int lc_fd_set_read(struct lc_fd_set *set, leafcast_fd_set *caller);
/* Gives the caller what members are left. WSAEFAULT: it took the memory away meanwhile. */
int lc_fd_set_write(const struct lc_fd_set *set);
void lc_fd_set_free(struct lc_fd_set *set);

#endif
