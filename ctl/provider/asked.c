/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <stddef.h>

#include "provider/asked.h"

void lc_asked_insert(struct lc_asked_table *table, struct lc_asked *asked)
{
	struct lc_asked **bucket = &table->buckets[asked->id % LC_ASKED_BUCKETS];

	asked->next = *bucket;
	*bucket = asked;
}

struct lc_asked *lc_asked_take(struct lc_asked_table *table, uint64_t id)
{
	for (struct lc_asked **at = &table->buckets[id % LC_ASKED_BUCKETS]; *at; at = &(*at)->next)
		if ((*at)->id == id) {
			struct lc_asked *asked = *at;

			*at = asked->next;
			return asked;
		}
	return NULL;
}

struct lc_asked *lc_asked_take_late(struct lc_asked_table *table, uint64_t now, uint64_t *next)
{
	struct lc_asked *late = NULL;

	*next = 0;
	for (size_t i = 0; i < LC_ASKED_BUCKETS; i++)
		for (struct lc_asked **at = &table->buckets[i], *asked; (asked = *at);) {
			if (asked->until_ns <= now) {
				*at = asked->next;
				asked->next = late;
				late = asked;
				continue;
			}
			if (!*next || asked->until_ns < *next)
				*next = asked->until_ns;
			at = &asked->next;
		}
	return late;
}
