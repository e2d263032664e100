/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "provider/daemon.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/memory.h"

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

static void set_event(WSAEVENT event)
{
	int ignored;

	if (lc_upcalls.lpWPUSetEvent)
		lc_upcalls.lpWPUSetEvent(event, &ignored);
	else if (eventfd_write((int)(intptr_t)event, 1))
		return; /* full: it is set */
}

static void reset_event(WSAEVENT event)
{
	eventfd_t value;
	int ignored;

	if (lc_upcalls.lpWPUResetEvent)
		lc_upcalls.lpWPUResetEvent(event, &ignored);
	else if (eventfd_read((int)(intptr_t)event, &value))
		return; /* empty: it is reset */
}

void lc_event_record(struct lc_socket *socket, int bit, int code)
{
	struct lc_registration *events = &socket->events;

	if (!(events->mask & 1 << bit) || socket->closing)
		return;
	events->record |= 1 << bit;
	events->codes[bit] = code;
	lc_trace("event", socket->handle, bit_words[bit], code);
	set_event(events->event);
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

static void arm(struct lc_socket *socket)
{
	struct lc_registration *events = &socket->events;
	uint32_t wanted = 0;

	if (events->mask & FD_READ && !events->read_recorded && carries_data(socket))
		wanted |= EPOLLIN;
	if (events->mask & FD_WRITE && events->write_blocked)
		wanted |= EPOLLOUT;
	if (wanted)
		lc_daemon_watch(socket, wanted);
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
	struct lc_request *first = lc_socket_first_request(socket);

	if (!first || first->deferred || socket->events.accept_recorded)
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
	if (!(socket->events.mask & FD_WRITE))
		return;
	socket->events.write_blocked = true;
	arm(socket);
}

void lc_event_ready(struct lc_socket *socket, bool readable, bool writable)
{
	struct lc_registration *events = &socket->events;

	/* Another thread may have taken the data since. */
	if (readable && events->mask & FD_READ && !events->read_recorded &&
	    is_ready(socket, POLLIN)) {
		events->read_recorded = true;
		lc_event_record(socket, FD_READ_BIT, 0);
	}
	if (writable && events->write_blocked) {
		events->write_blocked = false;
		lc_event_record(socket, FD_WRITE_BIT, 0);
	}
	arm(socket);
}

void lc_event_inherit(struct lc_socket *socket, const struct lc_socket *parent)
{
	socket->nonblocking = parent->nonblocking;
	socket->events = (struct lc_registration){.mask = parent->events.mask & ~FD_CONNECT,
						  .event = parent->events.event};
}

/* What is true already is recorded at once. */
static void record_present(struct lc_socket *socket)
{
	struct lc_registration *events = &socket->events;

	if (events->connect_finished)
		lc_event_record(socket, FD_CONNECT_BIT, events->connect_code);
	if (socket->membership == LC_ENDED)
		lc_event_record(socket, FD_CLOSE_BIT, socket->end_code);
	else if (carries_data(socket) && socket->sends && is_ready(socket, POLLOUT))
		lc_event_record(socket, FD_WRITE_BIT, 0);
	lc_event_requests(socket);
	arm(socket);
}

static int event_select(SOCKET handle, WSAEVENT event, LONG mask)
{
	struct lc_socket *socket;
	int error = lc_enter(handle, &socket);

	if (error)
		return error;
	if (mask & ~FD_ALL_EVENTS || (mask && event == WSA_INVALID_EVENT)) {
		lc_leave(socket);
		return WSAEINVAL;
	}
	lc_daemon_unwatch(socket);
	socket->nonblocking = true;
	socket->events.mask = mask;
	socket->events.event = mask ? event : WSA_INVALID_EVENT;
	socket->events.record = 0;
	socket->events.read_recorded = socket->events.write_blocked = false;
	socket->events.accept_recorded = false;
	if (mask)
		record_present(socket);
	lc_leave(socket);
	return 0;
}

int lc_wsp_event_select(SOCKET s, WSAEVENT event, LONG mask, LPINT lpErrno)
{
	return lc_finish("WSPEventSelect", s, event_select(s, event, mask), lpErrno);
}

static int enum_network_events(SOCKET handle, WSAEVENT event, LPWSANETWORKEVENTS result)
{
	struct lc_socket *socket;
	int error = lc_enter(handle, &socket);

	if (error)
		return error;
	if (lc_memory_check_writable(result, sizeof(*result))) {
		lc_leave(socket);
		return WSAEFAULT;
	}
	result->lNetworkEvents = socket->events.record;
	/* N7: the other cells stay as they are */
	for (int bit = 0; bit < FD_MAX_EVENTS; bit++)
		if (socket->events.record & 1 << bit)
			result->iErrorCode[bit] = socket->events.codes[bit];
	if (socket->events.record & FD_CONNECT)
		socket->events.connect_finished = false;
	socket->events.record = 0;
	if (event != WSA_INVALID_EVENT)
		reset_event(event);
	lc_leave(socket);
	return 0;
}

int lc_wsp_enum_network_events(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS events, LPINT lpErrno)
{
	return lc_finish("WSPEnumNetworkEvents", s, enum_network_events(s, event, events), lpErrno);
}
