/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The library's side of its channel to the daemon, and the one hidden thread
 * that reads it. Everything here is called with the mutex of sockets.h locked,
 * unless it says otherwise.
 */
#ifndef CTL_PROVIDER_DAEMON_H
#define CTL_PROVIDER_DAEMON_H

#include "provider/sockets.h"

/* How long a call waits for a daemon that is not there or does not answer. */
#define LC_DAEMON_PATIENCE_NS 2000000000ull

/* How long members go on without the daemon that admitted them: nobody would tell them of their end. */
#define LC_DAEMON_ABSENCE_NS 5000000000ull

/* One request under way; embedded in what its answer concerns. */
struct lc_call {
	struct lc_call *next;
	uint64_t id;
	bool done;
	struct lc_local_message reply; /* error -ENETDOWN: the daemon is lost */
	/* Called by the hidden thread, before any later event is looked at. May be NULL. It may free the call. */
	void (*apply)(struct lc_call *);
};

/* Connects and says HELLO unless that is done; retries until LC_DAEMON_PATIENCE_NS have passed. WSAENETDOWN. */
int lc_daemon_connect(void);
/* Which connection there is, counted from 1; 0: none. */
uint64_t lc_daemon_link(void);

/*
 * Sends the request and puts the call among those under way; `link` says which
 * connection it is meant for. 0: apply has been or will be called. Else
 * WSAENETDOWN, and nothing will.
 */
int lc_daemon_submit(struct lc_call *call, uint64_t link, struct lc_local_message *message,
		     int descriptor);
/* Sends, waits on `changed` (bounded) and converts the answer; *reply may be NULL. */
int lc_daemon_ask(struct lc_socket *socket, struct lc_local_message *message, int descriptor,
		  struct lc_local_message *reply);
/* Sends what nobody waits for. */
void lc_daemon_tell(uint64_t link, const struct lc_local_message *message);

/* CLOSE for the socket: the daemon gives its duplicate back. One that it does not know does no harm. */
void lc_daemon_tell_close(const struct lc_socket *socket, enum leafcast_reason reason);

/* WSPCleanup's end: what was told is answered (bounded), the thread ends, the channel is closed. */
void lc_daemon_stop(void);
/* In a forked child: forget all of it. */
void lc_daemon_forget(void);

/* Watches a socket's descriptor, once: `events` of epoll. Starts the thread if need be. */
int lc_daemon_watch(struct lc_socket *socket, uint32_t events);
void lc_daemon_unwatch(struct lc_socket *socket);

#endif
