/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The library's one connection to the daemon: opening it, HELLO, the requests
 * under way, its loss. It knows no sockets. Any thread; what it calls back, it
 * calls by the hidden thread with nothing of its own locked.
 *
 * Nothing here waits longer than lc_waits says, and nothing but
 * lc_connection_open() and lc_connection_ask() waits at all.
 */
#ifndef CTL_PROVIDER_CONNECTION_H
#define CTL_PROVIDER_CONNECTION_H

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
	/* how long members go on without the daemon that admitted them: nobody would tell them of their end */
	uint64_t absence_ns;
};
extern struct lc_waits lc_waits;

struct lc_connection_handlers {
	/* REQUEST, WITHDRAWN, CLOSED */
	void (*event)(const struct lc_local_message *event);
	/* The connection was lost; all requests under way have been answered with NULL. */
	void (*lost)(void);
	/* absence_ns later. `link`: the connection that there is now, 0: none. */
	void (*forsaken)(uint64_t link);
};
/* Before the hidden thread starts; kept, not copied. */
void lc_connection_handle(const struct lc_connection_handlers *handlers);
/* For lc_loop_handle(). */
void lc_connection_ready(uint64_t link, uint32_t events);

/*
 * Connects and says HELLO unless that is done; tries for patience_ns. *link
 * names the connection from now on: never 0, never the same again. -ENETDOWN;
 * -EMFILE, -ENFILE, -ENOMEM: it is not the daemon that is missing.
 */
int lc_connection_open(uint64_t *link);
/* Which connection there is; 0: none. */
uint64_t lc_connection_link(void);

/*
 * Sends the request, which is meant for that connection, with `descriptor`
 * unless it is -1, and waits up to `wait_ns` for the answer. -ENETDOWN; or what
 * is wrong with this request alone, such as -EBADF, -ETOOMANYREFS. Then
 * nothing is under way, and `answered` is not called.
 */
int lc_connection_ask(struct lc_asked *asked, uint64_t link, struct lc_local_message *message,
		      int descriptor, uint64_t wait_ns);
/*
 * CANCEL, REJECT or CLOSE: sends what nobody waits for, at the latest when the
 * daemon reads again. Only the kind, the numbers and the reason are carried.
 */
void lc_connection_tell(uint64_t link, const struct lc_local_message *message);

/* Waits, up to patience_ns, until all that was told has been answered: else the daemon might not read it. */
void lc_connection_drain(void);
/* Closes it; after lc_loop_stop(). */
void lc_connection_close(void);

/* Around fork(2). */
void lc_connection_lock(void);
void lc_connection_unlock(void);
/* In the child: forget all of it. */
void lc_connection_forget(void);

#endif
