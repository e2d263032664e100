// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "plane/extents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int lc_extents_init(struct lc_extents *extents, uint32_t slots)
{
	/* At worst every other slot is free, and one more run while two are merged. */
	struct lc_run *runs = calloc((size_t)slots / 2 + 2, sizeof(*runs));

	if (!runs)
		return -ENOMEM;
	runs[0] = (struct lc_run){.offset = 0, .count = slots};
	*extents = (struct lc_extents){.free = runs, .runs = slots > 0};
	return 0;
}

void lc_extents_fini(struct lc_extents *extents)
{
	free(extents->free);
	*extents = (struct lc_extents){0};
}

static void remove_run(struct lc_extents *extents, uint32_t i)
{
	extents->runs--;
	memmove(&extents->free[i], &extents->free[i + 1],
		(extents->runs - i) * sizeof(*extents->free));
}

static void insert_run(struct lc_extents *extents, uint32_t i, uint32_t offset, uint32_t count)
{
	memmove(&extents->free[i + 1], &extents->free[i],
		(extents->runs - i) * sizeof(*extents->free));
	extents->free[i] = (struct lc_run){.offset = offset, .count = count};
	extents->runs++;
}

int lc_extents_take(struct lc_extents *extents, uint32_t count, uint32_t *offset)
{
	for (uint32_t i = 0; i < extents->runs; i++) {
		struct lc_run *run = &extents->free[i];

		if (run->count < count)
			continue;
		*offset = run->offset;
		run->offset += count;
		run->count -= count;
		if (run->count == 0)
			remove_run(extents, i);
		return 0;
	}
	return -ENOSPC;
}

/* The first run that begins at `offset` or behind it. */
static uint32_t find_after(const struct lc_extents *extents, uint32_t offset)
{
	uint32_t low = 0, high = extents->runs;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (extents->free[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int lc_extents_claim(struct lc_extents *extents, uint32_t offset, uint32_t count)
{
	uint32_t i = find_after(extents, offset), end = offset + count;
	struct lc_run *run;

	if (count == 0)
		return 0;
	/* The one that begins here, or the one before it. */
	if (i == extents->runs || extents->free[i].offset != offset)
		i--;
	if (i >= extents->runs)
		return -EEXIST;
	run = &extents->free[i];
	if (end < offset || end > run->offset + run->count)
		return -EEXIST;
	if (run->offset + run->count > end)
		insert_run(extents, i + 1, end, run->offset + run->count - end);
	run->count = offset - run->offset;
	if (run->count == 0)
		remove_run(extents, i);
	return 0;
}

void lc_extents_give(struct lc_extents *extents, uint32_t offset, uint32_t count)
{
	uint32_t i = find_after(extents, offset);
	struct lc_run *before = i > 0 ? &extents->free[i - 1] : NULL;
	struct lc_run *after = i < extents->runs ? &extents->free[i] : NULL;

	if (count == 0)
		return;
	if (before && before->offset + before->count == offset) {
		before->count += count;
		if (after && before->offset + before->count == after->offset) {
			before->count += after->count;
			remove_run(extents, i);
		}
	} else if (after && offset + count == after->offset) {
		after->offset = offset;
		after->count += count;
	} else {
		insert_run(extents, i, offset, count);
	}
}
