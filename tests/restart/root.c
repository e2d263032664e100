/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A root that goes on through everything that may happen to its daemon:
 *
 *   root ADDRESS PORT plain|segment BYTES
 *
 * sends numbered records of BYTES (records.h), one or forty a send, and accepts
 * whoever wants to join. Commands (program.h):
 *
 *   send RATE COUNT      so many records at so many a second; COUNT 0: until the next command
 *                        = sent FIRST LAST MICROSECONDS
 *   invite ADDRESS PORT  = invited CODE REASON
 *   members              = members COUNT
 *   part                 = parted COUNT: so many leaves, of which it closes what stands for them
 *   close                = closed, and exits with 0
 *
 * ! joined CODE REASON, when a request came to something else than a member, but for WSAENETDOWN;
 * ! ended CODE REASON, once for each leaf whose membership ends.
 */
#include "program.h"
#include "records.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define MOST_LEAVES 4096
#define BACKLOG	    128
/* How long a sender that was kept from sending may be behind before it lets the rest be. */
#define FORGIVEN_NS (2 * NS_PER_MS)
#define TICK_NS	    (NS_PER_MS / 2)

struct root {
	SOCKET socket;
	size_t bytes, batch; /* of a record; records in one send */
	uint64_t next;	     /* number */
	atomic_bool ending;
	WSAEVENT event;
	pthread_t acceptor, watcher;
	pthread_mutex_t lock; /* of what follows */
	SOCKET leaves[MOST_LEAVES];
	size_t count; /* leaves, which are members */
};

static struct root root = {.next = 1, .lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- members ---- */

static void add_leaf(SOCKET leaf)
{
	pthread_mutex_lock(&root.lock);
	if (root.count == MOST_LEAVES)
		program_fail("leaves");
	root.leaves[root.count++] = leaf;
	pthread_mutex_unlock(&root.lock);
	/* What has happened before is told by it too. */
	if (WSAEventSelect(leaf, root.event, FD_CLOSE))
		program_fail("events");
}

static void *accept_leaves(void *context)
{
	while (!root.ending) {
		SOCKET leaf = WSAAccept(root.socket, NULL, NULL, NULL, 0);

		if (leaf != INVALID_SOCKET) {
			socket_set_buffers(leaf);
			add_leaf(leaf);
		} else if (WSAGetLastError() == WSAENETDOWN) {
			/* The daemon is away, or it has ended for good: not as fast as one can. */
			usleep(20000);
		} else if (!root.ending) {
			tell("joined %s", outcome_of(WSAGetLastError(), root.socket).text);
		}
	}
	return NULL;
}

static void look_at_leaves(void)
{
	WSANETWORKEVENTS events;

	pthread_mutex_lock(&root.lock);
	for (size_t i = root.count; i-- > 0;) {
		if (WSAEnumNetworkEvents(root.leaves[i], NULL, &events))
			program_fail("events");
		if (!(events.lNetworkEvents & FD_CLOSE))
			continue;
		tell("ended %s", outcome_of(events.iErrorCode[FD_CLOSE_BIT], root.leaves[i]).text);
		closesocket(root.leaves[i]);
		root.leaves[i] = root.leaves[--root.count];
	}
	pthread_mutex_unlock(&root.lock);
}

static void *watch_leaves(void *context)
{
	while (!root.ending) {
		WSAWaitForMultipleEvents(1, &root.event, FALSE, WSA_INFINITE, FALSE);
		WSAResetEvent(root.event);
		look_at_leaves();
	}
	return NULL;
}

static void invite(const char *address, int port)
{
	struct name leaf;
	SOCKET handle;
	int code;

	if (!name_parse(&leaf, address, port))
		program_fail(address);
	handle = WSAJoinLeaf(root.socket, (struct sockaddr *)&leaf.address, (int)leaf.length, NULL,
			     NULL, NULL, NULL, JL_BOTH);
	code = handle == INVALID_SOCKET ? WSAGetLastError() : 0;
	if (!code)
		add_leaf(handle);
	answer("invited %s", code ? outcome_of(code, root.socket).text : "0 none");
}

/* ---- sending ---- */

static void send_batch(void)
{
	static char bytes[RECORDS_IN_SEND * MOST_RECORD];
	WSABUF buffer = {.len = (ULONG)(root.batch * root.bytes), .buf = bytes};
	DWORD sent;

	for (size_t i = 0; i < root.batch; i++)
		record_make(bytes + i * root.bytes, root.bytes, root.next++);
	if (WSASend(root.socket, &buffer, 1, &sent, 0, NULL, NULL))
		program_fail("send");
}

static bool is_told_something(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&input, 1, 0) > 0;
}

static void sleep_until(long long ns)
{
	const struct timespec then = {ns / (1000 * NS_PER_MS), ns % (1000 * NS_PER_MS)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL);
}

/*
 * A datagram waits in the queue of the CPU that has sent it. A busy machine that
 * moves the sender to another one lets the next datagram overtake it, with any
 * daemon or none, so a stream stays where it has begun.
 */
static void stay_on_this_cpu(cpu_set_t *before)
{
	cpu_set_t this_one;

	CPU_ZERO(&this_one);
	CPU_SET(sched_getcpu(), &this_one);
	if (sched_getaffinity(0, sizeof(*before), before) ||
	    sched_setaffinity(0, sizeof(this_one), &this_one))
		program_fail("affinity");
}

/*
 * Evenly, a batch at a time. Behind time it does not make up for all of it:
 * bursts above the rate would be what is lost, not what the rate brings.
 */
static void send_records(unsigned long long rate, unsigned long long count)
{
	const long long batch_ns = 1000 * NS_PER_MS * (long long)root.batch / (long long)rate;
	const long long begin = clock_ns(CLOCK_MONOTONIC);
	const uint64_t first = root.next;
	long long due = begin, now = begin;
	cpu_set_t cpus;

	stay_on_this_cpu(&cpus);
	while (count ? root.next - first < count : !is_told_something()) {
		now = clock_ns(CLOCK_MONOTONIC);
		if (now - due > FORGIVEN_NS)
			due = now;
		for (; due <= now && !(count && root.next - first >= count); due += batch_ns)
			send_batch();
		sleep_until(due > now + TICK_NS ? due : now + TICK_NS);
	}
	sched_setaffinity(0, sizeof(cpus), &cpus);
	answer("sent %llu %llu %lld", (unsigned long long)first, (unsigned long long)root.next - 1,
	       (clock_ns(CLOCK_MONOTONIC) - begin) / 1000);
}

/* ---- the whole ---- */

static void open_root(const char *address, int port)
{
	struct name name;

	if (!name_parse(&name, address, port))
		program_fail(address);
	root.socket = WSASocketW(name.address.ss_family, SOCK_DGRAM, 0, NULL, 0,
				 WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT);
	if (root.socket == INVALID_SOCKET)
		program_fail("socket");
	if (leafcast_bind(root.socket, (struct sockaddr *)&name.address, (int)name.length) ||
	    leafcast_listen(root.socket, BACKLOG))
		program_fail("listen");
	root.event = WSACreateEvent();
	if (pthread_create(&root.acceptor, NULL, accept_leaves, NULL) ||
	    pthread_create(&root.watcher, NULL, watch_leaves, NULL))
		program_fail("threads");
}

static void part(void)
{
	size_t parted = 0;

	pthread_mutex_lock(&root.lock);
	for (; root.count > 0; parted++)
		if (closesocket(root.leaves[--root.count]))
			program_fail("close");
	pthread_mutex_unlock(&root.lock);
	answer("parted %zu", parted);
}

static void close_root(void)
{
	root.ending = true;
	if (closesocket(root.socket))
		program_fail("close");
	WSASetEvent(root.event);
	pthread_join(root.acceptor, NULL);
	pthread_join(root.watcher, NULL);
	WSACleanup();
	answer("closed");
}

static void obey(const char *line)
{
	unsigned long long rate, count;
	char address[64];
	int port;

	if (sscanf(line, "send %llu %llu", &rate, &count) == 2 && rate > 0) {
		send_records(rate, count);
	} else if (sscanf(line, "invite %63s %d", address, &port) == 2) {
		invite(address, port);
	} else if (strcmp(line, "members\n") == 0) {
		pthread_mutex_lock(&root.lock);
		answer("members %zu", root.count);
		pthread_mutex_unlock(&root.lock);
	} else if (strcmp(line, "part\n") == 0) {
		part();
	} else if (strcmp(line, "close\n") == 0) {
		close_root();
		exit(0);
	} else {
		answer("what? %s", line);
	}
}

int main(int argc, char **argv)
{
	char line[256];

	program_begin("root");
	root.batch = argc == 5 && strcmp(argv[3], "segment") == 0 ? RECORDS_IN_SEND : 1;
	root.bytes = argc == 5 ? (size_t)atoi(argv[4]) : 0;
	if (root.bytes < LEAST_RECORD || root.bytes > MOST_RECORD)
		program_fail("usage: root ADDRESS PORT plain|segment BYTES");
	open_root(argv[1], atoi(argv[2]));
	if (root.batch > 1) {
		const int bytes = (int)root.bytes;

		if (setsockopt((int)root.socket, IPPROTO_UDP, UDP_SEGMENT, &bytes, sizeof(bytes)))
			program_fail("UDP_SEGMENT");
	}
	answer("ready");
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	return 0;
}
