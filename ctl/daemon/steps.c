/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "core/endpoint.h"
#include "daemon/daemon.h"

/* TTL of the copies: this anchor sets it, later ones will decrement it. */
#define HOP_LIMIT 64

/* ---- opening the connection ---- */

/* What the application bound, as far as it did: the connection comes from there. */
static int bound_name(const struct member *member, struct lc_endpoint *name)
{
	if (member->session)
		*name = member->session->name;
	else
		return socket_name(member->socket, name);
	return 0;
}

static enum leafcast_reason connect_within_node(struct member *member,
						const struct lc_endpoint *own,
						const struct lc_endpoint *target)
{
	struct lc_endpoint from = *own;
	struct lc_peer *ours, *theirs;
	struct lc_path path;
	int error;

	if (lc_address_is_any(&from)) {
		error = lc_network_path(member->daemon->network, own, target, &path);
		if (error)
			return reason_of_errno(error);
		from = path.source;
	}
	error = lc_peer_pair(&ours, &theirs, &from, target);
	if (error)
		return reason_of_errno(error);
	error = member_adopt_peer(member, ours);
	if (error) {
		lc_peer_free(ours);
		lc_peer_free(theirs);
		return reason_of_errno(error);
	}
	member_incoming(member->daemon, theirs);
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_connect(struct member *member, enum leafcast_reason reason)
{
	struct daemon *daemon = member->daemon;
	struct lc_endpoint own,
		node = member->end == LC_END_JOINER ? member->session_name : member->listen_name;
	struct lc_peer *peer;
	int error = bound_name(member, &own);

	(void)reason;
	if (error)
		return reason_of_errno(error);
	if (lc_network_is_local(daemon->network, &node))
		return connect_within_node(member, &own, &node);
	if (!daemon->options.insecure)
		return LEAFCAST_POLICY;
	own.port = 0;
	node.port = daemon->options.control.port;
	error = lc_peer_connect(&peer, &own, &node);
	if (error)
		return reason_of_errno(error);
	error = member_adopt_peer(member, peer);
	if (error)
		lc_peer_free(peer);
	return reason_of_errno(error);
}

/* ---- the leaf's socket ---- */

/* The leaf's data address: its own if it bound one, else the connection's. */
static int commit_leaf_name(struct member *member)
{
	const struct lc_endpoint *own = lc_peer_own(member->peer);
	struct lc_endpoint name;
	int error = socket_name(member->socket, &name);

	if (!error && name.port == 0) {
		error = socket_bind(member->socket, own);
		error = error ?: socket_name(member->socket, &name);
	}
	if (error)
		return error;
	if (lc_address_is_any(&name)) {
		struct lc_endpoint port = name;

		name = *own;
		name.port = port.port;
	}
	member->leaf_name = name;
	return 0;
}

static void admit_anchor(struct member *member)
{
	struct lc_path path;
	uint32_t ifindex = 0;

	if (lc_network_path(member->daemon->network, &member->leaf_name, &member->session_name,
			    &path) == 0)
		ifindex = path.hop.ifindex;
	lc_plane_admit_anchor(member->daemon->plane, member->socket->admit, &member->session_name,
			      ifindex, member->token, member->leaf_receives);
}

static enum leafcast_reason do_admit_anchor(struct member *member, enum leafcast_reason reason)
{
	struct lc_admit_use use;
	int error = commit_leaf_name(member);

	(void)reason;
	if (error)
		return reason_of_errno(error);
	if (getrandom(&member->token, sizeof(member->token), 0) != sizeof(member->token))
		return LEAFCAST_FAULT;
	member->token |= 1; /* 0 means that none is expected */
	lc_plane_admit_use(member->daemon->plane, member->socket->admit, &use);
	member->admitted_before = use.datagrams;
	admit_anchor(member);
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_admit_nobody(struct member *member, enum leafcast_reason reason)
{
	(void)reason;
	if (member->socket)
		lc_plane_admit_nobody(member->daemon->plane, member->socket->admit);
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_drain(struct member *member, enum leafcast_reason reason)
{
	(void)reason;
	return reason_of_errno(drain_start(member));
}

/* ---- messages ---- */

static enum leafcast_reason send_message(struct member *member, const struct lc_message *message)
{
	int error = member->peer ? lc_peer_send(member->peer, message) : -EPIPE;

	if (member->io)
		sd_event_source_set_io_events(member->io, lc_peer_events(member->peer));
	return reason_of_errno(error);
}

static enum leafcast_reason do_send_request(struct member *member, enum leafcast_reason reason)
{
	bool joiner = member->end == LC_END_JOINER;
	struct lc_message message = {
		.kind = joiner ? LC_MESSAGE_JOIN : LC_MESSAGE_INVITE,
		.data = member->caller,
		.data_capacity = member->capacity,
		.has_flows = member->has_flows,
		.flows = member->flows,
	};

	(void)reason;
	if (joiner) {
		message.leaf = member->leaf_name;
		message.token = member->token;
		message.leaf_sends = member->leaf_sends;
		message.leaf_receives = member->leaf_receives;
	} else {
		/* A root on the wildcard is known to this leaf by the address it is reached from. */
		if (lc_address_is_any(&member->session_name)) {
			member->session_name = *lc_peer_own(member->peer);
			member->session_name.port = member->session->name.port;
		}
		message.leaf = member->listen_name;
	}
	message.session = member->session_name;
	return send_message(member, &message);
}

static enum leafcast_reason do_send_seen(struct member *member, enum leafcast_reason reason)
{
	(void)reason;
	return send_message(member,
			    &(struct lc_message){.kind = LC_MESSAGE_SEEN, .token = member->token});
}

static enum leafcast_reason do_send_accept(struct member *member, enum leafcast_reason reason)
{
	struct lc_message message = {
		.kind = LC_MESSAGE_ACCEPT,
		.data = member->callee,
		.has_flows = member->has_flows,
		.flows = member->flows,
	};

	(void)reason;
	if (member->end == LC_END_INVITEE) {
		message.leaf = member->leaf_name;
		message.token = member->token;
		message.leaf_sends = member->leaf_sends;
		message.leaf_receives = member->leaf_receives;
	}
	return send_message(member, &message);
}

static enum leafcast_reason do_send_joined(struct member *member, enum leafcast_reason reason)
{
	(void)reason;
	return send_message(member, &(struct lc_message){.kind = LC_MESSAGE_JOINED});
}

static enum leafcast_reason do_send_refuse(struct member *member, enum leafcast_reason reason)
{
	return send_message(member,
			    &(struct lc_message){.kind = LC_MESSAGE_REFUSE, .reason = reason});
}

void steps_count(const struct member *member, struct lc_message *message)
{
	struct lc_plane *plane = member->daemon->plane;
	struct lc_leaf_use leaf;
	struct lc_admit_use admit;

	if (member->leaf) {
		lc_plane_leaf_use(plane, member->leaf, &leaf);
		message->datagrams = leaf.datagrams;
		message->bytes = leaf.bytes;
	} else if (member->socket && !lc_join_end_is_root(member->end)) {
		lc_plane_admit_use(plane, member->socket->admit, &admit);
		message->datagrams = admit.datagrams - member->admitted_before;
		message->bytes = admit.bytes;
		message->buffer_drops = socket_full_buffer(member->socket);
	}
}

static enum leafcast_reason do_send_leave(struct member *member, enum leafcast_reason reason)
{
	struct lc_message message = {.kind = LC_MESSAGE_LEAVE, .reason = reason};

	steps_count(member, &message);
	return send_message(member, &message);
}

/* ---- the leaf's record at the root ---- */

/*
 * The leaf's host asks anew for a socket that it still has with us. That the
 * old one is no more is believed only if nothing has been heard of it lately:
 * anybody on that host can ask so, and a request can be sent twice.
 */
static void drop_silent_membership(const struct member *member)
{
	struct member *other;

	LIST_FOREACH(other, &member->daemon->members, entry)
		if (other != member && other->session == member->session && other->leaf &&
		    other->silent_ticks > SUSPECT_TICKS &&
		    lc_endpoint_equal(&other->leaf_name, &member->leaf_name)) {
			member_event(other, LC_ON_HUNG_UP, LEAFCAST_NO_REASON);
			return;
		}
}

static enum leafcast_reason do_add_leaf(struct member *member, enum leafcast_reason reason)
{
	struct lc_leaf_spec spec = {
		.session = member->session->number,
		.from = member->session_name,
		.to = member->leaf_name,
		.receives = member->leaf_receives,
		.sends = member->leaf_sends && member->session->root_receives,
		.hop_limit = HOP_LIMIT,
		.now_ns = lc_now_ns(),
	};
	int error = lc_plane_add_leaf(member->daemon->plane, &spec, &member->leaf);

	(void)reason;
	if (error == -EEXIST) {
		drop_silent_membership(member);
		error = lc_plane_add_leaf(member->daemon->plane, &spec, &member->leaf);
	}
	if (error)
		return reason_of_errno(error);
	steps_refresh_path(member);
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_enter(struct member *member, enum leafcast_reason reason)
{
	struct lc_policer down = lc_policer_make(&member->flows.down, 0);
	struct lc_policer up = lc_policer_make(&member->flows.up, 0);

	(void)reason;
	lc_plane_set_leaf_flows(member->daemon->plane, member->leaf, &member->flows.down, &down,
				&member->flows.up, &up);
	return reason_of_errno(lc_plane_enter_leaf(member->daemon->plane, member->leaf));
}

static enum leafcast_reason do_leave(struct member *member, enum leafcast_reason reason)
{
	struct lc_leaf_use use;

	(void)reason;
	lc_plane_leave_leaf(member->daemon->plane, member->leaf);
	lc_plane_leaf_use(member->daemon->plane, member->leaf, &use);
	member->sent = use.datagrams;
	member->sent_bytes = use.bytes;
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_probe(struct member *member, enum leafcast_reason reason)
{
	(void)reason;
	return reason_of_errno(probe_start(member));
}

static enum leafcast_reason do_stop_probe(struct member *member, enum leafcast_reason reason)
{
	(void)reason;
	probe_stop(member);
	return LEAFCAST_NO_REASON;
}

void steps_refresh_path(struct member *member)
{
	struct daemon *daemon = member->daemon;
	struct lc_path path;

	if (member->leaf) {
		if (lc_network_path(daemon->network, &member->session_name, &member->leaf_name,
				    &path) < 0)
			path.usable = LC_HOP_NO_ROUTE;
		lc_plane_set_hop(daemon->plane, member->leaf, path.usable, &path.hop);
	} else if (member->token && !lc_join_end_is_root(member->end) && member->socket &&
		   member->state != LC_JOIN_DRAINING) {
		admit_anchor(member);
	}
}

/* ---- the application ---- */

static void stop_waiting(struct member *member)
{
	if (member->waits)
		member->owner->waiting--;
	member->waits = false;
	member->request = 0;
}

static enum leafcast_reason do_ask(struct member *member, enum leafcast_reason reason)
{
	bool root = lc_join_end_is_root(member->end);
	struct lc_local_message message = {
		.kind = LC_LOCAL_REQUEST,
		.socket = member->owner->number,
		.peer = root ? member->leaf_name : member->session_name,
		.name = root ? member->session_name : member->listen_name,
		.data = member->caller,
		.data_capacity = member->capacity,
		.has_flows = member->has_flows,
		.flows = member->flows,
	};

	(void)reason;
	if (client_is_behind(member->owner->client))
		return LEAFCAST_BACKLOG_FULL;
	message.request = member->request = ++member->daemon->requests;
	client_send(member->owner->client, &message);
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_withdraw(struct member *member, enum leafcast_reason reason)
{
	if (!member->request) /* it was never asked */
		return LEAFCAST_NO_REASON;
	client_send(member->owner->client,
		    &(struct lc_local_message){.kind = LC_LOCAL_WITHDRAWN,
					       .socket = member->owner->number,
					       .request = member->request,
					       .reason = reason});
	return LEAFCAST_NO_REASON;
}

/* Who waits for the answer to JOIN or ACCEPT, and the socket they asked about. */
static void answer(struct member *member, enum leafcast_reason reason)
{
	struct lc_local_message reply = {
		.kind = LC_LOCAL_REPLY,
		.id = member->reply,
		.socket = member->owner->number,
		.reason = reason,
	};

	if (!member->reply)
		return;
	member->reply = 0;
	if (reason == LEAFCAST_NO_REASON) {
		bool root = lc_join_end_is_root(member->end);

		reply.peer = root ? member->leaf_name : member->session_name;
		reply.name = root ? member->session_name : member->leaf_name;
		if (root)
			reply.channel = member->session->channel;
		reply.data = member->callee;
		reply.has_flows = member->has_flows;
		reply.flows = member->flows;
	}
	client_send(member->owner->client, &reply);
}

static enum leafcast_reason do_complete(struct member *member, enum leafcast_reason reason)
{
	(void)reason;
	answer(member, LEAFCAST_NO_REASON);
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_fail(struct member *member, enum leafcast_reason reason)
{
	answer(member, reason);
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_notify_close(struct member *member, enum leafcast_reason reason)
{
	if (member->reply)
		answer(member, reason); /* it never came to be, as far as the application knows */
	else
		client_send(member->socket->client,
			    &(struct lc_local_message){.kind = LC_LOCAL_CLOSED,
						       .socket = member->socket->number,
						       .reason = reason});
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_remove(struct member *member, enum leafcast_reason reason)
{
	(void)reason;
	if (member->socket && !lc_join_end_is_root(member->end)) {
		struct lc_message counts = {.kind = LC_MESSAGE_LEAVE};

		steps_count(member, &counts);
		member->arrived = counts.datagrams;
		member->arrived_too_many = counts.buffer_drops;
	}
	probe_stop(member);
	member->drain = sd_event_source_disable_unref(member->drain);
	member->io = sd_event_source_disable_unref(member->io);
	if (member->leaf)
		lc_plane_remove_leaf(member->daemon->plane, member->leaf);
	member->leaf = 0;
	stop_waiting(member);
	if (member->socket && member->socket->member == member)
		member->socket->member = NULL;
	if (member->peer && member->heard_last_word)
		lc_peer_free(member->peer);
	else if (member->peer)
		parting_start(member->daemon, member->peer);
	member->peer = NULL;
	return LEAFCAST_NO_REASON;
}

/* In the order of the bits of enum lc_join_action. */
static enum leafcast_reason (*const actions_in_order[])(struct member *, enum leafcast_reason) = {
	do_connect,	do_admit_anchor, do_send_request, do_add_leaf,	   do_probe,
	do_send_seen,	do_ask,		 do_withdraw,	  do_stop_probe,   do_enter,
	do_send_accept, do_send_joined,	 do_complete,	  do_fail,	   do_leave,
	do_send_refuse, do_send_leave,	 do_drain,	  do_admit_nobody, do_notify_close,
	do_remove,
};
_Static_assert(LC_DO_REMOVE == 1 << (sizeof(actions_in_order) / sizeof(actions_in_order[0]) - 1),
	       "one function per action");

enum leafcast_reason steps_run(struct member *member, unsigned int actions,
			       enum leafcast_reason reason)
{
	bool last = member->state == LC_JOIN_GONE;

	for (unsigned int i = 0; actions >> i; i++) {
		enum leafcast_reason failure = LEAFCAST_NO_REASON;

		if (actions & 1u << i)
			failure = actions_in_order[i](member, reason);
		if (failure && !last)
			return failure;
	}
	return LEAFCAST_NO_REASON;
}
