/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPBind and the names. */
#include <errno.h>

#include "core/endpoint.h"
#include "provider/address.h"
#include "provider/enter.h"
#include "provider/errors.h"

static int kernel_bind(const struct lc_socket *socket, const struct lc_endpoint *endpoint)
{
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(endpoint, &address);

	return bind(socket->fd, (struct sockaddr *)&address, length) ? -errno : 0;
}

/*
 * A name in use, with SO_REUSEADDR: the socket has the name and a port of its
 * own on the wire. Two sockets on one port do not both receive.
 */
static int bind_beside(struct lc_socket *socket, const struct lc_endpoint *endpoint)
{
	struct lc_endpoint own = *endpoint;
	int error;

	own.port = 0;
	error = kernel_bind(socket, &own);
	if (!error)
		socket->name_port = endpoint->port;
	return error;
}

static int do_bind(struct lc_socket *socket, const struct sockaddr *name, int namelen)
{
	struct lc_endpoint endpoint;
	int error;

	/* R29; the kernel refuses a second bind itself */
	if (socket->membership != LC_NOT_MEMBER || socket->join || socket->listening)
		return WSAEINVAL;
	error = lc_address_read(&endpoint, name, namelen, socket->entry->family);
	error = error ? error : lc_address_check_own(&endpoint);
	if (error)
		return error;
	error = kernel_bind(socket, &endpoint);
	if (error == -EADDRINUSE && socket->options.reuse_address)
		error = bind_beside(socket, &endpoint);
	return lc_wsa_from_errno(error);
}

int lc_wsp_bind(SOCKET s, const struct sockaddr *name, int namelen, LPINT lpErrno)
{
	struct lc_socket *socket;
	int error = lc_enter(s, &socket);

	if (!error) {
		error = do_bind(socket, name, namelen);
		lc_socket_failed(socket, error);
		lc_leave(socket);
	}
	return lc_finish("WSPBind", s, error, lpErrno);
}

static int get_sock_name(const struct lc_socket *socket, struct sockaddr *name, LPINT namelen)
{
	struct lc_endpoint endpoint = socket->name;
	int error = 0;

	if (endpoint.family == LC_FAMILY_NONE)
		error = lc_socket_kernel_name(socket, &endpoint);
	if (socket->name_port)
		endpoint.port = socket->name_port;
	return error ? error : lc_address_write(&endpoint, name, namelen);
}

int lc_wsp_get_sock_name(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno)
{
	struct lc_socket *socket;
	int error = lc_enter(s, &socket);

	if (!error) {
		error = get_sock_name(socket, name, namelen);
		lc_leave(socket);
	}
	return lc_finish("WSPGetSockName", s, error, lpErrno);
}

int lc_wsp_get_peer_name(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno)
{
	struct lc_socket *socket;
	int error = lc_enter(s, &socket);

	if (!error) {
		error = socket->peer.family == LC_FAMILY_NONE
				? WSAENOTCONN
				: lc_address_write(&socket->peer, name, namelen);
		lc_leave(socket);
	}
	return lc_finish("WSPGetPeerName", s, error, lpErrno);
}
