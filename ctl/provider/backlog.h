/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The peers that ask to join through a listening socket. Called with its lock. */
#ifndef CTL_PROVIDER_BACKLOG_H
#define CTL_PROVIDER_BACKLOG_H

#include "provider/sockets.h"

struct lc_request {
	struct lc_request *next;
	struct lc_local_message asked; /* the REQUEST as it came */
	bool deciding;		       /* a condition function has it: nobody else frees it */
	bool deferred;
	bool withdrawn;
	enum leafcast_reason reason; /* of the withdrawal */
};

/* -ENOMEM. */
int lc_backlog_append(struct lc_socket *socket, const struct lc_local_message *asked);
/* NULL: it is not there any more. */
struct lc_request *lc_backlog_find(struct lc_socket *socket, uint64_t request);
/* The first that is not being decided; NULL: none. */
struct lc_request *lc_backlog_first(const struct lc_socket *socket);
/* Whether an accept would find one that it has not deferred. */
bool lc_backlog_is_ready(const struct lc_socket *socket);
void lc_backlog_remove(struct lc_socket *socket, struct lc_request *request);
/* Takes the last one out that nobody is deciding, if more than `most` wait: its number; 0: no more wait. */
uint64_t lc_backlog_trim(struct lc_socket *socket, unsigned int most);

#endif
