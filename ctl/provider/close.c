/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPCloseSocket and WSPShutdown: the ways an application ends a membership. */
#include "provider/enter.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/farewell.h"
#include "provider/membership.h"
#include "provider/retire.h"

static int close_socket(SOCKET handle)
{
	struct lc_socket *socket;
	int error;

	if (lc_callback_depth)
		return WSAEINPROGRESS;
	error = lc_take_out(handle, &socket);
	if (!error)
		lc_retire(socket);
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

/* Locked. True: the membership ends with it. */
static bool shut(struct lc_socket *socket, int how)
{
	bool ends = how == SD_BOTH || (how == SD_SEND && socket->role == LC_ROLE_ROOT);

	socket->shut_send |= how != SD_RECEIVE;
	socket->shut_receive |= how != SD_SEND;
	lc_socket_changed(socket);
	if (!ends || socket->membership == LC_ENDED)
		return false;
	lc_member_ended(socket, LEAFCAST_CLOSED, true);
	socket->left = true;
	lc_tell_close(socket, LEAFCAST_CLOSED);
	return true;
}

static int shut_down(SOCKET handle, int how)
{
	struct lc_socket *socket;
	bool ends = false;
	int error = lc_enter(handle, &socket);

	if (error)
		return error;
	error = check_shutdown(socket, how);
	if (!error)
		ends = shut(socket, how);
	/* N1 */
	if (ends && socket->role == LC_ROLE_ROOT) {
		lc_socket_unlock(socket);
		lc_member_end_handles(socket->number);
		lc_socket_lock(socket);
	}
	lc_socket_failed(socket, error);
	lc_leave(socket);
	return error;
}

int lc_wsp_shutdown(SOCKET s, int how, LPINT lpErrno)
{
	return lc_finish("WSPShutdown", s, shut_down(s, how), lpErrno);
}
