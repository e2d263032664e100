/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Connections between nodes: framed messages over TCP, and over a socket pair
 * where both members are on this node. Non-blocking, no event loop of its own:
 * the owner polls lc_peer_fd() for lc_peer_events() and calls
 * lc_peer_process(). TLS slides in below this interface: lc_peer_process()
 * will then shake hands before it reports LC_PEER_CONNECTED.
 *
 * A connection holds at most LC_MESSAGE_MAX unread bytes and a bounded queue
 * of unsent ones; a peer that does not read loses the connection.
 *
 * Order: queue, tcp < peer < listener
 */
#ifndef CTL_PEER_PEER_H
#define CTL_PEER_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/message.h"

struct lc_peer;
struct lc_peer_listener;

/*
 * Listens on `name` (port as given; an any-address of IPv6 takes IPv4 too), for
 * connections that come in by `device`, or by any if it is NULL. -EADDRINUSE,
 * -ENODEV, ...
 */
int lc_peer_listen(struct lc_peer_listener **listener, const struct lc_endpoint *name,
		   const char *device);
void lc_peer_listener_free(struct lc_peer_listener *listener);
int lc_peer_listener_fd(const struct lc_peer_listener *listener);
/* The next connection; -EAGAIN: none. -EMFILE and the like: the caller shall pause accepting. */
int lc_peer_accept(struct lc_peer_listener *listener, struct lc_peer **peer);

/*
 * Takes over an accepted TCP socket, also on failure. One that is reset already
 * is no failure: lc_peer_process() tells it, as ever. -ENOMEM.
 */
int lc_peer_adopt(struct lc_peer **peer, int fd);
/* Starts to connect from `from` (address only; wildcard: any) to `to`. An error at once or later through lc_peer_process(). */
int lc_peer_connect(struct lc_peer **peer, const struct lc_endpoint *from,
		    const struct lc_endpoint *to);
/* Both ends of a connection within this node, connected. `a` and `b` are the addresses they report as their own. */
int lc_peer_pair(struct lc_peer **first, struct lc_peer **second, const struct lc_endpoint *a,
		 const struct lc_endpoint *b);

/* A host that TCP hears nothing of for so long, in milliseconds, is dead: -ETIMEDOUT. Not for pairs. */
void lc_peer_set_dead_after(struct lc_peer *peer, uint64_t ms);

/* Closes at once; what the kernel does not take now is lost, see lc_peer_is_flushed(). Accepts NULL. */
void lc_peer_free(struct lc_peer *peer);

int lc_peer_fd(const struct lc_peer *peer);
/* EPOLLIN, EPOLLOUT as needed now. */
uint32_t lc_peer_events(const struct lc_peer *peer);

enum lc_peer_news {
	LC_PEER_NOTHING,   /* call again when the descriptor is ready */
	LC_PEER_CONNECTED, /* once, for connections this side opened (also the first of a pair) */
	LC_PEER_MESSAGE,   /* *message is valid; call again, more may follow */
	LC_PEER_GARBAGE,   /* bytes that are no message: the connection is of no use any more */
	LC_PEER_CLOSED, /* ended; *error: 0 in order, else why: -ECONNREFUSED, -ENETUNREACH, -EHOSTUNREACH, -ETIMEDOUT, -ECONNRESET */
};

/* Sends what is queued and returns one piece of news. */
enum lc_peer_news lc_peer_process(struct lc_peer *peer, struct lc_message *message, int *error);

/* Of the message that lc_peer_process() returned last, header included. */
size_t lc_peer_frame_bytes(const struct lc_peer *peer);

/* Queues a whole frame and tries to send. -ENOBUFS: the peer does not read; -EPIPE: ended. */
int lc_peer_send_frame(struct lc_peer *peer, const uint8_t *frame, size_t length);
int lc_peer_send(struct lc_peer *peer, const struct lc_message *message);
/* Whether everything queued has been given to the kernel. */
bool lc_peer_is_flushed(const struct lc_peer *peer);

/* Addresses of both ends, port of the control connection; known once connected. */
const struct lc_endpoint *lc_peer_own(const struct lc_peer *peer);
const struct lc_endpoint *lc_peer_other(const struct lc_peer *peer);
/* Whether the other end is this very daemon (lc_peer_pair()). */
bool lc_peer_is_pair(const struct lc_peer *peer);

#endif
