/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "stress.h"

#define ROOT_FLAGS (WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT)
#define LEAF_FLAGS (WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF)

/* A join's data: what is sent comes back when it succeeds, and is never touched after a close. */
struct words {
	uint64_t said, heard;
	WSABUF caller, callee;
};

static void prepare(struct words *words)
{
	words->said = random_number();
	words->heard = 0;
	words->caller = (WSABUF){sizeof(words->said), (CHAR *)&words->said};
	words->callee = (WSABUF){sizeof(words->heard), (CHAR *)&words->heard};
}

static SOCKET open_socket(DWORD flags)
{
	int code = 0;
	SOCKET s = wsp.lpWSPSocket(AF_INET, SOCK_DGRAM, LEAFCAST_IPPROTO_ROOTED, NULL, 0, flags,
				   &code);

	expect(s != INVALID_SOCKET, "WSPSocket: %d", code);
	return s;
}

static SOCKET join(SOCKET s, struct words *words, int *code)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_port = htons(9),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	tally.joins++;
	*code = 0;
	return wsp.lpWSPJoinLeaf(s, (struct sockaddr *)&name, sizeof(name), &words->caller,
				 &words->callee, NULL, NULL, JL_BOTH, code);
}

/* Which outcomes a join may have, whoever closes what in between. */
static void book(int code)
{
	switch (code) {
	case 0:
		tally.succeeded++;
		return;
	case WSAECONNREFUSED:
	case WSAETIMEDOUT:
	case WSAENOBUFS:
		tally.refused++;
		return;
	case WSAEINTR:
		tally.cancelled++;
		return;
	case WSAENETDOWN:
		tally.lost++;
		return;
	default:
		wrong("a join ended with %d", code);
	}
}

static WSAEVENT register_events(SOCKET s, LONG mask)
{
	WSAEVENT event = (WSAEVENT)(intptr_t)eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int code = 0;

	if (wsp.lpWSPEventSelect(s, event, mask, &code))
		expect(code == WSAENOTSOCK, "WSPEventSelect: %d", code);
	return event;
}

static void close_event(WSAEVENT event)
{
	close((int)(intptr_t)event);
}

/* FD_CONNECT's code; -1: it did not come in ten seconds. */
static int wait_connect(SOCKET s, WSAEVENT event)
{
	struct pollfd ready = {.fd = (int)(intptr_t)event, .events = POLLIN};
	WSANETWORKEVENTS events;
	int code = 0;

	while (poll(&ready, 1, 10000) == 1) {
		if (wsp.lpWSPEnumNetworkEvents(s, event, &events, &code))
			return -1;
		if (events.lNetworkEvents & FD_CONNECT)
			return events.iErrorCode[FD_CONNECT_BIT];
	}
	return -1;
}

/* Nothing blocks on it: the daemon sends no data. */
static void send_one(SOCKET s)
{
	char byte = 'x';
	WSABUF buffer = {1, &byte};
	DWORD sent = 0;
	int code = 0;

	if (wsp.lpWSPSend(s, &buffer, 1, &sent, 0, NULL, NULL, NULL, &code))
		expect(code != WSAEFAULT && code != WSAEINVAL, "WSPSend: %d", code);
}

void blocking_leaf(void)
{
	bool elsewhere = chance(40);
	SOCKET s = open_socket(LEAF_FLAGS), joined;
	struct words words;
	int code;

	prepare(&words);
	if (elsewhere)
		close_elsewhere(s);
	joined = join(s, &words, &code);
	/* It was closed before the join began. */
	if (elsewhere && code == WSAENOTSOCK) {
		tally.closed_pending++;
		return;
	}
	book(code);
	if (joined != INVALID_SOCKET) {
		expect(joined == s, "another handle");
		expect(words.callee.len == 8 && words.heard == words.said, "callee data");
		send_one(s);
	}
	if (!elsewhere)
		close_here(s);
}

void nonblocking_leaf(void)
{
	SOCKET s = open_socket(LEAF_FLAGS);
	WSAEVENT event = register_events(s, FD_CONNECT | FD_WRITE | FD_READ | FD_CLOSE);
	bool waits = chance(60);
	struct words words;
	int code;

	prepare(&words);
	if (join(s, &words, &code) != s) {
		expect(code == WSAENETDOWN, "a nonblocking join: %d", code);
		book(code);
	} else if (waits) {
		code = wait_connect(s, event);
		book(code);
		if (!code) {
			expect(words.callee.len == 8 && words.heard == words.said, "callee data");
			send_one(s);
		}
	} else {
		pause_up_to(2000);
		tally.closed_pending++;
	}
	close_here(s);
	words.heard = 42;
	pause_up_to(300);
	expect(words.heard == 42, "callee data after WSPCloseSocket");
	close_event(event);
}

/* One of a root's joins; its handle is closed now and then before the join is decided. */
static void invite(SOCKET root, WSAEVENT event, bool blocks)
{
	struct words words;
	SOCKET leaf;
	int code;

	prepare(&words);
	leaf = join(root, &words, &code);
	if (blocks) {
		book(code);
	} else {
		if (leaf == INVALID_SOCKET) {
			expect(code == WSAENETDOWN, "a root's join: %d", code);
			book(code);
			return;
		}
		if (leaf != INVALID_SOCKET && chance(40)) {
			close_here(leaf);
			leaf = INVALID_SOCKET;
		}
		book(wait_connect(root, event));
	}
	if (leaf != INVALID_SOCKET)
		close_here(leaf);
}

void inviting_root(void)
{
	SOCKET root = open_socket(ROOT_FLAGS);
	bool blocks = chance(40), elsewhere = blocks && chance(40);
	WSAEVENT event = blocks ? NULL : register_events(root, FD_CONNECT | FD_CLOSE);
	struct words words;
	int code;

	for (int i = 0; i < 4; i++)
		invite(root, event, blocks);
	if (elsewhere) {
		prepare(&words);
		close_elsewhere(root);
		SOCKET leaf = join(root, &words, &code);

		if (code == WSAENOTSOCK)
			tally.closed_pending++;
		else
			book(code);
		if (leaf != INVALID_SOCKET)
			close_here(leaf);
	} else {
		close_here(root);
	}
	if (event)
		close_event(event);
}

static int decide(LPWSABUF caller, LPWSABUF caller_data, LPQOS qos, LPQOS gqos, LPWSABUF callee,
		  LPWSABUF callee_data, GROUP *group, DWORD_PTR data)
{
	(void)caller, (void)caller_data, (void)qos, (void)gqos, (void)callee, (void)group,
		(void)data;
	callee_data->len = 0;
	pause_up_to(300);
	return chance(70) ? CF_ACCEPT : chance(70) ? CF_REJECT : CF_DEFER;
}

/* False: the listener has gone. */
static bool accept_one(SOCKET s)
{
	int code = 0;
	SOCKET member = wsp.lpWSPAccept(s, NULL, NULL, chance(70) ? decide : NULL, 0, &code);

	if (member != INVALID_SOCKET) {
		tally.accepted++;
		send_one(member);
		if (chance(20))
			close_elsewhere(member);
		else
			close_here(member);
		return true;
	}
	switch (code) {
	case WSAEINTR:
	case WSAENOTSOCK:
	case WSAEINVAL: /* shut down */
		return false;
	case WSAECONNREFUSED:
	case WSAECONNRESET:
	case WSAEACCES:
	case WSATRY_AGAIN:
	case WSAEMFILE:
	case WSAENOBUFS:
	case WSAENETDOWN:
		tally.rejected++;
		return true;
	default:
		wrong("WSPAccept: %d", code);
		return false;
	}
}

/* Accepts until somebody else closes it: a blocked accept must end then. */
void listening_root(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	SOCKET s = open_socket(chance(50) ? ROOT_FLAGS : LEAF_FLAGS);
	int code = 0;

	expect(!wsp.lpWSPBind(s, (struct sockaddr *)&name, sizeof(name), &code), "WSPBind: %d",
	       code);
	expect(!wsp.lpWSPListen(s, 8, &code), "WSPListen: %d", code);
	if (chance(30))
		wsp.lpWSPListen(s, 2, &code);
	close_elsewhere(s);
	while (accept_one(s))
		;
}
