/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <pthread.h>
#include <stdatomic.h>

#include "provider/upcalls.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint startups; /* written with the mutex locked, read without: by every call */
static WSPUPCALLTABLE table;

_Thread_local unsigned int lc_callback_depth;

bool lc_is_started(void)
{
	return atomic_load(&startups);
}

void lc_startup_count(const WSPUPCALLTABLE *upcalls)
{
	pthread_mutex_lock(&mutex);
	table = *upcalls;
	atomic_fetch_add(&startups, 1);
	pthread_mutex_unlock(&mutex);
}

int lc_startup_uncount(void)
{
	int left = -1;

	pthread_mutex_lock(&mutex);
	if (atomic_load(&startups))
		left = (int)atomic_fetch_sub(&startups, 1) - 1;
	if (!left)
		table = (WSPUPCALLTABLE){0};
	pthread_mutex_unlock(&mutex);
	return left;
}

/* One entry of the table. */
#define UPCALL(entry)                         \
	({                                    \
		typeof(table.entry) upcall_;  \
		pthread_mutex_lock(&mutex);   \
		upcall_ = table.entry;        \
		pthread_mutex_unlock(&mutex); \
		upcall_;                      \
	})

LPWPUMODIFYIFSHANDLE lc_upcall_modify_handle(void)
{
	return UPCALL(lpWPUModifyIFSHandle);
}

LPWPUSETEVENT lc_upcall_set_event(void)
{
	return UPCALL(lpWPUSetEvent);
}

LPWPURESETEVENT lc_upcall_reset_event(void)
{
	return UPCALL(lpWPUResetEvent);
}
