// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * How copies for a leaf leave. A leaf's record has two hops: one that programs
 * use and a spare. A new hop is written to the spare, then named; the former
 * one becomes the spare when no program can still be reading it. A change that
 * comes before that waits, and of several the last one wins.
 */
#include <string.h>

#include "plane/internal.h"

/* For people only what changed is news. */
static void name_hop(struct lc_plane *plane, uint32_t number, uint32_t in_use)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);

	bool changed = leaf->hop_in_use != in_use;

	lc_publish(&leaf->hop_in_use, in_use);
	lc_publish(&leaf->hop_waits, 0);
	if (changed)
		lc_note_leaf(plane, number);
}

static void use_spare(struct lc_plane *plane, uint32_t number, const struct lc_hop *hop)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);
	uint32_t spare = leaf->hop_last ^ 1;

	leaf->hop[spare] = *hop;
	leaf->hop_last = spare;
	plane->leaf_states[number].spare_busy = true;
	name_hop(plane, number, spare);
	lc_grace_retire(plane->grace, (struct lc_retired){LC_RETIRED_HOP, number, 0});
}

void lc_plane_set_hop(struct lc_plane *plane, uint32_t number, enum lc_hop_in_use in_use,
		      const struct lc_hop *hop)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);

	if (in_use != LC_HOP_0) {
		name_hop(plane, number, in_use);
	} else if (memcmp(&leaf->hop[leaf->hop_last], hop, sizeof(*hop)) == 0) {
		name_hop(plane, number, leaf->hop_last);
	} else if (plane->leaf_states[number].spare_busy) {
		lc_withdraw(&leaf->hop_waits, 0);
		leaf->hop_wanted = *hop;
		lc_publish(&leaf->hop_waits, 1);
	} else {
		use_spare(plane, number, hop);
	}
}

void lc_hop_released(struct lc_plane *plane, uint32_t number)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);
	struct lc_hop wanted = leaf->hop_wanted;

	plane->leaf_states[number].spare_busy = false;
	if (leaf->hop_waits)
		use_spare(plane, number, &wanted);
}
