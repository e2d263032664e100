// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The allocator of extents against a plain map of which slots are taken. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "plane/extents.h"

#define SLOTS 1000

struct model {
	struct lc_extents extents;
	bool taken[SLOTS];
	struct lc_run held[SLOTS];
	unsigned int count;
};

static bool has_run(const struct model *model, uint32_t wanted)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < SLOTS; i++) {
		run = model->taken[i] ? 0 : run + 1;
		if (run == wanted)
			return true;
	}
	return false;
}

static void take(struct model *model, uint32_t wanted)
{
	bool possible = has_run(model, wanted);
	uint32_t offset = 0;
	int err = lc_extents_take(&model->extents, wanted, &offset);

	cr_assert_eq(err, possible ? 0 : -ENOSPC);
	if (err)
		return;
	for (uint32_t i = offset; i < offset + wanted; i++) {
		cr_assert_lt(i, SLOTS);
		cr_assert_not(model->taken[i], "slot %u is given twice", i);
		model->taken[i] = true;
	}
	model->held[model->count++] = (struct lc_run){offset, wanted};
}

static void give(struct model *model, unsigned int which)
{
	struct lc_run run = model->held[which];

	model->held[which] = model->held[--model->count];
	for (uint32_t i = run.offset; i < run.offset + run.count; i++)
		model->taken[i] = false;
	lc_extents_give(&model->extents, run.offset, run.count);
}

Test(extents, never_give_a_slot_twice_nor_lose_one)
{
	static struct model model;
	uint32_t offset;

	cr_assert_eq(lc_extents_init(&model.extents, SLOTS), 0);
	srandom(3);
	for (int i = 0; i < 50000; i++) {
		if (model.count && random() % 100 < 45)
			give(&model, (unsigned int)random() % model.count);
		else
			take(&model, 1 + (uint32_t)(random() % (random() % 8 ? 6 : 300)));
	}
	while (model.count)
		give(&model, (unsigned int)random() % model.count);
	cr_expect_eq(lc_extents_take(&model.extents, SLOTS, &offset), 0, "all is one run again");
	cr_expect_eq(lc_extents_take(&model.extents, 1, &offset), -ENOSPC);
	lc_extents_fini(&model.extents);
}

/* The worst there is for the list of free runs: every other slot. */
Test(extents, every_other_slot)
{
	static struct model model;

	cr_assert_eq(lc_extents_init(&model.extents, SLOTS), 0);
	for (int i = 0; i < SLOTS; i++)
		take(&model, 1);
	for (uint32_t i = 0; i < SLOTS; i += 2)
		lc_extents_give(&model.extents, i, 1);
	cr_expect_eq(model.extents.runs, SLOTS / 2);
	for (uint32_t i = 1; i < SLOTS; i += 2)
		lc_extents_give(&model.extents, i, 1);
	cr_expect_eq(model.extents.runs, 1);
	lc_extents_fini(&model.extents);
}

/* Claiming what an allocator gave, in another order, leaves the same slots free. */
Test(extents, claims_are_as_takes)
{
	static struct model model;
	struct lc_extents again;

	cr_assert_eq(lc_extents_init(&model.extents, SLOTS), 0);
	srandom(5);
	for (int i = 0; i < 2000; i++) {
		if (model.count && random() % 100 < 45)
			give(&model, (unsigned int)random() % model.count);
		else
			take(&model, 1 + (uint32_t)random() % 20);
	}
	cr_assert_eq(lc_extents_init(&again, SLOTS), 0);
	for (unsigned int i = model.count; i-- > 0;)
		cr_assert_eq(lc_extents_claim(&again, model.held[i].offset, model.held[i].count),
			     0);
	cr_assert_eq(again.runs, model.extents.runs);
	cr_expect_arr_eq(again.free, model.extents.free, again.runs * sizeof(*again.free));
	lc_extents_fini(&again);
	lc_extents_fini(&model.extents);
}

/* {offset, count} against slots 10 to 19 that are taken of 100. */
Test(extents, claims_of_what_is_not_free)
{
	static const struct lc_run wrong[] = {{10, 10}, {15, 1},	 {5, 6},
					      {19, 2},	{0, 100},	 {99, 2},
					      {100, 1}, {UINT32_MAX, 1}, {90, UINT32_MAX}};
	struct lc_extents extents;

	cr_assert_eq(lc_extents_init(&extents, 100), 0);
	cr_assert_eq(lc_extents_claim(&extents, 10, 10), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		cr_expect_eq(lc_extents_claim(&extents, wrong[i].offset, wrong[i].count), -EEXIST,
			     "%u, %u", wrong[i].offset, wrong[i].count);
	cr_expect_eq(lc_extents_claim(&extents, 0, 10), 0);
	cr_expect_eq(lc_extents_claim(&extents, 20, 80), 0);
	cr_expect_eq(extents.runs, 0);
	cr_expect_eq(lc_extents_claim(&extents, 0, 1), -EEXIST);
	lc_extents_fini(&extents);
}
