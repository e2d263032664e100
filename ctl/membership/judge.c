/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "membership/judge.h"

#include "core/endpoint.h"
#include "membership/flows.h"
#include "membership/steps.h"

/*
 * May that peer speak for that address? Only the host itself may: so nobody
 * can direct a stream at a third party. For this host we do, within the node:
 * somebody here who calls by TCP would direct it at other people's sockets.
 * (Policy by node and user comes here.)
 */
static bool speaks_for(const struct lc_membership *member, const struct lc_endpoint *address)
{
	const struct lc_membership_world *world = member->world;

	if (world->is_within_node(member))
		return world->is_local(member, address);
	return world->lets_nodes_in(member) &&
	       lc_address_equal(address, world->other_address(member)) &&
	       !world->is_local(member, address);
}

/* Is it the address by which the peer reached us? Copies from any other of ours would look forged. */
static bool is_called(const struct lc_membership *member, const struct lc_endpoint *address)
{
	if (member->world->is_within_node(member))
		return member->world->is_local(member, address);
	return lc_address_equal(address, member->world->own_address(member));
}

static bool is_name(const struct lc_endpoint *name, const struct lc_endpoint *like)
{
	return name->family == like->family && lc_address_can_be_members(name) && name->port != 0;
}

bool lc_judge_leaf_name(const struct lc_membership *member, const struct lc_endpoint *name)
{
	return is_name(name, &member->session_name) &&
	       lc_address_equal(name, member->world->other_address(member));
}

static void take(struct lc_membership *member, const struct lc_message *message)
{
	member->session_name = message->session;
	member->caller = message->data;
	member->capacity = message->data_capacity;
	member->secret = message->secret;
	member->identity = message->identity;
	if (message->kind == LC_MESSAGE_JOIN) {
		member->end = LC_END_ADMITTER;
		member->leaf_name = message->leaf;
		member->token = message->token;
		member->leaf_sends = message->leaf_sends;
		member->leaf_receives = message->leaf_receives;
	} else {
		member->end = LC_END_INVITEE;
		member->listen_name = message->leaf;
	}
}

/* The other end's name, ours, and whether they may be used. */
static enum leafcast_reason judge_names(const struct lc_membership *member)
{
	bool join = member->end == LC_END_ADMITTER;
	const struct lc_endpoint *theirs = join ? &member->leaf_name : &member->session_name;
	const struct lc_endpoint *ours = join ? &member->session_name : &member->listen_name;

	if (!is_name(theirs, ours))
		return LEAFCAST_PROTOCOL;
	if (!speaks_for(member, theirs))
		return LEAFCAST_POLICY;
	return is_called(member, ours) ? LEAFCAST_NO_REASON : LEAFCAST_NOBODY_LISTENING;
}

enum leafcast_reason lc_judge_first_word(struct lc_membership *member,
					 const struct lc_message *message)
{
	struct lc_listener_terms terms = {0};
	enum leafcast_reason reason;
	struct lc_path path;

	take(member, message);
	reason = judge_names(member);
	if (reason)
		return reason;
	if (!member->world->find_listener(member, &terms))
		return LEAFCAST_NOBODY_LISTENING;
	member->root_receives = terms.root_receives;
	/* Its MTU is what flows are judged against; who has none need not be looked up twice. */
	if (message->has_flows || terms.has_flows)
		lc_steps_find_path(member, &path);
	reason = lc_membership_take_asked(member, message->has_flows, &message->flows);
	if (lc_join_end_is_root(member->end) && !terms.root_receives)
		terms.flows.up = lc_flowspec_default;
	if (!reason && terms.has_flows)
		reason = lc_membership_merge_flows(member, &terms.flows);
	if (reason)
		return reason;
	member->waits = member->world->take_place(member);
	return member->waits ? LEAFCAST_NO_REASON : LEAFCAST_BACKLOG_FULL;
}
