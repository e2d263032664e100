/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPIoctl and the few socket options. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "provider/enter.h"
#include "provider/errors.h"
#include "provider/exchange.h"
#include "provider/memory.h"
#include "provider/qos.h"

#include "mswsock.h"

/* The C library's number; winsock2.h has Winsock's under that name. */
#define LINUX_FIONREAD 0x541B

struct buffers {
	const void *in;
	DWORD in_bytes;
	void *out;
	DWORD out_bytes;
	DWORD used; /* of out */
};

static int set_nonblocking(struct lc_socket *s, struct buffers *io)
{
	ULONG value;
	int flags;

	if (io->in_bytes < sizeof(value) || lc_memory_read(&value, io->in, sizeof(value)))
		return WSAEFAULT;
	if (!value && s->events.mask)
		return WSAEINVAL; /* N6 */
	s->nonblocking = value != 0;
	/* For those who read the descriptor themselves; our calls never block in the kernel. */
	flags = fcntl(s->fd, F_GETFL);
	if (flags >= 0)
		fcntl(s->fd, F_SETFL, value ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
	return 0;
}

static int bytes_to_read(struct lc_socket *s, struct buffers *io)
{
	int bytes;
	ULONG value;

	if (io->out_bytes < sizeof(value))
		return WSAEFAULT;
	if (ioctl(s->fd, LINUX_FIONREAD, &bytes))
		return lc_wsa_from_errno(-errno);
	value = (ULONG)bytes;
	io->used = sizeof(value);
	return lc_memory_write(io->out, &value, sizeof(value)) ? WSAEFAULT : 0;
}

static int set_qos(struct lc_socket *s, struct buffers *io)
{
	const struct lc_qos_view view = {s->role == LC_ROLE_ROOT, s->sends, s->receives};
	struct lc_local_message message = {.kind = LC_LOCAL_SET_FLOWS, .has_flows = true};
	struct lc_flows asked;
	int error;

	if (io->in_bytes < sizeof(QOS))
		return WSAEFAULT;
	/* What a join has agreed on, or is about to, holds for as long as the membership (R58). */
	if (s->membership != LC_NOT_MEMBER)
		return WSAEOPNOTSUPP;
	error = lc_qos_read(&asked, io->in, view);
	if (error)
		return error;
	message.socket = s->number;
	message.flows = lc_flows_override(&s->flows, &asked);
	error = lc_ask(s, &message, NULL);
	if (!error)
		s->flows = message.flows;
	return error;
}

static int get_qos(struct lc_socket *s, struct buffers *io)
{
	QOS qos = lc_qos_from_flows(s->has_granted ? &s->granted : &s->flows,
				    s->role == LC_ROLE_ROOT);

	if (io->out_bytes < sizeof(qos) || lc_memory_write(io->out, &qos, sizeof(qos)))
		return WSAEFAULT;
	io->used = sizeof(qos);
	return 0;
}

/* Either value holds: the kernel tells ICMP errors to sockets that ask for them alone (IP_RECVERR), and ours do not. */
static int set_connreset(struct buffers *io)
{
	BOOL reports;

	return io->in_bytes < sizeof(reports) || lc_memory_read(&reports, io->in, sizeof(reports))
		       ? WSAEFAULT
		       : 0;
}

static int control(struct lc_socket *s, DWORD code, struct buffers *io)
{
	switch (code) {
	case FIONBIO:
		return set_nonblocking(s, io);
	case FIONREAD:
		return bytes_to_read(s, io);
	case SIO_SET_QOS:
		return set_qos(s, io);
	case SIO_GET_QOS:
		return get_qos(s, io);
	case SIO_UDP_CONNRESET:
		return set_connreset(io);
	case SIOCATMARK:
	case SIO_FLUSH:
	case SIO_GET_BROADCAST_ADDRESS:
	case SIO_GET_EXTENSION_FUNCTION_POINTER:
	case SIO_GET_GROUP_QOS:
	case SIO_SET_GROUP_QOS:
	case SIO_MULTIPOINT_LOOPBACK:
	case SIO_MULTICAST_SCOPE:
	case SIO_TRANSLATE_HANDLE:
	case SIO_ROUTING_INTERFACE_QUERY:
	case SIO_ROUTING_INTERFACE_CHANGE:
	case SIO_ADDRESS_LIST_QUERY:
	case SIO_ADDRESS_LIST_CHANGE:
		return WSAEOPNOTSUPP;
	}
	return WSAEINVAL;
}

int lc_wsp_ioctl(SOCKET s, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes,
		 LPDWORD returned, LPWSAOVERLAPPED overlapped,
		 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT lpErrno)
{
	struct buffers io = {.in = in, .in_bytes = in_bytes, .out = out, .out_bytes = out_bytes};
	struct lc_socket *socket;
	int error = lc_enter(s, &socket);

	if (error)
		return lc_finish("WSPIoctl", s, error, lpErrno);
	if (overlapped || routine)
		error = WSAEOPNOTSUPP;
	else if (lc_memory_check_writable(returned, sizeof(*returned)))
		error = WSAEFAULT;
	else
		error = control(socket, code, &io);
	lc_leave(socket);
	if (!error && lc_memory_write(returned, &io.used, sizeof(io.used)))
		error = WSAEFAULT;
	return lc_finish("WSPIoctl", s, error, lpErrno);
}

/* Options that Linux and Winsock mean alike go to the kernel. */
static bool is_kernel_option(int option)
{
	return option == SO_RCVBUF || option == SO_SNDBUF;
}

static bool is_own_option(int option)
{
	return option == SO_LINGER || option == SO_REUSEADDR;
}

/* What accepted sockets and handles take over (R41). */
static void remember(struct lc_options *options, int option, int value)
{
	if (option == SO_RCVBUF)
		options->receive_buffer = value;
	else
		options->send_buffer = value;
}

/* What Winsock says of options that a socket does not have, and of levels that nothing has. */
static int unknown_option(int level)
{
	switch (level) {
	case SOL_SOCKET:
	case IPPROTO_IP:
	case IPPROTO_IPV6:
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return WSAENOPROTOOPT;
	}
	return WSAEINVAL;
}

static int set_option(struct lc_socket *s, int level, int option, const char *value, int length)
{
	union {
		int number;
		struct linger linger;
	} copy;
	size_t wanted = option == SO_LINGER ? sizeof(copy.linger) : sizeof(copy.number);

	if (level != SOL_SOCKET || (!is_kernel_option(option) && !is_own_option(option)))
		return unknown_option(level);
	if (length < (int)wanted || lc_memory_read(&copy, value, wanted))
		return WSAEFAULT;
	if (option == SO_LINGER)
		s->options.linger = copy.linger;
	else if (option == SO_REUSEADDR)
		s->options.reuse_address = copy.number;
	else if (setsockopt(s->fd, level, option, &copy.number, sizeof(copy.number)))
		return lc_wsa_from_errno(-errno);
	else
		remember(&s->options, option, copy.number);
	return 0;
}

int lc_wsp_set_sock_opt(SOCKET s, int level, int option, const char *value, int length,
			LPINT lpErrno)
{
	struct lc_socket *socket;
	int error = lc_enter(s, &socket);

	if (!error) {
		error = set_option(socket, level, option, value, length);
		lc_leave(socket);
	}
	return lc_finish("WSPSetSockOpt", s, error, lpErrno);
}

static int get_option(struct lc_socket *s, int level, int option, char *value, LPINT length)
{
	socklen_t bytes = sizeof(int);
	int number = 0, room,
	    wanted = option == SO_LINGER ? sizeof(s->options.linger) : sizeof(number);

	if (level != SOL_SOCKET || (!is_kernel_option(option) && !is_own_option(option) &&
				    option != SO_ERROR && option != SO_TYPE))
		return unknown_option(level);
	if (lc_memory_read(&room, length, sizeof(room)) || room < wanted ||
	    lc_memory_check_writable(length, sizeof(*length)))
		return WSAEFAULT;
	if (option == SO_ERROR)
		number = s->error;
	else if (option == SO_REUSEADDR)
		number = s->options.reuse_address;
	else if (option != SO_LINGER && getsockopt(s->fd, level, option, &number, &bytes))
		return lc_wsa_from_errno(-errno);
	if (lc_memory_write(value,
			    option == SO_LINGER ? (void *)&s->options.linger : (void *)&number,
			    (size_t)wanted) ||
	    lc_memory_write(length, &wanted, sizeof(wanted)))
		return WSAEFAULT;
	if (option == SO_ERROR)
		s->error = 0;
	return 0;
}

int lc_wsp_get_sock_opt(SOCKET s, int level, int option, char *value, LPINT length, LPINT lpErrno)
{
	struct lc_socket *socket;
	int error = lc_enter(s, &socket);

	if (!error) {
		error = get_option(socket, level, option, value, length);
		lc_leave(socket);
	}
	return lc_finish("WSPGetSockOpt", s, error, lpErrno);
}
