/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The application's memory, touched without trusting its pointers (R17, R19,
 * R20) and without a SIGSEGV handler: the kernel copies and says EFAULT.
 */
#ifndef CTL_PROVIDER_MEMORY_H
#define CTL_PROVIDER_MEMORY_H

#include <stddef.h>

/* Both: 0 or -EFAULT; how much was copied then is open. length 0 is always 0. */
int lc_memory_read(void *to, const void *from, size_t length);
int lc_memory_write(void *to, const void *from, size_t length);
/* Whether all of it could be written; it is left as it was. */
int lc_memory_check_writable(void *memory, size_t length);

#endif
