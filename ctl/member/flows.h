/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The flows of one member: merged with everybody who has a say, and judged each time. */
#ifndef CTL_MEMBER_FLOWS_H
#define CTL_MEMBER_FLOWS_H

#include "member/member.h"

/* What the joiner asks or the inviter offers becomes the member's; judged by itself. */
enum leafcast_reason lc_member_take_asked(struct lc_member *member, bool has_flows,
					  const struct lc_flows *flows);
/* Somebody else's are merged in, and what comes of it is judged; on a reason the member is as before. */
enum leafcast_reason lc_member_merge_flows(struct lc_member *member, const struct lc_flows *flows);
/* What holds the two directions; M left open is the path's MTU. */
struct lc_policer lc_member_down_policer(const struct lc_member *member);
struct lc_policer lc_member_up_policer(const struct lc_member *member);

#endif
