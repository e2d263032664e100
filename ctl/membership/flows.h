/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The flows of one member: merged with everybody who has a say, and judged each time. */
#ifndef CTL_MEMBERSHIP_FLOWS_H
#define CTL_MEMBERSHIP_FLOWS_H

#include "membership/membership.h"

/* What the joiner asks or the inviter offers becomes the member's; judged by itself. */
enum leafcast_reason lc_membership_take_asked(struct lc_membership *member, bool has_flows,
					      const struct lc_flows *flows);
/* Somebody else's are merged in, judged alone and as what comes of it; on a reason the member is as before. */
enum leafcast_reason lc_membership_merge_flows(struct lc_membership *member,
					       const struct lc_flows *flows);
/* Judges what it has once more: the path is known now, or another one. */
enum leafcast_reason lc_membership_check_flows(const struct lc_membership *member);
/* What holds the two directions; M left open is the path's MTU. */
struct lc_policer lc_membership_down_policer(const struct lc_membership *member);
struct lc_policer lc_membership_up_policer(const struct lc_membership *member);

#endif
