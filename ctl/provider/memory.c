/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>

#include "provider/memory.h"

/* What one system call returns at most, be it several datagrams merged (UDP_GRO). */
#define LONGEST_DATAGRAM 65536u

/* So many are copied at a time. */
#define AT_A_TIME 16

int lc_memory_read_buffers(struct iovec *parts, const WSABUF *buffers, DWORD count)
{
	WSABUF some[AT_A_TIME];

	for (DWORD done = 0; done < count;) {
		DWORD n = count - done < AT_A_TIME ? count - done : AT_A_TIME;

		if (lc_memory_read(some, buffers + done, n * sizeof(*some)))
			return -EFAULT;
		for (DWORD i = 0; i < n; i++)
			parts[done + i] = (struct iovec){some[i].buf, some[i].len};
		done += n;
	}
	return 0;
}

int lc_memory_check_parts(const struct iovec *parts, size_t count)
{
	size_t left = LONGEST_DATAGRAM;

	for (size_t i = 0; i < count && left; i++) {
		size_t length = parts[i].iov_len < left ? parts[i].iov_len : left;

		if (lc_memory_expect_writable(parts[i].iov_base, length))
			return -EFAULT;
		left -= length;
	}
	return 0;
}
