/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "membership/flows.h"

/* By the root: an invitation. The leaf says which directions it uses only when it accepts. */
static bool is_invitation(const struct lc_membership *member)
{
	return member->end == LC_END_INVITER || member->end == LC_END_INVITEE;
}

/* R59: what the leaf does not use, or at its end the root does not, is nobody's concern. */
static struct lc_flows_use use_of(const struct lc_membership *member)
{
	bool undecided = is_invitation(member) && !member->leaf_sends && !member->leaf_receives;
	bool taken = !lc_join_end_is_root(member->end) || member->root_receives;

	return (struct lc_flows_use){
		.down = member->leaf_receives || undecided,
		.up = (member->leaf_sends || undecided) && taken,
		.mtu = member->mtu,
	};
}

enum leafcast_reason lc_membership_take_asked(struct lc_membership *member, bool has_flows,
					      const struct lc_flows *flows)
{
	member->has_asked = member->has_flows = has_flows;
	if (!has_flows)
		return LEAFCAST_NO_REASON;
	member->asked = member->flows = *flows;
	return lc_flows_check(flows, is_invitation(member) ? LC_FLOWS_OF_ROOT : LC_FLOWS_OF_LEAF,
			      use_of(member));
}

enum leafcast_reason lc_membership_merge_flows(struct lc_membership *member,
					       const struct lc_flows *flows)
{
	struct lc_flows merged = lc_flows_merge(&member->flows, flows);
	enum leafcast_reason reason = lc_flows_check(flows, LC_FLOWS_MERGED, use_of(member));

	/* Merging makes sense of much that makes none (R58): alone first. */
	if (!reason)
		reason = lc_flows_check(&merged, LC_FLOWS_MERGED, use_of(member));
	if (reason)
		return reason;
	member->has_flows = true;
	member->flows = merged;
	return LEAFCAST_NO_REASON;
}

enum leafcast_reason lc_membership_check_flows(const struct lc_membership *member)
{
	return member->has_flows ? lc_flows_check(&member->flows, LC_FLOWS_MERGED, use_of(member))
				 : LEAFCAST_NO_REASON;
}

struct lc_policer lc_membership_down_policer(const struct lc_membership *member)
{
	return lc_policer_make(&member->flows.down, member->mtu);
}

struct lc_policer lc_membership_up_policer(const struct lc_membership *member)
{
	return lc_policer_make(&member->flows.up, member->mtu);
}
