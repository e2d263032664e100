/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "provider/backlog.h"
#include "provider/dispatch.h"
#include "provider/events.h"
#include "provider/membership.h"
#include "provider/table.h"

static void requests_changed(struct lc_socket *socket)
{
	lc_socket_changed(socket);
	lc_event_requests(socket);
}

static void reject(const struct lc_socket *socket, uint64_t request, enum leafcast_reason reason)
{
	lc_connection_tell(socket->link, &(struct lc_local_message){.kind = LC_LOCAL_REJECT,
								    .socket = socket->number,
								    .request = request,
								    .reason = reason});
}

/* No longer listening: such as a WSPListen that was given up before its answer came. */
static void on_request(struct lc_socket *socket, const struct lc_local_message *event)
{
	if (!socket->listening || socket->membership == LC_ENDED)
		reject(socket, event->request, LEAFCAST_NOBODY_LISTENING);
	else if (lc_backlog_append(socket, event))
		reject(socket, event->request, LEAFCAST_LIMIT);
	else
		requests_changed(socket);
}

/*
 * Only a request at the head may have been announced; it stays to be reported.
 * The others go, so that a peer that asks and withdraws for ever fills nothing.
 */
static void on_withdrawn(struct lc_socket *socket, const struct lc_local_message *event)
{
	struct lc_request *request = lc_backlog_find(socket, event->request);

	if (!request)
		return;
	request->withdrawn = true;
	request->deferred = false;
	request->reason = event->reason;
	if (!request->deciding && request != socket->requests)
		lc_backlog_remove(socket, request);
	requests_changed(socket);
}

static void on_event(const struct lc_local_message *event)
{
	struct lc_socket *socket = lc_table_by_number(event->socket);

	if (!socket)
		return;
	lc_socket_lock(socket);
	if (socket->closing)
		; /* WSPCloseSocket tells the daemon */
	else if (event->kind == LC_LOCAL_REQUEST)
		on_request(socket, event);
	else if (event->kind == LC_LOCAL_WITHDRAWN)
		on_withdrawn(socket, event);
	else if (event->kind == LC_LOCAL_CLOSED)
		lc_member_ended(socket, event->reason ? event->reason : LEAFCAST_CLOSED, false);
	lc_socket_unlock(socket);
	lc_socket_release(socket);
}

const struct lc_connection_handlers lc_dispatch = {
	.event = on_event,
	.lost = lc_member_look_again,
	.forsaken = lc_member_end_without,
};
