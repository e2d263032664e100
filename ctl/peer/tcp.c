/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "peer/tcp.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/endpoint.h"

/* A host that does not answer for this long is gone, unless it is said otherwise. */
#define DEAD_AFTER_MS	   3000
#define KEEPALIVE_IDLE_S   1
#define KEEPALIVE_PERIOD_S 1
/* A flood must not fill it between two looks: a SYN that finds it full is lost for a second. */
#define BACKLOG 1024

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* An accepted socket takes nearly all of this over from its listener; the rest is set again. */
static int tune(int fd)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_AFTER_MS},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_PERIOD_S},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{SOL_SOCKET, SO_SNDBUF, LC_TCP_BUFFER},
		{SOL_SOCKET, SO_RCVBUF, LC_TCP_BUFFER},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		int error = set_option(fd, options[i].level, options[i].option, options[i].value);

		if (error)
			return error;
	}
	return 0;
}

static int open_socket(int af)
{
	int error, fd = socket(af, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	error = tune(fd);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

static int bind_to(int fd, const struct lc_endpoint *name)
{
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(name, &address);

	return bind(fd, (struct sockaddr *)&address, length) < 0 ? -errno : 0;
}

static int listen_on(int fd, const struct lc_endpoint *name, const char *device)
{
	int error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (!error && device &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device) + 1) < 0)
		error = -errno;
	if (!error && name->family == LC_INET6)
		error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !lc_address_is_any(name));
	if (!error)
		error = bind_to(fd, name);
	if (!error && listen(fd, BACKLOG) < 0)
		error = -errno;
	return error;
}

int lc_tcp_listen(const struct lc_endpoint *name, const char *device)
{
	int error, fd = open_socket(lc_endpoint_af(name));

	if (fd < 0)
		return fd;
	error = listen_on(fd, name, device);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

/* Errors of a connection that died in the backlog, which Linux reports to accept(). */
static bool is_of_that_connection(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case ENOPROTOOPT:
	case ENETDOWN:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	}
	return false;
}

int lc_tcp_accept(int listener)
{
	int fd, error;

	do
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (fd < 0 && is_of_that_connection(errno));
	if (fd < 0)
		return -errno;
	error = tune(fd);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

/* Binds, if there is anything to bind to, without using up a port for it. */
static int bind_source(int fd, const struct lc_endpoint *from)
{
	struct lc_endpoint source = *from;
	int error;

	if (from->family == LC_FAMILY_NONE || lc_address_is_any(from))
		return 0;
	source.port = 0;
	error = set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return error ? error : bind_to(fd, &source);
}

static int start_connecting(int fd, const struct lc_endpoint *from, const struct lc_endpoint *to)
{
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(to, &address);
	int error = bind_source(fd, from);

	if (error)
		return error;
	if (connect(fd, (struct sockaddr *)&address, length) == 0 || errno == EINPROGRESS)
		return 0;
	return errno == EADDRNOTAVAIL ? -errno : lc_tcp_error(errno);
}

int lc_tcp_connect(const struct lc_endpoint *from, const struct lc_endpoint *to)
{
	int fd, error;

	if (!lc_address_is_unicast(to))
		return -ENETUNREACH;
	if (from->family != LC_FAMILY_NONE && from->family != to->family)
		return -EAFNOSUPPORT;
	fd = open_socket(lc_endpoint_af(to));
	if (fd < 0)
		return fd;
	error = start_connecting(fd, from, to);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
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

int lc_tcp_names(int fd, struct lc_endpoint *own, struct lc_endpoint *other)
{
	struct sockaddr_storage near, far;
	socklen_t near_length = sizeof(near), far_length = sizeof(far);
	struct lc_endpoint one, two;

	if (getsockname(fd, (struct sockaddr *)&near, &near_length) < 0 ||
	    getpeername(fd, (struct sockaddr *)&far, &far_length) < 0)
		return -errno;
	if (lc_endpoint_from_sockaddr(&one, (struct sockaddr *)&near, near_length) ||
	    lc_endpoint_from_sockaddr(&two, (struct sockaddr *)&far, far_length))
		return -EAFNOSUPPORT;
	unmap(&one);
	unmap(&two);
	*own = one;
	*other = two;
	return 0;
}

int lc_tcp_connected(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	socklen_t length = sizeof(int);
	int why = 0;

	if (poll(&ready, 1, 0) <= 0)
		return -EAGAIN;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &length) < 0)
		why = errno;
	return why ? lc_tcp_error(why) : 0;
}

void lc_tcp_set_dead_after(int fd, uint64_t ms)
{
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, ms > INT_MAX ? INT_MAX : (int)ms);
}

int lc_tcp_error(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOPROTOOPT: /* ICMP: protocol unreachable */
		return -ECONNREFUSED;
	case ENETUNREACH:
	case ENETDOWN:
	case EINVAL: /* no route of the kinds that connect(2) reports so; link-local without a scope */
		return -ENETUNREACH;
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case EACCES: /* a route or filter that prohibits */
	case EPERM:
		return -EHOSTUNREACH;
	case ETIMEDOUT:
		return -ETIMEDOUT;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		return -error;
	}
	return -ECONNRESET;
}
