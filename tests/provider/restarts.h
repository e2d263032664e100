/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A fake daemon that goes while another comes, what the new one is told, and calls that wait for it. */
#ifndef TESTS_PROVIDER_RESTARTS_H
#define TESTS_PROVIDER_RESTARTS_H

#include "fake.h"

#include <pthread.h>

void restart(void);
/* The library's number of the socket of the n-th OPEN (from 1). */
uint64_t number_of(int n);
uint64_t cookie_of(int fd);
/* The RESUME of that socket; fails if it is not there. */
struct lc_local_message resumed(uint64_t socket);
/* Which message of all it is. */
int resumed_at(uint64_t socket);
/* A call after which the daemon has answered all that was asked before. */
void settle(void);

/* Bound to loopback, not listening. */
SOCKET new_bound(DWORD flags);

/* Calls that need the daemon; 0 or the code. open_code() needs no socket. */
int join_code(SOCKET s);
int listen_code(SOCKET s);
int accept_code(SOCKET s);
int open_code(SOCKET unused);
int set_flows_code(SOCKET s);

/* One of them in a thread of its own. */
struct call {
	pthread_t thread;
	int (*function)(SOCKET);
	SOCKET s;
	int code;
};
void call_begin(struct call *call, int (*function)(SOCKET), SOCKET s);
/* What it came to; fails the test if it still blocks after 10 s. */
int call_end(struct call *call);

#endif
