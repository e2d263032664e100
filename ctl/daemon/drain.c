/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/daemon.h"

/*
 * LEAVE travels by TCP and says how many datagrams went to this leaf; they may
 * still be on their way. The end is told to the application when as many have
 * been admitted, or when none has come for STILL_STEPS (the rest is lost), or
 * after MOST_STEPS.
 */
#define STEP_US	    5000
#define STILL_STEPS 40	 /* 200 ms */
#define MOST_STEPS  1000 /* 5 s */

static bool is_drained(struct member *member)
{
	struct lc_admit_use use;
	uint64_t admitted;

	if (!member->leaf_receives || !member->socket)
		return true;
	lc_plane_admit_use(member->daemon->plane, member->socket->admit, &use);
	admitted = use.datagrams - member->admitted_before;
	if (admitted >= member->expected)
		return true;
	member->still_steps = admitted == member->last_admitted ? member->still_steps + 1 : 0;
	member->last_admitted = admitted;
	return member->still_steps >= STILL_STEPS || ++member->drain_steps >= MOST_STEPS;
}

static int on_step(sd_event_source *source, uint64_t now, void *context)
{
	struct member *member = context;

	(void)now;
	if (is_drained(member)) {
		member_event(member, LC_ON_DRAINED, member->left);
		return 0;
	}
	sd_event_source_set_time_relative(source, STEP_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int drain_start(struct member *member)
{
	/* From the loop, not from here: the machine is in the middle of a step. */
	return sd_event_add_time_relative(member->daemon->event, &member->drain, CLOCK_MONOTONIC, 0,
					  1, on_step, member);
}
