/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tool/join.h"

#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "core/endpoint.h"
#include "tool/say.h"
#include "tool/sockets.h"
#include "tool/stop.h"

#define RETRY_MS 200
#define BACKLOG	 8

static uint64_t now_ms(void)
{
	return lc_now_ns() / LC_NS_PER_MS;
}

/* Sleeps until something happens, the deadline or `most_ms`; false: the deadline is over, or asked to stop. */
static bool wait_until(const struct lc_leaf_tool *leaf, uint64_t deadline_ms, uint64_t most_ms)
{
	uint64_t now = now_ms(), left_ms;

	if (lc_stop_asked() || now >= deadline_ms)
		return false;
	left_ms = deadline_ms - now;
	lc_sockets_wait(leaf->event, (DWORD)(left_ms < most_ms ? left_ms : most_ms));
	return !lc_stop_asked();
}

/*
 * One try. 0, a Winsock code, or WSAEINPROGRESS when the deadline came before
 * the answer.
 */
static int try_join(struct lc_leaf_tool *leaf, uint64_t deadline_ms)
{
	WSABUF data = lc_sockets_buffer(leaf->settings->data);
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(&leaf->session, &address);
	WSANETWORKEVENTS events;

	leaf->peer_data = (WSABUF){.len = sizeof(leaf->peer_bytes), .buf = leaf->peer_bytes};
	if (WSAJoinLeaf(leaf->socket, (struct sockaddr *)&address, (int)length,
			data.len ? &data : NULL, &leaf->peer_data, NULL, NULL,
			leaf->settings->send ? JL_BOTH : JL_RECEIVER_ONLY) == INVALID_SOCKET)
		return WSAGetLastError();
	do {
		lc_sockets_events(leaf->socket, leaf->event, &events);
		if (events.lNetworkEvents & FD_CONNECT)
			return events.iErrorCode[FD_CONNECT_BIT];
	} while (wait_until(leaf, deadline_ms, UINT32_MAX - 1));
	return WSAEINPROGRESS;
}

bool lc_join(struct lc_leaf_tool *leaf)
{
	uint64_t deadline_ms = now_ms() + leaf->settings->timeout_ms;

	if (leaf->settings->bind.family && !lc_sockets_bind(leaf->socket, &leaf->settings->bind, 0))
		return false;
	if (!lc_sockets_watch(leaf->socket, leaf->event))
		return false;
	for (;;) {
		int code = try_join(leaf, deadline_ms);
		enum leafcast_reason reason = leafcast_socket_reason(leaf->socket);

		if (!code) {
			leaf->member = leaf->socket;
			return true;
		}
		if (lc_stop_asked())
			return false;
		if (code == WSAEINPROGRESS) {
			lc_say_refused("join", LEAFCAST_TIMED_OUT, WSAETIMEDOUT);
			return false;
		}
		if (!lc_sockets_may_pass(reason) || now_ms() + RETRY_MS >= deadline_ms) {
			lc_say_refused("join", reason, code);
			return false;
		}
		if (!wait_until(leaf, deadline_ms, RETRY_MS))
			return false;
	}
}

/* Called by WSAAccept: only the root that was named, where one was. */
static int CALLBACK condition(LPWSABUF caller, LPWSABUF caller_data, LPQOS sqos, LPQOS gqos,
			      LPWSABUF callee, LPWSABUF callee_data, GROUP *group,
			      DWORD_PTR context)
{
	struct lc_leaf_tool *leaf = (struct lc_leaf_tool *)context;
	const char *own = leaf->settings->data;
	char text[LC_ENDPOINT_TEXT];
	struct lc_endpoint root;
	size_t length;

	if (lc_endpoint_from_sockaddr(&root, (struct sockaddr *)caller->buf, caller->len))
		return CF_REJECT;
	if (leaf->settings->bind.family && !lc_endpoint_equal(&root, &leaf->settings->name)) {
		lc_say("invitation by %s refused", lc_endpoint_format(text, &root));
		return CF_REJECT;
	}
	leaf->session = root;
	leaf->peer_data.len = 0;
	if (caller_data && caller_data->len <= sizeof(leaf->peer_bytes)) {
		memcpy(leaf->peer_bytes, caller_data->buf, caller_data->len);
		leaf->peer_data.len = caller_data->len;
	}
	if (callee_data) {
		length = own ? strlen(own) : 0;
		if (length > callee_data->len)
			length = callee_data->len;
		if (length)
			memcpy(callee_data->buf, own, length);
		callee_data->len = (ULONG)length;
	}
	return CF_ACCEPT;
}

/* 0 or WSAEWOULDBLOCK; requests that come to nothing are passed over. */
static int try_accept(struct lc_leaf_tool *leaf)
{
	for (;;) {
		int code;

		leaf->member = WSAAccept(leaf->socket, NULL, NULL, condition, (DWORD_PTR)leaf);
		if (leaf->member != INVALID_SOCKET)
			return 0;
		code = WSAGetLastError();
		if (code != WSAECONNREFUSED && code != WSAECONNRESET && code != WSAEACCES)
			return code;
	}
}

bool lc_join_by_invitation(struct lc_leaf_tool *leaf)
{
	const struct lc_leaf_settings *settings = leaf->settings;
	const struct lc_endpoint *at = settings->bind.family ? &settings->bind : &settings->name;
	uint64_t deadline_ms = now_ms() + settings->timeout_ms;
	WSANETWORKEVENTS events;
	char text[LC_ENDPOINT_TEXT];
	int code;

	leaf->peer_data.buf = leaf->peer_bytes;
	if (!lc_sockets_bind(leaf->socket, at, BACKLOG) ||
	    !lc_sockets_watch(leaf->socket, leaf->event))
		return false;
	lc_say("listening at %s", lc_endpoint_format(text, at));
	do {
		lc_sockets_events(leaf->socket, leaf->event, &events);
		code = try_accept(leaf);
		if (!code) {
			/* Nobody listens here any more. */
			closesocket(leaf->socket);
			leaf->socket = INVALID_SOCKET;
			return true;
		}
		if (code != WSAEWOULDBLOCK) {
			lc_say_refused("join", leafcast_socket_reason(leaf->socket), code);
			return false;
		}
	} while (wait_until(leaf, deadline_ms, UINT32_MAX - 1));
	if (!lc_stop_asked())
		lc_say_refused("join", LEAFCAST_TIMED_OUT, WSAETIMEDOUT);
	return false;
}
