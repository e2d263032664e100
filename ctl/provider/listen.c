/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPListen. */
#include "base/clock.h"
#include "provider/backlog.h"
#include "provider/enter.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/exchange.h"

/* More requests than this wait for no application. */
#define BACKLOG_MAX 4096

static int check(const struct lc_socket *socket)
{
	struct lc_endpoint name;

	if (socket->root || socket->membership == LC_MEMBER)
		return WSAEISCONN;
	if (socket->membership != LC_NOT_MEMBER)
		return WSAEINVAL; /* joining, or dead */
	if (socket->name_port)
		return WSAEADDRINUSE; /* peers would ask at the port of the name */
	return lc_socket_kernel_name(socket, &name);
}

/* Those beyond a backlog that has become smaller are reset. */
static void reset_surplus(struct lc_socket *socket, unsigned int backlog)
{
	struct lc_local_message message = {
		.kind = LC_LOCAL_REJECT, .socket = socket->number, .reason = LEAFCAST_BACKLOG_FULL};

	while ((message.request = lc_backlog_trim(socket, backlog)))
		lc_connection_tell(socket->link, &message);
	lc_socket_changed(socket);
}

static void listens(struct lc_socket *socket, const struct lc_local_message *reply)
{
	if (socket->role != LC_ROLE_ROOT)
		return;
	socket->addressed = reply->name;
	if (socket->channel.family == LC_FAMILY_NONE) {
		socket->channel = reply->channel;
		lc_event_connected(socket);
	}
}

static int do_listen(struct lc_socket *socket, int wanted)
{
	struct lc_local_message message = {.kind = LC_LOCAL_LISTEN,
					   .socket = socket->number,
					   .backlog = wanted < 1	     ? 1
						      : wanted > BACKLOG_MAX ? BACKLOG_MAX
									     : (uint32_t)wanted};
	struct lc_local_message reply;
	bool listened = socket->listening;
	uint32_t before = socket->backlog;
	int error = check(socket);

	if (!error)
		error = lc_await_daemon(socket, lc_now_ns() + lc_waits.patience_ns);
	if (!error)
		error = check(socket);
	if (error)
		return error;
	/* Requests may come before the answer is looked at. */
	socket->listening = true;
	socket->backlog = message.backlog;
	error = lc_ask(socket, &message, &reply);
	if (error) {
		socket->listening = listened;
		socket->backlog = before;
		return error;
	}
	listens(socket, &reply);
	reset_surplus(socket, message.backlog);
	return 0;
}

int lc_wsp_listen(SOCKET s, int backlog, LPINT lpErrno)
{
	struct lc_socket *socket;
	int error = lc_enter(s, &socket);

	if (!error) {
		error = do_listen(socket, backlog);
		lc_socket_failed(socket, error);
		lc_leave(socket);
	}
	return lc_finish("WSPListen", s, error, lpErrno);
}
