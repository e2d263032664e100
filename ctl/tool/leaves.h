/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The leaves of a root, as its attendant holds them. */
#ifndef CTL_TOOL_LEAVES_H
#define CTL_TOOL_LEAVES_H

#include <stdbool.h>
#include <stddef.h>

#include "abi/endpoint.h"
#include "tool/winsock.h"

struct lc_root_leaf {
	SOCKET socket;
	struct lc_endpoint name;
};

/* All zero: none. */
struct lc_root_leaves {
	struct lc_root_leaf *entry;
	size_t count;
};

/* Takes the socket over and says who joined. False: no memory (said), the socket is closed. */
bool lc_leaves_add(struct lc_root_leaves *leaves, SOCKET socket, const struct lc_endpoint *name);
/* Says which have left or were lost since, and closes their sockets. */
void lc_leaves_review(struct lc_root_leaves *leaves);
void lc_leaves_close(struct lc_root_leaves *leaves);

#endif
