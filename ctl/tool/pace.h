/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Sending at a rate, by sleeping until the time each datagram is due. */
#ifndef CTL_TOOL_PACE_H
#define CTL_TOOL_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lc_pace {
	uint64_t bytes_per_s; /* 0: as fast as it goes */
	uint64_t due_ns;      /* CLOCK_MONOTONIC: when the next datagram is due */
};

/* Returns when a datagram of so many bytes is due, or false when lc_stop was asked for before. */
bool lc_pace_wait(struct lc_pace *pace, size_t bytes);

#endif
