/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A connection to another node, in the loop. It lives inside what it was made
 * for, which is freed from the loop, not from a callback; closed from within a
 * callback, it calls no further.
 */
#ifndef CTL_DAEMON_LINK_H
#define CTL_DAEMON_LINK_H

#include "daemon/daemon.h"
#include "peer/peer.h"

struct link_handler {
	void (*connected)(void *context);
	void (*message)(void *context, const struct lc_message *message);
	void (*garbage)(void *context); /* bytes that are no message */
	/* 0: in order. What was received before is still good, nothing more comes. */
	void (*ended)(void *context, int error);
};

struct link {
	struct lc_peer *peer; /* NULL: none */
	sd_event_source *io;
	const struct link_handler *handler;
	void *context;
};

/* Takes the peer over, but not on failure. */
int link_open(struct link *link, struct node *node, struct lc_peer *peer,
	      const struct link_handler *handler, void *context);
/* -EPIPE: there is none, or it ended; -ENOBUFS: the peer does not read. */
int link_send(struct link *link, const struct lc_message *message);
/* At once, whatever is unsent. */
void link_close(struct link *link);
/* When what was sent has been read (parting.h). */
void link_part(struct link *link, struct node *node);

#endif
