/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <poll.h>
#include <time.h>

#include "base/clock.h"
#include "tool/pace.h"
#include "tool/stop.h"

/* What is due this soon goes at once: a sleep for less costs more than it paces. */
#define EARLY_NS 500000ull
/* A sender that was held up makes good this much of it in one go, not more. */
#define LATE_NS 5000000ull
/* Above this, the wait itself must be open to being stopped. */
#define LONG_WAIT_NS 20000000ull

static bool sleep_until(uint64_t due_ns)
{
	struct timespec due = {.tv_sec = (time_t)(due_ns / LC_NS_PER_S),
			       .tv_nsec = (long)(due_ns % LC_NS_PER_S)};
	struct pollfd stop = {.fd = lc_stop_fd(), .events = POLLIN};

	for (uint64_t now = lc_now_ns(); due_ns > now + LONG_WAIT_NS; now = lc_now_ns()) {
		uint64_t wait_ms = (due_ns - now) / 1000000;

		if (poll(&stop, 1, wait_ms > 60000 ? 60000 : (int)wait_ms) > 0)
			return false;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	return true;
}

bool lc_pace_wait(struct lc_pace *pace, size_t bytes)
{
	uint64_t now;

	if (!pace->bytes_per_s)
		return true;
	now = lc_now_ns();
	if (pace->due_ns + LATE_NS < now)
		pace->due_ns = pace->due_ns ? now - LATE_NS : now;
	else if (pace->due_ns > now + EARLY_NS && !sleep_until(pace->due_ns))
		return false;
	pace->due_ns += bytes * LC_NS_PER_S / pace->bytes_per_s;
	return true;
}
