/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>

#include "core/endpoint.h"
#include "daemon/daemon.h"

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

/* What became of socket_open(). */
static struct outcome opened(int error)
{
	return error == -ENOSPC ? REFUSE(LEAFCAST_LIMIT) : ERROR(error);
}

static struct outcome open_socket(struct client *client, const struct lc_local_message *message,
				  struct socket *unused, int *descriptor)
{
	struct socket *socket;
	int error;

	(void)unused;
	if (*descriptor < 0)
		return ERROR(-EBADF);
	if (message->role != LC_ROLE_ROOT && message->role != LC_ROLE_LEAF)
		return ERROR(-EINVAL);
	error = socket_open(client, message->socket, message->role, *descriptor, &socket);
	if (!error)
		*descriptor = -1;
	return opened(error);
}

static struct outcome listen_on(struct client *client, const struct lc_local_message *message,
				struct socket *socket, int *descriptor)
{
	struct lc_local_message reply = {
		.kind = LC_LOCAL_REPLY, .id = message->id, .socket = message->socket};
	struct lc_endpoint name;
	struct session *session;
	int error = socket_name(socket, &name);

	(void)descriptor;
	if (error)
		return ERROR(error);
	if (name.port == 0)
		return ERROR(-EINVAL);
	if (socket->role == LC_ROLE_ROOT) {
		error = session_of_root(client->daemon, socket, &session);
		if (error == -EADDRNOTAVAIL)
			return ERROR(error);
		if (error)
			return REFUSE(reason_of_errno(error));
		reply.channel = session->channel;
		name = session->name;
	} else if (socket->member) {
		return ERROR(-EISCONN);
	}
	socket->backlog = message->backlog < 1		   ? 1
			  : message->backlog > MAX_BACKLOG ? MAX_BACKLOG
							   : message->backlog;
	client_make_room(client, true);
	reply.name = name;
	client_send(client, &reply);
	return LATER;
}

/* What JOIN of either kind of socket says about the join. */
static struct member *member_of_join(struct client *client, const struct lc_local_message *message,
				     struct socket *socket)
{
	struct member *member = member_new(client->daemon);

	if (!member)
		return NULL;
	member->has_end = true;
	member->owner = socket;
	member->caller = message->data;
	member->capacity = message->data_capacity;
	member->has_flows = message->has_flows || socket->has_flows;
	member->flows = message->has_flows ? message->flows : socket->flows;
	member->reply = message->id;
	if (message->deadline_ms)
		member->deadline_us = (uint64_t)message->deadline_ms * 1000;
	return member;
}

static struct outcome join_leaf(struct client *client, const struct lc_local_message *message,
				struct socket *socket)
{
	struct member *member;

	if (socket->member)
		return ERROR(socket->member->state == LC_JOIN_MEMBER ? -EISCONN : -EALREADY);
	if (socket->backlog)
		return ERROR(-EINVAL);
	member = member_of_join(client, message, socket);
	if (!member)
		return REFUSE(LEAFCAST_LIMIT);
	member->end = LC_END_JOINER;
	member->socket = socket;
	member->session_name = message->peer;
	member->leaf_sends = message->sends;
	member->leaf_receives = message->receives;
	socket->member = member;
	member_event(member, LC_ON_START, LEAFCAST_NO_REASON);
	return LATER;
}

static bool is_inviting(const struct daemon *daemon, const struct socket *root)
{
	const struct member *member;

	LIST_FOREACH(member, &daemon->members, entry)
		if (member->has_end && member->end == LC_END_INVITER && member->owner == root &&
		    lc_join_is_pending(member->state))
			return true;
	return false;
}

static struct outcome invite_leaf(struct client *client, const struct lc_local_message *message,
				  struct socket *root, int *descriptor)
{
	struct session *session;
	struct socket *handle;
	struct member *member;
	int error;

	if (is_inviting(client->daemon, root))
		return ERROR(-EALREADY);
	if (*descriptor < 0)
		return ERROR(-EBADF);
	error = session_of_root(client->daemon, root, &session);
	if (error)
		return REFUSE(reason_of_errno(error));
	error = socket_open(client, message->other, LC_ROLE_LEAF, *descriptor, &handle);
	if (error)
		return opened(error);
	*descriptor = -1;
	member = member_of_join(client, message, root);
	if (!member) {
		socket_close(handle, false);
		return REFUSE(LEAFCAST_LIMIT);
	}
	session->root_receives = message->receives;
	member->end = LC_END_INVITER;
	member->session = session;
	member->session_name = session->name;
	member->listen_name = message->peer;
	member->socket = handle;
	handle->member = member;
	member_event(member, LC_ON_START, LEAFCAST_NO_REASON);
	return LATER;
}

static struct outcome join(struct client *client, const struct lc_local_message *message,
			   struct socket *socket, int *descriptor)
{
	if (message->peer.family != socket->family)
		return ERROR(-EAFNOSUPPORT);
	if (!lc_address_is_unicast(&message->peer) || message->peer.port == 0)
		return ERROR(-EADDRNOTAVAIL);
	if (socket->role == LC_ROLE_ROOT)
		return invite_leaf(client, message, socket, descriptor);
	return join_leaf(client, message, socket);
}

static struct outcome cancel(struct client *client, const struct lc_local_message *message,
			     struct socket *socket, int *descriptor)
{
	struct member *member;

	(void)message, (void)descriptor;
	LIST_FOREACH(member, &client->daemon->members, entry)
		if (member->owner == socket && member->reply && lc_join_is_pending(member->state)) {
			member_event(member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
			break;
		}
	return DONE;
}

static struct member *own_request(struct client *client, uint64_t request)
{
	struct member *member = member_of_request(client->daemon, request);

	if (!member || member->owner->client != client || member->state != LC_JOIN_ASKING)
		return NULL;
	return member;
}

/* The application's decision takes the request off the listener's backlog. */
static void decided(struct member *member)
{
	if (member->waits)
		member->owner->waiting--;
	member->waits = false;
	member->request = 0;
}

static struct outcome accept_request(struct client *client, const struct lc_local_message *message,
				     struct socket *unused, int *descriptor)
{
	struct member *member = own_request(client, message->request);
	struct socket *socket;
	int error;

	(void)unused;
	if (!member)
		return REFUSE(LEAFCAST_RESET);
	if (*descriptor < 0)
		return ERROR(-EBADF);
	if (message->data.length > member->capacity)
		return ERROR(-EMSGSIZE);
	error = socket_open(client, message->other, LC_ROLE_LEAF, *descriptor, &socket);
	if (error)
		return opened(error);
	*descriptor = -1;
	decided(member);
	member->socket = socket;
	socket->member = member;
	member->callee = message->data;
	member->reply = message->id;
	if (message->has_flows) {
		member->has_flows = true;
		member->flows.down = lc_flowspec_merge(&member->flows.down, &message->flows.down);
		member->flows.up = lc_flowspec_merge(&member->flows.up, &message->flows.up);
	}
	if (member->end == LC_END_INVITEE) {
		/* The membership goes on without the listener. */
		member->owner = socket;
		member->leaf_sends = message->sends;
		member->leaf_receives = message->receives;
	}
	member_event(member, LC_ON_APP_ACCEPTS, LEAFCAST_NO_REASON);
	return LATER;
}

static struct outcome reject_request(struct client *client, const struct lc_local_message *message,
				     struct socket *unused, int *descriptor)
{
	struct member *member = own_request(client, message->request);

	(void)unused, (void)descriptor;
	if (!member)
		return REFUSE(LEAFCAST_RESET);
	decided(member);
	member_event(member, LC_ON_APP_REJECTS, message->reason);
	return DONE;
}

static struct outcome set_flows(struct client *client, const struct lc_local_message *message,
				struct socket *socket, int *descriptor)
{
	bool root = socket->role == LC_ROLE_ROOT;
	enum leafcast_reason reason = lc_flowspec_check(&message->flows.down, root);

	(void)descriptor;
	reason = reason ?: lc_flowspec_check(&message->flows.up, !root);
	if (reason)
		return REFUSE(reason);
	socket->has_flows = true;
	socket->flows.down = lc_flowspec_override(&socket->flows.down, &message->flows.down);
	socket->flows.up = lc_flowspec_override(&socket->flows.up, &message->flows.up);
	if (socket->session)
		session_set_flow(client->daemon, socket->session);
	return DONE;
}

static struct outcome close_socket(struct client *client, const struct lc_local_message *message,
				   struct socket *socket, int *descriptor)
{
	(void)client, (void)descriptor;
	socket_close(socket, message->reason == LEAFCAST_RESET);
	return DONE;
}

static struct outcome greet(struct client *client, const struct lc_local_message *message,
			    struct socket *unused, int *descriptor)
{
	(void)unused, (void)descriptor;
	if (message->version != LC_LOCAL_VERSION)
		return ERROR(-EPROTO);
	client->greeted = true;
	return DONE;
}

static const struct {
	struct outcome (*handle)(struct client *client, const struct lc_local_message *message,
				 struct socket *socket, int *descriptor);
	bool about_a_socket; /* which must be known */
} requests[] = {
	[LC_LOCAL_HELLO] = {greet, false},	     [LC_LOCAL_OPEN] = {open_socket, false},
	[LC_LOCAL_LISTEN] = {listen_on, true},	     [LC_LOCAL_JOIN] = {join, true},
	[LC_LOCAL_CANCEL] = {cancel, true},	     [LC_LOCAL_ACCEPT] = {accept_request, false},
	[LC_LOCAL_REJECT] = {reject_request, false}, [LC_LOCAL_SET_FLOWS] = {set_flows, true},
	[LC_LOCAL_CLOSE] = {close_socket, true},
};

void request_handle(struct client *client, const struct lc_local_message *message, int *descriptor)
{
	struct socket *socket = socket_find(client, message->socket);
	struct outcome outcome;

	if ((size_t)message->kind >= sizeof(requests) / sizeof(requests[0]) ||
	    !requests[message->kind].handle)
		outcome = ERROR(-EOPNOTSUPP);
	else if (!client->greeted && message->kind != LC_LOCAL_HELLO)
		outcome = ERROR(-EPROTO);
	else if (requests[message->kind].about_a_socket && !socket)
		outcome = ERROR(-ENOTSOCK);
	else
		outcome = requests[message->kind].handle(client, message, socket, descriptor);
	if (!outcome.later)
		client_reply(client, message->id, message->socket, outcome.error, outcome.reason);
}
