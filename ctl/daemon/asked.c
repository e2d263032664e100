/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "core/endpoint.h"
#include "daemon/daemon.h"

/*
 * May that peer speak for that address? Only the host itself may: so nobody
 * can direct a stream at a third party. For this host we do, in pairs: somebody
 * here who calls by TCP would direct it at other people's sockets. (Policy by
 * node and user comes here.)
 */
static bool speaks_for(const struct member *member, const struct lc_endpoint *address)
{
	struct lc_network *network = member->daemon->network;

	if (lc_peer_is_pair(member->peer))
		return lc_network_is_local(network, address);
	return member->daemon->options.insecure &&
	       lc_address_equal(address, lc_peer_other(member->peer)) &&
	       !lc_network_is_local(network, address);
}

/* Is it the address by which the peer reached us? Copies from any other of ours would look forged. */
static bool is_called(const struct member *member, const struct lc_endpoint *address)
{
	if (!lc_peer_is_pair(member->peer))
		return lc_address_equal(address, lc_peer_own(member->peer));
	return lc_network_is_local(member->daemon->network, address);
}

static enum leafcast_reason take_waiting_place(struct member *member, struct socket *listener)
{
	if (listener->waiting >= listener->backlog)
		return LEAFCAST_BACKLOG_FULL;
	listener->waiting++;
	member->owner = listener;
	member->waits = true;
	return LEAFCAST_NO_REASON;
}

static void merge_flows(struct member *member, const struct socket *listener)
{
	if (!listener->has_flows)
		return;
	member->has_flows = true;
	member->flows.down = lc_flowspec_merge(&member->flows.down, &listener->flows.down);
	member->flows.up = lc_flowspec_merge(&member->flows.up, &listener->flows.up);
}

/* Directions that the leaf does not use are nobody's concern (R59). */
static enum leafcast_reason check_flows(const struct member *member)
{
	const struct lc_flows *flows = &member->flows;
	enum leafcast_reason reason = LEAFCAST_NO_REASON;
	struct lc_path path;

	if (!member->has_flows)
		return LEAFCAST_NO_REASON;
	if (lc_network_path(member->daemon->network, &member->session_name,
			    member->leaf_name.port ? &member->leaf_name : &member->listen_name,
			    &path) < 0 ||
	    path.usable != LC_HOP_0)
		path.hop.mtu = 0;
	if (member->leaf_receives || member->end == LC_END_INVITEE) {
		reason = reason ?: lc_flowspec_check(&flows->down, false);
		reason = reason ?: lc_flowspec_check_mtu(&flows->down, path.hop.mtu);
	}
	if (member->leaf_sends || member->end == LC_END_INVITEE)
		reason = reason ?: lc_flowspec_check(&flows->up, true);
	return reason;
}

static enum leafcast_reason judge_join(struct member *member)
{
	struct daemon *daemon = member->daemon;
	enum leafcast_reason reason;

	if (member->leaf_name.family != member->session_name.family ||
	    !lc_address_is_unicast(&member->leaf_name) || member->leaf_name.port == 0)
		return LEAFCAST_PROTOCOL;
	if (!speaks_for(member, &member->leaf_name))
		return LEAFCAST_POLICY;
	if (!is_called(member, &member->session_name))
		return LEAFCAST_NOBODY_LISTENING;
	member->session = session_find(daemon, &member->session_name);
	if (!member->session)
		return LEAFCAST_NOBODY_LISTENING;
	merge_flows(member, member->session->root);
	reason = check_flows(member);
	return reason ?: take_waiting_place(member, member->session->root);
}

/* One bound to that very address goes before one bound to any, as in the kernel. */
static struct socket *listening_leaf(struct daemon *daemon, const struct lc_endpoint *name)
{
	struct socket *socket, *wildcard = NULL;
	struct lc_endpoint bound;
	struct client *client;

	LIST_FOREACH(client, &daemon->clients, entry)
		LIST_FOREACH(socket, &client->sockets, entry) {
			if (socket->role != LC_ROLE_LEAF || socket->backlog == 0 ||
			    socket_name(socket, &bound) < 0 || bound.family != name->family ||
			    bound.port != name->port)
				continue;
			if (lc_address_equal(&bound, name))
				return socket;
			if (lc_address_is_any(&bound))
				wildcard = socket;
		}
	return wildcard;
}

static enum leafcast_reason judge_invitation(struct member *member)
{
	struct daemon *daemon = member->daemon;
	struct socket *listener;
	enum leafcast_reason reason;

	if (member->listen_name.family != member->session_name.family ||
	    !lc_address_is_unicast(&member->session_name) || member->session_name.port == 0)
		return LEAFCAST_PROTOCOL;
	if (!speaks_for(member, &member->session_name))
		return LEAFCAST_POLICY;
	if (!is_called(member, &member->listen_name))
		return LEAFCAST_NOBODY_LISTENING;
	listener = listening_leaf(daemon, &member->listen_name);
	if (!listener)
		return LEAFCAST_NOBODY_LISTENING;
	merge_flows(member, listener);
	reason = check_flows(member);
	return reason ?: take_waiting_place(member, listener);
}

bool asked_judge(struct member *member, const struct lc_message *message)
{
	enum leafcast_reason reason;

	member->session_name = message->session;
	member->caller = message->data;
	member->capacity = message->data_capacity;
	member->has_flows = message->has_flows;
	if (message->has_flows)
		member->flows = message->flows;
	if (message->kind == LC_MESSAGE_JOIN) {
		member->end = LC_END_ADMITTER;
		member->leaf_name = message->leaf;
		member->token = message->token;
		member->leaf_sends = message->leaf_sends;
		member->leaf_receives = message->leaf_receives;
		reason = judge_join(member);
	} else {
		member->end = LC_END_INVITEE;
		member->listen_name = message->leaf;
		reason = judge_invitation(member);
	}
	return member_event(member, reason ? LC_ON_FAILED : LC_ON_ADMISSIBLE, reason);
}
