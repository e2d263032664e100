/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "stress.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define THREADS 8
#define CLOSERS 2
#define QUEUE	1024

WSPPROC_TABLE wsp;
struct tally tally;

static unsigned int wanted = 10000;
static atomic_uint wrongs;
static _Thread_local uint64_t state;

void wrong(const char *format, ...)
{
	va_list arguments;

	if (wrongs++ >= 20)
		return;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

/* --- chance */

void seed_random(uint64_t seed)
{
	state = seed * 0x9E3779B97F4A7C15u + 1;
}

/* Marsaglia's xorshift64. */
uint64_t random_number(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

bool chance(unsigned int percent)
{
	return random_number() % 100 < percent;
}

void pause_up_to(unsigned int microseconds)
{
	usleep((useconds_t)(random_number() % microseconds));
}

/* --- closing, here and in other threads */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static SOCKET queue[QUEUE];
static unsigned int waiting;
static bool done;

void close_here(SOCKET s)
{
	int code = 0;

	if (wsp.lpWSPCloseSocket(s, &code))
		wrong("WSPCloseSocket: %d", code);
	/* Handles are never given twice here, so this cannot be another's. */
	expect(wsp.lpWSPCloseSocket(s, &code) && code == WSAENOTSOCK, "closed twice: %d", code);
}

void close_elsewhere(SOCKET s)
{
	bool full;

	pthread_mutex_lock(&mutex);
	full = waiting == QUEUE;
	if (!full)
		queue[waiting++] = s;
	pthread_cond_signal(&arrived);
	pthread_mutex_unlock(&mutex);
	if (full)
		close_here(s);
}

static void *run_closer(void *seed)
{
	bool over = false;

	seed_random((uint64_t)(uintptr_t)seed);
	while (!over) {
		SOCKET s = INVALID_SOCKET;

		pthread_mutex_lock(&mutex);
		while (!waiting && !done)
			pthread_cond_wait(&arrived, &mutex);
		over = !waiting;
		if (waiting)
			s = queue[--waiting];
		pthread_mutex_unlock(&mutex);
		if (over)
			break;
		pause_up_to(1500);
		close_here(s);
	}
	return NULL;
}

/* --- the whole */

static void *run(void *seed)
{
	static void (*const scenarios[])(void) = {blocking_leaf,    blocking_leaf, nonblocking_leaf,
						  nonblocking_leaf, inviting_root, listening_root};

	seed_random((uint64_t)(uintptr_t)seed);
	while (tally.joins < wanted && wrongs < 20)
		scenarios[random_number() % 6]();
	return NULL;
}

static SOCKET WSPAPI number_handle(DWORD entry, SOCKET proposed, LPINT code)
{
	static atomic_uint last;

	(void)entry, (void)proposed, (void)code;
	return ++last;
}

static int count_descriptors(void)
{
	DIR *list = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(list))
		count++;
	closedir(list);
	return count;
}

static void run_threads(uint64_t seed)
{
	pthread_t threads[THREADS], closers[CLOSERS];

	for (uintptr_t i = 0; i < CLOSERS; i++)
		pthread_create(&closers[i], NULL, run_closer, (void *)(seed + 100 + i));
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run, (void *)(seed + 200 + i));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_lock(&mutex);
	done = true;
	pthread_cond_broadcast(&arrived);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < CLOSERS; i++)
		pthread_join(closers[i], NULL);
}

int main(int argc, char **argv)
{
	const WSPUPCALLTABLE upcalls = {.lpWPUModifyIFSHandle = number_handle};
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : lc_now_ns(), start;
	int before = count_descriptors(), code;
	WSPDATA data;

	if (argc > 1)
		wanted = (unsigned int)strtoul(argv[1], NULL, 0);
	printf("seed %llu\n", (unsigned long long)seed);
	daemon_start(seed);
	if (WSPStartup(MAKEWORD(2, 2), &data, NULL, upcalls, &wsp))
		abort();
	start = lc_now_ns();
	run_threads(seed);
	start = lc_now_ns() - start;
	expect(!wsp.lpWSPCleanup(&code), "WSPCleanup: %d", code);
	daemon_stop();
	expect(count_descriptors() == before, "%d descriptors are left open",
	       count_descriptors() - before);
	expect(tally.joins >= wanted, "only %u joins", tally.joins);
	expect(tally.joins == tally.succeeded + tally.refused + tally.cancelled + tally.lost +
				      tally.closed_pending,
	       "%u joins, but not as many outcomes", tally.joins);
	expect(tally.closed_pending && tally.cancelled && tally.accepted && tally.rejected,
	       "not all of it was tried");
	printf("%u joins by %d threads in %.1f s: %u succeeded, %u refused, %u cancelled, "
	       "%u lost with %u daemons, "
	       "%u closed while pending; %u of %u peers accepted; %u wrong\n",
	       tally.joins, THREADS, (double)start / 1e9, tally.succeeded, tally.refused,
	       tally.cancelled, tally.lost, daemon_restarts(), tally.closed_pending,
	       daemon_accepted(), daemon_requests(), wrongs);
	return wrongs != 0;
}
