/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Where a datagram to some endpoint goes now, and by what: the answer of ctl/network. */
#ifndef CTL_CORE_PATH_H
#define CTL_CORE_PATH_H

#include "abi/records.h"

struct lc_path {
	enum lc_hop_in_use usable; /* LC_HOP_0: `hop` is valid; else why not, and it is zero */
	struct lc_hop hop;
	struct lc_endpoint source; /* the address the route prefers; port 0 */
};

#endif
