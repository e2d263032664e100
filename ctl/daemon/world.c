/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/world.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>

#include "base/clock.h"
#include "core/endpoint.h"
#include "daemon/farewell.h"
#include "daemon/probe.h"
#include "daemon/say.h"
#include "daemon/trunk.h"

/* TTL of the copies: this anchor sets it, later ones will decrement it. */
#define HOP_LIMIT 64

/* ---- the node of the other end ---- */

/* What the application bound, as far as it did: the connection comes from there. */
static int bound_name(const struct membership *membership, struct lc_endpoint *name)
{
	if (!membership->session)
		return socket_name(membership->socket, name);
	*name = membership->session->name;
	return 0;
}

static struct lc_route_keys route_keys(const struct membership *membership)
{
	if (membership->session)
		return membership->session->route_keys;
	return membership->socket ? socket_route_keys(membership->socket)
				  : (struct lc_route_keys){0};
}

/* Of one that bound no address, the one that the route prefers. */
static int own_address_to(const struct membership *membership, const struct lc_endpoint *target,
			  struct lc_endpoint *own)
{
	struct lc_path_query query = {.to = *target};
	struct lc_path path;
	int error = bound_name(membership, own);

	if (error || !lc_address_is_any(own))
		return error;
	query.from = *own;
	query.by = route_keys(membership);
	error = lc_network_path(membership->node->network, &query, &path);
	if (error)
		return error;
	*own = path.source;
	return own->family == target->family && !lc_address_is_any(own) ? 0 : -ENETUNREACH;
}

static enum leafcast_reason open_connection(struct lc_membership *member,
					    const struct lc_endpoint *to)
{
	struct membership *membership = membership_of(member);
	struct node *node = membership->node;
	struct lc_endpoint own;
	int error;

	if (!lc_network_is_local(node->network, to) && !node->options.insecure)
		return LEAFCAST_POLICY;
	error = own_address_to(membership, to, &own);
	return lc_reason_of_errno(error ?: trunk_join(membership, &own, to));
}

static int send_message(struct lc_membership *member, const struct lc_message *message)
{
	return lc_trunk_send(&membership_of(member)->trunk, message);
}

static const struct lc_endpoint *own_address(const struct lc_membership *member)
{
	return &membership_of(member)->own;
}

static const struct lc_endpoint *other_address(const struct lc_membership *member)
{
	return &membership_of(member)->other;
}

static bool is_within_node(const struct lc_membership *member)
{
	return membership_of(member)->within_node;
}

static bool lets_nodes_in(const struct lc_membership *member)
{
	return membership_of(member)->node->options.insecure;
}

static bool is_local(const struct lc_membership *member, const struct lc_endpoint *address)
{
	return lc_network_is_local(membership_of(member)->node->network, address);
}

/* ---- who is asked ---- */

static bool find_listener(struct lc_membership *member, struct lc_listener_terms *terms)
{
	struct membership *membership = membership_of(member);
	struct node *node = membership->node;
	struct session *session = NULL;
	struct socket *listener;

	if (lc_join_end_is_root(member->end)) {
		session = session_listening_at(node, &member->session_name);
		listener = session ? session->root : NULL;
	} else {
		listener = socket_listening_at(node, &member->listen_name);
	}
	if (!listener)
		return false;
	membership_set_owner(membership, listener);
	membership->session = session;
	if (session)
		member->identity = session->identity;
	terms->has_flows = listener->has_flows;
	terms->flows = listener->flows;
	terms->root_receives = session && session->root_receives;
	return true;
}

static bool take_place(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);
	struct socket *listener = membership->owner;

	if (listener->waiting >= listener->backlog)
		return false;
	listener->waiting++;
	membership->listener = listener;
	return true;
}

static void give_place(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);

	membership->listener->waiting--;
	membership->listener = NULL;
	membership_forget_request(membership);
}

/* ---- the application ---- */

static uint64_t ask(struct lc_membership *member, struct lc_local_message *request)
{
	struct membership *membership = membership_of(member);
	struct socket *listener = membership->owner;

	if (application_is_behind(listener->application))
		return 0;
	request->socket = listener->number;
	request->request = membership_number_request(membership);
	if (request->request)
		application_send(listener->application, request);
	return request->request;
}

static void tell(struct lc_membership *member, struct lc_local_message *message)
{
	struct membership *membership = membership_of(member);
	struct socket *whom = message->kind == LC_LOCAL_CLOSED ? membership->socket
							       : membership->owner;

	if (message->kind == LC_LOCAL_CLOSED && application_is_away(whom->application))
		whom->ended = message->reason;
	message->socket = whom->number;
	if (message->kind == LC_LOCAL_REPLY && !message->reason && membership->session)
		message->channel = membership->session->channel;
	application_send(whom->application, message);
}

/* ---- the leaf's socket ---- */

static int name_socket(struct lc_membership *member, const struct lc_endpoint *address,
		       struct lc_endpoint *name)
{
	struct socket *socket = membership_of(member)->socket;
	struct lc_endpoint found;
	int error = socket_name(socket, &found);

	if (!error && found.port == 0) {
		error = socket_bind(socket, address);
		error = error ?: socket_name(socket, &found);
	}
	if (error)
		return error;
	*name = found;
	if (lc_address_is_any(name)) {
		*name = *address;
		name->port = found.port;
	}
	return 0;
}

static void admit_anchor(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);

	lc_plane_admit_anchor(membership->node->plane, membership->socket->admit,
			      &member->session_name, membership->within_node, member->token,
			      member->leaf_receives);
}

static void admit_nobody(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);

	if (membership->socket)
		lc_plane_admit_nobody(membership->node->plane, membership->socket->admit);
}

static uint64_t admitted(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);
	struct lc_admit_use use = {0};

	if (membership->socket)
		lc_plane_admit_use(membership->node->plane, membership->socket->admit, &use);
	return use.datagrams;
}

/* ---- the leaf's record at the root ---- */

static int add_leaf(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);
	struct lc_plane *plane = membership->node->plane;
	const struct lc_leaf_spec spec = {
		.session = membership->session->number,
		.from = member->session_name,
		.to = member->leaf_name,
		.receives = member->leaf_receives,
		.sends = member->leaf_sends && member->root_receives,
		.hop_limit = HOP_LIMIT,
		.now_ns = lc_now_ns(),
	};
	uint32_t leaf = 0;
	int error = lc_plane_add_leaf(plane, &spec, &leaf);

	membership->leaf_in_the_way = error == -EEXIST ? leaf : 0;
	if (error)
		return error;
	error = membership_set_leaf(membership, leaf);
	if (error)
		lc_plane_remove_leaf(plane, leaf);
	else
		member->leaf = leaf;
	return error;
}

static bool evict_suspended(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);
	struct membership *other = membership_of_leaf(membership->node,
						      membership->leaf_in_the_way);

	if (!other || other->member.state != LC_JOIN_SUSPENDED)
		return false;
	lc_membership_event(&other->member, LC_ON_FORGOTTEN, LEAFCAST_NO_REASON);
	return true;
}

static void set_hop(struct lc_membership *member, const struct lc_path *path)
{
	lc_plane_set_hop(membership_of(member)->node->plane, member->leaf, path->usable,
			 &path->hop);
}

static void send_probe(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);

	probe_send(membership->node, &membership->session->channel, member->leaf, member->token);
}

static int enter_leaf(struct lc_membership *member, const struct lc_policer *down,
		      const struct lc_policer *up)
{
	struct membership *membership = membership_of(member);
	struct lc_plane *plane = membership->node->plane;
	int error;

	lc_plane_set_leaf_flows(plane, member->leaf, &member->flows.down, down, &member->flows.up,
				up);
	error = lc_plane_enter_leaf(plane, member->leaf);
	if (!error && member->end == LC_END_INVITER)
		session_fix_directions(membership->node, membership->session,
				       member->root_receives);
	return error;
}

static void leave_leaf(struct lc_membership *member)
{
	lc_plane_leave_leaf(membership_of(member)->node->plane, member->leaf);
}

static void remove_leaf(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);

	membership_forget_leaf(membership);
	lc_network_leave_path(membership->node->network, &membership->path);
	lc_plane_remove_leaf(membership->node->plane, member->leaf);
}

static struct lc_membership_counts count(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);
	struct lc_plane *plane = membership->node->plane;
	struct lc_membership_counts counts = {0};
	struct lc_leaf_use leaf;
	struct lc_admit_use admit;

	if (member->leaf) {
		lc_plane_leaf_use(plane, member->leaf, &leaf);
		counts = (struct lc_membership_counts){leaf.datagrams, leaf.bytes, 0};
	} else if (membership->socket && !lc_join_end_is_root(member->end)) {
		lc_plane_admit_use(plane, membership->socket->admit, &admit);
		counts.datagrams = admit.datagrams - member->admitted_before;
		counts.bytes = admit.bytes;
		counts.buffer_drops = socket_full_buffer(membership->socket);
	}
	return counts;
}

/* ---- paths, chance, time ---- */

static int find_path(struct lc_membership *member, const struct lc_endpoint *from,
		     const struct lc_endpoint *to, struct lc_path *path)
{
	struct membership *membership = membership_of(member);
	struct lc_network *network = membership->node->network;
	const struct lc_path_query query = {.from = *from, .to = *to, .by = route_keys(membership)};

	/* What a leaf sends is the host's affair: its path is of interest once. */
	if (!lc_join_end_is_root(member->end))
		return lc_network_path(network, &query, path);
	return lc_network_use_path(network, &membership->path, &query, path);
}

static int draw(struct lc_membership *member, void *bytes, size_t length)
{
	(void)member;
	return getrandom(bytes, length, 0) == (ssize_t)length ? 0 : -EIO;
}

/* Of the ends only the last decides whose record it is in: the root's leaf, or the leaf's own socket. */
static void keep(struct lc_membership *member)
{
	struct membership *membership = membership_of(member);
	struct lc_plane *plane = membership->node->plane;
	const struct socket *socket = membership->socket;
	struct lc_resumption resumption = membership_resumption(membership);

	resumption.left = member->left;
	resumption.admitted_before = member->admitted_before;
	resumption.expected = member->expected;
	membership->own = resumption.own;
	membership->other = resumption.other;
	if (lc_join_end_is_root(member->end)) {
		resumption.handle_cookie = socket ? socket->cookie : 0;
		lc_plane_set_leaf_resumption(plane, member->leaf, &resumption);
	} else if (socket) {
		lc_plane_set_socket_resumption(plane, socket->admit, &member->leaf_name,
					       member->leaf_sends, &member->identity, &resumption);
	}
}

/* The socket goes on as one that is no member. */
static void forget(struct membership *membership)
{
	const struct socket *socket = membership->socket;

	if (socket && !lc_join_end_is_root(membership->member.end))
		lc_plane_set_socket_resumption(membership->node->plane, socket->admit,
					       &(struct lc_endpoint){0}, false, NULL, NULL);
}

static void keep_farewell(struct lc_membership *member)
{
	farewell_keep(membership_of(member));
}

static void forget_farewell(struct lc_membership *member)
{
	farewell_forget(membership_of(member));
}

static uint64_t grace_us(const struct lc_membership *member)
{
	return farewell_grace_us(membership_of(member));
}

static void on_deadline(void *context)
{
	struct membership *membership = context;

	lc_membership_timer(&membership->member, LC_TIMER_DEADLINE);
}

static void on_probe(void *context)
{
	struct membership *membership = context;

	lc_membership_timer(&membership->member, LC_TIMER_PROBE);
}

static void on_drain(void *context)
{
	struct membership *membership = context;

	lc_membership_timer(&membership->member, LC_TIMER_DRAIN);
}

static int set_timer(struct lc_membership *member, enum lc_membership_timer timer, uint64_t in_us)
{
	static void (*const run_out[LC_TIMER_COUNT])(void *context) = {
		[LC_TIMER_DEADLINE] = on_deadline,
		[LC_TIMER_PROBE] = on_probe,
		[LC_TIMER_DRAIN] = on_drain,
	};
	struct membership *membership = membership_of(member);
	sd_event *event = membership->node->event;

	/* Probes and drains wait for the kernel, which was not stopped. */
	if (timer != LC_TIMER_DEADLINE)
		return timer_set(&membership->timers[timer], event, in_us, run_out[timer],
				 membership);
	return timer_set_deadline(&membership->timers[timer], event, in_us, run_out[timer],
				  membership);
}

static void stop_timer(struct lc_membership *member, enum lc_membership_timer timer)
{
	timer_stop(&membership_of(member)->timers[timer]);
}

/* ---- what became of it ---- */

static void show_suspended(struct lc_membership *member, bool suspended)
{
	struct membership *membership = membership_of(member);
	struct lc_plane *plane = membership->node->plane;
	uint64_t since_ns = suspended ? lc_now_ns() : 0;

	if (member->leaf)
		lc_plane_note_suspended(plane, LC_MEMBER_LEAF, member->leaf, since_ns);
	else if (membership->socket && !lc_join_end_is_root(member->end))
		lc_plane_note_suspended(plane, LC_MEMBER_SOCKET, membership->socket->admit,
					since_ns);
}

/* That another daemon is away, or back, the trunk says once for all memberships. */
static void note(const struct lc_membership *member, enum lc_join_state before,
		 enum leafcast_reason reason)
{
	char root[LC_ENDPOINT_TEXT], leaf[LC_ENDPOINT_TEXT];
	const char *session = lc_endpoint_format(root, &member->session_name);
	const char *name = lc_endpoint_format(leaf, member->leaf_name.port ? &member->leaf_name
									   : &member->listen_name);
	const struct lc_membership_counts *counts = &member->last_counts;

	if (member->state == LC_JOIN_MEMBER && before != LC_JOIN_SUSPENDED)
		say(SD_INFO, "session %s: leaf %s joined", session, name);
	else if ((member->state != LC_JOIN_LEFT && member->state != LC_JOIN_GONE) ||
		 before == LC_JOIN_LEFT)
		return;
	else if ((before == LC_JOIN_MEMBER || before == LC_JOIN_SUSPENDED) &&
		 lc_join_end_is_root(member->end))
		say(SD_INFO,
		    "session %s: leaf %s left: %s; %" PRIu64 " datagrams, %" PRIu64 " bytes sent",
		    session, name, leafcast_reason_word(reason), counts->datagrams, counts->bytes);
	else if (before == LC_JOIN_MEMBER || before == LC_JOIN_SUSPENDED ||
		 before == LC_JOIN_DRAINING)
		say(SD_INFO,
		    "session %s: leaf %s ended: %s; %" PRIu64 " datagrams arrived, %" PRIu64
		    " of them found its buffer full",
		    session, name, leafcast_reason_word(reason), counts->datagrams,
		    counts->buffer_drops);
	else
		say(SD_NOTICE, "session %s: leaf %s not joined: %s", session, name,
		    leafcast_reason_word(reason));
}

static void release(struct lc_membership *member)
{
	forget(membership_of(member));
	membership_detach(membership_of(member));
}

static void gone(struct lc_membership *member)
{
	membership_bury(membership_of(member));
}

const struct lc_membership_world daemon_world = {
	.connect = open_connection,
	.send = send_message,
	.own_address = own_address,
	.other_address = other_address,
	.is_within_node = is_within_node,
	.lets_nodes_in = lets_nodes_in,
	.is_local = is_local,
	.find_listener = find_listener,
	.take_place = take_place,
	.give_place = give_place,
	.ask = ask,
	.tell = tell,
	.name_socket = name_socket,
	.admit_anchor = admit_anchor,
	.admit_nobody = admit_nobody,
	.admitted = admitted,
	.add_leaf = add_leaf,
	.evict_suspended = evict_suspended,
	.set_hop = set_hop,
	.send_probe = send_probe,
	.enter_leaf = enter_leaf,
	.leave_leaf = leave_leaf,
	.remove_leaf = remove_leaf,
	.count = count,
	.find_path = find_path,
	.keep = keep,
	.keep_farewell = keep_farewell,
	.forget_farewell = forget_farewell,
	.grace_us = grace_us,
	.draw = draw,
	.set_timer = set_timer,
	.stop_timer = stop_timer,
	.show_suspended = show_suspended,
	.note = note,
	.release = release,
	.gone = gone,
};
