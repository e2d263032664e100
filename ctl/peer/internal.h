/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of this module share: sockets and the connection record. */
#ifndef CTL_PEER_INTERNAL_H
#define CTL_PEER_INTERNAL_H

#include "peer/peer.h"
#include "protocol/codec.h"

/* Unsent bytes a connection may hold, and each of the kernel's buffers for it. */
#define LC_PEER_QUEUE_MAX (64 * 1024)

enum lc_peer_state {
	LC_PEER_IS_CONNECTING,
	LC_PEER_IS_OPEN,
	LC_PEER_IS_ENDED,
};

struct lc_peer {
	int fd;
	enum lc_peer_state state;
	bool is_pair;
	bool announce;	/* LC_PEER_CONNECTED is still to be reported */
	int send_error; /* why nothing can be sent any more; reading goes on until the end */
	int end_error;	/* once ENDED */
	struct lc_endpoint own, other;
	uint8_t *unsent; /* allocated while there is something in it */
	size_t unsent_start, unsent_end, unsent_capacity;
	size_t received_length;
	uint8_t received[LC_MESSAGE_MAX];
};

/* A TCP socket as all of ours are: nonblocking, bounded, prompt, noticing a dead peer. */
int lc_peer_socket(int af);
/* An accepted socket takes nearly all of that over from its listener; this is the rest. */
int lc_peer_tune(int fd);
/* Takes `fd` over, also on failure. -ENOMEM. */
int lc_peer_new(struct lc_peer **peer, int fd, enum lc_peer_state state);
/* Fills in both addresses. */
int lc_peer_learn_addresses(struct lc_peer *peer);
/* One of the errors that LC_PEER_CLOSED may carry. `error` > 0. */
int lc_peer_error(int error);

#endif
