/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* TCP sockets: options, listening, accepting, connecting. */
#include "peer/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/endpoint.h"

/* A peer that does not answer for this long is gone; reports travel every second. */
#define DEAD_AFTER_MS	   10000
#define KEEPALIVE_IDLE_S   5
#define KEEPALIVE_PERIOD_S 2
/* A flood must not fill it between two looks: a SYN that finds it full is lost for a second. */
#define BACKLOG 1024

struct lc_peer_listener {
	int fd;
};

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

int lc_peer_tune(int fd)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_AFTER_MS},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_PERIOD_S},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{SOL_SOCKET, SO_SNDBUF, LC_PEER_QUEUE_MAX},
		{SOL_SOCKET, SO_RCVBUF, LC_PEER_QUEUE_MAX},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		int error = set_option(fd, options[i].level, options[i].option, options[i].value);

		if (error)
			return error;
	}
	return 0;
}

int lc_peer_socket(int af)
{
	int error, fd = socket(af, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	error = lc_peer_tune(fd);
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

int lc_peer_listen(struct lc_peer_listener **listener, const struct lc_endpoint *name,
		   const char *device)
{
	struct lc_peer_listener *made;
	int error, fd = lc_peer_socket(lc_endpoint_af(name));

	if (fd < 0)
		return fd;
	error = listen_on(fd, name, device);
	made = error ? NULL : malloc(sizeof(*made));
	if (!made) {
		close(fd);
		return error ? error : -ENOMEM;
	}
	made->fd = fd;
	*listener = made;
	return 0;
}

void lc_peer_listener_free(struct lc_peer_listener *listener)
{
	if (!listener)
		return;
	close(listener->fd);
	free(listener);
}

int lc_peer_listener_fd(const struct lc_peer_listener *listener)
{
	return listener->fd;
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

int lc_peer_accept(struct lc_peer_listener *listener, struct lc_peer **peer)
{
	struct lc_peer *made;
	int fd, error;

	do
		fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (fd < 0 && is_of_that_connection(errno));
	if (fd < 0)
		return -errno;
	error = lc_peer_tune(fd);
	if (error) {
		close(fd);
		return error;
	}
	error = lc_peer_new(&made, fd, LC_PEER_IS_OPEN);
	if (error)
		return error;
	/* Reset already: the owner learns it from lc_peer_process(), as ever. */
	if (lc_peer_learn_addresses(made) < 0) {
		made->state = LC_PEER_IS_ENDED;
		made->end_error = -ECONNRESET;
	}
	*peer = made;
	return 0;
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
	return errno == EADDRNOTAVAIL ? -errno : lc_peer_error(errno);
}

int lc_peer_connect(struct lc_peer **peer, const struct lc_endpoint *from,
		    const struct lc_endpoint *to)
{
	int fd, error;

	if (!lc_address_is_unicast(to))
		return -ENETUNREACH;
	if (from->family != LC_FAMILY_NONE && from->family != to->family)
		return -EAFNOSUPPORT;
	fd = lc_peer_socket(lc_endpoint_af(to));
	if (fd < 0)
		return fd;
	error = start_connecting(fd, from, to);
	if (error) {
		close(fd);
		return error;
	}
	error = lc_peer_new(peer, fd, LC_PEER_IS_CONNECTING);
	if (!error)
		(*peer)->announce = true;
	return error;
}

int lc_peer_error(int error)
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
