/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* May they? What a node decides about a first word before any application is asked. */
#ifndef CTL_MEMBERSHIP_JUDGE_H
#define CTL_MEMBERSHIP_JUDGE_H

#include "membership/membership.h"

/* Fills the member from a JOIN or an INVITE; LEAFCAST_NO_REASON: the listener may be asked, and has a place for it. */
enum leafcast_reason lc_judge_first_word(struct lc_membership *member,
					 const struct lc_message *message);
/* Where an invited leaf says it receives: believed only for the host that says it. */
bool lc_judge_leaf_name(const struct lc_membership *member, const struct lc_endpoint *name);

#endif
