/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The library's one connection to the daemon: opening it, HELLO, the requests
 * under way, its loss and the next one. It knows no sockets. Any thread; what it
 * calls back, it calls by the hidden thread with nothing of its own locked.
 *
 * From the first lc_connection_open() to lc_connection_close() the hidden thread
 * keeps one: when it is lost it tries again at once, then after FIRST_PAUSE_NS,
 * doubling up to MOST_PAUSE_NS, for ever. While somebody waits for one it does
 * not double.
 *
 * Nothing here waits longer than lc_waits says, and nothing but
 * lc_connection_open(), lc_connection_ask() and lc_connection_drain() waits at all.
 */
#ifndef CTL_PROVIDER_CONNECTION_H
#define CTL_PROVIDER_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/local.h"
#include "provider/asked.h"

/*
 * How long, in nanoseconds, the library waits for its daemon; only tests change
 * them. What the daemon may take its time for, it gets, and patience on top.
 */
struct lc_waits {
	uint64_t patience_ns; /* for a daemon that is not there or does not answer */
	uint64_t join_ns;     /* for the answer to a JOIN, in all */
	uint64_t accept_ns;   /* ...to an ACCEPT */
};
extern struct lc_waits lc_waits;

struct lc_connection_handlers {
	/* REQUEST, WITHDRAWN, CLOSED */
	void (*event)(const struct lc_local_message *event);
	/* There is a connection, and nothing has been said on it since HELLO. */
	void (*up)(uint64_t link);
	/* It was lost; all requests under way have been answered with NULL. */
	void (*lost)(void);
	/* After lc_connection_try_ask() was -EAGAIN: it may have room now. */
	void (*room)(void);
};
/* Before the hidden thread starts; kept, not copied. */
void lc_connection_handle(const struct lc_connection_handlers *handlers);
/* For lc_loop_handle(). */
void lc_connection_ready(uint64_t link, uint32_t events);

/*
 * Waits for a connection, for patience_ns. *link names it from now on: never 0,
 * never the same again. -ENETDOWN; -EMFILE, -ENFILE, -ENOMEM: it is not the
 * daemon that is missing.
 */
int lc_connection_open(uint64_t *link);
/* Which connection there is; 0: none. */
uint64_t lc_connection_link(void);
/* When it was lost (CLOCK_MONOTONIC); of no meaning while there is one. */
uint64_t lc_connection_lost_ns(void);
/* When the daemon last said anything; 0: never. */
uint64_t lc_connection_heard_ns(void);
/* Somebody waits for a connection: it is looked for without long pauses until as many false as true were said. */
void lc_connection_hurry(bool on);

/*
 * Sends the request, which is meant for that connection, with `descriptor`
 * unless it is -1, and waits up to `wait_ns` for the answer. -EPIPE: that
 * connection is no more; -ENETDOWN: the daemon does not read; or what is wrong
 * with this request alone, such as -EBADF, -ETOOMANYREFS. Then nothing is under
 * way, and `answered` is not called.
 */
int lc_connection_ask(struct lc_asked *asked, uint64_t link, struct lc_local_message *message,
		      int descriptor, uint64_t wait_ns);
/* The same without waiting for room: then -EAGAIN. The answer is waited for as long as the connection lasts. */
int lc_connection_try_ask(struct lc_asked *asked, uint64_t link, struct lc_local_message *message,
			  int descriptor);
/*
 * CANCEL, REJECT, CLOSE, CLOSED_MEANWHILE or PING: sends what nobody waits for,
 * at the latest when the daemon reads again. Only the kind, the numbers and the
 * reason are carried. False: it is not sent, since that connection is no more.
 */
bool lc_connection_tell(uint64_t link, const struct lc_local_message *message);
/* The same; if it is true, `answered` is called as of lc_connection_try_ask(). */
bool lc_connection_tell_and_hear(struct lc_asked *asked, uint64_t link,
				 struct lc_local_message *message);

/* Waits until all that was told has been answered, else the daemon might not read it; at most until then. */
void lc_connection_drain(uint64_t until_ns);
/* Closes it and looks for no other; after lc_loop_stop(). */
void lc_connection_close(void);

/* Around fork(2). */
void lc_connection_lock(void);
void lc_connection_unlock(void);
/* In the child: forget all of it. */
void lc_connection_forget(void);

#endif
