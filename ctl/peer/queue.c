/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "peer/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool lc_queue_is_empty(const struct lc_peer *peer)
{
	return peer->unsent_start == peer->unsent_end;
}

static void empty(struct lc_peer *peer)
{
	free(peer->unsent);
	peer->unsent = NULL;
	peer->unsent_start = peer->unsent_end = peer->unsent_capacity = 0;
}

/* Makes room for `length` more bytes behind unsent_end, which the limit allows. */
static int reserve(struct lc_peer *peer, size_t length)
{
	size_t used = peer->unsent_end - peer->unsent_start, capacity = peer->unsent_capacity;
	uint8_t *bytes;

	if (peer->unsent_end + length <= capacity)
		return 0;
	if (peer->unsent_start) {
		memmove(peer->unsent, peer->unsent + peer->unsent_start, used);
		peer->unsent_start = 0;
		peer->unsent_end = used;
	}
	if (used + length <= capacity)
		return 0;
	if (!capacity)
		capacity = LC_MESSAGE_MAX;
	while (capacity < used + length)
		capacity *= 2;
	bytes = realloc(peer->unsent, capacity);
	if (!bytes)
		return -ENOMEM;
	peer->unsent = bytes;
	peer->unsent_capacity = capacity;
	return 0;
}

int lc_queue_add(struct lc_peer *peer, const uint8_t *bytes, size_t length)
{
	int error;

	if (peer->unsent_end - peer->unsent_start + length > LC_PEER_QUEUE_MAX)
		return -ENOBUFS;
	error = reserve(peer, length);
	if (error)
		return error;
	memcpy(peer->unsent + peer->unsent_end, bytes, length);
	peer->unsent_end += length;
	return 0;
}

void lc_queue_flush(struct lc_peer *peer)
{
	while (!lc_queue_is_empty(peer)) {
		ssize_t sent = send(peer->fd, peer->unsent + peer->unsent_start,
				    peer->unsent_end - peer->unsent_start,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return;
		if (sent < 0) {
			peer->send_error = lc_peer_error(errno);
			break;
		}
		peer->unsent_start += (size_t)sent;
	}
	empty(peer);
}
