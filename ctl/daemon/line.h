/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A connection to another node, in the loop: the line of a trunk
 * (trunk/world.h). What comes on it goes to whoever has it, which may change, and
 * may close it from within; then it is called no further.
 */
#ifndef CTL_DAEMON_LINE_H
#define CTL_DAEMON_LINE_H

#include "daemon/daemon.h"
#include "daemon/timer.h"
#include "peer/peer.h"

struct lc_line;

struct line_handler {
	void (*connected)(struct lc_line *line, void *context);
	/* In a frame of `bytes`. */
	void (*message)(struct lc_line *line, void *context, const struct lc_message *message,
			size_t bytes);
	/* For now there is no more. */
	void (*drained)(struct lc_line *line, void *context);
	/* 0: in order; -EBADMSG: bytes that are no message. Nothing more comes. */
	void (*ended)(struct lc_line *line, void *context, int error);
};

struct lc_line {
	struct lc_peer *peer;
	sd_event_source *io;
	const struct line_handler *handler;
	void *context;
	bool busy;   /* its handler is being called */
	bool closed; /* meanwhile: freed after that */

	struct node *node;
	LIST_ENTRY(lc_line) entry; /* node->lines */
	bool arrives;		   /* in node->arrivals (arrivals.h) */
	TAILQ_ENTRY(lc_line) arrival;
	struct timer deadline; /* of that */
};

/*
 * Takes the peer over, but not on failure. While node->adopting nothing that
 * comes is heard yet. NULL: no memory, or the loop takes no more.
 */
struct lc_line *line_open(struct node *node, struct lc_peer *peer,
			  const struct line_handler *handler, void *context);
/* -EPIPE: it has ended; -ENOBUFS: the peer's TCP does not take what was sent before. */
int line_send(struct lc_line *line, const uint8_t *frame, size_t length);
/* What has come while node->adopting is heard from now on. */
void lines_hear(struct node *node);
/* At once, and frees it. */
void line_close(struct lc_line *line);

#endif
