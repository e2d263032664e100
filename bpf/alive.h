/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether this node may still copy and admit, whatever its daemon does. */
#ifndef BPF_ALIVE_H
#define BPF_ALIVE_H

#include "maps.h"
#include "order.h"

/* Without a limit no clock is read. */
static __always_inline _Bool lc_is_alive(const struct lc_config *config)
{
	__u64 until = LC_READ_ONCE(config->alive_until_ns);

	return !until || bpf_ktime_get_ns() < until;
}

#endif
