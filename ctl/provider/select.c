/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * WSPSelect: poll(2) over the descriptors, and the two things the kernel does
 * not know: a request to accept and the end of a membership make a socket
 * readable. That a join completes changes nothing (R38).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "provider/enter.h"
#include "provider/errors.h"
#include "provider/fdset.h"

/* Beyond a year is as good as for ever, and does not overflow. */
#define LONGEST_WAIT_S (365 * 86400)

enum {
	READ,
	WRITE,
	EXCEPT,
	SETS
};

/* A socket that is in one of the sets, or in several. */
struct watched {
	SOCKET handle;
	struct lc_socket *socket; /* entered */
	bool in[SETS];
	bool ready[SETS];
	/* Its places in the poll; NULL: not there */
	struct pollfd *data, *wake, *request;
};

struct selection {
	struct lc_fd_set sets[SETS];
	struct watched *watched; /* by handle, each once */
	size_t count, entered;
	/* Not more than there are open: poll(2) refuses longer lists than RLIMIT_NOFILE. */
	struct pollfd *polled;
	size_t polls;
};

static int compare(const void *a, const void *b)
{
	const struct watched *one = a, *other = b;

	return one->handle < other->handle ? -1 : one->handle > other->handle;
}

static struct watched *find(struct selection *selection, SOCKET handle)
{
	const struct watched wanted = {.handle = handle};

	return bsearch(&wanted, selection->watched, selection->count, sizeof(wanted), compare);
}

/* All members of all sets, each once. */
static int list_members(struct selection *selection)
{
	size_t total = 0, kept = 0;

	for (int set = 0; set < SETS; set++)
		total += selection->sets[set].count;
	if (!total)
		return WSAEINVAL; /* three empty sets are as good as none */
	selection->watched = calloc(total, sizeof(*selection->watched));
	selection->polled = calloc(total * 3, sizeof(*selection->polled));
	if (!selection->watched || !selection->polled)
		return WSAENOBUFS;
	for (int set = 0; set < SETS; set++)
		for (size_t i = 0; i < selection->sets[set].count; i++)
			selection->watched[selection->count++].handle =
				selection->sets[set].members[i];
	qsort(selection->watched, total, sizeof(*selection->watched), compare);
	for (size_t i = 0; i < total; i++)
		if (!i || compare(&selection->watched[i], &selection->watched[kept - 1]))
			selection->watched[kept++] = selection->watched[i];
	selection->count = kept;
	for (int set = 0; set < SETS; set++)
		for (size_t i = 0; i < selection->sets[set].count; i++)
			find(selection, selection->sets[set].members[i])->in[set] = true;
	return 0;
}

static int enter_all(struct selection *selection)
{
	for (; selection->entered < selection->count; selection->entered++) {
		struct watched *watched = &selection->watched[selection->entered];
		int error = lc_enter(watched->handle, &watched->socket);

		if (error)
			return error;
		lc_socket_unlock(watched->socket);
	}
	return 0;
}

static void leave_all(struct selection *selection)
{
	while (selection->entered) {
		struct lc_socket *socket = selection->watched[--selection->entered].socket;

		lc_socket_lock(socket);
		lc_leave(socket);
	}
}

static struct pollfd *poll_also(struct selection *selection, int fd, short events)
{
	struct pollfd *at = &selection->polled[selection->polls++];

	*at = (struct pollfd){.fd = fd, .events = events};
	return at;
}

static int list_descriptors(struct selection *selection)
{
	for (size_t i = 0; i < selection->count; i++) {
		struct watched *watched = &selection->watched[i];
		short events = (short)((watched->in[READ] ? POLLIN : 0) |
				       (watched->in[WRITE] ? POLLOUT : 0));
		int wake, request;

		lc_socket_lock(watched->socket);
		wake = watched->in[READ] ? lc_socket_receive_over_fd(watched->socket)
					 : lc_socket_send_over_fd(watched->socket);
		request = watched->socket->listening && watched->in[READ]
				  ? lc_socket_accept_ready_fd(watched->socket)
				  : -1;
		lc_socket_unlock(watched->socket);
		if (wake < 0)
			return WSAENOBUFS;
		if (events)
			watched->data = poll_also(selection, watched->socket->fd, events);
		/* Watched by all, so that a close ends the call */
		watched->wake = poll_also(selection, wake, POLLIN);
		if (request >= 0)
			watched->request = poll_also(selection, request, POLLIN);
	}
	return 0;
}

static bool fired(const struct pollfd *polled, short what)
{
	return polled && polled->revents & (what | POLLERR | POLLHUP);
}

/* What poll(2) said of one socket: WSAEINTR: it is being closed; WSAENOTSOCK: its descriptor was. */
static int look(struct watched *watched)
{
	bool closing, ended;

	lc_socket_lock(watched->socket);
	closing = watched->socket->closing;
	ended = watched->socket->membership == LC_ENDED || watched->socket->shut_receive;
	lc_socket_unlock(watched->socket);
	if (closing)
		return WSAEINTR;
	if (watched->data && watched->data->revents & POLLNVAL)
		return WSAENOTSOCK;
	watched->ready[READ] = watched->in[READ] && (fired(watched->data, POLLIN) || ended ||
						     fired(watched->request, POLLIN));
	watched->ready[WRITE] = watched->in[WRITE] && fired(watched->data, POLLOUT);
	/* What woke it was not asked about: it must not make poll return for ever. */
	if (fired(watched->wake, POLLIN) && !watched->ready[READ])
		watched->wake->fd = -1;
	return 0;
}

/* Until one is ready or the time is over. */
static int wait_for_any(struct selection *selection, uint64_t until_ns)
{
	bool ready = false;

	do {
		uint64_t now = lc_now_ns(), left_ns = now < until_ns ? until_ns - now : 0;
		struct timespec left = {.tv_sec = (time_t)(left_ns / LC_NS_PER_S),
					.tv_nsec = (long)(left_ns % LC_NS_PER_S)};

		if (ppoll(selection->polled, selection->polls,
			  until_ns == UINT64_MAX ? NULL : &left, NULL) < 0 &&
		    errno != EINTR)
			return lc_wsa_from_errno(-errno);
		for (size_t i = 0; i < selection->count; i++) {
			int error = look(&selection->watched[i]);

			if (error)
				return error;
			ready |= selection->watched[i].ready[READ] ||
				 selection->watched[i].ready[WRITE];
		}
	} while (!ready && (until_ns == UINT64_MAX || lc_now_ns() < until_ns));
	return 0;
}

/* Leaves in each set what is ready, and counts it. */
static int give_back(struct selection *selection, int *ready)
{
	for (int set = 0; set < SETS; set++) {
		struct lc_fd_set *given = &selection->sets[set];
		size_t kept = 0;

		for (size_t i = 0; i < given->count; i++)
			if (find(selection, given->members[i])->ready[set])
				given->members[kept++] = given->members[i];
		given->count = kept;
		*ready += (int)kept;
		if (lc_fd_set_write(given))
			return WSAEFAULT;
	}
	return 0;
}

static int read_timeout(uint64_t *until_ns, const struct timeval *timeout)
{
	struct timeval copy;

	*until_ns = UINT64_MAX;
	if (!timeout)
		return 0;
	if (lc_memory_read(&copy, timeout, sizeof(copy)))
		return WSAEFAULT;
	if (copy.tv_sec < 0 || copy.tv_usec < 0 || copy.tv_usec >= 1000000)
		return WSAEINVAL;
	if (copy.tv_sec < LONGEST_WAIT_S)
		*until_ns = lc_now_ns() + (uint64_t)copy.tv_sec * LC_NS_PER_S +
			    (uint64_t)copy.tv_usec * 1000;
	return 0;
}

static int select_from(struct selection *selection, const struct timeval *timeout, int *ready)
{
	uint64_t until;
	int error = read_timeout(&until, timeout);

	if (!error)
		error = list_members(selection);
	if (!error)
		error = enter_all(selection);
	if (!error)
		error = list_descriptors(selection);
	if (!error)
		error = wait_for_any(selection, until);
	leave_all(selection);
	return error ? error : give_back(selection, ready);
}

static int do_select(leafcast_fd_set *const callers[SETS], const struct timeval *timeout,
		     int *ready)
{
	struct selection selection = {0};
	int error = 0;

	if (lc_callback_depth)
		return WSAEINPROGRESS;
	if (!lc_is_started())
		return WSANOTINITIALISED;
	if (!callers[READ] && !callers[WRITE] && !callers[EXCEPT])
		return WSAEINVAL;
	for (int set = 0; set < SETS && !error; set++)
		error = lc_fd_set_read(&selection.sets[set], callers[set]);
	if (!error)
		error = select_from(&selection, timeout, ready);
	for (int set = 0; set < SETS; set++)
		lc_fd_set_free(&selection.sets[set]);
	free(selection.watched);
	free(selection.polled);
	return error;
}

int lc_wsp_select(int nfds, leafcast_fd_set *readfds, leafcast_fd_set *writefds,
		  leafcast_fd_set *exceptfds, const struct timeval *timeout, LPINT lpErrno)
{
	leafcast_fd_set *const callers[SETS] = {readfds, writefds, exceptfds};
	int ready = 0;
	int code = do_select(callers, timeout, &ready);

	return lc_finish("WSPSelect", INVALID_SOCKET, code, lpErrno) ? SOCKET_ERROR : ready;
}
