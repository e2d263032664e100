/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * An address and a port, as BPF programs, the daemon and the library share it.
 *
 * Everything in it is in network byte order, so two endpoints are the same
 * if and only if their bytes are: padding is always zero and an IPv4 address
 * fills addr[0] and leaves the other words zero.
 */
#ifndef ABI_ENDPOINT_H
#define ABI_ENDPOINT_H

#include "abi/types.h"

/* Not AF_*: those numbers differ between systems and this one is pinned. */
enum lc_family {
	LC_FAMILY_NONE = 0,
	LC_INET = 4,
	LC_INET6 = 6,
};

struct lc_endpoint {
	__be32 addr[4];
	__be16 port;
	__u8 family; /* enum lc_family */
	__u8 zero;
};
LC_ASSERT_SIZE(struct lc_endpoint, 20);

#endif
