// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A session's receiving leaves, as walks see them.
 *
 * Slots never move, or a walk could skip a leaf or meet it twice. A leave
 * makes its slot a hole (0), which walks step over; a join fills a hole, or
 * the first slot behind the end, where an extent has room to spare, and then
 * stores the larger count. Only an extent that is full, or has become more
 * than a quarter holes, is replaced by a fresh copy; the old one is used again
 * after a grace period. So joins and leaves cost little, whatever the number
 * of leaves, a leave cannot fail, and walks are sized to the receivers.
 */
#include <errno.h>

#include "plane/internal.h"

#define SMALLEST 4

/* Room for `count` and as many again, or as much of that as is to be had. */
static int take_extent(struct lc_plane *plane, uint32_t count, struct lc_run *extent)
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
		extent->count = capacity;
	return err;
}

static void retire_extent(struct lc_plane *plane, struct lc_run extent)
{
	if (extent.count)
		lc_grace_retire(plane->grace, (struct lc_retired){
						      LC_RETIRED_EXTENT,
						      extent.offset,
						      extent.count,
					      });
}

static void put(struct lc_plane *plane, uint32_t slot, uint32_t leaf)
{
	lc_publish(lc_slot_of(plane, slot), leaf);
	plane->leaf_states[leaf].slot = slot;
}

static void make_hole(struct lc_plane *plane, struct lc_receivers *receivers, uint32_t slot)
{
	lc_publish(lc_slot_of(plane, slot), 0);
	plane->next_hole[slot] = receivers->first_hole;
	receivers->first_hole = slot;
	receivers->holes++;
}

static uint32_t take_hole(struct lc_plane *plane, struct lc_receivers *receivers)
{
	uint32_t slot = receivers->first_hole;

	receivers->first_hole = plane->next_hole[slot];
	receivers->holes--;
	return slot;
}

/*
 * Stores the extent. Whoever is killed here leaves a capacity that both extents
 * have, or one below the count, which then counts.
 */
static void publish_extent(struct lc_session *session, struct lc_run next, uint32_t count)
{
	if (next.count < session->extent_capacity)
		lc_publish(&session->extent_capacity, next.count);
	lc_publish(&session->extent, LC_EXTENT(next.offset, count));
	lc_publish(&session->extent_capacity, next.count);
}

/* Moves the leaves, without holes, to `next`; there is room for `more`. */
static void replace(struct lc_plane *plane, uint32_t number, struct lc_run next, uint32_t more)
{
	struct lc_session *session = lc_session_of(plane, number);
	struct lc_run now = {LC_EXTENT_OFFSET(session->extent), session->extent_capacity};
	uint32_t count = 0;

	for (uint32_t i = 0; i < LC_EXTENT_COUNT(session->extent); i++) {
		uint32_t leaf = *lc_slot_of(plane, now.offset + i);

		if (leaf)
			put(plane, next.offset + count++, leaf);
	}
	if (more)
		put(plane, next.offset + count++, more);
	publish_extent(session, next, count);
	plane->receivers[number] = (struct lc_receivers){0};
	retire_extent(plane, now);
}

int lc_receivers_add(struct lc_plane *plane, uint32_t number, uint32_t leaf)
{
	struct lc_session *session = lc_session_of(plane, number);
	struct lc_receivers *receivers = &plane->receivers[number];
	uint32_t offset = LC_EXTENT_OFFSET(session->extent);
	uint32_t count = LC_EXTENT_COUNT(session->extent);
	struct lc_run next = {0};
	int err;

	if (receivers->holes) {
		put(plane, take_hole(plane, receivers), leaf);
		return 0;
	}
	if (count < session->extent_capacity) {
		put(plane, offset + count, leaf);
		lc_publish(&session->extent, LC_EXTENT(offset, count + 1));
		return 0;
	}
	err = take_extent(plane, count + 1, &next);
	if (!err)
		replace(plane, number, next, leaf);
	return err;
}

void lc_receivers_remove(struct lc_plane *plane, uint32_t number, uint32_t leaf)
{
	struct lc_receivers *receivers = &plane->receivers[number];
	uint32_t count = LC_EXTENT_COUNT(lc_session_of(plane, number)->extent);
	struct lc_leaf_state *state = &plane->leaf_states[leaf];
	struct lc_run next = {0};

	if (state->slot == LC_NO_SLOT)
		return;
	make_hole(plane, receivers, state->slot);
	state->slot = LC_NO_SLOT;
	/* Where no slots are to be had, the holes stay for now. */
	if (receivers->holes == count ||
	    (receivers->holes > count / 4 && !take_extent(plane, count - receivers->holes, &next)))
		replace(plane, number, next, 0);
}

void lc_receivers_release(struct lc_plane *plane, uint32_t number)
{
	struct lc_session *session = lc_session_of(plane, number);
	struct lc_run extent = {LC_EXTENT_OFFSET(session->extent), session->extent_capacity};

	publish_extent(session, (struct lc_run){0}, 0);
	plane->receivers[number] = (struct lc_receivers){0};
	retire_extent(plane, extent);
}

static bool belongs(struct lc_plane *plane, uint32_t session, uint32_t number)
{
	const struct lc_leaf *leaf;

	if (number == 0 || number >= lc_map_entries(&plane->maps, LC_MAP_LEAVES))
		return false;
	leaf = lc_leaf_of(plane, number);
	return leaf->session == session && leaf->entered && leaf->receives &&
	       plane->leaf_states[number].slot == LC_NO_SLOT;
}

int lc_receivers_read(struct lc_plane *plane, uint32_t number)
{
	struct lc_session *session = lc_session_of(plane, number);
	uint32_t offset = LC_EXTENT_OFFSET(session->extent);
	uint32_t count = LC_EXTENT_COUNT(session->extent);

	if (session->extent_capacity < count)
		session->extent_capacity = count;
	if (lc_extents_claim(&plane->free_slots, offset, session->extent_capacity))
		return -EPROTO;
	for (uint32_t slot = offset; slot < offset + count; slot++) {
		uint32_t leaf = *lc_slot_of(plane, slot);

		if (belongs(plane, number, leaf))
			plane->leaf_states[leaf].slot = slot;
		else
			make_hole(plane, &plane->receivers[number], slot);
	}
	return 0;
}
