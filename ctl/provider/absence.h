/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * How long the application is content without a daemon, gone or stopped, and
 * what happens then: its memberships end with NETWORK_DOWN. Without limit unless
 * it chooses one. Any thread, nothing locked.
 */
#ifndef CTL_PROVIDER_ABSENCE_H
#define CTL_PROVIDER_ABSENCE_H

#include <stdint.h>

/* 0: without limit. */
void lc_absence_limit(uint64_t limit_ns);
/* What LEAFCAST_ABSENCE says, in whole seconds, unless lc_absence_limit() was called: no number is no limit. */
void lc_absence_read_environment(void);
/* A connection is up. */
void lc_absence_begin(void);

/* In a forked child: no PING is under way. */
void lc_absence_forget(void);

#endif
