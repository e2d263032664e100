/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Memory that a caller names and that may not be there, touched without a
 * SIGSEGV and without a handler for it.
 *
 * The calling thread's own stack, from the caller's frame upwards, is there:
 * what lies on it, as most parameters do, costs nothing. Of anything else the
 * kernel is asked about one word of each page before it is touched, by
 * futex(2): its reading, and its atomic adding of 0, change nothing, fail with
 * EFAULT where the memory does not allow them, cost a third of
 * process_vm_readv(2) and are forbidden in no sandbox. Memory that another
 * thread takes away in the very moment is not guarded against.
 */
#ifndef CTL_BASE_MEMORY_H
#define CTL_BASE_MEMORY_H

#include <stddef.h>

/* Both: 0, or -EFAULT and nothing was copied. length 0 is always 0. */
int lc_memory_read(void *to, const void *from, size_t length);
int lc_memory_write(void *to, const void *from, size_t length);
/* Whether all of it can be written; nothing is. 0 or -EFAULT. */
int lc_memory_check_writable(void *memory, size_t length);

/*
 * The same for memory that is used again and again: pages that this thread has
 * found writable are not asked about any more. So 0 may be out of date, and the
 * memory must not be touched by its word, but by lc_memory_write(), or by a
 * system call that says EFAULT then; after which lc_memory_forget() makes this
 * thread ask anew.
 */
int lc_memory_expect_writable(void *memory, size_t length);
void lc_memory_forget(void);

#endif
