/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The actions of lc_join_step, one function each, and what the timers between them do. */
#ifndef CTL_MEMBERSHIP_STEPS_H
#define CTL_MEMBERSHIP_STEPS_H

#include "membership/membership.h"

/*
 * Carries the actions out in the order of their bits. The first failure ends
 * the step, unless the step ends the member, and is returned. REMOVE gives
 * back everything but the member itself.
 */
enum leafcast_reason lc_steps_run(struct lc_membership *member, unsigned int actions,
				  enum leafcast_reason reason);
/* Looks the way to the other end up and keeps its MTU. */
int lc_steps_find_path(struct lc_membership *member, struct lc_path *path);
/* What the leaf's record and filter know about paths, brought up to date. */
void lc_steps_follow_path(struct lc_membership *member);
/* The pause is over: the next probe, and the next pause. */
void lc_steps_probe(struct lc_membership *member);
/* Whether all that went to this leaf has arrived, or is no longer waited for. */
bool lc_steps_is_drained(struct lc_membership *member);
/* Looks again in a while. */
int lc_steps_drain_on(struct lc_membership *member);

#endif
