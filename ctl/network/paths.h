/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Paths that are kept: one for all who ask the same question, looked up when the
 * first asks, when something that it depends on has changed (change.h), and from
 * time to time all the same, since the kernel does not tell of everything.
 */
#ifndef CTL_NETWORK_PATHS_H
#define CTL_NETWORK_PATHS_H

#include <sys/queue.h>

#include "network/network.h"

struct lc_kept_path;

/* All zero: none. */
struct lc_paths {
	struct lc_kept_path *by_query;
	TAILQ_HEAD(, lc_kept_path) in_turn; /* all, looked at the longest ago first */
	TAILQ_HEAD(, lc_kept_path) due;	    /* something that they depend on has changed */
	unsigned int count;
};

void lc_paths_open(struct lc_paths *paths);
/* Whoever still uses one is of none from then on. */
void lc_paths_close(struct lc_paths *paths);

#endif
