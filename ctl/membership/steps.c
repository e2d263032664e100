/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "membership/steps.h"

#include <errno.h>

#include "core/endpoint.h"
#include "membership/flows.h"

enum leafcast_reason lc_reason_of_errno(int error)
{
	switch (error) {
	case 0:
		return LEAFCAST_NO_REASON;
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EPIPE:
		return LEAFCAST_NO_CONTROL;
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -EADDRNOTAVAIL:
		return LEAFCAST_UNREACHABLE;
	case -ETIMEDOUT:
		return LEAFCAST_TIMED_OUT;
	case -EBADMSG:
		return LEAFCAST_PROTOCOL;
	case -EADDRINUSE:
	case -EEXIST: /* the session has a leaf of that name */
		return LEAFCAST_ADDRESS_IN_USE;
	case -ENOSPC:
	case -ENOMEM:
	case -ENOBUFS:
	case -EMFILE:
	case -ENFILE:
		return LEAFCAST_LIMIT;
	default:
		return LEAFCAST_FAULT;
	}
}

/* ---- paths ---- */

/* The leaf's name as far as it is known: an invited one has only the name it was invited by. */
static const struct lc_endpoint *leaf_or_listener(const struct lc_membership *member)
{
	return member->leaf_name.port ? &member->leaf_name : &member->listen_name;
}

int lc_steps_find_path(struct lc_membership *member, struct lc_path *path)
{
	const struct lc_endpoint *root = &member->session_name, *leaf = leaf_or_listener(member);
	bool from_root = lc_join_end_is_root(member->end);
	int error = member->world->find_path(member, from_root ? root : leaf,
					     from_root ? leaf : root, path);

	member->mtu = !error && path->usable == LC_HOP_0 ? path->hop.mtu : 0;
	return error;
}

static void set_hop(struct lc_membership *member)
{
	struct lc_path path;

	if (lc_steps_find_path(member, &path) < 0)
		path = (struct lc_path){.usable = LC_HOP_NO_ROUTE};
	member->world->set_hop(member, &path);
}

void lc_steps_follow_path(struct lc_membership *member)
{
	/* What comes to a leaf's socket, by whatever way, is for its host to say. */
	if (member->leaf)
		set_hop(member);
}

/* ---- the connection ---- */

/* Of who asks for the join. 0 is no number. */
static int draw_names(struct lc_membership *member)
{
	const struct lc_membership_world *world = member->world;
	int error = world->draw(member, &member->number, sizeof(member->number));

	member->number |= 1;
	return error ? error : world->draw(member, &member->secret, sizeof(member->secret));
}

static enum leafcast_reason do_connect(struct lc_membership *member, enum leafcast_reason reason)
{
	bool joiner = member->end == LC_END_JOINER;
	int error = draw_names(member);

	(void)reason;
	if (error)
		return lc_reason_of_errno(error);
	return member->world->connect(member,
				      joiner ? &member->session_name : &member->listen_name);
}

static enum leafcast_reason send_message(struct lc_membership *member,
					 const struct lc_message *message)
{
	return lc_reason_of_errno(member->world->send(member, message));
}

static enum leafcast_reason do_send_request(struct lc_membership *member,
					    enum leafcast_reason reason)
{
	struct lc_message message = {
		.kind = LC_MESSAGE_JOIN,
		.secret = member->secret,
		.data = member->caller,
		.data_capacity = member->capacity,
		.has_flows = member->has_asked,
		.flows = member->asked,
		.leaf = member->leaf_name,
		.token = member->token,
		.leaf_sends = member->leaf_sends,
		.leaf_receives = member->leaf_receives,
	};

	(void)reason;
	if (member->end == LC_END_INVITER) {
		/* A root on the wildcard is known to this leaf by the address it is reached from. */
		if (lc_address_is_any(&member->session_name)) {
			struct lc_endpoint name = *member->world->own_address(member);

			name.port = member->session_name.port;
			member->session_name = name;
		}
		message.kind = LC_MESSAGE_INVITE;
		message.identity = member->identity;
		message.leaf = member->listen_name;
		message.token = 0;
		message.leaf_sends = message.leaf_receives = false;
	}
	message.session = member->session_name;
	return send_message(member, &message);
}

static enum leafcast_reason do_send_seen(struct lc_membership *member, enum leafcast_reason reason)
{
	(void)reason;
	return send_message(member,
			    &(struct lc_message){.kind = LC_MESSAGE_SEEN, .token = member->token});
}

static enum leafcast_reason do_send_accept(struct lc_membership *member,
					   enum leafcast_reason reason)
{
	struct lc_message message = {
		.kind = LC_MESSAGE_ACCEPT,
		.data = member->callee,
		.has_flows = member->has_flows,
		.flows = member->flows,
	};

	(void)reason;
	if (member->end == LC_END_ADMITTER)
		message.identity = member->identity;
	if (member->end == LC_END_INVITEE) {
		message.leaf = member->leaf_name;
		message.token = member->token;
		message.leaf_sends = member->leaf_sends;
		message.leaf_receives = member->leaf_receives;
	}
	return send_message(member, &message);
}

static enum leafcast_reason do_send_joined(struct lc_membership *member,
					   enum leafcast_reason reason)
{
	(void)reason;
	return send_message(member, &(struct lc_message){.kind = LC_MESSAGE_JOINED});
}

static enum leafcast_reason do_send_refuse(struct lc_membership *member,
					   enum leafcast_reason reason)
{
	return send_message(member,
			    &(struct lc_message){.kind = LC_MESSAGE_REFUSE, .reason = reason});
}

/* Of a member the same whenever it is said, and by whichever daemon. */
static enum leafcast_reason do_send_leave(struct lc_membership *member, enum leafcast_reason reason)
{
	bool is_farewell = member->state == LC_JOIN_LEFT;
	struct lc_membership_counts counts = is_farewell ? member->last_counts
							 : member->world->count(member);
	struct lc_message message = {
		.kind = LC_MESSAGE_LEAVE,
		.reason = is_farewell ? member->why : reason,
		.datagrams = counts.datagrams,
		.bytes = counts.bytes,
		.buffer_drops = counts.buffer_drops,
	};

	return lc_reason_of_errno(member->world->send(member, &message));
}

/* ---- the leaf's socket ---- */

static enum leafcast_reason do_admit_anchor(struct lc_membership *member,
					    enum leafcast_reason reason)
{
	const struct lc_membership_world *world = member->world;
	int error = world->name_socket(member, world->own_address(member), &member->leaf_name);
	struct lc_path path;

	(void)reason;
	if (!error)
		error = world->draw(member, &member->token, sizeof(member->token));
	if (error)
		return lc_reason_of_errno(error);
	member->token |= 1; /* 0 means that none is expected */
	member->admitted_before = world->admitted(member);
	world->admit_anchor(member);
	/* M must fit the path, if there is one. */
	lc_steps_find_path(member, &path);
	return lc_membership_check_flows(member);
}

static enum leafcast_reason do_admit_nobody(struct lc_membership *member,
					    enum leafcast_reason reason)
{
	(void)reason;
	member->world->admit_nobody(member);
	return LEAFCAST_NO_REASON;
}

/* ---- the leaf's record at the root ---- */

/*
 * The leaf's host may ask anew for a socket that it still has with us. That the
 * old one is no more is believed only while its daemon is away: anybody on that
 * host can ask so, and a request can be sent twice.
 */
static enum leafcast_reason do_add_leaf(struct lc_membership *member, enum leafcast_reason reason)
{
	int error = member->world->add_leaf(member);

	(void)reason;
	if (error == -EEXIST && member->world->evict_suspended(member))
		error = member->world->add_leaf(member);
	if (error)
		return lc_reason_of_errno(error);
	set_hop(member);
	return lc_membership_check_flows(member);
}

static enum leafcast_reason do_enter(struct lc_membership *member, enum leafcast_reason reason)
{
	struct lc_policer down = lc_membership_down_policer(member);
	struct lc_policer up = lc_membership_up_policer(member);

	(void)reason;
	/* Both before the other end can hear of it: whoever is killed now can be resumed. */
	member->world->keep(member);
	return lc_reason_of_errno(member->world->enter_leaf(member, &down, &up));
}

static enum leafcast_reason do_leave(struct lc_membership *member, enum leafcast_reason reason)
{
	(void)reason;
	member->world->leave_leaf(member);
	/* Only now is it known how many went to it. */
	member->last_counts = member->world->count(member);
	if (member->state == LC_JOIN_LEFT)
		member->world->keep_farewell(member);
	return LEAFCAST_NO_REASON;
}

/* ---- probes ---- */

/* Again after 50, 100, 200 ... ms: a first probe often only starts neighbour resolution. */
#define FIRST_PAUSE_US 50000ull
#define MOST_DOUBLINGS 6

void lc_steps_probe(struct lc_membership *member)
{
	lc_steps_follow_path(member);
	member->world->send_probe(member);
	member->world->set_timer(member, LC_TIMER_PROBE, FIRST_PAUSE_US << member->probes);
	if (member->probes < MOST_DOUBLINGS)
		member->probes++;
}

static enum leafcast_reason do_probe(struct lc_membership *member, enum leafcast_reason reason)
{
	(void)reason;
	member->probes = 0;
	return lc_reason_of_errno(member->world->set_timer(member, LC_TIMER_PROBE, 0));
}

static enum leafcast_reason do_stop_probe(struct lc_membership *member, enum leafcast_reason reason)
{
	(void)reason;
	member->world->stop_timer(member, LC_TIMER_PROBE);
	return LEAFCAST_NO_REASON;
}

/* ---- draining ---- */

/*
 * LEAVE travels by TCP and says how many datagrams went to this leaf; they may
 * still be on their way. The end is told to the application when as many have
 * been admitted, or when none has come for STILL_STEPS (the rest is lost), or
 * after MOST_STEPS.
 */
#define STEP_US	    5000
#define STILL_STEPS 40	 /* 200 ms */
#define MOST_STEPS  1000 /* 5 s */

bool lc_steps_is_drained(struct lc_membership *member)
{
	uint64_t admitted;

	if (!member->leaf_receives)
		return true;
	admitted = member->world->admitted(member) - member->admitted_before;
	if (admitted >= member->expected)
		return true;
	member->still_steps = admitted == member->last_admitted ? member->still_steps + 1 : 0;
	member->last_admitted = admitted;
	return member->still_steps >= STILL_STEPS || ++member->drain_steps >= MOST_STEPS;
}

int lc_steps_drain_on(struct lc_membership *member)
{
	return member->world->set_timer(member, LC_TIMER_DRAIN, STEP_US);
}

static enum leafcast_reason do_drain(struct lc_membership *member, enum leafcast_reason reason)
{
	(void)reason;
	member->world->keep(member);
	return lc_reason_of_errno(member->world->set_timer(member, LC_TIMER_DRAIN, 0));
}

/* ---- the application ---- */

static enum leafcast_reason do_ask(struct lc_membership *member, enum leafcast_reason reason)
{
	bool root = lc_join_end_is_root(member->end);
	struct lc_local_message message = {
		.kind = LC_LOCAL_REQUEST,
		.peer = root ? member->leaf_name : member->session_name,
		.name = root ? member->session_name : member->listen_name,
		.data = member->caller,
		.data_capacity = member->capacity,
		.has_flows = member->has_asked,
		.flows = member->asked,
	};

	(void)reason;
	member->request = member->world->ask(member, &message);
	return member->request ? LEAFCAST_NO_REASON : LEAFCAST_BACKLOG_FULL;
}

static enum leafcast_reason do_withdraw(struct lc_membership *member, enum leafcast_reason reason)
{
	if (member->request) /* else it was never asked */
		member->world->tell(member, &(struct lc_local_message){.kind = LC_LOCAL_WITHDRAWN,
								       .request = member->request,
								       .reason = reason});
	return LEAFCAST_NO_REASON;
}

/* To whoever waits for the answer to JOIN or ACCEPT. */
static void answer(struct lc_membership *member, enum leafcast_reason reason)
{
	struct lc_local_message reply = {
		.kind = LC_LOCAL_REPLY, .id = member->reply, .reason = reason};

	if (!member->reply)
		return;
	member->reply = 0;
	if (reason == LEAFCAST_NO_REASON) {
		bool root = lc_join_end_is_root(member->end);

		reply.peer = root ? member->leaf_name : member->session_name;
		reply.name = root ? member->session_name : member->leaf_name;
		reply.data = member->callee;
		reply.has_flows = member->has_flows;
		reply.flows = member->flows;
	}
	member->world->tell(member, &reply);
}

static enum leafcast_reason do_complete(struct lc_membership *member, enum leafcast_reason reason)
{
	(void)reason;
	if (!lc_join_end_is_root(member->end))
		member->world->keep(member);
	answer(member, LEAFCAST_NO_REASON);
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_fail(struct lc_membership *member, enum leafcast_reason reason)
{
	answer(member, reason);
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason do_notify_close(struct lc_membership *member,
					    enum leafcast_reason reason)
{
	if (member->reply)
		answer(member, reason); /* it never came to be, as far as the application knows */
	else
		member->world->tell(member, &(struct lc_local_message){.kind = LC_LOCAL_CLOSED,
								       .reason = reason});
	return LEAFCAST_NO_REASON;
}

/* ---- the end ---- */

static enum leafcast_reason do_remove(struct lc_membership *member, enum leafcast_reason reason)
{
	const struct lc_membership_world *world = member->world;

	/* What was said stays as it was said. */
	if (member->state != LC_JOIN_LEFT)
		member->last_counts = world->count(member);
	for (int timer = 0; timer < LC_TIMER_COUNT; timer++)
		world->stop_timer(member, timer);
	if (member->leaf)
		world->remove_leaf(member);
	member->leaf = 0;
	if (member->waits)
		world->give_place(member);
	member->waits = false;
	member->request = 0;
	world->release(member);
	return LEAFCAST_NO_REASON;
}

/* In the order of the bits of enum lc_join_action. */
static enum leafcast_reason (*const actions_in_order[])(struct lc_membership *,
							enum leafcast_reason) = {
	do_connect,	do_admit_anchor, do_send_request, do_add_leaf,	   do_probe,
	do_send_seen,	do_ask,		 do_withdraw,	  do_stop_probe,   do_enter,
	do_send_accept, do_send_joined,	 do_complete,	  do_fail,	   do_leave,
	do_send_refuse, do_send_leave,	 do_drain,	  do_admit_nobody, do_notify_close,
	do_remove,
};
_Static_assert(LC_DO_REMOVE == 1 << (sizeof(actions_in_order) / sizeof(actions_in_order[0]) - 1),
	       "one function per action");

/* Stored before anything is taken away: then a daemon that goes on from here says it. */
static void begin_farewell(struct lc_membership *member, enum leafcast_reason reason)
{
	member->why = reason;
	member->last_counts = member->world->count(member);
	member->world->keep_farewell(member);
}

enum leafcast_reason lc_steps_run(struct lc_membership *member, unsigned int actions,
				  enum leafcast_reason reason)
{
	/* Then what fails is not worth another step. */
	bool last = member->state == LC_JOIN_GONE || member->state == LC_JOIN_LEFT;

	if (member->state == LC_JOIN_LEFT && !member->why)
		begin_farewell(member, reason);
	for (unsigned int i = 0; actions >> i; i++) {
		enum leafcast_reason failure = LEAFCAST_NO_REASON;

		if (actions & 1u << i)
			failure = actions_in_order[i](member, reason);
		if (failure && !last)
			return failure;
	}
	return LEAFCAST_NO_REASON;
}
