/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The library under many threads at once, outside any test framework, so that
 * every sanitizer works: a daemon in a thread of its own that answers when and
 * how it likes and goes and comes, and threads that join, accept, shut down and
 * close.
 *
 *   joins [JOINS [SEED]]        10000 joins; the seed is printed
 *
 * Everything that is wrong is printed and counted; the exit status is 1 then.
 */
#ifndef TESTS_STRESS_STRESS_H
#define TESTS_STRESS_STRESS_H

#define LEAFCAST_KEEP_SOCKET_NAMES
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/local.h"
#include "leafcast/leafcast.h"
#include "ws2spi.h"

extern WSPPROC_TABLE wsp;

/* Something that must not be; printed, the first few of them. */
void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Fails if the condition does not hold. */
#define expect(condition, ...)              \
	do {                                \
		if (!(condition))           \
			wrong(__VA_ARGS__); \
	} while (0)

/* Pseudo-random numbers of this thread, by its own seed. */
void seed_random(uint64_t seed);
uint64_t random_number(void);
/* True in so many of a hundred cases. */
bool chance(unsigned int percent);
void pause_up_to(unsigned int microseconds);

/* --- the daemon */

void daemon_start(uint64_t seed);
/* Stops it when the library has cleaned up, and checks that nothing and nobody was forgotten. */
void daemon_stop(void);
/* How many requests of peers it sent, and how many of them were accepted. */
unsigned int daemon_requests(void), daemon_accepted(void);
/* How often it went. */
unsigned int daemon_restarts(void);

/* --- what the threads do */

struct tally {
	atomic_uint joins, succeeded, refused, cancelled, lost, closed_pending, accepted, rejected;
};
extern struct tally tally;

/* Closes the handle in another thread, sooner or later. */
void close_elsewhere(SOCKET s);
void close_here(SOCKET s);

/* One scenario each. */
void blocking_leaf(void);
void nonblocking_leaf(void);
void inviting_root(void);
void listening_root(void);

#endif
