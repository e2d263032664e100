// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * How copies for a leaf leave. A leaf's record has two hops: one that programs
 * use and a spare. A new hop is written to the spare, then named; the former
 * one becomes the spare when no program can still be reading it. A change that
 * comes before that waits, and of several the last one wins.
 */
#include <string.h>

#include "plane/internal.h"

static void use_spare(struct lc_plane *plane, uint32_t number, const struct lc_hop *hop)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);
	struct lc_leaf_state *state = &plane->leaf_states[number];

	state->hop ^= 1;
	leaf->hop[state->hop] = *hop;
	lc_publish(&leaf->hop_in_use, state->hop);
	state->hop_waits = false;
	state->spare_busy = true;
	lc_grace_retire(plane->grace, (struct lc_retired){LC_RETIRED_HOP, number, 0});
}

void lc_plane_set_hop(struct lc_plane *plane, uint32_t number, enum lc_hop_in_use in_use,
		      const struct lc_hop *hop)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);
	struct lc_leaf_state *state = &plane->leaf_states[number];

	if (in_use != LC_HOP_0) {
		state->hop_waits = false;
		lc_publish(&leaf->hop_in_use, in_use);
	} else if (memcmp(&leaf->hop[state->hop], hop, sizeof(*hop)) == 0) {
		state->hop_waits = false;
		lc_publish(&leaf->hop_in_use, state->hop);
	} else if (state->spare_busy) {
		state->wanted = *hop;
		state->hop_waits = true;
	} else {
		use_spare(plane, number, hop);
	}
}

void lc_hop_released(struct lc_plane *plane, uint32_t number)
{
	struct lc_leaf_state *state = &plane->leaf_states[number];

	state->spare_busy = false;
	if (state->hop_waits)
		use_spare(plane, number, &state->wanted);
}
