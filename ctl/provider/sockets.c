/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/endpoint.h"
#include "provider/backlog.h"
#include "provider/event_object.h"
#include "provider/errors.h"
#include "provider/sockets.h"
#include "provider/upcalls.h"

/* --- making and freeing */

/* 0 to 2 are not for us: a handle is never 0, and nobody's standard output. */
static int new_descriptor(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), moved;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd < 0 ? -errno : fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	moved = moved < 0 ? -errno : moved;
	close(fd);
	return moved;
}

/* 0: it is no socket, or none at all. */
static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) ? 0 : cookie;
}

static int open_descriptor(struct lc_socket *s)
{
	int on = 1;

	s->fd = new_descriptor(s->entry->family);
	if (s->fd < 0)
		return lc_wsa_from_errno(s->fd);
	s->cookie = cookie_of(s->fd);
	if (s->entry->family == AF_INET6 &&
	    setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return lc_wsa_from_errno(-errno);
	return 0;
}

/* What comes back from WPUModifyIFSHandle alone may be given out. */
static int take_handle(struct lc_socket *s)
{
	LPWPUMODIFYIFSHANDLE modify = lc_upcall_modify_handle();
	int error = 0;

	s->handle = modify ? modify(s->entry->id, (SOCKET)s->fd, &error) : (SOCKET)s->fd;
	if (s->handle != INVALID_SOCKET)
		return 0;
	return error ? error : WSAENOBUFS;
}

static int init_lock(struct lc_socket *s)
{
	pthread_condattr_t attributes;
	int error;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	error = pthread_cond_init(&s->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (error)
		return WSAENOBUFS;
	if (!pthread_mutex_init(&s->lock, NULL))
		return 0;
	pthread_cond_destroy(&s->changed);
	return WSAENOBUFS;
}

int lc_socket_new(const struct lc_catalogue_entry *entry, enum lc_local_role role,
		  struct lc_socket **socket)
{
	struct lc_socket *s = calloc(1, sizeof(*s));
	int error;

	if (!s || init_lock(s)) {
		free(s);
		return WSAENOBUFS;
	}
	atomic_init(&s->references, 1);
	s->fd = s->receive_over = s->send_over = s->accept_ready = -1;
	s->entry = entry;
	s->role = role;
	s->sends = s->receives = true;
	s->flows.down = s->flows.up = lc_flowspec_default;
	error = open_descriptor(s);
	if (!error)
		error = take_handle(s);
	if (error) {
		lc_socket_release(s);
		return error;
	}
	*socket = s;
	return 0;
}

void lc_socket_reference(struct lc_socket *socket)
{
	atomic_fetch_add_explicit(&socket->references, 1, memory_order_relaxed);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void lc_socket_release(struct lc_socket *socket)
{
	if (!socket || atomic_fetch_sub_explicit(&socket->references, 1, memory_order_acq_rel) > 1)
		return;
	lc_socket_close_descriptor(socket);
	close_if_open(socket->receive_over);
	close_if_open(socket->send_over);
	close_if_open(socket->accept_ready);
	while (socket->requests)
		lc_backlog_remove(socket, socket->requests);
	lc_event_object_release(socket->events.event);
	pthread_cond_destroy(&socket->changed);
	pthread_mutex_destroy(&socket->lock);
	free(socket);
}

bool lc_socket_owns_descriptor(const struct lc_socket *socket)
{
	return socket->fd >= 0 && cookie_of(socket->fd) == socket->cookie;
}

void lc_socket_close_descriptor(struct lc_socket *socket)
{
	if (lc_socket_owns_descriptor(socket))
		close(socket->fd);
	socket->fd = -1;
}

/* --- locking and waiting */

void lc_socket_lock(struct lc_socket *socket)
{
	pthread_mutex_lock(&socket->lock);
}

void lc_socket_unlock(struct lc_socket *socket)
{
	pthread_mutex_unlock(&socket->lock);
}

void lc_socket_wait(struct lc_socket *socket)
{
	pthread_cond_wait(&socket->changed, &socket->lock);
}

bool lc_socket_wait_until(struct lc_socket *socket, uint64_t until_ns)
{
	struct timespec until = {.tv_sec = (time_t)(until_ns / LC_NS_PER_S),
				 .tv_nsec = (long)(until_ns % LC_NS_PER_S)};

	return pthread_cond_timedwait(&socket->changed, &socket->lock, &until) != ETIMEDOUT;
}

static void set_level(int level, bool on)
{
	eventfd_t value;

	if (level >= 0 && (on ? eventfd_write(level, 1) : eventfd_read(level, &value)))
		return; /* it was so already */
}

static int make_level(int *level, bool on)
{
	if (*level < 0) {
		*level = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (on)
			set_level(*level, true);
	}
	return *level;
}

static bool is_over(const struct lc_socket *socket, bool shut)
{
	return socket->closing || socket->membership == LC_ENDED || shut;
}

void lc_socket_changed(struct lc_socket *socket)
{
	if (is_over(socket, socket->shut_receive))
		set_level(socket->receive_over, true);
	if (is_over(socket, socket->shut_send))
		set_level(socket->send_over, true);
	set_level(socket->accept_ready, lc_backlog_is_ready(socket));
	pthread_cond_broadcast(&socket->changed);
}

int lc_socket_receive_over_fd(struct lc_socket *socket)
{
	return make_level(&socket->receive_over, is_over(socket, socket->shut_receive));
}

int lc_socket_send_over_fd(struct lc_socket *socket)
{
	return make_level(&socket->send_over, is_over(socket, socket->shut_send));
}

int lc_socket_accept_ready_fd(struct lc_socket *socket)
{
	return make_level(&socket->accept_ready, lc_backlog_is_ready(socket));
}

void lc_socket_failed(struct lc_socket *socket, int code)
{
	switch (code) {
	case 0:
	case WSAEWOULDBLOCK:
	case WSAEINPROGRESS:
	case WSAEALREADY:
	case WSATRY_AGAIN:
	case WSAEDISCON:
		return;
	}
	socket->error = code;
}

int lc_socket_kernel_name(const struct lc_socket *socket, struct lc_endpoint *name)
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
