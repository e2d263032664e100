/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * One-shot timers of the loop. All zero: none is set. Only the first setting
 * needs memory, so what is set again and again goes on when there is none.
 */
#ifndef CTL_DAEMON_TIMER_H
#define CTL_DAEMON_TIMER_H

#include <stdint.h>
#include <systemd/sd-event.h>

#define SECOND 1000000ull /* of microseconds, as all times of the daemon */

struct timer {
	sd_event_source *source;
	uint64_t left_us; /* of a deadline, after what it is set for now */
	void (*run_out)(void *context);
	void *context;
};

/*
 * Calls `run_out` from the loop after `in_us`, to a hundredth of it; replaces
 * what was set before. It may set or stop the timer itself.
 */
int timer_set(struct timer *timer, sd_event *event, uint64_t in_us, void (*run_out)(void *context),
	      void *context);
/*
 * The same for what ends something because others have said nothing. While this
 * process is stopped (SIGSTOP, a frozen cgroup) it hears nobody, so that time counts
 * as no more than half of what was left of `in_us`, unless that was less than half a
 * second: what waits in the sockets is heard in the rest.
 */
int timer_set_deadline(struct timer *timer, sd_event *event, uint64_t in_us,
		       void (*run_out)(void *context), void *context);
void timer_stop(struct timer *timer);
/* Gives it back. */
void timer_free(struct timer *timer);

#endif
