/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A map of records in our memory. The kernel rounds the room of each value up
 * to 8 bytes and that of all of them up to a page.
 *
 * Programs read and write the records while we do. A field that makes a record
 * visible, or that changes under running programs, goes through lc_publish(),
 * lc_withdraw() and lc_observe(); all else is written while nothing refers to
 * the record.
 */
#ifndef CTL_PLANE_TABLE_H
#define CTL_PLANE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lc_table {
	unsigned char *base;
	size_t stride;
	uint32_t entries;
};

/* -EPROTO: the values of this map are not `size` bytes. */
int lc_table_map(struct lc_table *table, int map_fd, size_t size, bool writable);
void lc_table_unmap(struct lc_table *table);

static inline void *lc_record(const struct lc_table *table, uint32_t number)
{
	return table->base + number * table->stride;
}

/* What is written before is seen by whoever sees this store, or was written if we are killed behind it. */
#define lc_publish(field, value) __atomic_store_n((field), (value), __ATOMIC_RELEASE)
/* What is written after is seen only by who sees this store too. */
#define lc_withdraw(field, value)                                     \
	do {                                                          \
		__atomic_store_n((field), (value), __ATOMIC_RELAXED); \
		__atomic_thread_fence(__ATOMIC_SEQ_CST);              \
	} while (0)
#define lc_observe(field) __atomic_load_n((field), __ATOMIC_ACQUIRE)

#endif
