/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPSocket. */
#include "base/clock.h"
#include "provider/connection.h"
#include "provider/enter.h"
#include "provider/errors.h"
#include "provider/exchange.h"
#include "provider/memory.h"
#include "provider/retire.h"
#include "provider/table.h"

/*
 * The daemon locks the socket's filter before anybody can bind it. If it goes
 * before its answer, the next one opens the socket when it is resumed.
 */
static int introduce(struct lc_socket *socket)
{
	struct lc_local_message message = {.kind = LC_LOCAL_OPEN, .role = socket->role};
	uint64_t link, until = lc_now_ns() + lc_waits.patience_ns;
	int error = lc_wsa_from_errno(lc_connection_open(&link));
	bool lost;

	if (error)
		return error;
	lc_table_list(socket);
	message.socket = socket->number;
	lc_socket_lock(socket);
	socket->link = link;
	error = lc_ask_once(socket, link, &message, socket->fd, NULL, &lost);
	if (lost)
		error = lc_await_daemon(socket, until);
	lc_socket_unlock(socket);
	return error;
}

/* WSPCleanup may have looked for sockets just before this one could be found. */
static int publish(struct lc_socket *socket)
{
	lc_publish(socket);
	if (lc_is_started())
		return 0;
	if (lc_table_unpublish(socket))
		lc_retire(socket);
	return WSANOTINITIALISED;
}

static int open_socket(const struct lc_catalogue_entry *entry, enum lc_local_role role,
		       SOCKET *result)
{
	struct lc_socket *socket;
	int error = lc_socket_new(entry, role, &socket);

	if (error)
		return error;
	*result = socket->handle;
	error = introduce(socket);
	if (error) {
		/* It may be opened yet, too late; retiring tells the daemon. */
		lc_retire(socket);
		return error;
	}
	error = publish(socket);
	lc_socket_release(socket);
	return error;
}

static int new_socket(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, DWORD flags,
		      SOCKET *result)
{
	const struct lc_catalogue_entry *entry;
	enum lc_local_role role;
	WSAPROTOCOL_INFOW copy;
	int error;

	if (!lc_is_started())
		return WSANOTINITIALISED;
	if (info && lc_memory_read(&copy, info, sizeof(copy)))
		return WSAEFAULT;
	error = lc_catalogue_choose(af, type, protocol, info ? &copy : NULL, flags, &entry, &role);
	return error ? error : open_socket(entry, role, result);
}

SOCKET lc_wsp_socket(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags,
		     LPINT lpErrno)
{
	SOCKET result = INVALID_SOCKET;
	int code = new_socket(af, type, protocol, info, flags, &result);

	return lc_finish_socket("WSPSocket", result, code, result, lpErrno);
}
