/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Leaves that never read, for the benchmark; and how long each took to join.
 *
 *   leaves ROOT PORT FLOW FIRST_PORT COUNT ADDRESS...
 *
 * joins ROOT:PORT with COUNT sockets at each ADDRESS, from FIRST_PORT up, one
 * after another. FLOW is "-", or bytes/s and bytes of a bucket: "RATE,DEPTH".
 * Prints per leaf the nanoseconds from opening its socket to its joining, then
 * "joined", and closes all at a line of input or its end. Exit status 1 after a sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "leafcast/leafcast.h"
#include "winsock2.h"

#define MOST_LEAVES 1000

struct leaves {
	struct name root;
	QOS qos;
	bool limited;
	int count;
	SOCKET sockets[MOST_LEAVES];
};

static void fail(const char *what)
{
	fprintf(stderr, "leaves: %s: %s\n", what, leafcast_code_name(WSAGetLastError()));
	exit(1);
}

static void parse_name(struct name *name, const char *address, int port)
{
	if (!name_parse(name, address, port))
		fail(address);
}

static void parse_flow(struct leaves *leaves, const char *text)
{
	const FLOWSPEC unchanged = {
		QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,	 QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
		QOS_NOT_SPECIFIED, SERVICETYPE_NOCHANGE, QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
	};
	FLOWSPEC *flow = &leaves->qos.ReceivingFlowspec;

	leaves->qos.SendingFlowspec = leaves->qos.ReceivingFlowspec = unchanged;
	if (strcmp(text, "-") == 0)
		return;
	if (sscanf(text, "%u,%u", &flow->TokenRate, &flow->TokenBucketSize) != 2)
		fail("flow");
	flow->ServiceType = SERVICETYPE_CONTROLLEDLOAD;
	leaves->limited = true;
}

static void join(struct leaves *leaves, const char *address, int port)
{
	const DWORD flags = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
	struct name name;
	SOCKET leaf;
	DWORD ignored;

	leaf = WSASocketW(leaves->root.address.ss_family, SOCK_DGRAM, LEAFCAST_IPPROTO_ROOTED, NULL,
			  0, flags);
	if (leaf == INVALID_SOCKET)
		fail("socket");
	if (leaves->limited && WSAIoctl(leaf, SIO_SET_QOS, &leaves->qos, sizeof(leaves->qos), NULL,
					0, &ignored, NULL, NULL))
		fail("flow");
	parse_name(&name, address, port);
	if (bind(leaf, (struct sockaddr *)&name.address, (int)name.length))
		fail("bind");
	if (WSAJoinLeaf(leaf, (struct sockaddr *)&leaves->root.address, (int)leaves->root.length,
			NULL, NULL, NULL, NULL, JL_RECEIVER_ONLY) == INVALID_SOCKET)
		fail(leafcast_reason_text(leafcast_socket_reason(leaf)));
	leaves->sockets[leaves->count++] = leaf;
}

int main(int argc, char **argv)
{
	static struct leaves leaves;
	int first, count;
	WSADATA data;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 7)
		fail("usage");
	first = atoi(argv[4]);
	count = atoi(argv[5]);
	if (count < 1 || count > MOST_LEAVES / (argc - 6))
		fail("count");
	if (WSAStartup(MAKEWORD(2, 2), &data))
		fail("startup");
	parse_name(&leaves.root, argv[1], atoi(argv[2]));
	parse_flow(&leaves, argv[3]);
	for (int at = 6; at < argc; at++) {
		for (int i = 0; i < count; i++) {
			long long begin_ns = clock_ns(CLOCK_MONOTONIC);

			join(&leaves, argv[at], first + i);
			printf("%lld\n", clock_ns(CLOCK_MONOTONIC) - begin_ns);
		}
	}
	puts("joined");
	getchar();
	for (int i = 0; i < leaves.count; i++)
		closesocket(leaves.sockets[i]);
	return WSACleanup() ? 1 : 0;
}
