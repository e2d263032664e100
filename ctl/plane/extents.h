/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The allocator of runs of slots in lc_extents. Pure: it knows numbers of
 * slots and nothing of what is in them.
 */
#ifndef CTL_PLANE_EXTENTS_H
#define CTL_PLANE_EXTENTS_H

#include <stdint.h>

struct lc_run {
	uint32_t offset, count;
};

/* Free runs by offset; neighbours are always merged. */
struct lc_extents {
	struct lc_run *free;
	uint32_t runs;
};

/* -ENOMEM. Nothing after it allocates memory. */
int lc_extents_init(struct lc_extents *extents, uint32_t slots);
void lc_extents_fini(struct lc_extents *extents);
/* The first free run of `count` > 0 slots. -ENOSPC. */
int lc_extents_take(struct lc_extents *extents, uint32_t count, uint32_t *offset);
/* Takes just these. -EEXIST: not all of them are free, or there are no such slots. */
int lc_extents_claim(struct lc_extents *extents, uint32_t offset, uint32_t count);
/* Gives back what was taken or claimed, whole; count 0 is nothing. */
void lc_extents_give(struct lc_extents *extents, uint32_t offset, uint32_t count);

#endif
