/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The requests that the daemon has not answered yet, by id. The caller locks. */
#ifndef CTL_PROVIDER_ASKED_H
#define CTL_PROVIDER_ASKED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/local.h"

/* One request under way. Whoever asks embeds it and keeps it alive until `answered`. */
struct lc_asked {
	struct lc_asked *next;
	uint64_t id;
	uint64_t until_ns;
	bool lost; /* no answer, because the connection ended */
	/*
	 * Called exactly once if lc_connection_ask() returned 0, before any
	 * later event is looked at. NULL: no answer came in time, or the
	 * connection was lost; one that comes yet is ignored.
	 */
	void (*answered)(struct lc_asked *asked, const struct lc_local_message *reply);
};

#define LC_ASKED_BUCKETS 256

struct lc_asked_table {
	struct lc_asked *buckets[LC_ASKED_BUCKETS];
};

void lc_asked_insert(struct lc_asked_table *table, struct lc_asked *asked);
/* NULL: it is not there any more. */
struct lc_asked *lc_asked_take(struct lc_asked_table *table, uint64_t id);
/* All whose time is up, as a list; *next is when the first of the others will be, 0: there is none. */
struct lc_asked *lc_asked_take_late(struct lc_asked_table *table, uint64_t now, uint64_t *next);

#endif
