// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A session's receiving leaves, as walks see them.
 *
 * Slots never move, or a walk could skip a leaf or meet it twice. A leave
 * makes its slot a hole (0), which walks step over; a join fills a hole, or
 * the first slot behind the end, where an extent has room to spare, and then
 * stores the larger count. Only an extent that is full, or has become more
 * than a quarter holes, is replaced by a fresh copy; the old one is used again
 * after a grace period. So joins and leaves cost little, a leave cannot fail,
 * and walks are sized to the members.
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

/* Moves the members, without holes, to `next`; there is room for `more`. Stores the extent. */
static void replace(struct lc_plane *plane, struct lc_session *session, struct lc_membership *now,
		    const struct lc_membership *next, uint32_t more)
{
	uint64_t extent = session->extent;
	uint32_t count = 0;

	for (uint32_t i = 0; i < LC_EXTENT_COUNT(extent); i++) {
		uint32_t leaf = *lc_slot_of(plane, LC_EXTENT_OFFSET(extent) + i);

		if (leaf)
			*lc_slot_of(plane, next->offset + count++) = leaf;
	}
	if (more)
		*lc_slot_of(plane, next->offset + count++) = more;
	lc_publish(&session->extent, LC_EXTENT(next->offset, count));
	retire_extent(plane, now);
	*now = *next;
}

/* The slot that holds `leaf`, or NULL. */
static uint32_t *find_slot(struct lc_plane *plane, uint64_t extent, uint32_t leaf)
{
	for (uint32_t i = 0; i < LC_EXTENT_COUNT(extent); i++) {
		uint32_t *slot = lc_slot_of(plane, LC_EXTENT_OFFSET(extent) + i);

		if (*slot == leaf)
			return slot;
	}
	return NULL;
}

int lc_membership_add(struct lc_plane *plane, uint32_t number, uint32_t leaf)
{
	struct lc_session *session = lc_session_of(plane, number);
	struct lc_membership *now = &plane->memberships[number], next = {0};
	uint32_t offset = LC_EXTENT_OFFSET(session->extent);
	uint32_t count = LC_EXTENT_COUNT(session->extent);
	int err;

	if (now->holes) {
		lc_publish(find_slot(plane, session->extent, 0), leaf);
		now->holes--;
		return 0;
	}
	if (count < now->capacity) {
		*lc_slot_of(plane, offset + count) = leaf;
		lc_publish(&session->extent, LC_EXTENT(offset, count + 1));
		return 0;
	}
	err = take_extent(plane, count + 1, &next);
	if (!err)
		replace(plane, session, now, &next, leaf);
	return err;
}

void lc_membership_remove(struct lc_plane *plane, uint32_t number, uint32_t leaf)
{
	struct lc_session *session = lc_session_of(plane, number);
	struct lc_membership *now = &plane->memberships[number], next = {0};
	uint32_t *slot = find_slot(plane, session->extent, leaf);
	uint32_t count = LC_EXTENT_COUNT(session->extent);

	if (!slot)
		return;
	lc_publish(slot, 0);
	now->holes++;
	/* Where no slots are to be had, the holes stay for now. */
	if (now->holes == count ||
	    (now->holes > count / 4 && !take_extent(plane, count - now->holes, &next)))
		replace(plane, session, now, &next, 0);
}
