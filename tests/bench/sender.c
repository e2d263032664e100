/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The generator of the benchmark: one socket, told on standard input what to
 * send, and timed. Leafcast's and the peer's differ in nothing but how the
 * socket is opened and which call sends:
 *
 *   sender root ADDRESS PORT LEAVES              a session's root, by WSASend
 *   sender plain ADDRESS PORT DEVICE GROUP PORT  a UDP socket towards GROUP by DEVICE, by send
 *
 * A root says "listening" first; each "ready" when the leaves have joined. Then each line "PAYLOAD SEGMENTS
 * MILLISECONDS" is answered by "SENDS WALL_NS CPU_NS": buffers of SEGMENTS
 * payloads each (UDP_SEGMENT where there are more than one), one after another
 * for so long. Any other line ends it; exit status 1 after a sentence.
 */
#include <net/if.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common.h"

/* The library's calls have other names then, and these are Linux's. */
#define LEAFCAST_KEEP_SOCKET_NAMES
#include "winsock2.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* A UDP datagram before it is cut up. */
#define MOST_BYTES 65507
/* Sends between two looks at the clock: well below a millisecond. */
#define SENDS_A_LOOK 16

struct sender {
	SOCKET root; /* INVALID_SOCKET: plain */
	int fd;
};

static void fail(const char *what)
{
	fprintf(stderr, "sender: %s: %m (%d)\n", what, WSAGetLastError());
	exit(1);
}

static struct name parse_name(const char *address, const char *port)
{
	struct name name;

	if (!name_parse(&name, address, atoi(port)))
		fail(address);
	return name;
}

static struct sender open_root(const char *address, const char *port, int leaves)
{
	const DWORD flags = WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT;
	struct name name = parse_name(address, port);
	struct sender sender;
	WSADATA data;

	if (WSAStartup(MAKEWORD(2, 2), &data))
		fail("startup");
	sender.root = WSASocketW(name.address.ss_family, SOCK_DGRAM, 0, NULL, 0, flags);
	if (sender.root == INVALID_SOCKET)
		fail("socket");
	if (leafcast_bind(sender.root, (struct sockaddr *)&name.address, (int)name.length) ||
	    leafcast_listen(sender.root, 16))
		fail("listen");
	puts("listening");
	for (; leaves > 0; leaves--)
		if (WSAAccept(sender.root, NULL, NULL, NULL, 0) == INVALID_SOCKET)
			fail("accept");
	sender.fd = (int)sender.root; /* a SOCKET is a descriptor */
	return sender;
}

/* Multicast, as the channel is: the same way through the kernel up to the device. */
static struct sender open_plain(char **arguments)
{
	struct name from = parse_name(arguments[0], arguments[1]);
	struct name group = parse_name(arguments[3], arguments[4]);
	int device = (int)if_nametoindex(arguments[2]), off = 0, failed;
	struct ip_mreqn by = {.imr_ifindex = device};
	struct sender sender = {.root = INVALID_SOCKET};

	sender.fd = socket(from.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (from.address.ss_family == AF_INET)
		failed = setsockopt(sender.fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)) ||
			 setsockopt(sender.fd, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof(off));
	else
		failed = setsockopt(sender.fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &device,
				    sizeof(device)) ||
			 setsockopt(sender.fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off,
				    sizeof(off));
	if (failed || bind(sender.fd, (struct sockaddr *)&from.address, from.length) ||
	    connect(sender.fd, (struct sockaddr *)&group.address, group.length))
		fail("plain socket");
	return sender;
}

/*
 * One CPU makes and drops all copies, and is taken away as seldom as can be.
 * The library's own thread is left alone.
 */
static void settle(void)
{
	cpu_set_t last;

	CPU_ZERO(&last);
	CPU_SET((int)sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
	if (sched_setaffinity(0, sizeof(last), &last) || setpriority(PRIO_PROCESS, 0, -20))
		fail("settle");
}

static void send_once(const struct sender *sender, WSABUF *buffer)
{
	DWORD sent;

	if (sender->root != INVALID_SOCKET) {
		if (WSASend(sender->root, buffer, 1, &sent, 0, NULL, NULL))
			fail("WSASend");
	} else if (send(sender->fd, buffer->buf, buffer->len, 0) != (ssize_t)buffer->len) {
		fail("send");
	}
}

static void run(const struct sender *sender, int payload, int segments, long long wanted_ns)
{
	static char bytes[MOST_BYTES];
	WSABUF buffer = {.len = (ULONG)(payload * segments), .buf = bytes};
	int gso = segments > 1 ? payload : 0;
	long long begin_ns, cpu_ns, wall_ns = 0;
	unsigned long sends;

	if (setsockopt(sender->fd, IPPROTO_UDP, UDP_SEGMENT, &gso, sizeof(gso)))
		fail("UDP_SEGMENT");
	begin_ns = clock_ns(CLOCK_MONOTONIC);
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (sends = 0; wall_ns < wanted_ns; sends += SENDS_A_LOOK) {
		for (int i = 0; i < SENDS_A_LOOK; i++)
			send_once(sender, &buffer);
		wall_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;
	}
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	printf("%lu %lld %lld\n", sends, wall_ns, cpu_ns);
}

int main(int argc, char **argv)
{
	int payload, segments, milliseconds;
	struct sender sender;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 5 && strcmp(argv[1], "root") == 0)
		sender = open_root(argv[2], argv[3], atoi(argv[4]));
	else if (argc == 7 && strcmp(argv[1], "plain") == 0)
		sender = open_plain(argv + 2);
	else
		fail("usage");
	settle();
	puts("ready");
	while (scanf("%d %d %d", &payload, &segments, &milliseconds) == 3) {
		if (payload < 1 || segments < 1 || payload > MOST_BYTES / segments)
			fail("payload");
		run(&sender, payload, segments, milliseconds * NS_PER_MS);
	}
	if (sender.root != INVALID_SOCKET && (closesocket(sender.root) || WSACleanup()))
		fail("close");
	return 0;
}
