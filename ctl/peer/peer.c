/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A connection's life: birth, news, end. */
#include "peer/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/endpoint.h"
#include "peer/queue.h"

int lc_peer_new(struct lc_peer **peer, int fd, enum lc_peer_state state)
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

/* What a dual-stack socket calls ::ffff:192.0.2.1 is 192.0.2.1 to everybody else. */
static void unmap(struct lc_endpoint *endpoint)
{
	const struct in6_addr *address = (const struct in6_addr *)endpoint->addr;

	if (endpoint->family != LC_INET6 || !IN6_IS_ADDR_V4MAPPED(address))
		return;
	*endpoint = (struct lc_endpoint){
		.addr = {endpoint->addr[3]},
		.port = endpoint->port,
		.family = LC_INET,
	};
}

int lc_peer_learn_addresses(struct lc_peer *peer)
{
	struct sockaddr_storage own, other;
	socklen_t own_length = sizeof(own), other_length = sizeof(other);
	int error;

	if (getsockname(peer->fd, (struct sockaddr *)&own, &own_length) < 0 ||
	    getpeername(peer->fd, (struct sockaddr *)&other, &other_length) < 0)
		return -errno;
	error = lc_endpoint_from_sockaddr(&peer->own, (struct sockaddr *)&own, own_length);
	if (!error)
		error = lc_endpoint_from_sockaddr(&peer->other, (struct sockaddr *)&other,
						  other_length);
	if (error)
		return error;
	unmap(&peer->own);
	unmap(&peer->other);
	return 0;
}

int lc_peer_pair(struct lc_peer **first, struct lc_peer **second, const struct lc_endpoint *a,
		 const struct lc_endpoint *b)
{
	struct lc_peer *one, *two;
	int error, fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	error = lc_peer_new(&one, fds[0], LC_PEER_IS_OPEN);
	if (error) {
		close(fds[1]);
		return error;
	}
	error = lc_peer_new(&two, fds[1], LC_PEER_IS_OPEN);
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

/* Reads off, up to a limit, what nobody will look at: closing over it would send RST, which can overtake our last words. */
static void drain(int fd)
{
	uint8_t nothing[LC_MESSAGE_MAX];

	for (size_t i = 0; i < 2 * LC_PEER_QUEUE_MAX / sizeof(nothing); i++) {
		if (recv(fd, nothing, sizeof(nothing), MSG_DONTWAIT) <= 0)
			return;
	}
}

void lc_peer_free(struct lc_peer *peer)
{
	if (!peer)
		return;
	lc_queue_flush(peer);
	drain(peer->fd);
	close(peer->fd);
	free(peer->unsent);
	free(peer);
}

int lc_peer_fd(const struct lc_peer *peer)
{
	return peer->fd;
}

uint32_t lc_peer_events(const struct lc_peer *peer)
{
	switch (peer->state) {
	case LC_PEER_IS_CONNECTING:
		return EPOLLOUT;
	case LC_PEER_IS_OPEN:
		/* A pair has news before anything arrives: being writable brings the owner here. */
		if (peer->announce || !lc_queue_is_empty(peer))
			return EPOLLIN | EPOLLOUT;
		return EPOLLIN;
	case LC_PEER_IS_ENDED:
		break;
	}
	return 0;
}

static enum lc_peer_news end(struct lc_peer *peer, int why, int *error)
{
	peer->state = LC_PEER_IS_ENDED;
	peer->end_error = why;
	*error = why;
	return LC_PEER_CLOSED;
}

static enum lc_peer_news finish_connecting(struct lc_peer *peer, int *error)
{
	struct pollfd ready = {.fd = peer->fd, .events = POLLOUT};
	socklen_t length = sizeof(int);
	int why = 0;

	if (poll(&ready, 1, 0) <= 0)
		return LC_PEER_NOTHING;
	if (getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &why, &length) < 0)
		why = errno;
	if (why)
		return end(peer, lc_peer_error(why), error);
	if (lc_peer_learn_addresses(peer) < 0)
		return end(peer, -ECONNRESET, error);
	/* Without a listener TCP may choose the destination's port for us and meet itself. */
	if (lc_endpoint_equal(&peer->own, &peer->other))
		return end(peer, -ECONNREFUSED, error);
	peer->state = LC_PEER_IS_OPEN;
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
			return end(peer, lc_peer_error((int)-received), error);
		if (received == 0) /* in the middle of a message is not in order */
			return end(peer, peer->received_length ? -ECONNRESET : peer->send_error,
				   error);
	}
}

enum lc_peer_news lc_peer_process(struct lc_peer *peer, struct lc_message *message, int *error)
{
	*error = 0;
	if (peer->state == LC_PEER_IS_CONNECTING) {
		enum lc_peer_news news = finish_connecting(peer, error);

		if (peer->state != LC_PEER_IS_OPEN)
			return news;
	}
	if (peer->state == LC_PEER_IS_ENDED) {
		*error = peer->end_error;
		return LC_PEER_CLOSED;
	}
	lc_queue_flush(peer);
	if (peer->announce) {
		peer->announce = false;
		return LC_PEER_CONNECTED;
	}
	return next_message(peer, message, error);
}

int lc_peer_send(struct lc_peer *peer, const struct lc_message *message)
{
	uint8_t bytes[LC_MESSAGE_MAX];
	int error;

	if (peer->state == LC_PEER_IS_ENDED || peer->send_error)
		return -EPIPE;
	error = lc_queue_add(peer, bytes, lc_message_encode(message, bytes));
	if (error)
		return error;
	if (peer->state == LC_PEER_IS_OPEN)
		lc_queue_flush(peer);
	return peer->send_error ? -EPIPE : 0;
}

bool lc_peer_is_flushed(const struct lc_peer *peer)
{
	return lc_queue_is_empty(peer);
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
