/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Comparing endpoints: the same if and only if their bytes are (abi/endpoint.h). */
#ifndef BPF_ENDPOINT_H
#define BPF_ENDPOINT_H

#include "maps.h"

static __always_inline _Bool lc_same_address(const struct lc_endpoint *a,
					     const struct lc_endpoint *b)
{
	return a->addr[0] == b->addr[0] && a->addr[1] == b->addr[1] && a->addr[2] == b->addr[2] &&
	       a->addr[3] == b->addr[3] && a->family == b->family;
}

static __always_inline _Bool lc_same_endpoint(const struct lc_endpoint *a,
					      const struct lc_endpoint *b)
{
	return lc_same_address(a, b) && a->port == b->port;
}

#endif
