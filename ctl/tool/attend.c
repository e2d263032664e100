/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast root: the thread that attends to the leaves. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/endpoint.h"
#include "tool/root.h"
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
		lc_sockets_print_data("caller-data", caller_data->buf, caller_data->len);
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

void lc_root_add_leaf(struct lc_root *root, SOCKET socket, const struct lc_endpoint *name)
{
	struct lc_root_leaf *larger;
	char text[LC_ENDPOINT_TEXT];

	larger = reallocarray(root->leaf, root->leaves + 1, sizeof(*larger));
	if (!larger) {
		lc_say("leafcast: no memory for leaf %s", lc_endpoint_format(text, name));
		closesocket(socket);
		return;
	}
	root->leaf = larger;
	root->leaf[root->leaves].socket = socket;
	root->leaf[root->leaves++].name = *name;
	lc_say("leaf %s joined", lc_endpoint_format(text, name));
	pthread_mutex_lock(&root->lock);
	root->joined++;
	pthread_cond_signal(&root->changed);
	pthread_mutex_unlock(&root->lock);
}

static void broken(struct lc_root *root)
{
	pthread_mutex_lock(&root->lock);
	root->broken = true;
	pthread_cond_signal(&root->changed);
	pthread_mutex_unlock(&root->lock);
	lc_stop_ask();
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
			lc_root_add_leaf(root, leaf, &name);
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

static void look_at_leaves(struct lc_root *root)
{
	WSANETWORKEVENTS events;
	char text[LC_ENDPOINT_TEXT];
	size_t kept = 0;

	for (size_t i = 0; i < root->leaves; i++) {
		struct lc_root_leaf leaf = root->leaf[i];
		int code;

		lc_sockets_events(leaf.socket, NULL, &events);
		if (!(events.lNetworkEvents & FD_CLOSE)) {
			root->leaf[kept++] = leaf;
			continue;
		}
		code = events.iErrorCode[FD_CLOSE_BIT];
		lc_endpoint_format(text, &leaf.name);
		if (code)
			lc_say("leaf %s was lost: %s (%s %d)", text,
			       leafcast_reason_word(leafcast_socket_reason(leaf.socket)),
			       leafcast_code_name(code), code);
		else
			lc_say("leaf %s left", text);
		closesocket(leaf.socket);
	}
	root->leaves = kept;
}

static void take_data(struct lc_root *root)
{
	uint64_t datagrams = 0;

	/* A failure here ends with the session; what it was, FD_CLOSE says. */
	lc_sockets_drain(root->socket, UINT64_MAX, &datagrams);
}

static void look_at_root(struct lc_root *root)
{
	WSANETWORKEVENTS events;

	/* Resets the event, so what comes after this is not missed. */
	lc_sockets_events(root->socket, root->event, &events);
	if (events.lNetworkEvents & FD_CONNECT)
		lc_root_invitation_decided(root, events.iErrorCode[FD_CONNECT_BIT]);
	if (events.lNetworkEvents & FD_ACCEPT)
		accept_leaves(root);
	if (events.lNetworkEvents & FD_READ)
		take_data(root);
	if (events.lNetworkEvents & FD_CLOSE) {
		int code = events.iErrorCode[FD_CLOSE_BIT];

		lc_say("leafcast: the session broke: %s (%s %d)",
		       leafcast_reason_word(leafcast_socket_reason(root->socket)),
		       leafcast_code_name(code), code);
		broken(root);
	}
}

static bool done(struct lc_root *root)
{
	bool ending;

	pthread_mutex_lock(&root->lock);
	ending = root->ending;
	pthread_mutex_unlock(&root->lock);
	return ending || lc_stop_asked();
}

static void *attend(void *context)
{
	struct lc_root *root = context;

	while (!done(root)) {
		lc_sockets_wait(root->event, lc_root_invite(root));
		look_at_root(root);
		look_at_leaves(root);
	}
	if (!lc_stop_asked())
		take_data(root);
	/* A first thread that waits for leaves waits no longer. */
	pthread_mutex_lock(&root->lock);
	pthread_cond_signal(&root->changed);
	pthread_mutex_unlock(&root->lock);
	return NULL;
}

bool lc_root_attend(struct lc_root *root)
{
	int error = pthread_create(&root->attendant, NULL, attend, root);

	if (error)
		lc_say("leafcast: no thread: %s", strerror(error));
	return !error;
}

void lc_root_attended(struct lc_root *root)
{
	pthread_mutex_lock(&root->lock);
	root->ending = true;
	pthread_mutex_unlock(&root->lock);
	WSASetEvent(root->event);
	pthread_join(root->attendant, NULL);
}

void lc_root_forget_leaves(struct lc_root *root)
{
	if (root->invitation != INVALID_SOCKET)
		closesocket(root->invitation);
	for (size_t i = 0; i < root->leaves; i++)
		closesocket(root->leaf[i].socket);
	free(root->leaf);
}
