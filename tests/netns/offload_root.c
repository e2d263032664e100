/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A root that sends records the ways an application can make the kernel put
 * datagrams together, on the descriptor that a SOCKET is:
 *
 *   offload_root ADDRESS PORT LEAVES WAY RECORD_BYTES [PAUSE_US]
 *
 *   plain     one send a record
 *   more      a record in two sends under UDP_CORK, as with MSG_MORE: its checksum is made in software
 *   segment   forty records a send, cut up by the kernel (UDP_SEGMENT)
 *   unsummed  one send a record, without a checksum (SO_NO_CHECK)
 *   mixed     39 records in one send as with segment, and one by itself right behind them
 *
 * Reads whole records from standard input, waits for the leaves first, pauses
 * after each send or batch of sends, closes the session at the end. Exit status 0, or 1 after a sentence.
 */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>

/* setsockopt() is meant for the descriptor, with Linux's options. */
#define LEAFCAST_KEEP_SOCKET_NAMES
#include "winsock2.h"
#include "ws2tcpip.h"

#define SEGMENTS    40
#define MOST_RECORD 1472

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum way {
	PLAIN,
	MORE,
	SEGMENT,
	UNSUMMED,
	MIXED,
};

static void fail(const char *what)
{
	fprintf(stderr, "offload_root: %s: %d\n", what, WSAGetLastError());
	exit(1);
}

static enum way way_of(const char *word)
{
	static const char *const words[] = {"plain", "more", "segment", "unsummed", "mixed"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return (enum way)i;
	fail(word);
	return PLAIN;
}

static SOCKET listening_root(const char *address, int port)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	int is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
	SOCKET root;

	if (!is_six && inet_pton(AF_INET, address, &four.sin_addr) != 1)
		fail("address");
	root = WSASocketW(is_six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0, NULL, 0,
			  WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT);
	if (root == INVALID_SOCKET)
		fail("socket");
	if (leafcast_bind(root, is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four,
			  is_six ? sizeof(six) : sizeof(four)) ||
	    leafcast_listen(root, 16))
		fail("listen");
	return root;
}

static void set(SOCKET socket, int level, int option, int value)
{
	if (setsockopt((int)socket, level, option, &value, sizeof(value)))
		fail("setsockopt");
}

static void send_bytes(SOCKET root, char *bytes, size_t length)
{
	WSABUF buffer = {.len = (ULONG)length, .buf = bytes};
	DWORD sent;

	if (WSASend(root, &buffer, 1, &sent, 0, NULL, NULL))
		fail("send");
}

static void send_records(SOCKET root, enum way way, char *bytes, size_t length, size_t record)
{
	if (way == MORE) {
		set(root, IPPROTO_UDP, UDP_CORK, 1);
		send_bytes(root, bytes, length / 2);
		send_bytes(root, bytes + length / 2, length - length / 2);
		set(root, IPPROTO_UDP, UDP_CORK, 0);
	} else if (way == MIXED && length > record) {
		send_bytes(root, bytes, length - record);
		send_bytes(root, bytes + length - record, record);
	} else {
		send_bytes(root, bytes, length);
	}
}

int main(int argc, char **argv)
{
	static char bytes[SEGMENTS * MOST_RECORD];
	size_t record, batch, length;
	unsigned int pause;
	WSADATA data;
	enum way way;
	int segments;
	SOCKET root;

	if (argc != 6 && argc != 7)
		fail("usage");
	way = way_of(argv[4]);
	segments = way == SEGMENT || way == MIXED;
	pause = segments ? 20000 : 500;
	if (argc == 7)
		pause = (unsigned int)atoi(argv[6]);
	record = (size_t)atoi(argv[5]);
	if (record == 0 || record > MOST_RECORD)
		fail("record size");
	batch = record * (segments ? SEGMENTS : 1);
	if (WSAStartup(MAKEWORD(2, 2), &data))
		fail("startup");
	root = listening_root(argv[1], atoi(argv[2]));
	for (int i = atoi(argv[3]); i > 0; i--)
		if (WSAAccept(root, NULL, NULL, NULL, 0) == INVALID_SOCKET)
			fail("accept");
	if (segments)
		set(root, IPPROTO_UDP, UDP_SEGMENT, (int)record);
	if (way == UNSUMMED)
		set(root, SOL_SOCKET, SO_NO_CHECK, 1);
	while ((length = fread(bytes, 1, batch, stdin)) > 0) {
		send_records(root, way, bytes, length, record);
		if (pause)
			usleep(pause);
	}
	if (closesocket(root) || WSACleanup())
		fail("close");
	return 0;
}
