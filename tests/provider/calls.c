/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Shorthands for the calls that most tests make. */
#include "fake.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static SOCKET new_socket(DWORD flags)
{
	int code = 0;
	SOCKET s = wsp.lpWSPSocket(AF_INET, SOCK_DGRAM, LEAFCAST_IPPROTO_ROOTED, NULL, 0, flags,
				   &code);

	cr_assert_neq(s, INVALID_SOCKET, "WSPSocket: %d", code);
	return s;
}

SOCKET new_root(void)
{
	return new_socket(ROOT_FLAGS);
}

SOCKET new_leaf(void)
{
	return new_socket(LEAF_FLAGS);
}

SOCKET new_listening(DWORD flags)
{
	SOCKET s = new_socket(flags);
	struct sockaddr_in name = loopback(0);
	int code = 0;

	cr_assert_eq(wsp.lpWSPBind(s, (struct sockaddr *)&name, sizeof(name), &code), 0, "%d",
		     code);
	cr_assert_eq(wsp.lpWSPListen(s, 8, &code), 0, "%d", code);
	return s;
}

SOCKET join_giving(SOCKET s, LPWSABUF caller, LPWSABUF callee, LPQOS qos, DWORD flags, int *code)
{
	*code = 0;
	return wsp.lpWSPJoinLeaf(s, (struct sockaddr *)&other_end_name, sizeof(other_end_name),
				 caller, callee, qos, NULL, flags, code);
}

SOCKET join(SOCKET s, int *code)
{
	return join_giving(s, NULL, NULL, NULL, JL_BOTH, code);
}

SOCKET new_joined_leaf(void)
{
	SOCKET s = new_leaf();
	int code;

	cr_assert_eq(join(s, &code), s, "WSPJoinLeaf: %d", code);
	return s;
}

static void *run_join(void *argument)
{
	struct joining *joining = argument;

	joining->result = join(joining->s, &joining->code);
	return NULL;
}

void join_in_thread(struct joining *joining, SOCKET s)
{
	joining->s = s;
	cr_assert_eq(pthread_create(&joining->thread, NULL, run_join, joining), 0);
}

WSAEVENT new_event(void)
{
	return (WSAEVENT)(intptr_t)eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static bool poll_event(WSAEVENT event, int milliseconds)
{
	struct pollfd descriptor = {.fd = (int)(intptr_t)event, .events = POLLIN};

	return poll(&descriptor, 1, milliseconds) == 1;
}

bool is_set(WSAEVENT event)
{
	return poll_event(event, 0);
}

bool wait_set(WSAEVENT event)
{
	return poll_event(event, 2000);
}

int wait_network_event(SOCKET s, WSAEVENT event, int bit)
{
	WSANETWORKEVENTS events;
	int code;

	while (wait_set(event)) {
		cr_assert_eq(wsp.lpWSPEnumNetworkEvents(s, event, &events, &code), 0);
		if (events.lNetworkEvents & 1 << bit)
			return events.iErrorCode[bit];
	}
	return -1;
}

void close_event(WSAEVENT event)
{
	close((int)(intptr_t)event);
}

int send_text(SOCKET s, const char *text)
{
	WSABUF buffer = {(ULONG)strlen(text), (CHAR *)(uintptr_t)text};
	DWORD sent = 0;
	int code = 0;

	return wsp.lpWSPSend(s, &buffer, 1, &sent, 0, NULL, NULL, NULL, &code) ? -code : (int)sent;
}

int receive_text(SOCKET s, char *buffer, ULONG size)
{
	WSABUF part = {size, buffer};
	DWORD received = 0, flags = 0;
	int code = 0;

	return wsp.lpWSPRecv(s, &part, 1, &received, &flags, NULL, NULL, NULL, &code)
		       ? -code
		       : (int)received;
}

int close_handle(SOCKET s)
{
	int code = 0;

	return wsp.lpWSPCloseSocket(s, &code) ? code : 0;
}

void set_nonblocking(SOCKET s, bool on)
{
	ULONG value = on;
	DWORD used;
	int code;

	cr_assert_eq(wsp.lpWSPIoctl(s, FIONBIO, &value, sizeof(value), NULL, 0, &used, NULL, NULL,
				    NULL, &code),
		     0);
}

void feed(SOCKET s, const void *bytes, size_t length)
{
	struct sockaddr_in own;
	int code, size = sizeof(own);

	cr_assert_eq(wsp.lpWSPGetSockName(s, (struct sockaddr *)&own, &size, &code), 0);
	cr_assert_eq(sendto(other_end, bytes, length, 0, (struct sockaddr *)&own, sizeof(own)),
		     (ssize_t)length);
}

int get_option(SOCKET s, int option)
{
	int value = -1, length = sizeof(value), code = 0;

	cr_assert_eq(wsp.lpWSPGetSockOpt(s, SOL_SOCKET, option, (char *)&value, &length, &code), 0,
		     "%d", code);
	return value;
}

void set_option(SOCKET s, int option, int value)
{
	int code = 0;

	cr_assert_eq(wsp.lpWSPSetSockOpt(s, SOL_SOCKET, option, (const char *)&value, sizeof(value),
					 &code),
		     0, "%d", code);
}

SOCKET accept_any(SOCKET s, int *code)
{
	*code = 0;
	return wsp.lpWSPAccept(s, NULL, NULL, NULL, 0, code);
}

double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
