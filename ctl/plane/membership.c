// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A session's receiving leaves, as walks see them.
 *
 * An extent has room for more leaves than it holds. A join writes the first
 * slot behind its end, which no walk has ever been told of, and then stores
 * the larger count; so joins seldom copy. A leave writes a new extent without
 * the leaf: were slots moved in place, a walk could skip or repeat one. An
 * extent therefore only ever grows, and is used again after a grace period.
 */
#include <errno.h>

#include "plane/internal.h"

#define SMALLEST 4

/* Room for `count` and as many again, or as much of that as is to be had. */
static int take_extent(struct lc_plane *plane, uint32_t count, struct lc_membership *extent)
{
	uint32_t capacity = SMALLEST;
	int err;

	while (capacity < count)
		capacity *= 2;
	err = lc_extents_take(&plane->free_slots, capacity, &extent->offset);
	if (err) {
		capacity = count;
		err = lc_extents_take(&plane->free_slots, capacity, &extent->offset);
	}
	if (!err)
		extent->capacity = capacity;
	return err;
}

static void retire_extent(struct lc_plane *plane, const struct lc_membership *extent)
{
	if (extent->capacity)
		lc_grace_retire(plane->grace, (struct lc_retired){
						      LC_RETIRED_EXTENT,
						      extent->offset,
						      extent->capacity,
					      });
}

/* Copies the members but `without` to `offset` and says how many there are. */
static uint32_t copy_members(struct lc_plane *plane, uint64_t extent, uint32_t without,
			     uint32_t offset)
{
	uint32_t copied = 0;

	for (uint32_t i = 0; i < LC_EXTENT_COUNT(extent); i++) {
		uint32_t leaf = *lc_slot_of(plane, LC_EXTENT_OFFSET(extent) + i);

		if (leaf && leaf != without)
			*lc_slot_of(plane, offset + copied++) = leaf;
	}
	return copied;
}

int lc_membership_add(struct lc_plane *plane, uint32_t number, uint32_t leaf)
{
	struct lc_session *session = lc_session_of(plane, number);
	struct lc_membership *now = &plane->memberships[number], next = *now;
	uint32_t count = LC_EXTENT_COUNT(session->extent);

	if (count == now->capacity) {
		int err = take_extent(plane, count + 1, &next);

		if (err)
			return err;
		count = copy_members(plane, session->extent, 0, next.offset);
	}
	*lc_slot_of(plane, next.offset + count) = leaf;
	lc_publish(&session->extent, LC_EXTENT(next.offset, count + 1));
	if (next.offset != now->offset || next.capacity != now->capacity)
		retire_extent(plane, now);
	*now = next;
	return 0;
}

static uint32_t count_others(struct lc_plane *plane, uint64_t extent, uint32_t leaf)
{
	uint32_t others = 0;

	for (uint32_t i = 0; i < LC_EXTENT_COUNT(extent); i++) {
		uint32_t member = *lc_slot_of(plane, LC_EXTENT_OFFSET(extent) + i);

		others += member && member != leaf;
	}
	return others;
}

/* With no slots for a new extent the leaf's own slot becomes a hole, which walks step over. */
static void make_hole(struct lc_plane *plane, uint64_t extent, uint32_t leaf)
{
	for (uint32_t i = 0; i < LC_EXTENT_COUNT(extent); i++) {
		uint32_t *slot = lc_slot_of(plane, LC_EXTENT_OFFSET(extent) + i);

		if (*slot == leaf)
			lc_publish(slot, 0);
	}
}

void lc_membership_remove(struct lc_plane *plane, uint32_t number, uint32_t leaf)
{
	struct lc_session *session = lc_session_of(plane, number);
	struct lc_membership *now = &plane->memberships[number], next = {0};
	uint32_t count = count_others(plane, session->extent, leaf);

	if (count > 0 && take_extent(plane, count, &next)) {
		make_hole(plane, session->extent, leaf);
		return;
	}
	copy_members(plane, session->extent, leaf, next.offset);
	lc_publish(&session->extent, LC_EXTENT(next.offset, count));
	retire_extent(plane, now);
	*now = next;
}
