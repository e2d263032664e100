/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPSocket, WSPBind, WSPListen and the names. */
#include <errno.h>

#include "core/endpoint.h"
#include "provider/address.h"
#include "provider/daemon.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/memory.h"

/* More requests than this wait for no application. */
#define BACKLOG_MAX 4096

/* Locked. The daemon locks the socket's filter before anybody can bind it. */
static int open_socket(struct lc_socket *socket)
{
	struct lc_local_message message = {.kind = LC_LOCAL_OPEN, .role = socket->role};
	int error = lc_daemon_connect();

	if (error)
		return error;
	socket->link = lc_daemon_link();
	lc_socket_list(socket);
	message.socket = socket->number;
	error = lc_daemon_ask(socket, &message, socket->fd, NULL);
	if (!error) {
		lc_socket_publish(socket);
		return 0;
	}
	lc_socket_unlist(socket);
	/* It may have been opened, too late. */
	lc_daemon_tell_close(socket, LEAFCAST_CLOSED);
	return error;
}

static int new_socket(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, DWORD flags,
		      SOCKET *result)
{
	const struct lc_catalogue_entry *entry;
	struct lc_socket *socket;
	enum lc_local_role role;
	WSAPROTOCOL_INFOW copy;
	int error;

	if (!lc_is_started())
		return WSANOTINITIALISED;
	if (info && lc_memory_read(&copy, info, sizeof(copy)))
		return WSAEFAULT;
	error = lc_catalogue_choose(af, type, protocol, info ? &copy : NULL, flags, &entry, &role);
	if (!error)
		error = lc_socket_new(entry, role, &socket);
	if (error)
		return error;
	*result = socket->handle;
	lc_lock();
	error = open_socket(socket);
	lc_unlock();
	if (error)
		lc_socket_free(socket);
	return error;
}

SOCKET lc_wsp_socket(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags,
		     LPINT lpErrno)
{
	SOCKET result = INVALID_SOCKET;
	int code = new_socket(af, type, protocol, info, flags, &result);

	return lc_finish_socket("WSPSocket", result, code, result, lpErrno);
}

static int do_bind(SOCKET handle, const struct sockaddr *name, int namelen)
{
	struct sockaddr_storage address;
	struct lc_endpoint endpoint;
	struct lc_socket *socket;
	int error = lc_enter(handle, &socket);

	if (error)
		return error;
	/* R29; the kernel refuses a second bind itself */
	if (socket->membership != LC_NOT_MEMBER || socket->join || socket->listening)
		error = WSAEINVAL;
	if (!error)
		error = lc_address_read(&endpoint, name, namelen, socket->entry->family);
	if (!error)
		error = lc_address_check_own(&endpoint);
	if (!error) {
		socklen_t length = lc_endpoint_to_sockaddr(&endpoint, &address);

		if (bind(socket->fd, (struct sockaddr *)&address, length))
			error = lc_wsa_from_errno(-errno);
	}
	lc_socket_failed(socket, error);
	lc_leave(socket);
	return error;
}

int lc_wsp_bind(SOCKET s, const struct sockaddr *name, int namelen, LPINT lpErrno)
{
	return lc_finish("WSPBind", s, do_bind(s, name, namelen), lpErrno);
}

/* The kernel's idea of the name; WSAEINVAL: unbound. */
static int kernel_name(const struct lc_socket *socket, struct lc_endpoint *name)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(socket->fd, (struct sockaddr *)&address, &length))
		return lc_wsa_from_errno(-errno);
	if (lc_endpoint_from_sockaddr(name, (struct sockaddr *)&address, length) ||
	    !lc_endpoint_port(name))
		return WSAEINVAL;
	return 0;
}

static int do_listen(SOCKET handle, int backlog)
{
	struct lc_local_message message = {.kind = LC_LOCAL_LISTEN}, reply;
	struct lc_endpoint name;
	struct lc_socket *socket;
	int error = lc_enter(handle, &socket);
	bool listened;

	if (error)
		return error;
	listened = socket->listening;
	if (socket->root || socket->membership == LC_MEMBER)
		error = WSAEISCONN;
	else if (socket->membership != LC_NOT_MEMBER)
		error = WSAEINVAL; /* joining, or dead */
	else
		error = kernel_name(socket, &name);
	if (!error) {
		message.socket = socket->number;
		message.backlog = backlog < 1		  ? 1
				  : backlog > BACKLOG_MAX ? BACKLOG_MAX
							  : (uint32_t)backlog;
		/* Requests may come before the answer is looked at. */
		socket->listening = true;
		error = lc_daemon_ask(socket, &message, -1, &reply);
		if (error)
			socket->listening = listened;
	}
	if (!error && socket->role == LC_ROLE_ROOT && socket->channel.family == LC_FAMILY_NONE) {
		socket->channel = reply.channel;
		lc_event_connected(socket);
	}
	lc_socket_failed(socket, error);
	lc_leave(socket);
	return error;
}

int lc_wsp_listen(SOCKET s, int backlog, LPINT lpErrno)
{
	return lc_finish("WSPListen", s, do_listen(s, backlog), lpErrno);
}

static int get_sock_name(SOCKET handle, struct sockaddr *name, LPINT namelen)
{
	struct lc_endpoint endpoint;
	struct lc_socket *socket;
	int error = lc_enter(handle, &socket);

	if (error)
		return error;
	endpoint = socket->name;
	if (endpoint.family == LC_FAMILY_NONE)
		error = kernel_name(socket, &endpoint);
	if (!error)
		error = lc_address_write(&endpoint, name, namelen);
	lc_leave(socket);
	return error;
}

int lc_wsp_get_sock_name(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno)
{
	return lc_finish("WSPGetSockName", s, get_sock_name(s, name, namelen), lpErrno);
}

static int get_peer_name(SOCKET handle, struct sockaddr *name, LPINT namelen)
{
	struct lc_socket *socket;
	int error = lc_enter(handle, &socket);

	if (error)
		return error;
	if (socket->peer.family == LC_FAMILY_NONE)
		error = WSAENOTCONN;
	else
		error = lc_address_write(&socket->peer, name, namelen);
	lc_leave(socket);
	return error;
}

int lc_wsp_get_peer_name(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno)
{
	return lc_finish("WSPGetPeerName", s, get_peer_name(s, name, namelen), lpErrno);
}
