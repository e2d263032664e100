/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Fixed-width types for the records that both compilers read: the BPF side
 * takes them from vmlinux/, user space from the kernel's own headers.
 */
#ifndef ABI_TYPES_H
#define ABI_TYPES_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#define LC_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)

#endif
