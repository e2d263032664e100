/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Where a datagram goes now, and by what: the question to ctl/network, and its answer. */
#ifndef CTL_CORE_PATH_H
#define CTL_CORE_PATH_H

#include "abi/records.h"

/* All of a UDP datagram that a host's routing may ask about. No padding: it is a key. */
struct lc_path_query {
	struct lc_endpoint from; /* wildcard, or LC_FAMILY_NONE: the route's choice; port 0: any */
	struct lc_endpoint to;
	struct lc_route_keys by; /* of the socket that sends it */
};
_Static_assert(sizeof(struct lc_path_query) ==
		       2 * sizeof(struct lc_endpoint) + sizeof(struct lc_route_keys),
	       "no padding");

struct lc_path {
	enum lc_hop_in_use usable; /* LC_HOP_0: `hop` is valid; else why not, and it is zero */
	struct lc_hop hop;
	struct lc_endpoint source; /* the address the route prefers; port 0 */
};

#endif
