/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Leaves that go on through everything that may happen to their daemon, and
 * count what comes (records.h):
 *
 *   leaves ROOT PORT ADDRESS BYTES
 *
 * Sockets at ADDRESS, which join the session ROOT:PORT. Commands (program.h):
 *
 *   join FIRST COUNT [RATE,DEPTH|senders]  ports from FIRST up, with bytes/s and bytes of a
 *                       bucket; senders get nothing
 *                       = joined COUNT CODE REASON MICROSECONDS, of the last one
 *   listen PORT         is invited there, until it is or the next command comes
 *                       = joined COUNT CODE REASON MICROSECONDS
 *   counts FIRST LAST SECONDS  once all have LAST, or when so much time has passed
 *                       = leaves COUNT missing N repeated N disordered N damaged N,
 *                       sums over the members; of `missing` those of FIRST to LAST
 *   received            = received COUNT, sum over the members
 *   members             = members COUNT
 *   close COUNT         the last ones that joined; all for a COUNT that is as great
 *                       = closed COUNT
 *
 * ! ended CODE REASON, once for each whose membership ends.
 */
#include "program.h"
#include "records.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MOST_LEAVES 1024
/* Datagrams of one leaf before the others have their turn. */
#define TURN 256

struct leaf {
	SOCKET socket;
	struct tally tally;
};

static struct {
	struct name session;
	const char *address;
	size_t bytes;
	int poll;
	WSAEVENT event;
	struct leaf leaves[MOST_LEAVES];
	size_t count;
} all;

/* ---- receiving ---- */

static void watch(int descriptor, uint64_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = what};

	if (epoll_ctl(all.poll, EPOLL_CTL_ADD, descriptor, &event))
		program_fail("epoll");
}

/* What epoll says besides the descriptor of a leaf. */
enum {
	INPUT = 1ULL << 40,
	EVENT
};

static void remove_leaf(struct leaf *leaf)
{
	/* The daemon has a descriptor of it too: closing this one does not end the watching. */
	epoll_ctl(all.poll, EPOLL_CTL_DEL, (int)leaf->socket, NULL);
	closesocket(leaf->socket);
	tally_free(&leaf->tally);
	*leaf = all.leaves[--all.count];
}

static void leaf_ended(struct leaf *leaf, int code)
{
	tell("ended %s", outcome_of(code, leaf->socket).text);
	remove_leaf(leaf);
}

/* Up to `most` datagrams; false: it has ended. */
static bool receive(struct leaf *leaf, unsigned int most)
{
	char bytes[MOST_RECORD + 1];

	while (most-- > 0) {
		int length = leafcast_recv(leaf->socket, bytes, sizeof(bytes), 0);

		if (length > 0) {
			tally_take(&leaf->tally, bytes, (size_t)length, all.bytes);
			continue;
		}
		if (length < 0 && WSAGetLastError() == WSAEWOULDBLOCK)
			return true;
		leaf_ended(leaf, length < 0 ? WSAGetLastError() : 0);
		return false;
	}
	return true;
}

static void look_at_events(void)
{
	WSANETWORKEVENTS events;

	WSAResetEvent(all.event);
	for (size_t i = all.count; i-- > 0;) {
		struct leaf *leaf = &all.leaves[i];

		if (WSAEnumNetworkEvents(leaf->socket, NULL, &events))
			program_fail("events");
		/* What is there comes first; a code cuts it short. */
		if (events.lNetworkEvents & FD_CLOSE && receive(leaf, UINT32_MAX))
			leaf_ended(leaf, events.iErrorCode[FD_CLOSE_BIT]);
	}
}

static struct leaf *leaf_of(SOCKET socket)
{
	for (size_t i = 0; i < all.count; i++)
		if (all.leaves[i].socket == socket)
			return &all.leaves[i];
	return NULL;
}

/* Until something has happened or so much time has passed; true: there is a command. */
static bool attend(int timeout_ms)
{
	struct epoll_event events[64];
	bool is_told = false;
	int count = epoll_wait(all.poll, events, 64, timeout_ms);

	for (int i = 0; i < count; i++) {
		struct leaf *leaf = leaf_of((SOCKET)events[i].data.u64);

		if (events[i].data.u64 == INPUT)
			is_told = true;
		else if (events[i].data.u64 == EVENT)
			look_at_events();
		else if (leaf)
			receive(leaf, TURN);
	}
	return is_told;
}

/* ---- joining ---- */

static SOCKET open_leaf(int port)
{
	const DWORD flags = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
	struct name name;
	SOCKET leaf;

	leaf = WSASocketW(all.session.address.ss_family, SOCK_DGRAM, LEAFCAST_IPPROTO_ROOTED, NULL,
			  0, flags);
	if (leaf == INVALID_SOCKET)
		return leaf;
	if (!name_parse(&name, all.address, port) ||
	    leafcast_bind(leaf, (struct sockaddr *)&name.address, (int)name.length))
		program_fail("bind");
	return leaf;
}

static void set_flow(SOCKET leaf, const char *text)
{
	const FLOWSPEC unchanged = {
		QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,	 QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
		QOS_NOT_SPECIFIED, SERVICETYPE_NOCHANGE, QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
	};
	QOS qos = {.SendingFlowspec = unchanged, .ReceivingFlowspec = unchanged};
	FLOWSPEC *flow = &qos.ReceivingFlowspec;
	DWORD ignored;

	if (sscanf(text, "%u,%u", &flow->TokenRate, &flow->TokenBucketSize) != 2)
		return;
	flow->ServiceType = SERVICETYPE_CONTROLLEDLOAD;
	if (WSAIoctl(leaf, SIO_SET_QOS, &qos, sizeof(qos), NULL, 0, &ignored, NULL, NULL))
		program_fail("flow");
}

static void add_leaf(SOCKET leaf)
{
	if (all.count == MOST_LEAVES)
		program_fail("leaves");
	all.leaves[all.count++] = (struct leaf){.socket = leaf};
	socket_set_buffers(leaf);
	/* From now on it does not block. */
	if (WSAEventSelect(leaf, all.event, FD_CLOSE))
		program_fail("events");
	watch((int)leaf, leaf);
}

static struct outcome join(int port, const char *flow)
{
	SOCKET leaf = open_leaf(port);
	struct outcome outcome;

	if (leaf == INVALID_SOCKET)
		return outcome_of(WSAGetLastError(), leaf);
	set_flow(leaf, flow);
	if (WSAJoinLeaf(leaf, (struct sockaddr *)&all.session.address, (int)all.session.length,
			NULL, NULL, NULL, NULL,
			strcmp(flow, "senders") == 0 ? JL_SENDER_ONLY : JL_RECEIVER_ONLY) ==
	    INVALID_SOCKET) {
		outcome = outcome_of(WSAGetLastError(), leaf);
		closesocket(leaf);
		return outcome;
	}
	add_leaf(leaf);
	return outcome_of(0, leaf);
}

static void join_all(int first, int count, const char *flow)
{
	const long long begin = clock_ns(CLOCK_MONOTONIC);
	const size_t before = all.count;
	struct outcome outcome = {"0 none"};

	for (int i = 0; i < count; i++)
		outcome = join(first + i, flow);
	answer("joined %zu %s %lld", all.count - before, outcome.text,
	       (clock_ns(CLOCK_MONOTONIC) - begin) / 1000);
}

static int listen_and_accept(SOCKET listener, WSAEVENT event, SOCKET *member)
{
	struct pollfd waits[] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = (int)(intptr_t)event, .events = POLLIN},
	};

	if (leafcast_listen(listener, 1) || WSAEventSelect(listener, event, FD_ACCEPT))
		return WSAGetLastError();
	tell("listening");
	poll(waits, 2, -1);
	*member = WSAAccept(listener, NULL, NULL, NULL, 0);
	return *member == INVALID_SOCKET ? WSAGetLastError() : 0;
}

static void listen_at(int port)
{
	const long long begin = clock_ns(CLOCK_MONOTONIC);
	WSAEVENT event = WSACreateEvent();
	SOCKET member = INVALID_SOCKET, listener = open_leaf(port);
	struct outcome outcome;
	int code;

	code = listener == INVALID_SOCKET ? WSAGetLastError()
					  : listen_and_accept(listener, event, &member);
	outcome = outcome_of(code, listener);
	if (member != INVALID_SOCKET)
		add_leaf(member);
	closesocket(listener);
	WSACloseEvent(event);
	answer("joined %d %s %lld", !code, outcome.text,
	       (clock_ns(CLOCK_MONOTONIC) - begin) / 1000);
}

/* ---- the whole ---- */

static bool all_have(uint64_t last)
{
	for (size_t i = 0; i < all.count; i++)
		if (all.leaves[i].tally.highest < last)
			return false;
	return true;
}

static void count(uint64_t first, uint64_t last, int seconds)
{
	const long long deadline = clock_ns(CLOCK_MONOTONIC) + seconds * 1000 * NS_PER_MS;
	uint64_t missing = 0, repeated = 0, disordered = 0, damaged = 0;

	while (!all_have(last) && clock_ns(CLOCK_MONOTONIC) < deadline)
		attend(20);
	for (size_t i = 0; i < all.count; i++) {
		const struct tally *tally = &all.leaves[i].tally;

		missing += tally_missing(tally, first, last);
		repeated += tally->repeated;
		disordered += tally->disordered;
		damaged += tally->damaged;
	}
	answer("leaves %zu missing %llu repeated %llu disordered %llu damaged %llu", all.count,
	       (unsigned long long)missing, (unsigned long long)repeated,
	       (unsigned long long)disordered, (unsigned long long)damaged);
}

static void answer_received(void)
{
	uint64_t received = 0;

	for (size_t i = 0; i < all.count; i++)
		received += all.leaves[i].tally.received;
	answer("received %llu", (unsigned long long)received);
}

static void close_some(size_t most)
{
	size_t closed = 0;

	while (closed < most && all.count > 0) {
		remove_leaf(&all.leaves[all.count - 1]);
		closed++;
	}
	answer("closed %zu", closed);
}

static void obey(const char *line)
{
	unsigned long long first, last;
	char flow[64] = "";
	int port, number;
	size_t most;

	if (sscanf(line, "join %d %d %63s", &port, &number, flow) >= 2)
		join_all(port, number, flow);
	else if (sscanf(line, "listen %d", &port) == 1)
		listen_at(port);
	else if (sscanf(line, "counts %llu %llu %d", &first, &last, &number) == 3)
		count(first, last, number);
	else if (strcmp(line, "received\n") == 0)
		answer_received();
	else if (strcmp(line, "members\n") == 0)
		answer("members %zu", all.count);
	else if (sscanf(line, "close %zu", &most) == 1)
		close_some(most);
	else
		answer("what? %s", line);
}

int main(int argc, char **argv)
{
	char line[256];

	program_begin("leaves");
	all.bytes = argc == 5 ? (size_t)atoi(argv[4]) : 0;
	if (all.bytes < LEAST_RECORD || all.bytes > MOST_RECORD)
		program_fail("usage: leaves ROOT PORT ADDRESS BYTES");
	if (!name_parse(&all.session, argv[1], atoi(argv[2])))
		program_fail(argv[1]);
	all.address = argv[3];
	all.poll = epoll_create1(EPOLL_CLOEXEC);
	all.event = WSACreateEvent();
	watch(STDIN_FILENO, INPUT);
	watch((int)(intptr_t)all.event, EVENT);
	answer("ready");
	for (;;) {
		if (!attend(-1))
			continue;
		if (!fgets(line, sizeof(line), stdin))
			break;
		obey(line);
	}
	close_some(MOST_LEAVES);
	return WSACleanup() ? 1 : 0;
}
