/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Sending and receiving. None of it needs the daemon. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/endpoint.h"
#include "provider/address.h"
#include "provider/enter.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/memory.h"

/* Most calls have a few buffers: those need no allocation. */
#define BUFFERS_AT_HAND 16

struct parts {
	struct iovec at_hand[BUFFERS_AT_HAND];
	struct iovec *all;
	size_t count;
};

static void scatter(struct parts *parts)
{
	if (parts->all != parts->at_hand)
		free(parts->all);
}

static int gather(struct parts *parts, const WSABUF *buffers, DWORD count)
{
	if (!count || count > IOV_MAX)
		return WSAEINVAL;
	parts->count = count;
	parts->all = count <= BUFFERS_AT_HAND ? parts->at_hand
					      : malloc(count * sizeof(*parts->all));
	if (!parts->all)
		return WSAENOBUFS;
	if (!lc_memory_read_buffers(parts->all, buffers, count))
		return 0;
	scatter(parts);
	return WSAEFAULT;
}

/* The same for parts that a datagram is written to. */
static int gather_room(struct parts *parts, const WSABUF *buffers, DWORD count)
{
	int error = gather(parts, buffers, count);

	if (error || !lc_memory_check_parts(parts->all, parts->count))
		return error;
	scatter(parts);
	return WSAEFAULT;
}

/*
 * Locked, unlocked meanwhile. Waits until the descriptor may be ready or the
 * call must end; `over` tells that, -1 where it could not be made.
 */
static int wait_ready(struct lc_socket *s, int over, short what)
{
	struct pollfd descriptors[] = {{.fd = s->fd, .events = what},
				       {.fd = over, .events = POLLIN}};
	bool failed;

	if (over < 0)
		return WSAENOBUFS;
	lc_socket_unlock(s);
	failed = poll(descriptors, 2, -1) < 0 && errno != EINTR;
	lc_socket_lock(s);
	if (failed)
		return WSAENOBUFS;
	return s->closing || lc_socket_owns_descriptor(s) ? 0 : WSAENOTSOCK;
}

/* An out-parameter; whoever took it away since it was checked learns no more than that. */
static int write_count(LPDWORD to, size_t bytes)
{
	DWORD count = (DWORD)bytes;

	return lc_memory_write(to, &count, sizeof(count)) ? WSAEFAULT : 0;
}

/* Sending */

static int check_send(const struct lc_socket *s)
{
	if (s->root)
		return WSAEOPNOTSUPP;
	if (!lc_socket_is_connected(s))
		return WSAENOTCONN;
	if (!s->sends)
		return WSAEOPNOTSUPP;
	if (s->shut_send)
		return WSAESHUTDOWN;
	return s->membership == LC_ENDED ? WSAECONNRESET : 0;
}

/* A root bound to any address has its session at each of this host's. */
static bool is_own_address(const struct lc_socket *s, struct lc_endpoint endpoint)
{
	int fd = socket(s->entry->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage address;
	bool own;

	endpoint.port = 0;
	own = fd >= 0 && lc_address_is_unicast(&endpoint) &&
	      !bind(fd, (struct sockaddr *)&address, lc_endpoint_to_sockaddr(&endpoint, &address));
	if (fd >= 0)
		close(fd);
	return own;
}

/* Whether a root's session has this name; remembers the last that it had. */
static bool is_session(struct lc_socket *s, const struct lc_endpoint *given)
{
	struct lc_endpoint bound;

	if (lc_endpoint_equal(given, &s->addressed))
		return true;
	if (lc_socket_kernel_name(s, &bound))
		return false;
	if (!lc_endpoint_equal(given, &bound) &&
	    !(lc_address_is_any(&bound) && given->port == bound.port && is_own_address(s, *given)))
		return false;
	s->addressed = *given;
	return true;
}

/* An address given must be the one that the data goes to anyway. */
static int check_address(struct lc_socket *s, const struct sockaddr *to, int tolen)
{
	struct lc_endpoint given;
	bool same;
	int error;

	if (!to)
		return 0;
	error = lc_address_read(&given, to, tolen, s->entry->family);
	if (error)
		return error;
	same = s->role == LC_ROLE_ROOT ? is_session(s, &given)
				       : lc_endpoint_equal(&given, &s->peer);
	return same ? 0 : WSAEISCONN;
}

/* Locked; unlocked around system calls. Returns a code, or 0 and *sent. */
static int send_all(struct lc_socket *s, struct parts *parts, size_t *sent)
{
	struct sockaddr_storage to;
	struct msghdr message = {
		.msg_name = &to, .msg_iov = parts->all, .msg_iovlen = parts->count};
	int error, fd = s->fd;
	ssize_t result;

	for (;;) {
		error = s->closing ? WSAEINTR : check_send(s);
		if (error)
			return error;
		message.msg_namelen = lc_endpoint_to_sockaddr(
			s->role == LC_ROLE_ROOT ? &s->channel : &s->peer, &to);
		lc_socket_unlock(s);
		result = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		error = result < 0 ? lc_wsa_from_errno(-errno) : 0;
		lc_socket_lock(s);
		if (result >= 0)
			*sent = (size_t)result;
		if (error != WSAEWOULDBLOCK)
			return error;
		if (s->nonblocking) {
			lc_event_after_blocked_send(s);
			return error;
		}
		error = wait_ready(s, lc_socket_send_over_fd(s), POLLOUT);
		if (error)
			return error;
	}
}

static int do_send(SOCKET handle, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
		   const struct sockaddr *to, int tolen, bool overlapped)
{
	struct parts parts;
	struct lc_socket *s;
	size_t bytes = 0;
	int error = lc_enter_for_data(handle, &s);

	if (error)
		return error;
	if (overlapped || flags)
		error = WSAEOPNOTSUPP;
	else if (lc_memory_expect_writable(sent, sizeof(*sent)))
		error = WSAEFAULT;
	else
		error = check_send(s);
	if (!error)
		error = check_address(s, to, tolen);
	if (!error)
		error = gather(&parts, buffers, count);
	if (!error) {
		error = send_all(s, &parts, &bytes);
		scatter(&parts);
	}
	lc_socket_failed(s, error);
	lc_leave(s);
	return error ? error : write_count(sent, bytes);
}

int lc_wsp_send(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
		LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
		LPWSATHREADID thread, LPINT lpErrno)
{
	return lc_finish("WSPSend", s,
			 do_send(s, buffers, count, sent, flags, NULL, 0, overlapped || routine),
			 lpErrno);
}

int lc_wsp_send_to(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
		   const struct sockaddr *to, int tolen, LPWSAOVERLAPPED overlapped,
		   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT lpErrno)
{
	return lc_finish("WSPSendTo", s,
			 do_send(s, buffers, count, sent, flags, to, tolen, overlapped || routine),
			 lpErrno);
}

/* Receiving */

static int check_receive(const struct lc_socket *s)
{
	if (s->root)
		return s->membership == LC_ENDED ? (s->end_code ? s->end_code : WSAEDISCON)
						 : WSAEOPNOTSUPP;
	if (!lc_socket_is_connected(s))
		return WSAENOTCONN;
	if (!s->receives)
		return WSAEOPNOTSUPP;
	return s->shut_receive ? WSAESHUTDOWN : 0;
}

/* A datagram; cut off is WSAEMSGSIZE with what fitted. */
static int receive_once(int fd, struct msghdr *message, int flags, size_t *received)
{
	ssize_t result = recvmsg(fd, message, flags | MSG_DONTWAIT);

	if (result < 0) {
		if (errno == EFAULT)
			lc_memory_forget();
		return lc_wsa_from_errno(-errno);
	}
	*received = (size_t)result;
	return message->msg_flags & MSG_TRUNC ? WSAEMSGSIZE : 0;
}

/* Locked; unlocked around system calls. */
static int receive_one(struct lc_socket *s, struct msghdr *message, int flags, size_t *received)
{
	socklen_t room = message->msg_namelen;
	int error, fd = s->fd;
	bool ended;

	for (;;) {
		error = s->closing ? WSAEINTR : check_receive(s);
		if (error)
			return error;
		/* Looked at first: then all its data is in the queue already. */
		ended = s->membership == LC_ENDED;
		lc_socket_unlock(s);
		message->msg_namelen = room;
		error = receive_once(fd, message, flags, received);
		lc_socket_lock(s);
		if (error != WSAEWOULDBLOCK)
			return error;
		if (ended)
			return s->end_code ? s->end_code : WSAEDISCON;
		if (s->nonblocking)
			return error;
		error = wait_ready(s, lc_socket_receive_over_fd(s), POLLIN);
		if (error)
			return error;
	}
}

static int check_receive_arguments(LPDWORD received, LPDWORD flags, DWORD *given, bool overlapped)
{
	if (overlapped)
		return WSAEOPNOTSUPP;
	if (lc_memory_read(given, flags, sizeof(*given)) ||
	    lc_memory_expect_writable(flags, sizeof(*flags)) ||
	    lc_memory_expect_writable(received, sizeof(*received)))
		return WSAEFAULT;
	return *given & ~(DWORD)(MSG_PEEK | MSG_PARTIAL) ? WSAEOPNOTSUPP : 0;
}

static int do_receive(SOCKET handle, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
		      struct sockaddr *from, LPINT fromlen, bool overlapped)
{
	struct sockaddr_storage source;
	struct lc_endpoint sender = {0};
	struct msghdr message = {.msg_name = &source, .msg_namelen = sizeof(source)};
	struct parts parts;
	struct lc_socket *s;
	size_t bytes = 0;
	DWORD given;
	int error = lc_enter_for_data(handle, &s);
	bool got;

	if (error)
		return error;
	error = check_receive_arguments(received, flags, &given, overlapped);
	if (!error && from)
		error = lc_address_check_room(s->entry->family, from, fromlen);
	if (!error)
		error = check_receive(s);
	if (!error)
		error = gather_room(&parts, buffers, count);
	if (!error) {
		message.msg_iov = parts.all;
		message.msg_iovlen = parts.count;
		error = receive_one(s, &message, (int)given & MSG_PEEK, &bytes);
		scatter(&parts);
	}
	lc_event_after_receive(s);
	lc_socket_failed(s, error);
	lc_leave(s);
	got = !error || error == WSAEMSGSIZE;
	if (!got)
		return error;
	if (write_count(received, bytes) || (given && write_count(flags, 0)))
		return WSAEFAULT;
	if (from &&
	    !lc_endpoint_from_sockaddr(&sender, (struct sockaddr *)&source, message.msg_namelen))
		lc_address_write(&sender, from, fromlen);
	return error;
}

int lc_wsp_recv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
		LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
		LPWSATHREADID thread, LPINT lpErrno)
{
	return lc_finish(
		"WSPRecv", s,
		do_receive(s, buffers, count, received, flags, NULL, NULL, overlapped || routine),
		lpErrno);
}

int lc_wsp_recv_from(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
		     struct sockaddr *from, LPINT fromlen, LPWSAOVERLAPPED overlapped,
		     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
		     LPINT lpErrno)
{
	return lc_finish("WSPRecvFrom", s,
			 do_receive(s, buffers, count, received, flags, from, fromlen,
				    overlapped || routine),
			 lpErrno);
}
