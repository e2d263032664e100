/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tool/attend.h"

#include <string.h>
#include <sys/socket.h>

#include "core/endpoint.h"
#include "tool/invite.h"
#include "tool/say.h"
#include "tool/sockets.h"
#include "tool/stop.h"

static bool refuses(const struct lc_root_settings *settings, const struct lc_endpoint *leaf)
{
	for (size_t i = 0; i < settings->refuse.count; i++)
		if (lc_prefix_holds(&settings->refuse.entry[i].address,
				    settings->refuse.entry[i].length, leaf))
			return true;
	return false;
}

/* Called by WSAAccept: whether this leaf may join, and what it is told. */
static int CALLBACK condition(LPWSABUF caller, LPWSABUF caller_data, LPQOS sqos, LPQOS gqos,
			      LPWSABUF callee, LPWSABUF callee_data, GROUP *group,
			      DWORD_PTR context)
{
	const struct lc_root_settings *settings = ((struct lc_root *)context)->settings;
	char text[LC_ENDPOINT_TEXT];
	struct lc_endpoint leaf;
	size_t length;

	if (lc_endpoint_from_sockaddr(&leaf, (struct sockaddr *)caller->buf, caller->len))
		return CF_REJECT;
	lc_endpoint_format(text, &leaf);
	if (refuses(settings, &leaf)) {
		lc_say("leaf %s refused", text);
		return CF_REJECT;
	}
	if (caller_data && caller_data->len) {
		lc_say("leaf %s asks to join", text);
		lc_say_data("caller-data", caller_data->buf, caller_data->len);
	}
	if (callee_data) {
		length = settings->data ? strlen(settings->data) : 0;
		if (length > callee_data->len)
			length = callee_data->len;
		if (length)
			memcpy(callee_data->buf, settings->data, length);
		callee_data->len = (ULONG)length;
	}
	return CF_ACCEPT;
}

static void accept_leaves(struct lc_root *root)
{
	for (;;) {
		struct sockaddr_storage address;
		int length = sizeof(address);
		struct lc_endpoint name = {0};
		SOCKET leaf;

		leaf = WSAAccept(root->socket, (struct sockaddr *)&address, &length, condition,
				 (DWORD_PTR)root);
		if (leaf != INVALID_SOCKET) {
			lc_endpoint_from_sockaddr(&name, (struct sockaddr *)&address,
						  (socklen_t)length);
			if (lc_leaves_add(&root->leaves, leaf, &name))
				lc_progress_note_leaf(&root->progress);
			continue;
		}
		switch (WSAGetLastError()) {
		case WSAECONNREFUSED: /* by our own condition */
		case WSAECONNRESET:   /* withdrawn meanwhile */
		case WSAEACCES:
			continue;
		}
		return;
	}
}

static void take_data(struct lc_root *root)
{
	uint64_t datagrams = 0;
	int code;

	if (root->output_is_gone)
		return;
	/* Another failure ends with the session; what it was, FD_CLOSE says. */
	code = lc_sockets_drain(root->socket, UINT64_MAX, &datagrams);
	if (code != WSAEINTR || lc_stop_asked())
		return;
	root->output_is_gone = true;
	lc_progress_note_unwritten(&root->progress);
}

static void look_at_root(struct lc_root *root)
{
	WSANETWORKEVENTS events;

	/* Resets the event, so what comes after this is not missed. */
	lc_sockets_events(root->socket, root->event, &events);
	if (events.lNetworkEvents & FD_CONNECT)
		lc_invite_decided(root, events.iErrorCode[FD_CONNECT_BIT]);
	if (events.lNetworkEvents & FD_ACCEPT)
		accept_leaves(root);
	if (events.lNetworkEvents & FD_READ)
		take_data(root);
	if (events.lNetworkEvents & FD_CLOSE) {
		int code = events.iErrorCode[FD_CLOSE_BIT];

		lc_say("leafcast: the session broke: %s (%s %d)",
		       leafcast_reason_word(leafcast_socket_reason(root->socket)),
		       leafcast_code_name(code), code);
		lc_progress_note_break(&root->progress);
	}
}

static bool done(struct lc_root *root)
{
	return lc_progress_is_ending(&root->progress) || lc_stop_asked();
}

static void *attend(void *context)
{
	struct lc_root *root = context;

	while (!done(root)) {
		lc_sockets_wait(root->event, lc_invite_next(root));
		look_at_root(root);
		lc_leaves_review(&root->leaves);
	}
	if (!lc_stop_asked())
		take_data(root);
	/* A first thread that waits for leaves waits no longer. */
	lc_progress_wake(&root->progress);
	return NULL;
}

bool lc_attend_begin(struct lc_root *root, pthread_t *attendant)
{
	int error = pthread_create(attendant, NULL, attend, root);

	if (error)
		lc_say("leafcast: no thread: %s", strerror(error));
	return !error;
}

void lc_attend_end(struct lc_root *root, pthread_t attendant)
{
	lc_progress_note_end(&root->progress);
	WSASetEvent(root->event);
	pthread_join(attendant, NULL);
}
