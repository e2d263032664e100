/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * WSPSelect: poll(2) over the descriptors, and the two things the kernel does
 * not know: a request to accept and the end of a membership make a socket
 * readable. That a join completes changes nothing (R38).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "provider/errors.h"
#include "provider/sockets.h"

/* A member of one of the sets; each has up to three descriptors in the poll. */
struct watched {
	struct lc_socket *socket;
	int number; /* in the sets */
	bool read, write;
};

enum {
	PER_SOCKET = 3
};

struct selection {
	struct watched watched[FD_SETSIZE];
	struct pollfd descriptors[FD_SETSIZE * PER_SOCKET];
	size_t count;
};

static bool holds(const fd_set *set, int number)
{
	return set && FD_ISSET(number, set);
}

/* All sockets are entered, or none. */
static int enter_all(struct selection *selection, const fd_set *read, const fd_set *write,
		     const fd_set *except)
{
	for (int number = 0; number < FD_SETSIZE; number++) {
		struct watched *watched = &selection->watched[selection->count];
		int error;

		if (!holds(read, number) && !holds(write, number) && !holds(except, number))
			continue;
		error = lc_enter((SOCKET)number, &watched->socket);
		if (error)
			return error;
		lc_unlock();
		watched->number = number;
		watched->read = holds(read, number);
		watched->write = holds(write, number);
		selection->count++;
	}
	return 0;
}

static void leave_all(struct selection *selection)
{
	while (selection->count) {
		lc_lock();
		lc_leave(selection->watched[--selection->count].socket);
	}
}

static int fill(struct selection *selection)
{
	for (size_t i = 0; i < selection->count; i++) {
		struct watched *watched = &selection->watched[i];
		struct pollfd *at = &selection->descriptors[i * PER_SOCKET];
		int wake, accept_ready;

		lc_lock();
		wake = lc_socket_wake_fd(watched->socket);
		accept_ready = watched->socket->listening && watched->read
				       ? lc_socket_accept_ready_fd(watched->socket)
				       : -1;
		lc_unlock();
		if (wake < 0)
			return WSAENOBUFS;
		at[0] = (struct pollfd){.fd = watched->socket->fd,
					.events = (short)((watched->read ? POLLIN : 0) |
							  (watched->write ? POLLOUT : 0))};
		/* Watched by all, so that a close ends the call */
		at[1] = (struct pollfd){.fd = wake, .events = POLLIN};
		at[2] = (struct pollfd){.fd = accept_ready, .events = POLLIN};
	}
	return 0;
}

/* How many of the sets' members are ready; -1: one is being closed. */
static int collect(struct selection *selection, fd_set *read, fd_set *write)
{
	int ready = 0;

	for (size_t i = 0; i < selection->count; i++) {
		struct watched *watched = &selection->watched[i];
		const struct pollfd *at = &selection->descriptors[i * PER_SOCKET];
		bool over;

		lc_lock();
		over = watched->socket->closing;
		lc_unlock();
		if (over)
			return -1;
		if (watched->read && ((at[0].revents & POLLIN) || at[1].revents || at[2].revents)) {
			FD_SET(watched->number, read);
			ready++;
		}
		if (watched->write && at[0].revents & POLLOUT) {
			FD_SET(watched->number, write);
			ready++;
		}
	}
	return ready;
}

/* An ended socket that is not asked about must not make poll return for ever. */
static void ignore_unasked_wakes(struct selection *selection)
{
	for (size_t i = 0; i < selection->count; i++)
		if (!selection->watched[i].read &&
		    selection->descriptors[i * PER_SOCKET + 1].revents)
			selection->descriptors[i * PER_SOCKET + 1].fd = -1;
}

static int wait_for_any(struct selection *selection, uint64_t until_ns, fd_set *read, fd_set *write,
			int *ready)
{
	do {
		uint64_t now = lc_now_ns();
		struct timespec left = {0};

		if (until_ns != UINT64_MAX && now < until_ns)
			left = (struct timespec){.tv_sec = (time_t)((until_ns - now) / 1000000000),
						 .tv_nsec = (long)((until_ns - now) % 1000000000)};
		if (ppoll(selection->descriptors, selection->count * PER_SOCKET,
			  until_ns == UINT64_MAX ? NULL : &left, NULL) < 0 &&
		    errno != EINTR)
			return lc_wsa_from_errno(-errno);
		*ready = collect(selection, read, write);
		if (*ready < 0)
			return WSAEINTR;
		ignore_unasked_wakes(selection);
	} while (!*ready && (until_ns == UINT64_MAX || lc_now_ns() < until_ns));
	return 0;
}

static int do_select(fd_set *read, fd_set *write, fd_set *except, const struct timeval *timeout,
		     int *ready)
{
	fd_set readable, writable;
	struct selection *selection;
	uint64_t until = UINT64_MAX;
	int error;

	if (lc_callback_depth)
		return WSAEINPROGRESS;
	if (!lc_is_started())
		return WSANOTINITIALISED;
	if (!read && !write && !except)
		return WSAEINVAL;
	if (timeout) {
		if (timeout->tv_sec < 0 || timeout->tv_usec < 0 || timeout->tv_usec >= 1000000)
			return WSAEINVAL;
		/* Beyond a year is as good as for ever, and does not overflow. */
		if (timeout->tv_sec < 365 * 86400)
			until = lc_now_ns() + (uint64_t)timeout->tv_sec * 1000000000 +
				(uint64_t)timeout->tv_usec * 1000;
	}
	selection = calloc(1, sizeof(*selection));
	if (!selection)
		return WSAENOBUFS;
	FD_ZERO(&readable);
	FD_ZERO(&writable);
	error = enter_all(selection, read, write, except);
	if (!error && !selection->count)
		error = WSAEINVAL; /* three empty sets are as good as none */
	if (!error)
		error = fill(selection);
	if (!error)
		error = wait_for_any(selection, until, &readable, &writable, ready);
	leave_all(selection);
	free(selection);
	if (error)
		return error;
	if (read)
		*read = readable;
	if (write)
		*write = writable;
	if (except)
		FD_ZERO(except);
	return 0;
}

int lc_wsp_select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds,
		  const struct timeval *timeout, LPINT lpErrno)
{
	int ready = 0;
	int code = do_select(readfds, writefds, exceptfds, timeout, &ready);

	return lc_finish("WSPSelect", INVALID_SOCKET, code, lpErrno) ? SOCKET_ERROR : ready;
}
