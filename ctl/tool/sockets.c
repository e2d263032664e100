/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tool/sockets.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/endpoint.h"
#include "tool/say.h"
#include "tool/stop.h"
#include "tool/stream.h"

/* Room for a stream while this process waits for the processor, as far as the system allows. */
#define RECEIVE_ROOM (8 * 1024 * 1024)

static const char *daemon_directory(void)
{
	const char *directory = getenv("LEAFCAST_RUNTIME_DIR");

	return directory && *directory ? directory : LEAFCAST_RUNTIME_DIR;
}

bool lc_sockets_begin(const char *runtime_dir, uint64_t absence_ms, WSAEVENT *event)
{
	WSADATA data;
	int code;

	if (runtime_dir)
		setenv("LEAFCAST_RUNTIME_DIR", runtime_dir, 1);
	if (absence_ms)
		leafcast_set_absence((unsigned int)absence_ms);
	code = WSAStartup(MAKEWORD(2, 2), &data);
	if (code) {
		lc_say("leafcast: start: %s %d", leafcast_code_name(code), code);
		return false;
	}
	*event = WSACreateEvent();
	if (*event == WSA_INVALID_EVENT) {
		lc_say("leafcast: no event: %s", leafcast_code_name(WSAGetLastError()));
		WSACleanup();
		return false;
	}
	code = lc_stop_begin(*event);
	if (code) {
		lc_say("leafcast: signals: %s", strerror(-code));
		lc_sockets_end();
		return false;
	}
	return true;
}

void lc_sockets_end(void)
{
	/* The event stays: the thread that takes signals may still set it. */
	WSACleanup();
}

/* The catalogue's entry with rooted control and rooted data of a family. */
static bool find_entry(int family, WSAPROTOCOL_INFOW *entry)
{
	const DWORD rooted = XP1_SUPPORT_MULTIPOINT | XP1_MULTIPOINT_CONTROL_PLANE |
			     XP1_MULTIPOINT_DATA_PLANE;
	WSAPROTOCOL_INFOW *list = NULL;
	DWORD length = 0;
	bool found = false;
	int count;

	WSAEnumProtocolsW(NULL, NULL, &length);
	list = calloc(1, length);
	if (!list)
		return false;
	count = WSAEnumProtocolsW(NULL, list, &length);
	for (int i = 0; i < count && !found; i++) {
		found = list[i].iAddressFamily == family &&
			(list[i].dwServiceFlags1 & rooted) == rooted;
		if (found)
			*entry = list[i];
	}
	free(list);
	return found;
}

static FLOWSPEC winsock_flowspec(const struct lc_flowspec *flow)
{
	const FLOWSPEC unchanged = {
		QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,	 QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
		QOS_NOT_SPECIFIED, SERVICETYPE_NOCHANGE, QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
	};

	if (!flow)
		return unchanged;
	return (FLOWSPEC){
		.TokenRate = flow->token_rate,
		.TokenBucketSize = flow->token_bucket,
		.PeakBandwidth = flow->peak,
		.Latency = flow->latency_us,
		.DelayVariation = flow->delay_variation_us,
		.ServiceType = flow->service,
		.MaxSduSize = flow->max_sdu,
		.MinimumPolicedSize = flow->min_policed,
	};
}

static bool set_qos(SOCKET socket, const struct lc_flowspec *sending,
		    const struct lc_flowspec *receiving)
{
	QOS qos = {
		.SendingFlowspec = winsock_flowspec(sending),
		.ReceivingFlowspec = winsock_flowspec(receiving),
	};
	DWORD returned;

	return !WSAIoctl(socket, SIO_SET_QOS, &qos, sizeof(qos), NULL, 0, &returned, NULL, NULL);
}

static void make_room(SOCKET socket)
{
	const int room = RECEIVE_ROOM;

	/* A SOCKET is a descriptor. Neither has to work: it is room for bad moments only. */
	if (setsockopt((int)socket, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt((int)socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

SOCKET lc_sockets_open(const struct lc_endpoint *name, DWORD flags,
		       const struct lc_flowspec *sending, const struct lc_flowspec *receiving)
{
	WSAPROTOCOL_INFOW entry;
	SOCKET opened;
	int code;

	if (!find_entry(lc_endpoint_af(name), &entry)) {
		lc_say("leafcast: the library offers no rooted sessions of this address family");
		return INVALID_SOCKET;
	}
	opened = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &entry, 0,
			    flags);
	if (opened == INVALID_SOCKET) {
		code = WSAGetLastError();
		if (code == WSAENETDOWN)
			lc_say("leafcast: no leafcastd answers in %s (WSAENETDOWN %d)",
			       daemon_directory(), code);
		else
			lc_say("leafcast: socket: %s %d", leafcast_code_name(code), code);
		return INVALID_SOCKET;
	}
	make_room(opened);
	if ((sending || receiving) && !set_qos(opened, sending, receiving)) {
		code = WSAGetLastError();
		lc_say("leafcast: --qos: these flow specifications cannot be met (%s %d)",
		       leafcast_code_name(code), code);
		closesocket(opened);
		return INVALID_SOCKET;
	}
	return opened;
}

bool lc_sockets_bind(SOCKET socket, const struct lc_endpoint *name, int backlog)
{
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(name, &address);
	const char *what = "bind";
	char text[LC_ENDPOINT_TEXT];
	int code;

	if (!leafcast_bind(socket, (struct sockaddr *)&address, (int)length)) {
		what = "listen";
		if (!backlog || !leafcast_listen(socket, backlog))
			return true;
	}
	code = WSAGetLastError();
	lc_say("leafcast: %s at %s: %s %d%s", what, lc_endpoint_format(text, name),
	       leafcast_code_name(code), code,
	       code == WSAEADDRNOTAVAIL ? ": not an address of this node" : "");
	return false;
}

void lc_sockets_break(SOCKET socket)
{
	const struct linger at_once = {.l_onoff = 1};

	leafcast_setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

bool lc_sockets_watch(SOCKET socket, WSAEVENT event)
{
	int code;

	if (!WSAEventSelect(socket, event, FD_ACCEPT | FD_CONNECT | FD_READ | FD_CLOSE))
		return true;
	code = WSAGetLastError();
	lc_say("leafcast: events: %s %d", leafcast_code_name(code), code);
	return false;
}

void lc_sockets_events(SOCKET socket, WSAEVENT event, WSANETWORKEVENTS *events)
{
	memset(events, 0, sizeof(*events));
	if (WSAEnumNetworkEvents(socket, event, events))
		memset(events, 0, sizeof(*events));
}

void lc_sockets_wait(WSAEVENT event, DWORD milliseconds)
{
	if (!lc_stop_asked())
		WSAWaitForMultipleEvents(1, &event, FALSE, milliseconds, FALSE);
}

int lc_sockets_send(SOCKET socket, const void *payload, size_t length)
{
	/* A SOCKET is a real descriptor, so room can be waited for together with the stop. */
	struct pollfd waits[] = {
		{.fd = lc_stop_fd(), .events = POLLIN},
		{.fd = (int)socket, .events = POLLOUT},
	};
	WSABUF buffer = {.len = (ULONG)length, .buf = (char *)payload};
	DWORD sent;

	while (WSASend(socket, &buffer, 1, &sent, 0, NULL, NULL)) {
		int code = WSAGetLastError();

		if (code != WSAEWOULDBLOCK)
			return code;
		if (poll(waits, 2, 100) > 0 && waits[0].revents)
			return WSAEINTR;
	}
	return 0;
}

int lc_sockets_drain(SOCKET socket, uint64_t most, uint64_t *datagrams)
{
	static char payload[LC_BUFFER_BYTES];
	WSABUF buffer = {.len = sizeof(payload), .buf = payload};

	while (*datagrams < most) {
		DWORD length = 0, flags = 0;
		int error;

		if (WSARecv(socket, &buffer, 1, &length, &flags, NULL, NULL)) {
			int code = WSAGetLastError();

			return code == WSAEWOULDBLOCK ? 0 : code;
		}
		(*datagrams)++;
		error = lc_stream_write(payload, length);
		if (error) {
			if (error != -EINTR)
				lc_say("leafcast: standard output: %s", strerror(-error));
			return WSAEINTR;
		}
	}
	return 0;
}

bool lc_sockets_may_pass(enum leafcast_reason reason)
{
	return reason == LEAFCAST_NOBODY_LISTENING || reason == LEAFCAST_BACKLOG_FULL ||
	       reason == LEAFCAST_NO_CONTROL || reason == LEAFCAST_UNREACHABLE ||
	       reason == LEAFCAST_NETWORK_DOWN;
}

WSABUF lc_sockets_buffer(const char *text)
{
	return (WSABUF){.len = text ? (ULONG)strlen(text) : 0, .buf = (char *)text};
}
