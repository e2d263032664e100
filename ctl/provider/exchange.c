/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "provider/errors.h"
#include "provider/exchange.h"

void *lc_exchange_new(size_t size, struct lc_socket *socket, struct lc_socket *other,
		      void (*decide)(struct lc_exchange *exchange))
{
	struct lc_exchange *exchange = calloc(1, size);

	if (!exchange)
		return NULL;
	atomic_init(&exchange->references, 1);
	lc_socket_reference(socket);
	if (other)
		lc_socket_reference(other);
	exchange->socket = socket;
	exchange->other = other;
	exchange->decide = decide;
	return exchange;
}

void lc_exchange_release(struct lc_exchange *exchange)
{
	if (!exchange ||
	    atomic_fetch_sub_explicit(&exchange->references, 1, memory_order_acq_rel) > 1)
		return;
	lc_socket_release(exchange->socket);
	lc_socket_release(exchange->other);
	free(exchange);
}

static void take_reply(struct lc_exchange *exchange, const struct lc_local_message *reply)
{
	exchange->unanswered = !reply;
	exchange->lost = exchange->asked.lost;
	if (!reply) {
		exchange->code = WSAENETDOWN;
		exchange->reason = LEAFCAST_NETWORK_DOWN;
		return;
	}
	exchange->reply = *reply;
	exchange->code = lc_wsa_from_reply(reply);
	exchange->reason = lc_reason_from_reply(reply);
}

/* The connection's reference ends here. */
static void answered(struct lc_asked *asked, const struct lc_local_message *reply)
{
	struct lc_exchange *exchange = (struct lc_exchange *)asked;
	struct lc_socket *socket = exchange->socket, *other = exchange->other;

	lc_socket_lock(socket);
	if (other)
		lc_socket_lock(other);
	take_reply(exchange, reply);
	if (exchange->decide)
		exchange->decide(exchange);
	exchange->decided = true;
	lc_socket_changed(socket);
	if (other)
		lc_socket_unlock(other);
	lc_socket_unlock(socket);
	lc_exchange_release(exchange);
}

bool lc_daemon_knows(const struct lc_socket *socket)
{
	return socket->link && !socket->awaited && socket->link == lc_connection_link();
}

int lc_await_daemon(struct lc_socket *socket, uint64_t until_ns)
{
	int error = 0;

	if (lc_daemon_knows(socket))
		return 0;
	lc_connection_hurry(true);
	while (!error && !lc_daemon_knows(socket)) {
		if (socket->closing)
			error = WSAEINTR;
		else if (!socket->link || !lc_socket_wait_until(socket, until_ns))
			error = WSAENETDOWN;
	}
	lc_connection_hurry(false);
	return error;
}

int lc_exchange_start(struct lc_exchange *exchange, uint64_t link, struct lc_local_message *message,
		      int descriptor, uint64_t wait_ns)
{
	struct lc_socket *socket = exchange->socket;
	int error;

	exchange->asked.answered = answered;
	atomic_fetch_add_explicit(&exchange->references, 1, memory_order_relaxed);
	lc_socket_unlock(socket);
	error = lc_connection_ask(&exchange->asked, link, message, descriptor, wait_ns);
	lc_socket_lock(socket);
	if (!error)
		return 0;
	exchange->lost = error == -EPIPE;
	lc_exchange_release(exchange);
	return exchange->lost ? WSAENETDOWN : lc_wsa_from_errno(error);
}

int lc_exchange_wait(struct lc_exchange *exchange)
{
	struct lc_socket *socket = exchange->socket;

	while (!exchange->decided && !socket->closing)
		lc_socket_wait(socket);
	return socket->closing ? WSAEINTR : exchange->code;
}

int lc_ask_once(struct lc_socket *socket, uint64_t link, struct lc_local_message *message,
		int descriptor, struct lc_local_message *reply, bool *lost)
{
	struct lc_exchange *exchange = lc_exchange_new(sizeof(*exchange), socket, NULL, NULL);
	int error;

	*lost = false;
	if (!exchange)
		return WSAENOBUFS;
	error = lc_exchange_start(exchange, link, message, descriptor, lc_waits.patience_ns);
	if (!error)
		error = lc_exchange_wait(exchange);
	*lost = error == WSAENETDOWN && exchange->lost;
	if (!error && reply)
		*reply = exchange->reply;
	lc_exchange_release(exchange);
	return error;
}

int lc_ask(struct lc_socket *socket, struct lc_local_message *message,
	   struct lc_local_message *reply)
{
	uint64_t until = lc_now_ns() + lc_waits.patience_ns;
	bool lost;
	int error;

	do {
		error = lc_await_daemon(socket, until);
		if (error)
			return error;
		error = lc_ask_once(socket, socket->link, message, -1, reply, &lost);
	} while (lost);
	return error;
}
