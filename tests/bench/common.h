/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the programs of the benchmark share. */
#ifndef TESTS_BENCH_COMMON_H
#define TESTS_BENCH_COMMON_H

#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

#define NS_PER_MS 1000000ll

struct name {
	struct sockaddr_storage address;
	socklen_t length;
};

/* An address of either family, in numbers; false if it is none. */
bool name_parse(struct name *name, const char *address, int port);

long long clock_ns(clockid_t clock);

#endif
