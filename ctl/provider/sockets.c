/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "provider/daemon.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/sockets.h"

#define BUCKETS 1024

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lc_socket *by_handle[BUCKETS], *by_number[BUCKETS];
/* Below it are the tags of the hidden thread's own descriptors. */
static uint64_t last_number = 15;

_Thread_local unsigned int lc_callback_depth;

void lc_lock(void)
{
	pthread_mutex_lock(&mutex);
}

void lc_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

int lc_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int error;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	error = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return error ? WSAENOBUFS : 0;
}

bool lc_wait(pthread_cond_t *changed, uint64_t until_ns)
{
	struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
				 .tv_nsec = (long)(until_ns % 1000000000)};

	if (!until_ns)
		return !pthread_cond_wait(changed, &mutex);
	return pthread_cond_timedwait(changed, &mutex, &until) != ETIMEDOUT;
}

/* A forked child has the sockets' descriptors but none of the sockets. */
static void after_fork_in_child(void)
{
	pthread_mutex_init(&mutex, NULL);
	for (size_t i = 0; i < BUCKETS; i++)
		by_handle[i] = by_number[i] = NULL;
	lc_daemon_forget();
}

__attribute__((constructor)) static void prepare_for_fork(void)
{
	pthread_atfork(lc_lock, lc_unlock, after_fork_in_child);
}

int lc_enter(SOCKET handle, struct lc_socket **socket)
{
	struct lc_socket *s;
	int error = 0;

	lc_lock();
	s = lc_socket_by_handle(handle);
	if (!lc_startups)
		error = WSANOTINITIALISED;
	else if (!s)
		error = WSAENOTSOCK;
	else if (s->unusable)
		error = WSAENOTCONN;
	if (error) {
		lc_unlock();
		return error;
	}
	s->calls++;
	*socket = s;
	return 0;
}

void lc_leave(struct lc_socket *socket)
{
	if (!--socket->calls && socket->closing)
		pthread_cond_broadcast(&socket->changed);
	lc_unlock();
}

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

/* What comes back from WPUModifyIFSHandle alone may be given out. */
static int take_handle(struct lc_socket *s)
{
	LPWPUMODIFYIFSHANDLE modify;
	int error = 0;

	lc_lock();
	modify = lc_upcalls.lpWPUModifyIFSHandle;
	lc_unlock();
	s->handle = modify ? modify(s->entry->id, (SOCKET)s->fd, &error) : (SOCKET)s->fd;
	if (s->handle != INVALID_SOCKET)
		return 0;
	return error ? error : WSAENOBUFS;
}

int lc_socket_new(const struct lc_catalogue_entry *entry, enum lc_local_role role,
		  struct lc_socket **socket)
{
	struct lc_socket *s = calloc(1, sizeof(*s));
	int error = 0, on = 1;

	if (!s || lc_condition_init(&s->changed)) {
		free(s);
		return WSAENOBUFS;
	}
	s->wake = s->accept_ready = -1;
	s->entry = entry;
	s->role = role;
	s->sends = s->receives = true;
	s->flows.down = s->flows.up = lc_flowspec_default;
	s->fd = new_descriptor(entry->family);
	if (s->fd < 0)
		error = lc_wsa_from_errno(s->fd);
	else if (entry->family == AF_INET6 &&
		 setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		error = lc_wsa_from_errno(-errno);
	if (!error)
		error = take_handle(s);
	if (error) {
		lc_socket_free(s);
		return error;
	}
	*socket = s;
	return 0;
}

void lc_socket_free(struct lc_socket *socket)
{
	for (struct lc_request *request = socket->requests, *next; request; request = next) {
		next = request->next;
		free(request);
	}
	if (socket->fd >= 0)
		close(socket->fd);
	if (socket->wake >= 0)
		close(socket->wake);
	if (socket->accept_ready >= 0)
		close(socket->accept_ready);
	pthread_cond_destroy(&socket->changed);
	free(socket);
}

void lc_socket_list(struct lc_socket *socket)
{
	struct lc_socket **bucket;

	socket->number = ++last_number;
	bucket = &by_number[socket->number % BUCKETS];
	socket->next_by_number = *bucket;
	*bucket = socket;
	socket->listed = true;
}

void lc_socket_publish(struct lc_socket *socket)
{
	struct lc_socket **bucket = &by_handle[socket->handle % BUCKETS];

	socket->next_by_handle = *bucket;
	*bucket = socket;
}

void lc_socket_unlist(struct lc_socket *socket)
{
	struct lc_socket **at;

	for (at = &by_number[socket->number % BUCKETS]; *at; at = &(*at)->next_by_number)
		if (*at == socket) {
			*at = socket->next_by_number;
			break;
		}
	for (at = &by_handle[socket->handle % BUCKETS]; *at; at = &(*at)->next_by_handle)
		if (*at == socket) {
			*at = socket->next_by_handle;
			break;
		}
	socket->listed = false;
}

struct lc_socket *lc_socket_by_number(uint64_t number)
{
	struct lc_socket *s = by_number[number % BUCKETS];

	while (s && s->number != number)
		s = s->next_by_number;
	return s;
}

struct lc_socket *lc_socket_by_handle(SOCKET handle)
{
	struct lc_socket *s = by_handle[handle % BUCKETS];

	while (s && s->handle != handle)
		s = s->next_by_handle;
	return s;
}

struct lc_socket *lc_socket_any(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		if (by_handle[i])
			return by_handle[i];
	return NULL;
}

void lc_socket_each_of_root(uint64_t root, void (*visit)(struct lc_socket *))
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct lc_socket *s = by_number[i]; s; s = s->next_by_number)
			if (s->root == root)
				visit(s);
}

static void signal_level(int eventfd_, bool on)
{
	eventfd_t value;

	if (eventfd_ >= 0 && (on ? eventfd_write(eventfd_, 1) : eventfd_read(eventfd_, &value)))
		return; /* it was so already */
}

static int make_level(int *eventfd_, bool on)
{
	if (*eventfd_ < 0) {
		*eventfd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (on)
			signal_level(*eventfd_, true);
	}
	return *eventfd_;
}

int lc_socket_wake_fd(struct lc_socket *socket)
{
	return make_level(&socket->wake, socket->closing || socket->membership == LC_ENDED ||
						 socket->shut_receive || socket->shut_send);
}

int lc_socket_accept_ready_fd(struct lc_socket *socket)
{
	struct lc_request *first = lc_socket_first_request(socket);

	return make_level(&socket->accept_ready, first && !first->deferred);
}

void lc_socket_wake(struct lc_socket *socket)
{
	signal_level(socket->wake, true);
	pthread_cond_broadcast(&socket->changed);
}

struct lc_request *lc_socket_first_request(struct lc_socket *socket)
{
	struct lc_request *request = socket->requests;

	while (request && request->deciding)
		request = request->next;
	return request;
}

void lc_socket_requests_changed(struct lc_socket *socket)
{
	struct lc_request *first = lc_socket_first_request(socket);

	signal_level(socket->accept_ready, first && !first->deferred);
	pthread_cond_broadcast(&socket->changed);
}

bool lc_socket_is_connected(const struct lc_socket *socket)
{
	if (socket->membership == LC_ENDED)
		return true;
	return socket->role == LC_ROLE_ROOT ? socket->channel.family != LC_FAMILY_NONE
					    : socket->membership == LC_MEMBER;
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

void lc_socket_ended(struct lc_socket *socket, enum leafcast_reason reason, bool by_caller)
{
	if (socket->membership == LC_ENDED)
		return;
	socket->membership = LC_ENDED;
	socket->reason = reason;
	socket->end_code = lc_wsa_from_reason(reason);
	lc_socket_wake(socket);
	if (by_caller)
		return;
	lc_socket_failed(socket, socket->end_code);
	lc_event_record(socket, FD_CLOSE_BIT, socket->end_code);
}

void lc_socket_end_those_without(uint64_t link)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct lc_socket *s = by_number[i]; s; s = s->next_by_number)
			if (s->link != link && (s->listening || lc_socket_is_connected(s)))
				lc_socket_ended(s, LEAFCAST_NETWORK_DOWN, false);
}
