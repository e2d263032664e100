/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPCloseSocket and WSPShutdown: the ways an application ends a membership. */
#include <stdlib.h>

#include "provider/daemon.h"
#include "provider/errors.h"
#include "provider/join.h"

static void end_leaf_handle(struct lc_socket *leaf)
{
	lc_socket_ended(leaf, LEAFCAST_CLOSED, false);
}

/* Tells the daemon and, of a root, the handles of its leaves (N1). */
static void leave(struct lc_socket *socket, enum leafcast_reason reason)
{
	uint64_t number = socket->number;

	/* Also after the end: until then it holds its duplicate of the descriptor. */
	lc_daemon_tell_close(socket, reason);
	if (socket->role == LC_ROLE_ROOT)
		lc_socket_each_of_root(number, end_leaf_handle);
}

void lc_socket_close(struct lc_socket *socket)
{
	struct lc_socket *root = socket->root ? lc_socket_by_number(socket->root) : NULL;
	bool hard = socket->linger.l_onoff && !socket->linger.l_linger;

	lc_socket_unlist(socket);
	lc_daemon_unwatch(socket);
	socket->closing = true;
	lc_socket_wake(socket);
	if (root && socket->unusable)
		lc_join_cancel(root, socket->number);
	while (socket->calls)
		lc_wait(&socket->changed, 0);
	lc_join_abandon(socket);
	leave(socket, hard ? LEAFCAST_RESET : LEAFCAST_CLOSED);
	lc_socket_free(socket);
}

static int close_socket(SOCKET handle)
{
	struct lc_socket *socket;
	int error = 0;

	if (lc_callback_depth)
		return WSAEINPROGRESS;
	lc_lock();
	socket = lc_socket_by_handle(handle);
	if (!lc_startups)
		error = WSANOTINITIALISED;
	else if (!socket)
		error = WSAENOTSOCK;
	else
		lc_socket_close(socket);
	lc_unlock();
	return error;
}

int lc_wsp_close_socket(SOCKET s, LPINT lpErrno)
{
	return lc_finish("WSPCloseSocket", s, close_socket(s), lpErrno);
}

static int check_shutdown(const struct lc_socket *socket, int how)
{
	if (how != SD_RECEIVE && how != SD_SEND && how != SD_BOTH)
		return WSAEINVAL;
	if (!lc_socket_is_connected(socket) && socket->membership != LC_MEMBER)
		return WSAENOTCONN;
	if ((how == SD_SEND && !socket->sends) || (how == SD_RECEIVE && !socket->receives))
		return WSAEINVAL;
	return 0;
}

static int shut_down(SOCKET handle, int how)
{
	struct lc_socket *socket;
	int error = lc_enter(handle, &socket);
	bool ends;

	if (error)
		return error;
	error = check_shutdown(socket, how);
	if (!error) {
		ends = how == SD_BOTH || (how == SD_SEND && socket->role == LC_ROLE_ROOT);
		socket->shut_send |= how != SD_RECEIVE;
		socket->shut_receive |= how != SD_SEND;
		lc_socket_wake(socket);
		if (ends && socket->membership != LC_ENDED) {
			lc_socket_ended(socket, LEAFCAST_CLOSED, true);
			leave(socket, LEAFCAST_CLOSED);
		}
	}
	lc_socket_failed(socket, error);
	lc_leave(socket);
	return error;
}

int lc_wsp_shutdown(SOCKET s, int how, LPINT lpErrno)
{
	return lc_finish("WSPShutdown", s, shut_down(s, how), lpErrno);
}
