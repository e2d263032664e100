/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A connection's life: birth, news, end. */
#include "peer/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/endpoint.h"
#include "peer/queue.h"
#include "peer/tcp.h"
#include "protocol/codec.h"

enum state {
	CONNECTING,
	OPEN,
	ENDED,
};

struct lc_peer {
	int fd;
	enum state state;
	bool is_pair;
	bool announce;	/* LC_PEER_CONNECTED is still to be reported */
	int send_error; /* why nothing can be sent any more; reading goes on until the end */
	int end_error;	/* once ENDED */
	struct lc_endpoint own, other;
	struct lc_queue unsent;
	size_t received_length, frame_bytes;
	uint8_t received[LC_MESSAGE_MAX];
};

/* Takes `fd` over, also on failure. -ENOMEM. */
static int make(struct lc_peer **peer, int fd, enum state state)
{
	struct lc_peer *made = calloc(1, sizeof(*made));

	if (!made) {
		close(fd);
		return -ENOMEM;
	}
	made->fd = fd;
	made->state = state;
	*peer = made;
	return 0;
}

int lc_peer_adopt(struct lc_peer **peer, int fd)
{
	int error = make(peer, fd, OPEN);

	if (error)
		return error;
	if (lc_tcp_names(fd, &(*peer)->own, &(*peer)->other) < 0) {
		(*peer)->state = ENDED;
		(*peer)->end_error = -ECONNRESET;
	}
	return 0;
}

int lc_peer_connect(struct lc_peer **peer, const struct lc_endpoint *from,
		    const struct lc_endpoint *to)
{
	int error, fd = lc_tcp_connect(from, to);

	if (fd < 0)
		return fd;
	error = make(peer, fd, CONNECTING);
	if (!error)
		(*peer)->announce = true;
	return error;
}

int lc_peer_pair(struct lc_peer **first, struct lc_peer **second, const struct lc_endpoint *a,
		 const struct lc_endpoint *b)
{
	struct lc_peer *one, *two;
	int error, fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	error = make(&one, fds[0], OPEN);
	if (error) {
		close(fds[1]);
		return error;
	}
	error = make(&two, fds[1], OPEN);
	if (error) {
		lc_peer_free(one);
		return error;
	}
	one->is_pair = two->is_pair = true;
	one->announce = true;
	one->own = two->other = *a;
	two->own = one->other = *b;
	*first = one;
	*second = two;
	return 0;
}

void lc_peer_set_dead_after(struct lc_peer *peer, uint64_t ms)
{
	lc_tcp_set_dead_after(peer->fd, ms);
}

/* Gives the kernel what it takes now. */
static void flush(struct lc_peer *peer)
{
	int error = lc_queue_flush(&peer->unsent, peer->fd);

	if (error)
		peer->send_error = lc_tcp_error(-error);
}

/* Reads off, up to a limit, what nobody will look at: closing over it would send RST, which can overtake our last words. */
static void drain(int fd)
{
	uint8_t nothing[LC_MESSAGE_MAX];

	for (size_t i = 0; i < 2 * LC_TCP_BUFFER / sizeof(nothing); i++) {
		if (recv(fd, nothing, sizeof(nothing), MSG_DONTWAIT) <= 0)
			return;
	}
}

void lc_peer_free(struct lc_peer *peer)
{
	if (!peer)
		return;
	flush(peer);
	drain(peer->fd);
	close(peer->fd);
	lc_queue_clear(&peer->unsent);
	free(peer);
}

int lc_peer_fd(const struct lc_peer *peer)
{
	return peer->fd;
}

uint32_t lc_peer_events(const struct lc_peer *peer)
{
	switch (peer->state) {
	case CONNECTING:
		return EPOLLOUT;
	case OPEN:
		/* A pair has news before anything arrives: being writable brings the owner here. */
		if (peer->announce || !lc_queue_is_empty(&peer->unsent))
			return EPOLLIN | EPOLLOUT;
		return EPOLLIN;
	case ENDED:
		break;
	}
	return 0;
}

static enum lc_peer_news end(struct lc_peer *peer, int why, int *error)
{
	peer->state = ENDED;
	peer->end_error = why;
	*error = why;
	return LC_PEER_CLOSED;
}

static enum lc_peer_news finish_connecting(struct lc_peer *peer, int *error)
{
	int why = lc_tcp_connected(peer->fd);

	if (why == -EAGAIN)
		return LC_PEER_NOTHING;
	if (why)
		return end(peer, why, error);
	if (lc_tcp_names(peer->fd, &peer->own, &peer->other) < 0)
		return end(peer, -ECONNRESET, error);
	/* Without a listener TCP may choose the destination's port for us and meet itself. */
	if (lc_endpoint_equal(&peer->own, &peer->other))
		return end(peer, -ECONNREFUSED, error);
	peer->state = OPEN;
	return LC_PEER_NOTHING;
}

/* Decodes what has been received once it is a whole message. */
static enum lc_peer_news take_message(struct lc_peer *peer, struct lc_message *message)
{
	int length = lc_frame_length(peer->received, peer->received_length);

	if (length < 0)
		return LC_PEER_GARBAGE;
	if (length == 0)
		return LC_PEER_NOTHING;
	if (lc_message_decode(message, peer->received + LC_FRAME_HEADER, (size_t)length) < 0)
		return LC_PEER_GARBAGE;
	peer->frame_bytes = peer->received_length;
	peer->received_length = 0;
	return LC_PEER_MESSAGE;
}

/*
 * Reads at most to the end of the next message, so that what follows stays
 * where the owner's poll sees it. Returns > 0, 0 at the end, or a negative
 * errno, -EAGAIN among them.
 */
static ssize_t fill(struct lc_peer *peer)
{
	size_t wanted = LC_FRAME_HEADER;
	ssize_t received;

	if (peer->received_length >= LC_FRAME_HEADER) {
		uint32_t length;

		memcpy(&length, peer->received, sizeof(length));
		wanted += ntohl(length); /* take_message() has seen that it is not too long */
	}
	do
		received = recv(peer->fd, peer->received + peer->received_length,
				wanted - peer->received_length, MSG_DONTWAIT);
	while (received < 0 && errno == EINTR);
	if (received < 0)
		return -errno;
	peer->received_length += (size_t)received;
	return received;
}

static enum lc_peer_news next_message(struct lc_peer *peer, struct lc_message *message, int *error)
{
	for (;;) {
		enum lc_peer_news news = take_message(peer, message);
		ssize_t received;

		if (news == LC_PEER_GARBAGE)
			end(peer, -EBADMSG, error);
		if (news != LC_PEER_NOTHING)
			return news;
		received = fill(peer);
		if (received == -EAGAIN)
			return LC_PEER_NOTHING;
		if (received < 0)
			return end(peer, lc_tcp_error((int)-received), error);
		if (received == 0) /* in the middle of a message is not in order */
			return end(peer, peer->received_length ? -ECONNRESET : peer->send_error,
				   error);
	}
}

enum lc_peer_news lc_peer_process(struct lc_peer *peer, struct lc_message *message, int *error)
{
	*error = 0;
	if (peer->state == CONNECTING) {
		enum lc_peer_news news = finish_connecting(peer, error);

		if (peer->state != OPEN)
			return news;
	}
	if (peer->state == ENDED) {
		*error = peer->end_error;
		return LC_PEER_CLOSED;
	}
	flush(peer);
	if (peer->announce) {
		peer->announce = false;
		return LC_PEER_CONNECTED;
	}
	return next_message(peer, message, error);
}

size_t lc_peer_frame_bytes(const struct lc_peer *peer)
{
	return peer->frame_bytes;
}

int lc_peer_send(struct lc_peer *peer, const struct lc_message *message)
{
	uint8_t frame[LC_MESSAGE_MAX];

	return lc_peer_send_frame(peer, frame, lc_message_encode(message, frame));
}

int lc_peer_send_frame(struct lc_peer *peer, const uint8_t *frame, size_t length)
{
	int error;

	if (peer->state == ENDED || peer->send_error)
		return -EPIPE;
	error = lc_queue_add(&peer->unsent, frame, length);
	if (error)
		return error;
	if (peer->state == OPEN)
		flush(peer);
	return peer->send_error ? -EPIPE : 0;
}

bool lc_peer_is_flushed(const struct lc_peer *peer)
{
	return lc_queue_is_empty(&peer->unsent);
}

const struct lc_endpoint *lc_peer_own(const struct lc_peer *peer)
{
	return &peer->own;
}

const struct lc_endpoint *lc_peer_other(const struct lc_peer *peer)
{
	return &peer->other;
}

bool lc_peer_is_pair(const struct lc_peer *peer)
{
	return peer->is_pair;
}
