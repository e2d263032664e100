/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"

/* Pages are at least this large: one word of each tells for all of it. */
#define PAGE 4096u

/* Pages a thread remembers: four buffers of the longest datagram. */
#define REMEMBERED 64

/* By number; 0, where no memory is, stands for none. */
static _Thread_local uintptr_t writable_pages[REMEMBERED];

/* Where this thread's stack is. Both 0: not known. */
static _Thread_local struct {
	bool asked;
	uintptr_t low, high;
} stack;

static void find_stack(void)
{
	pthread_attr_t attributes;
	void *low;
	size_t size;

	stack.asked = true;
	if (pthread_getattr_np(pthread_self(), &attributes))
		return;
	if (!pthread_attr_getstack(&attributes, &low, &size)) {
		stack.low = (uintptr_t)low;
		stack.high = stack.low + size;
	}
	pthread_attr_destroy(&attributes);
}

/* Above a live frame; not so on a signal's or a coroutine's stack, where the frame is elsewhere. */
static bool is_on_stack(uintptr_t at, size_t length, uintptr_t frame)
{
	if (!stack.asked)
		find_stack();
	return frame >= stack.low && at >= frame && at < stack.high && length <= stack.high - at;
}

/* The word that begins at or before `at`, in the same page. */
static bool can_read(uintptr_t at)
{
	uint32_t nobody_waits = 0;

	/* The word is compared with 0; either way nobody is woken and nobody moved. */
	return syscall(SYS_futex, at & ~(uintptr_t)3, FUTEX_CMP_REQUEUE_PRIVATE, 0, 0,
		       &nobody_waits, 0) >= 0 ||
	       errno == EAGAIN;
}

static bool can_write(uintptr_t at)
{
	uint32_t nobody_waits = 0;

	return syscall(SYS_futex, &nobody_waits, FUTEX_WAKE_OP_PRIVATE, 0, 0, at & ~(uintptr_t)3,
		       FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)) >= 0;
}

static int check(uintptr_t at, size_t length, bool (*can)(uintptr_t))
{
	uintptr_t last = at + length - 1;

	if (!at || last < at)
		return -EFAULT;
	for (;; at = (at | (PAGE - 1)) + 1) {
		if (!can(at))
			return -EFAULT;
		if ((at | (PAGE - 1)) >= last)
			return 0;
	}
}

int lc_memory_read(void *to, const void *from, size_t length)
{
	uintptr_t at = (uintptr_t)from;

	if (!length)
		return 0;
	if (!is_on_stack(at, length, (uintptr_t)__builtin_frame_address(0)) &&
	    check(at, length, can_read))
		return -EFAULT;
	memcpy(to, from, length);
	return 0;
}

int lc_memory_write(void *to, const void *from, size_t length)
{
	uintptr_t at = (uintptr_t)to;

	if (!length)
		return 0;
	if (!is_on_stack(at, length, (uintptr_t)__builtin_frame_address(0)) &&
	    check(at, length, can_write))
		return -EFAULT;
	memcpy(to, from, length);
	return 0;
}

int lc_memory_check_writable(void *memory, size_t length)
{
	uintptr_t at = (uintptr_t)memory;

	if (!length || is_on_stack(at, length, (uintptr_t)__builtin_frame_address(0)))
		return 0;
	return check(at, length, can_write);
}

static bool can_write_as_before(uintptr_t at)
{
	uintptr_t page = at / PAGE, *place = &writable_pages[page % REMEMBERED];

	if (page && *place == page)
		return true;
	if (!can_write(at))
		return false;
	*place = page;
	return true;
}

int lc_memory_expect_writable(void *memory, size_t length)
{
	uintptr_t at = (uintptr_t)memory;

	if (!length || is_on_stack(at, length, (uintptr_t)__builtin_frame_address(0)))
		return 0;
	return check(at, length, can_write_as_before);
}

void lc_memory_forget(void)
{
	memset(writable_pages, 0, sizeof(writable_pages));
}
