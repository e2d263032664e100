/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <poll.h>
#include <sys/epoll.h>

#include "provider/backlog.h"
#include "provider/errors.h"
#include "provider/event_object.h"
#include "provider/events.h"
#include "provider/loop.h"
#include "provider/table.h"

static const char *const bit_words[FD_MAX_EVENTS] = {"FD_READ",
						     "FD_WRITE",
						     "FD_OOB",
						     "FD_ACCEPT",
						     "FD_CONNECT",
						     "FD_CLOSE",
						     "FD_QOS",
						     "FD_GROUP_QOS",
						     "FD_ROUTING_INTERFACE_CHANGE",
						     "FD_ADDRESS_LIST_CHANGE"};

bool lc_socket_is_connected(const struct lc_socket *socket)
{
	if (socket->membership == LC_ENDED)
		return true;
	return socket->role == LC_ROLE_ROOT ? socket->channel.family != LC_FAMILY_NONE
					    : socket->membership == LC_MEMBER;
}

void lc_event_record(struct lc_socket *socket, int bit, int code)
{
	struct lc_registration *events = &socket->events;

	if (!(events->mask & 1 << bit) || socket->closing)
		return;
	events->record |= 1 << bit;
	events->codes[bit] = code;
	lc_trace("event", socket->handle, bit_words[bit], code);
	lc_event_object_set(events->event);
}

void lc_event_join_begins(struct lc_socket *socket)
{
	socket->events.connect_finished = false;
	socket->events.record &= ~FD_CONNECT;
}

void lc_event_join_finished(struct lc_socket *socket, int code)
{
	socket->events.connect_finished = true;
	socket->events.connect_code = code;
	lc_event_record(socket, FD_CONNECT_BIT, code);
}

/* A root's handle of one leaf only reports the leaf's end. */
static bool carries_data(const struct lc_socket *socket)
{
	return !socket->root && lc_socket_is_connected(socket);
}

static bool is_ready(const struct lc_socket *socket, short what)
{
	struct pollfd descriptor = {.fd = socket->fd, .events = what};

	return poll(&descriptor, 1, 0) == 1 && descriptor.revents & what;
}

/* Has the loop look for what is registered for and not recorded yet. */
static void arm(struct lc_socket *socket)
{
	struct lc_registration *events = &socket->events;
	uint32_t wanted = 0;

	if (events->mask & FD_READ && !events->read_recorded && carries_data(socket))
		wanted |= EPOLLIN;
	if (events->mask & FD_WRITE && events->write_blocked)
		wanted |= EPOLLOUT;
	if (!wanted || socket->closing || lc_loop_start())
		return;
	if (!lc_loop_watch(socket->fd, LC_LOOP_SOCKET, socket->number, wanted | EPOLLONESHOT,
			   events->watched))
		events->watched = true;
}

void lc_event_unwatch(struct lc_socket *socket)
{
	if (socket->events.watched && lc_socket_owns_descriptor(socket))
		lc_loop_unwatch(socket->fd);
	socket->events.watched = false;
}

static void record_readable(struct lc_socket *socket)
{
	struct lc_registration *events = &socket->events;

	if (!(events->mask & FD_READ) || events->read_recorded || !carries_data(socket) ||
	    !is_ready(socket, POLLIN))
		return;
	events->read_recorded = true;
	lc_event_record(socket, FD_READ_BIT, 0);
}

void lc_event_connected(struct lc_socket *socket)
{
	if (!carries_data(socket))
		return;
	if (socket->sends)
		lc_event_record(socket, FD_WRITE_BIT, 0);
	arm(socket);
}

void lc_event_requests(struct lc_socket *socket)
{
	if (!lc_backlog_is_ready(socket) || socket->events.accept_recorded)
		return;
	socket->events.accept_recorded = true;
	lc_event_record(socket, FD_ACCEPT_BIT, 0);
}

void lc_event_after_accept(struct lc_socket *socket)
{
	socket->events.accept_recorded = false;
	lc_event_requests(socket);
}

void lc_event_after_receive(struct lc_socket *socket)
{
	if (!socket->events.read_recorded)
		return;
	socket->events.read_recorded = false;
	arm(socket);
}

void lc_event_after_blocked_send(struct lc_socket *socket)
{
	socket->events.write_blocked = true;
	arm(socket);
}

void lc_event_ready(uint64_t number, uint32_t ready)
{
	const uint32_t broken = EPOLLERR | EPOLLHUP;
	struct lc_socket *socket = lc_table_by_number(number);

	if (!socket)
		return;
	lc_socket_lock(socket);
	if (!socket->closing && lc_socket_owns_descriptor(socket)) {
		/* Another thread may have taken the data since: looked at again. */
		if (ready & (EPOLLIN | broken))
			record_readable(socket);
		if (ready & (EPOLLOUT | broken) && socket->events.write_blocked) {
			socket->events.write_blocked = false;
			lc_event_record(socket, FD_WRITE_BIT, 0);
		}
		arm(socket);
	}
	lc_socket_unlock(socket);
	lc_socket_release(socket);
}

void lc_event_inherit(struct lc_socket *socket, const struct lc_socket *parent)
{
	socket->events.mask = parent->events.mask & ~FD_CONNECT;
	socket->events.event = lc_event_object_reference(parent->events.event);
}

/* What is true already is recorded at once. */
static void record_present(struct lc_socket *socket)
{
	struct lc_registration *events = &socket->events;

	if (events->connect_finished)
		lc_event_record(socket, FD_CONNECT_BIT, events->connect_code);
	if (socket->membership == LC_ENDED) {
		lc_event_record(socket, FD_CLOSE_BIT, socket->end_code);
	} else if (events->mask & FD_WRITE && carries_data(socket) && socket->sends &&
		   is_ready(socket, POLLOUT)) {
		events->write_blocked = false;
		lc_event_record(socket, FD_WRITE_BIT, 0);
	}
	record_readable(socket);
	lc_event_requests(socket);
	arm(socket);
}

int lc_event_select(struct lc_socket *socket, WSAEVENT event, LONG mask)
{
	struct lc_registration *events = &socket->events;
	struct lc_event_object *object = NULL;
	int error = 0;

	if (mask & ~FD_ALL_EVENTS || (mask && event == WSA_INVALID_EVENT))
		return WSAEINVAL;
	if (mask)
		error = lc_event_object_new(event, &object);
	if (error)
		return error;
	lc_event_unwatch(socket);
	lc_event_object_release(events->event);
	socket->nonblocking = true;
	events->mask = mask;
	events->event = object;
	events->record = 0;
	events->read_recorded = events->accept_recorded = false;
	if (mask)
		record_present(socket);
	return 0;
}

void lc_event_enumerate(struct lc_socket *socket, WSAEVENT event, LPWSANETWORKEVENTS result)
{
	struct lc_registration *events = &socket->events;

	result->lNetworkEvents = events->record;
	/* N7: the other cells stay as they are */
	for (int bit = 0; bit < FD_MAX_EVENTS; bit++)
		if (events->record & 1 << bit)
			result->iErrorCode[bit] = events->codes[bit];
	if (events->record & FD_CONNECT)
		events->connect_finished = false;
	events->record = 0;
	if (event != WSA_INVALID_EVENT)
		lc_event_object_reset(events->event, event);
}
