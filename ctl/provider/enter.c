/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <time.h>

#include "base/clock.h"
#include "provider/enter.h"
#include "provider/retire.h"
#include "provider/table.h"

/* Without a system call. */
static uint64_t coarse_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * LC_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Its descriptor was closed behind our back: so it is no socket any more. Takes the reference. */
static void give_up(struct lc_socket *socket)
{
	if (lc_table_unpublish(socket))
		lc_retire(socket);
	lc_socket_release(socket);
}

static int find(SOCKET handle, struct lc_socket **socket)
{
	if (!lc_is_started())
		return WSANOTINITIALISED;
	*socket = lc_table_by_handle(handle);
	return *socket ? 0 : WSAENOTSOCK;
}

/* Locked. */
static int check(struct lc_socket *socket, bool owned)
{
	if (socket->closing || !owned)
		return WSAENOTSOCK;
	return socket->unusable ? WSAENOTCONN : 0;
}

static int enter(struct lc_socket *socket, bool owned)
{
	int error = check(socket, owned);

	if (!error) {
		socket->calls++;
		return 0;
	}
	lc_socket_unlock(socket);
	if (owned)
		lc_socket_release(socket);
	else
		give_up(socket);
	return error;
}

int lc_enter(SOCKET handle, struct lc_socket **socket)
{
	int error = find(handle, socket);

	if (error)
		return error;
	lc_socket_lock(*socket);
	return enter(*socket, (*socket)->closing || lc_socket_owns_descriptor(*socket));
}

int lc_enter_for_data(SOCKET handle, struct lc_socket **socket)
{
	uint64_t now = coarse_now_ns();
	struct lc_socket *s;
	bool owned = true;
	int error = find(handle, socket);

	if (error)
		return error;
	s = *socket;
	lc_socket_lock(s);
	if (s->looked_ns != now && !s->closing) {
		owned = lc_socket_owns_descriptor(s);
		s->looked_ns = now;
	}
	return enter(s, owned);
}

void lc_leave(struct lc_socket *socket)
{
	lc_step_out(socket);
	lc_socket_unlock(socket);
	lc_socket_release(socket);
}

void lc_step_out(struct lc_socket *socket)
{
	if (!--socket->calls && socket->closing)
		lc_socket_changed(socket);
}

void lc_step_in(struct lc_socket *socket)
{
	socket->calls++;
}

int lc_take_out(SOCKET handle, struct lc_socket **socket)
{
	struct lc_socket *s;
	bool taken, owned;
	int error = find(handle, socket);

	if (error)
		return error;
	s = *socket;
	taken = lc_table_unpublish(s);
	lc_socket_lock(s);
	owned = lc_socket_owns_descriptor(s);
	lc_socket_unlock(s);
	lc_socket_release(s); /* the table's remains */
	if (taken && owned)
		return 0;
	if (taken)
		lc_retire(s);
	return WSAENOTSOCK;
}
