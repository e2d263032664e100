/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The one hidden thread: it watches descriptors and the clock, its signals
 * blocked, and calls what was given to lc_loop_handle(). It knows neither the
 * daemon nor sockets.
 */
#ifndef CTL_PROVIDER_LOOP_H
#define CTL_PROVIDER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Whose descriptor it is. */
enum lc_loop_kind {
	LC_LOOP_OWN,
	LC_LOOP_CONNECTION,
	LC_LOOP_SOCKET,
	LC_LOOP_KINDS,
};

/* By the hidden thread: the descriptor watched as `number` is ready. `events` of epoll. */
typedef void lc_loop_ready(uint64_t number, uint32_t events);
/* Before the thread starts. */
void lc_loop_handle(enum lc_loop_kind kind, lc_loop_ready *ready);

/* Starts the thread unless it runs. -EMFILE, -EAGAIN, -ENOMEM. */
int lc_loop_start(void);
/* Ends it and waits for that; it must not be called by it. */
void lc_loop_stop(void);

/*
 * Watches `fd` under a number below 2^56; `again`: it is watched already, and
 * this replaces what for. Between lc_loop_start() and lc_loop_stop(). Negative
 * errno.
 */
int lc_loop_watch(int fd, enum lc_loop_kind kind, uint64_t number, uint32_t events, bool again);
/*
 * Needed before a watched descriptor is closed, of which the daemon may have a
 * duplicate: that would keep it watched.
 */
void lc_loop_unwatch(int fd);

/* One moment; `fire` is called by the hidden thread, once each time it was set. Static storage. */
struct lc_timer {
	void (*fire)(void);
	uint64_t at_ns; /* CLOCK_MONOTONIC; 0: not set */
	bool known;
	struct lc_timer *next;
};
void lc_timer_set(struct lc_timer *timer, uint64_t at_ns);
/* Sets it unless it is set to something earlier. */
void lc_timer_set_earlier(struct lc_timer *timer, uint64_t at_ns);

/* Around fork(2), so that the child finds it in no half-way state. */
void lc_loop_lock(void);
void lc_loop_unlock(void);
/* In the child: there is no thread. */
void lc_loop_forget(void);

#endif
