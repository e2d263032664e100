/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Which sockets there are, by handle and by number. By handle, which every call
 * does, one bucket is locked and no more: data calls of different sockets do not
 * meet. Whoever finds a socket has a reference to it.
 */
#ifndef CTL_PROVIDER_TABLE_H
#define CTL_PROVIDER_TABLE_H

#include "provider/sockets.h"

/* NULL: there is none. */
struct lc_socket *lc_table_by_handle(SOCKET handle);
struct lc_socket *lc_table_by_number(uint64_t number);

/* Makes it findable by number, for what the daemon and the loop say about it; gives it that number. */
void lc_table_list(struct lc_socket *socket);
void lc_table_unlist(struct lc_socket *socket);

/*
 * Makes it findable by handle. Returns the socket that had the handle before,
 * whose descriptor was closed behind our back; NULL: none. The caller has the
 * reference.
 */
struct lc_socket *lc_table_publish(struct lc_socket *socket);
/* Makes it unfindable by handle. True for the one caller that did it, who then has the table's reference. */
bool lc_table_unpublish(struct lc_socket *socket);

/* Any published one, for cleanup; NULL: none. */
struct lc_socket *lc_table_any(void);
/*
 * All that are listed, one after another, whatever is listed or unlisted
 * meanwhile: start with *cursor 0; NULL: that was all.
 */
struct lc_socket *lc_table_next(uint64_t *cursor);

/* In a forked child: it has the sockets' descriptors but none of the sockets. */
void lc_table_forget(void);

#endif
