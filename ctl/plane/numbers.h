/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Free record numbers of one table. First in, first out, so that a number
 * rests as long as possible before it names something else. 0 is never given.
 */
#ifndef CTL_PLANE_NUMBERS_H
#define CTL_PLANE_NUMBERS_H

#include <stdint.h>

struct lc_numbers {
	uint32_t *free;
	uint32_t first, count, entries;
};

/* Room for the numbers 1 .. entries - 1, of which none is free until it is given. -ENOMEM. */
int lc_numbers_init(struct lc_numbers *numbers, uint32_t entries);
void lc_numbers_fini(struct lc_numbers *numbers);
/* 0: none is left. */
uint32_t lc_numbers_take(struct lc_numbers *numbers);
void lc_numbers_give(struct lc_numbers *numbers, uint32_t number);

#endif
