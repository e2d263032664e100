/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "membership/flows.h"

/* An invited leaf says which directions it uses only when it accepts: until then both count. */
static struct lc_flows_use use_of(const struct lc_membership *member)
{
	bool undecided = (member->end == LC_END_INVITER || member->end == LC_END_INVITEE) &&
			 !member->leaf_sends && !member->leaf_receives;

	return (struct lc_flows_use){
		.down = member->leaf_receives || undecided,
		.up = member->leaf_sends || undecided,
		.mtu = member->mtu,
	};
}

static bool is_asked_by_root(const struct lc_membership *member)
{
	return member->end == LC_END_INVITER || member->end == LC_END_INVITEE;
}

enum leafcast_reason lc_membership_take_asked(struct lc_membership *member, bool has_flows,
					      const struct lc_flows *flows)
{
	member->has_asked = member->has_flows = has_flows;
	if (!has_flows)
		return LEAFCAST_NO_REASON;
	member->asked = member->flows = *flows;
	return lc_flows_check(flows, is_asked_by_root(member) ? LC_FLOWS_OF_ROOT : LC_FLOWS_OF_LEAF,
			      use_of(member));
}

enum leafcast_reason lc_membership_merge_flows(struct lc_membership *member,
					       const struct lc_flows *flows)
{
	struct lc_flows merged = lc_flows_merge(&member->flows, flows);
	enum leafcast_reason reason = lc_flows_check(&merged, LC_FLOWS_MERGED, use_of(member));

	if (reason)
		return reason;
	member->has_flows = true;
	member->flows = merged;
	return LEAFCAST_NO_REASON;
}

struct lc_policer lc_membership_down_policer(const struct lc_membership *member)
{
	return lc_policer_make(&member->flows.down, member->mtu);
}

struct lc_policer lc_membership_up_policer(const struct lc_membership *member)
{
	return lc_policer_make(&member->flows.up, member->mtu);
}
