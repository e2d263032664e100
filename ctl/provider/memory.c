/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

#include "provider/memory.h"

/* A pipe takes this much without blocking (POSIX: PIPE_BUF is at least 512). */
#define PIECE 512

/* Where process_vm_readv is not allowed, a pipe's read and write check pointers too. */
static int copy_by_pipe(void *to, const void *from, size_t length)
{
	int ends[2], result = 0;

	if (pipe2(ends, O_CLOEXEC))
		return -EFAULT;
	for (size_t done = 0; done < length && !result;) {
		size_t piece = length - done < PIECE ? length - done : PIECE;
		ssize_t in = write(ends[1], (const char *)from + done, piece);

		if (in <= 0 || read(ends[0], (char *)to + done, (size_t)in) != in)
			result = -EFAULT;
		else
			done += (size_t)in;
	}
	close(ends[0]);
	close(ends[1]);
	return result;
}

static int copy(void *to, const void *from, size_t length, bool reading)
{
	struct iovec target = {to, length}, source = {(void *)(uintptr_t)from, length};
	ssize_t copied;

	if (!length)
		return 0;
	if (!to || !from)
		return -EFAULT;
	copied = reading ? process_vm_readv(getpid(), &target, 1, &source, 1, 0)
			 : process_vm_writev(getpid(), &source, 1, &target, 1, 0);
	if (copied == (ssize_t)length)
		return 0;
	if (copied < 0 && (errno == EPERM || errno == ENOSYS))
		return copy_by_pipe(to, from, length);
	return -EFAULT;
}

int lc_memory_read(void *to, const void *from, size_t length)
{
	return copy(to, from, length, true);
}

int lc_memory_write(void *to, const void *from, size_t length)
{
	return copy(to, from, length, false);
}

int lc_memory_check_writable(void *memory, size_t length)
{
	/* Pages are at least this large: one byte of each tells for all of it. */
	const uintptr_t page = 4096;
	uintptr_t at = (uintptr_t)memory, end = at + length;
	char byte;

	if (!length)
		return 0;
	if (end < at)
		return -EFAULT;
	while (at < end) {
		if (lc_memory_read(&byte, (void *)at, 1) || lc_memory_write((void *)at, &byte, 1))
			return -EFAULT;
		at = (at & ~(page - 1)) + page;
	}
	return 0;
}
