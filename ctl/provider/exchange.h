/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A request to the daemon under way: what JOIN, ACCEPT and everything that is
 * answered at once have in common.
 *
 * It has references, and so have those who look at it: the connection until the
 * answer, its time or the connection's end; whoever waits for it; a socket
 * whose join it is. Nobody else decides when it goes. It in turn has references
 * to its sockets, so none of them has to be looked up when the answer comes.
 */
#ifndef CTL_PROVIDER_EXCHANGE_H
#define CTL_PROVIDER_EXCHANGE_H

#include "provider/connection.h"
#include "provider/sockets.h"

struct lc_exchange {
	struct lc_asked asked; /* the connection's; first */
	atomic_uint references;
	struct lc_socket *socket;
	struct lc_socket *other; /* the new socket of a JOIN or ACCEPT, else NULL */
	/*
	 * By the hidden thread when it is decided, with both sockets locked,
	 * either of which may be closing; may change code and reason. NULL:
	 * there is nothing to do.
	 */
	void (*decide)(struct lc_exchange *exchange);

	/* Guarded by the socket's lock */
	bool decided;
	bool unanswered;	       /* too late, or the connection was lost; no reply */
	bool lost;		       /* ...the latter */
	struct lc_local_message reply; /* else */
	int code;
	enum leafcast_reason reason;
};

/*
 * `size` bytes, zeroed, that begin with an exchange; freed as one block. With
 * one reference for the caller; NULL: no memory. `other` may be NULL.
 */
void *lc_exchange_new(size_t size, struct lc_socket *socket, struct lc_socket *other,
		      void (*decide)(struct lc_exchange *exchange));
/* NULL is allowed. */
void lc_exchange_release(struct lc_exchange *exchange);

/* Socket locked. Whether the daemon that there is knows the socket. */
bool lc_daemon_knows(const struct lc_socket *socket);
/*
 * Socket locked, unlocked meanwhile. Waits until then for a daemon that knows
 * the socket. WSAENETDOWN; WSAEINTR: the socket is being closed. What it is may
 * have ended meanwhile.
 */
int lc_await_daemon(struct lc_socket *socket, uint64_t until_ns);

/*
 * Sends the request by the connection `link`; socket locked, unlocked
 * meanwhile. 0: it is under way or even decided already. Else a code, and it
 * will not be decided; WSAENETDOWN where that connection is no more.
 */
int lc_exchange_start(struct lc_exchange *exchange, uint64_t link, struct lc_local_message *message,
		      int descriptor, uint64_t wait_ns);
/* Socket locked, unlocked meanwhile. The outcome's code, or WSAEINTR: the socket is being closed. */
int lc_exchange_wait(struct lc_exchange *exchange);

/*
 * For what the daemon answers at once: all of the above. *lost: it is WSAENETDOWN
 * because that connection is no more. *reply may be NULL.
 */
int lc_ask_once(struct lc_socket *socket, uint64_t link, struct lc_local_message *message,
		int descriptor, struct lc_local_message *reply, bool *lost);
/*
 * The same for what may be said twice: by whichever connection there is, and
 * again if it is lost meanwhile, for patience_ns in all.
 */
int lc_ask(struct lc_socket *socket, struct lc_local_message *message,
	   struct lc_local_message *reply);

#endif
