/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "provider/absence.h"
#include "provider/backlog.h"
#include "provider/dispatch.h"
#include "provider/events.h"
#include "provider/farewell.h"
#include "provider/membership.h"
#include "provider/resume.h"
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
static void withdraw(struct lc_socket *socket, struct lc_request *request,
		     enum leafcast_reason reason)
{
	request->withdrawn = true;
	request->deferred = false;
	request->reason = reason;
	if (!request->deciding && request != socket->requests)
		lc_backlog_remove(socket, request);
}

static void on_withdrawn(struct lc_socket *socket, const struct lc_local_message *event)
{
	struct lc_request *request = lc_backlog_find(socket, event->request);

	if (!request)
		return;
	withdraw(socket, request, event->reason);
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

/* Who asked by a daemon that is gone asks no more. */
static void withdraw_all(struct lc_socket *socket)
{
	struct lc_request *next;

	for (struct lc_request *request = socket->requests; request; request = next) {
		next = request->next;
		if (!request->withdrawn)
			withdraw(socket, request, LEAFCAST_RESET);
	}
	requests_changed(socket);
}

static void on_loss(void)
{
	struct lc_socket *socket;

	lc_resume_end();
	for (uint64_t cursor = 0; (socket = lc_table_next(&cursor)); lc_socket_release(socket)) {
		lc_socket_lock(socket);
		withdraw_all(socket);
		lc_socket_unlock(socket);
	}
}

static void on_connection(uint64_t link)
{
	lc_farewell_repeat(link);
	lc_resume_begin(link);
	lc_absence_begin();
}

const struct lc_connection_handlers lc_dispatch = {
	.event = on_event,
	.up = on_connection,
	.lost = on_loss,
	.room = lc_resume_go_on,
};
