// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "plane/numbers.h"

#include <errno.h>
#include <stdlib.h>

int lc_numbers_init(struct lc_numbers *numbers, uint32_t entries)
{
	uint32_t *free_numbers = calloc(entries, sizeof(*free_numbers));

	if (!free_numbers)
		return -ENOMEM;
	*numbers = (struct lc_numbers){.free = free_numbers, .entries = entries};
	return 0;
}

void lc_numbers_fini(struct lc_numbers *numbers)
{
	free(numbers->free);
	*numbers = (struct lc_numbers){0};
}

uint32_t lc_numbers_take(struct lc_numbers *numbers)
{
	uint32_t number;

	if (numbers->count == 0)
		return 0;
	number = numbers->free[numbers->first];
	numbers->first = (numbers->first + 1) % numbers->entries;
	numbers->count--;
	return number;
}

void lc_numbers_give(struct lc_numbers *numbers, uint32_t number)
{
	numbers->free[(numbers->first + numbers->count) % numbers->entries] = number;
	numbers->count++;
}
