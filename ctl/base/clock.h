/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The one clock: CLOCK_MONOTONIC, which no change of the date moves, and which
 * BPF programs read as bpf_ktime_get_ns().
 */
#ifndef CTL_BASE_CLOCK_H
#define CTL_BASE_CLOCK_H

#include <stdint.h>

#define LC_NS_PER_MS 1000000ull
#define LC_NS_PER_S  1000000000ull

/* Nanoseconds since the system started. Never fails. */
uint64_t lc_now_ns(void);

#endif
