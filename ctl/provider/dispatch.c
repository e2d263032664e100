/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <stdlib.h>

#include "provider/daemon.h"
#include "provider/dispatch.h"
#include "provider/events.h"

static void on_request(struct lc_socket *socket, const struct lc_local_message *event)
{
	struct lc_request **at = &socket->requests, *request = calloc(1, sizeof(*request));

	if (!request) {
		lc_daemon_tell(socket->link, &(struct lc_local_message){.kind = LC_LOCAL_REJECT,
									.socket = socket->number,
									.request = event->request,
									.reason = LEAFCAST_LIMIT});
		return;
	}
	request->asked = *event;
	while (*at)
		at = &(*at)->next;
	*at = request;
	lc_socket_requests_changed(socket);
	lc_event_requests(socket);
}

/*
 * Only a request at the head may have been announced; it stays to be reported.
 * The others go, so that a peer that asks and withdraws for ever fills nothing.
 */
static void on_withdrawn(struct lc_socket *socket, const struct lc_local_message *event)
{
	struct lc_request **at = &socket->requests, *request;

	while (*at && (*at)->asked.request != event->request)
		at = &(*at)->next;
	request = *at;
	if (!request)
		return;
	request->withdrawn = true;
	request->deferred = false;
	request->reason = event->reason;
	if (!request->deciding && request != socket->requests) {
		*at = request->next;
		free(request);
	}
	lc_socket_requests_changed(socket);
	lc_event_requests(socket);
}

void lc_dispatch(const struct lc_local_message *event)
{
	struct lc_socket *socket = lc_socket_by_number(event->socket);

	if (!socket)
		return;
	if (event->kind == LC_LOCAL_REQUEST && socket->listening)
		on_request(socket, event);
	else if (event->kind == LC_LOCAL_WITHDRAWN)
		on_withdrawn(socket, event);
	else if (event->kind == LC_LOCAL_CLOSED)
		lc_socket_ended(socket, event->reason ? event->reason : LEAFCAST_CLOSED, false);
}
