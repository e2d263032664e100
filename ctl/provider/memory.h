/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The application's memory. Whatever a call is given a pointer to goes through
 * the verbs of base/memory.h (read a structure, check an out-parameter, write
 * it back) or these, so that a bad pointer is WSAEFAULT (R17, R19, R20) and
 * never SIGSEGV.
 *
 * All return 0 or -EFAULT.
 */
#ifndef CTL_PROVIDER_MEMORY_H
#define CTL_PROVIDER_MEMORY_H

#include <sys/uio.h>

#include "base/memory.h"
#include "provider/provider.h"

/* Copies an array of WSABUFs into `parts`, which has room for `count`. What they point to is not looked at. */
int lc_memory_read_buffers(struct iovec *parts, const WSABUF *buffers, DWORD count);

/*
 * Whether a datagram can be written to these parts, as far as the longest one
 * reaches. The kernel takes a datagram off its queue before it copies it, and
 * drops it when that fails: so this comes before recvmsg(2). Sending needs
 * nothing of the kind: there the kernel's own EFAULT loses nothing.
 *
 * Asking the kernel each time would cost a third of a receive call for each
 * page, and looking with MSG_PEEK first half of one; so pages that this thread
 * has received into before are taken for good (lc_memory_expect_writable()).
 * What was good then and is not any more is WSAEFAULT all the same, but costs
 * that datagram.
 */
int lc_memory_check_parts(const struct iovec *parts, size_t count);

#endif
