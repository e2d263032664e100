/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/request.h"

#include <errno.h>

#include "core/endpoint.h"
#include "daemon/adopt.h"

/* The outcome of a request that is answered at once. */
struct outcome {
	int error;
	enum leafcast_reason reason;
	bool later; /* the answer comes with the member's COMPLETE or FAIL */
};

#define DONE		      ((struct outcome){0})
#define LATER		      ((struct outcome){.later = true})
#define ERROR(negative_errno) ((struct outcome){.error = (negative_errno)})
#define REFUSE(why)	      ((struct outcome){.reason = (why)})

/* A handler's arguments; `socket` is NULL for those that are not about one. */
struct request {
	struct application *application;
	const struct lc_local_message *message;
	struct socket *socket;
	int *descriptor;
};

static struct node *node_of(const struct request *request)
{
	return request->application->node;
}

/* What became of socket_open(). */
static struct outcome opened(int error)
{
	return error == -ENOSPC || error == -ENOMEM ? REFUSE(LEAFCAST_LIMIT) : ERROR(error);
}

/* Whether a descriptor came along: -EBADF: none was sent; -EMFILE: this process could not take it. */
static int passed(const struct request *request)
{
	if (*request->descriptor >= 0)
		return 0;
	return *request->descriptor == -1 ? -EBADF : *request->descriptor;
}

/* The socket for the descriptor that came along, known to the library as `number`. */
static int open_passed(const struct request *request, uint64_t number, enum lc_local_role role,
		       struct socket **socket)
{
	int error = passed(request);

	if (error)
		return error;
	error = socket_open(request->application, number, role, *request->descriptor, socket);
	if (!error)
		*request->descriptor = -1;
	return error;
}

static struct outcome greet(const struct request *request)
{
	if (request->message->version != LC_LOCAL_VERSION)
		return ERROR(-EPROTO);
	request->application->greeted = true;
	return DONE;
}

static struct outcome open_socket(const struct request *request)
{
	enum lc_local_role role = request->message->role;
	struct socket *socket;

	if (role != LC_ROLE_ROOT && role != LC_ROLE_LEAF)
		return ERROR(-EINVAL);
	return opened(open_passed(request, request->message->socket, role, &socket));
}

static struct outcome close_socket(const struct request *request)
{
	membership_end_socket(request->socket, request->message->reason == LEAFCAST_RESET);
	return DONE;
}

/* ---- listening ---- */

/* A leaf that listens is found by its name, a root by its session's. */
static struct outcome start_listening(const struct request *request, struct lc_endpoint *name,
				      struct lc_endpoint *channel)
{
	struct socket *socket = request->socket;
	struct session *session;
	int error;

	if (socket->role == LC_ROLE_LEAF) {
		if (socket->member)
			return ERROR(-EISCONN);
		error = socket_listen(socket, name);
		return error ? REFUSE(lc_reason_of_errno(error)) : DONE;
	}
	adopt_make_way(socket);
	error = session_of_root(node_of(request), socket, &session);
	if (error == -EADDRNOTAVAIL)
		return ERROR(error);
	if (error)
		return REFUSE(lc_reason_of_errno(error));
	*channel = session->channel;
	*name = session->name;
	return DONE;
}

static struct outcome listen_on(const struct request *request)
{
	struct lc_local_message reply = {.kind = LC_LOCAL_REPLY,
					 .id = request->message->id,
					 .socket = request->message->socket};
	uint32_t backlog = request->message->backlog;
	struct socket *socket = request->socket;
	struct outcome outcome;
	int error = socket_name(socket, &reply.name);

	if (error)
		return ERROR(error);
	if (reply.name.port == 0)
		return ERROR(-EINVAL);
	outcome = start_listening(request, &reply.name, &reply.channel);
	if (outcome.error || outcome.reason)
		return outcome;
	socket->backlog = backlog < 1 ? 1 : backlog > MAX_BACKLOG ? MAX_BACKLOG : backlog;
	application_make_room(request->application, true);
	application_send(request->application, &reply);
	return LATER;
}

/* ---- joining ---- */

/* What JOIN of either kind of socket says about the join. */
static struct membership *make_joiner(const struct request *request, enum lc_join_end end)
{
	const struct lc_local_message *message = request->message;
	struct membership *membership = membership_new(node_of(request), &daemon_world);
	struct lc_membership *member;

	if (!membership)
		return NULL;
	member = &membership->member;
	member->end = end;
	member->caller = message->data;
	member->capacity = message->data_capacity;
	if (message->deadline_ms)
		member->deadline_us = (uint64_t)message->deadline_ms * 1000;
	return membership;
}

/* Its flows are judged before anybody is asked. */
static struct outcome start_join(const struct request *request, struct membership *membership)
{
	const struct lc_local_message *message = request->message;
	struct socket *socket = request->socket;
	const struct lc_flows *flows = message->has_flows  ? &message->flows
				       : socket->has_flows ? &socket->flows
							   : NULL;
	enum leafcast_reason reason = lc_membership_start(&membership->member, message->id, flows);

	if (!reason)
		return LATER;
	membership_bury(membership);
	return REFUSE(reason);
}

static struct outcome join_leaf(const struct request *request)
{
	struct socket *socket = request->socket;
	struct membership *membership;

	if (socket->member)
		return ERROR(socket->member->member.state == LC_JOIN_MEMBER ? -EISCONN : -EALREADY);
	if (socket->backlog)
		return ERROR(-EINVAL);
	adopt_make_way(socket);
	membership = make_joiner(request, LC_END_JOINER);
	if (!membership)
		return REFUSE(LEAFCAST_LIMIT);
	membership_set_owner(membership, socket);
	membership->socket = socket;
	socket->member = membership;
	membership->member.session_name = request->message->peer;
	membership->member.leaf_sends = request->message->sends;
	membership->member.leaf_receives = request->message->receives;
	return start_join(request, membership);
}

static struct outcome invite_leaf(const struct request *request)
{
	struct socket *root = request->socket, *handle;
	struct membership *membership;
	struct session *session;
	int error;

	if (root->joining && lc_join_is_pending(root->joining->member.state))
		return ERROR(-EALREADY);
	error = passed(request);
	if (error)
		return ERROR(error);
	adopt_make_way(root);
	error = session_of_root(node_of(request), root, &session);
	if (error)
		return REFUSE(lc_reason_of_errno(error));
	error = open_passed(request, request->message->other, LC_ROLE_LEAF, &handle);
	if (error)
		return opened(error);
	membership = make_joiner(request, LC_END_INVITER);
	if (!membership)
		return REFUSE(LEAFCAST_LIMIT);
	membership_set_owner(membership, root);
	membership->session = session;
	root->joining = membership;
	membership->socket = handle;
	handle->member = membership;
	membership->member.session_name = session->name;
	membership->member.listen_name = request->message->peer;
	membership->member.root_receives = session->directions_fixed ? session->root_receives
								     : request->message->receives;
	return start_join(request, membership);
}

static struct outcome join(const struct request *request)
{
	const struct lc_endpoint *peer = &request->message->peer;

	if (peer->family != request->socket->family)
		return ERROR(-EAFNOSUPPORT);
	if (!lc_address_can_be_members(peer) || peer->port == 0)
		return ERROR(-EADDRNOTAVAIL);
	return request->socket->role == LC_ROLE_ROOT ? invite_leaf(request) : join_leaf(request);
}

static struct outcome cancel(const struct request *request)
{
	const struct socket *socket = request->socket;
	struct membership *membership = socket->role == LC_ROLE_ROOT ? socket->joining
								     : socket->member;

	if (membership && membership->owner == socket && membership->member.reply &&
	    lc_join_is_pending(membership->member.state))
		lc_membership_event(&membership->member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	return DONE;
}

/* ---- deciding ---- */

static struct membership *own_request(const struct request *request)
{
	struct membership *membership = membership_of_request(node_of(request),
							      request->message->request);

	if (!membership || membership->owner->application != request->application ||
	    membership->member.state != LC_JOIN_ASKING)
		return NULL;
	return membership;
}

/* An ACCEPT that cannot be carried out is a rejection: the peer waits for one or the other. */
static struct outcome give_up(struct membership *membership, struct outcome outcome,
			      enum leafcast_reason reason)
{
	lc_membership_reject(&membership->member, reason);
	return outcome;
}

static struct outcome accept_request(const struct request *request)
{
	const struct lc_local_message *message = request->message;
	const struct lc_membership_answer answer = {
		.reply = message->id,
		.data = message->data,
		.has_flows = message->has_flows,
		.flows = message->flows,
		.sends = message->sends,
		.receives = message->receives,
	};
	struct membership *membership = own_request(request);
	struct socket *socket;
	int error;

	if (!membership)
		return REFUSE(LEAFCAST_RESET);
	if (message->data.length > membership->member.capacity)
		return give_up(membership, ERROR(-EMSGSIZE), LEAFCAST_REJECTED);
	error = open_passed(request, message->other, LC_ROLE_LEAF, &socket);
	if (error)
		return give_up(membership, opened(error),
			       lc_reason_of_errno(error) == LEAFCAST_LIMIT ? LEAFCAST_LIMIT
									   : LEAFCAST_REJECTED);
	membership->socket = socket;
	socket->member = membership;
	/* A membership that was invited goes on without the listener. */
	if (membership->member.end == LC_END_INVITEE) {
		membership_set_owner(membership, socket);
		adopt_make_way(socket);
	}
	lc_membership_accept(&membership->member, &answer);
	return LATER;
}

static struct outcome reject_request(const struct request *request)
{
	struct membership *membership = own_request(request);

	if (!membership)
		return REFUSE(LEAFCAST_RESET);
	lc_membership_reject(&membership->member, request->message->reason);
	return DONE;
}

/* ---- after the connection was lost ---- */

/*
 * What the library takes for a member is one, or it learns how that ended; what
 * it does not ends, if it does not do so already.
 */
static enum leafcast_reason settle_member(struct socket *socket, bool taken_for_member)
{
	struct membership *membership = socket->member;
	bool stands = membership && !lc_join_is_pending(membership->member.state);
	enum leafcast_reason ended = socket->ended ? socket->ended : LEAFCAST_LOST;

	socket->ended = LEAFCAST_NO_REASON;
	if (taken_for_member)
		return stands ? LEAFCAST_NO_REASON : ended;
	if (membership && membership->member.state != LC_JOIN_DRAINING)
		memberships_of_socket_end(socket, true);
	return LEAFCAST_NO_REASON;
}

static enum leafcast_reason settle_root(struct socket *root, bool taken_for_open)
{
	if (taken_for_open)
		return root->session ? LEAFCAST_NO_REASON : LEAFCAST_LOST;
	membership_part(root, true);
	return LEAFCAST_NO_REASON;
}

static struct outcome settle(const struct request *request, struct socket *socket)
{
	const struct lc_local_message *message = request->message;
	struct node *node = node_of(request);
	struct lc_local_message reply = {
		.kind = LC_LOCAL_REPLY, .id = message->id, .socket = message->socket};

	if (message->has_flows) {
		socket->has_flows = true;
		socket->flows = message->flows;
	}
	reply.reason = socket->role == LC_ROLE_ROOT ? settle_root(socket, message->member)
						    : settle_member(socket, message->member);
	if (socket->session) {
		session_lead_again(node, socket->session);
		session_follow_flow(node, socket->session);
		reply.channel = socket->session->channel;
	}
	application_send(request->application, &reply);
	return LATER;
}

/* A descriptor can be passed on, but what was opened with it is for its user only to have. */
static int may_claim(const struct request *request, const struct socket *socket)
{
	if (socket->application->uid != request->application->uid)
		return -EPERM;
	if (socket->application == request->application)
		return -EEXIST;
	if (socket->role != request->message->role)
		return -EINVAL;
	/* The end of the connection it is known on may not have been heard of yet. */
	return application_is_away(socket->application) ? 0 : -EAGAIN;
}

static struct outcome claim(const struct request *request, struct socket *socket)
{
	struct application *before = socket->application;
	int error = may_claim(request, socket);

	if (error)
		return ERROR(error);
	error = socket_claim(socket, request->application, request->message->socket,
			     request->descriptor);
	if (error == -ENOMEM)
		membership_end_socket(socket, true);
	application_forget_if_idle(before);
	adopt_progress(node_of(request));
	return error ? opened(error) : settle(request, socket);
}

static struct outcome resume(const struct request *request)
{
	const struct lc_flows_use both = {.down = true, .up = true};
	const struct lc_local_message *message = request->message;
	enum lc_local_role role = message->role;
	struct socket *socket = NULL;
	int error = passed(request);

	if (role != LC_ROLE_ROOT && role != LC_ROLE_LEAF)
		return ERROR(-EINVAL);
	if (message->has_flows &&
	    lc_flows_check(&message->flows,
			   role == LC_ROLE_ROOT ? LC_FLOWS_OF_ROOT : LC_FLOWS_OF_LEAF, both))
		return ERROR(-EINVAL);
	error = error ?: socket_of_descriptor(node_of(request), *request->descriptor, &socket);
	if (error)
		return ERROR(error);
	if (socket)
		return claim(request, socket);
	/* None of ours: it is as one that is opened now, and what it was a member of is not. */
	error = open_passed(request, message->socket, role, &socket);
	return error ? opened(error) : settle(request, socket);
}

static struct outcome closed_meanwhile(const struct request *request)
{
	adopt_closed(request->application, request->message->cookie,
		     request->message->reason == LEAFCAST_RESET);
	adopt_progress(node_of(request));
	return DONE;
}

static struct outcome answer_ping(const struct request *request)
{
	(void)request;
	return DONE;
}

/* ---- flows ---- */

static struct outcome set_flows(const struct request *request)
{
	const struct lc_flows_use both = {.down = true, .up = true};
	struct socket *socket = request->socket;
	bool root = socket->role == LC_ROLE_ROOT;
	const struct lc_flows *flows = &request->message->flows;
	enum leafcast_reason reason =
		lc_flows_check(flows, root ? LC_FLOWS_OF_ROOT : LC_FLOWS_OF_LEAF, both);

	/* What has been agreed on stays (R58). */
	if (!reason && socket->member)
		reason = LEAFCAST_NOT_SUPPORTED;
	if (reason)
		return REFUSE(reason);
	socket->has_flows = true;
	socket->flows = lc_flows_override(&socket->flows, flows);
	if (socket->session)
		session_follow_flow(node_of(request), socket->session);
	return DONE;
}

/* ---- what comes in ---- */

static const struct {
	struct outcome (*handle)(const struct request *request);
	bool about_a_socket; /* which must be known */
} handlers[] = {
	[LC_LOCAL_HELLO] = {greet, false},
	[LC_LOCAL_OPEN] = {open_socket, false},
	[LC_LOCAL_LISTEN] = {listen_on, true},
	[LC_LOCAL_JOIN] = {join, true},
	[LC_LOCAL_CANCEL] = {cancel, true},
	[LC_LOCAL_ACCEPT] = {accept_request, false},
	[LC_LOCAL_REJECT] = {reject_request, false},
	[LC_LOCAL_SET_FLOWS] = {set_flows, true},
	[LC_LOCAL_CLOSE] = {close_socket, true},
	[LC_LOCAL_RESUME] = {resume, false},
	[LC_LOCAL_PING] = {answer_ping, false},
	[LC_LOCAL_CLOSED_MEANWHILE] = {closed_meanwhile, false},
};

static void on_message(struct application *application, const struct lc_local_message *message,
		       int *descriptor)
{
	const struct request request = {
		.application = application,
		.message = message,
		.socket = socket_find(application, message->socket),
		.descriptor = descriptor,
	};
	struct outcome outcome;

	if ((size_t)message->kind >= sizeof(handlers) / sizeof(handlers[0]) ||
	    !handlers[message->kind].handle)
		outcome = ERROR(-EOPNOTSUPP);
	else if (!application->greeted && message->kind != LC_LOCAL_HELLO)
		outcome = ERROR(-EPROTO);
	else if (handlers[message->kind].about_a_socket && !request.socket)
		outcome = ERROR(-ENOTSOCK);
	else
		outcome = handlers[message->kind].handle(&request);
	if (!outcome.later)
		application_reply(application, message->id, message->socket, outcome.error,
				  outcome.reason);
}

static void on_ended(struct application *application)
{
	struct socket *socket, *next;
	struct node *node = application->node;

	HASH_ITER(by_number, application->sockets, socket, next)
	membership_end_socket(socket, true);
	application_free(application);
	adopt_progress(node);
}

/* Filters are locked: a process that is only stopped must find its sockets known when it goes on. */
static void on_lapsed(struct application *application)
{
	struct socket *socket, *next;
	struct node *node = application->node;

	HASH_ITER(by_number, application->sockets, socket, next)
	adopt_lapse(socket);
	application_forget_if_idle(application);
	adopt_progress(node);
}

/*
 * Its process may be alive, and come back. What was under way it learns nothing
 * of any more, so that ends; the rest is kept for it.
 */
static void on_hung_up(struct application *application)
{
	struct socket *socket, *next;

	if (!application->exit || !application->socket_count) {
		on_ended(application);
		return;
	}
	application_leave(application);
	HASH_ITER(by_number, application->sockets, socket, next)
	memberships_of_socket_give_up(socket);
}

const struct application_handler application_requests = {
	.message = on_message, .hung_up = on_hung_up, .ended = on_ended, .lapsed = on_lapsed};
