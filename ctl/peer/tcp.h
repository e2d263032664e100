/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * TCP sockets between nodes, as descriptors: nonblocking, bounded, prompt,
 * noticing a dead host. Functions return 0, or a descriptor that the caller
 * owns, or a negative errno.
 */
#ifndef CTL_PEER_TCP_H
#define CTL_PEER_TCP_H

#include <stdint.h>

#include "abi/endpoint.h"

/* Of the kernel's buffers, each: what a peer can make this node hold. */
#define LC_TCP_BUFFER (64 * 1024)

/* As lc_peer_listen(). */
int lc_tcp_listen(const struct lc_endpoint *name, const char *device);
/* The next connection. -EAGAIN: none; -EMFILE and the like. */
int lc_tcp_accept(int listener);
/* Starts to connect; an error at once is one of lc_tcp_error()'s, or -EADDRNOTAVAIL of `from`. */
int lc_tcp_connect(const struct lc_endpoint *from, const struct lc_endpoint *to);
/* The addresses of both ends of a connection; either is only written where both are. */
int lc_tcp_names(int fd, struct lc_endpoint *own, struct lc_endpoint *other);
/* Of a connection that was started: whether it is there, -EAGAIN while that is open, or why not. */
int lc_tcp_connected(int fd);

/* How long, in milliseconds, TCP goes on when nothing is heard; keepalives see to it that something would be. */
void lc_tcp_set_dead_after(int fd, uint64_t ms);

/* What TCP says about a connection (`error` > 0) as one of the errors that LC_PEER_CLOSED may carry. */
int lc_tcp_error(int error);

#endif
