/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What WSPStartup and WSPCleanup count, and the upcalls of the most recent
 * start-up. Any thread, nothing locked outside.
 */
#ifndef CTL_PROVIDER_UPCALLS_H
#define CTL_PROVIDER_UPCALLS_H

#include <stdbool.h>

#include "provider/provider.h"

/* Whether there is a start-up in force. */
bool lc_is_started(void);
/* Counts a start-up, whose upcalls are the ones that count from now on. */
void lc_startup_count(const WSPUPCALLTABLE *upcalls);
/* Undoes one. 0: it was the last, and the upcalls are forgotten. -1: there was none. */
int lc_startup_uncount(void);

/* Each is NULL where the last start-up gave none. */
LPWPUMODIFYIFSHANDLE lc_upcall_modify_handle(void);
LPWPUSETEVENT lc_upcall_set_event(void);
LPWPURESETEVENT lc_upcall_reset_event(void);

/* How deep this thread is in condition functions. */
extern _Thread_local unsigned int lc_callback_depth;

#endif
