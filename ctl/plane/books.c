// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The plane's books: which numbers and slots are free, which leaf has which
 * endpoint and where it stands. A plane that was created reads them from empty
 * records, one that was adopted from full ones.
 */
#include <errno.h>
#include <stdlib.h>

#include "plane/internal.h"

static uint32_t power_of_two_above(uint32_t number)
{
	uint32_t power = 1;

	while (power < number)
		power *= 2;
	return power;
}

int lc_books_make(struct lc_plane *plane)
{
	uint32_t sessions = lc_map_entries(&plane->maps, LC_MAP_SESSIONS);
	uint32_t leaves = lc_map_entries(&plane->maps, LC_MAP_LEAVES);
	uint32_t slots = lc_map_entries(&plane->maps, LC_MAP_EXTENTS);
	int err = lc_numbers_init(&plane->free_sessions, sessions);

	if (!err)
		err = lc_numbers_init(&plane->free_leaves, leaves);
	if (!err)
		err = lc_numbers_init(&plane->free_admits,
				      lc_map_entries(&plane->maps, LC_MAP_ADMITS));
	if (!err)
		err = lc_extents_init(&plane->free_slots, slots);
	if (err)
		return err;
	plane->buckets = power_of_two_above(leaves);
	plane->by_endpoint = calloc(plane->buckets, sizeof(*plane->by_endpoint));
	plane->leaf_states = calloc(leaves, sizeof(*plane->leaf_states));
	plane->receivers = calloc(sessions, sizeof(*plane->receivers));
	plane->next_hole = calloc(slots, sizeof(*plane->next_hole));
	return plane->by_endpoint && plane->leaf_states && plane->receivers && plane->next_hole
		       ? 0
		       : -ENOMEM;
}

void lc_books_free(struct lc_plane *plane)
{
	lc_numbers_fini(&plane->free_sessions);
	lc_numbers_fini(&plane->free_leaves);
	lc_numbers_fini(&plane->free_admits);
	lc_extents_fini(&plane->free_slots);
	free(plane->receivers);
	free(plane->next_hole);
	free(plane->leaf_states);
	free(plane->by_endpoint);
}

static int read_receivers(struct lc_plane *plane)
{
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_SESSIONS); i++) {
		int err = lc_session_of(plane, i)->state == LC_SESSION_OPEN
				  ? lc_receivers_read(plane, i)
				  : 0;

		if (err)
			return err;
	}
	return 0;
}

static void read_sessions(struct lc_plane *plane)
{
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_SESSIONS); i++)
		if (lc_session_of(plane, i)->state != LC_SESSION_OPEN)
			lc_numbers_give(&plane->free_sessions, i);
}

int lc_books_read(struct lc_plane *plane)
{
	int err;

	read_sessions(plane);
	lc_leaves_read(plane);
	err = read_receivers(plane);
	if (err)
		return err;
	lc_leaves_settle(plane);
	lc_sockets_read(plane);
	lc_note_all(plane);
	return 0;
}
