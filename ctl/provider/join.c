/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPJoinLeaf, for both ends that may call it. */
#include <stdlib.h>
#include <string.h>

#include "core/endpoint.h"
#include "provider/address.h"
#include "provider/daemon.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/join.h"
#include "provider/memory.h"
#include "provider/qos.h"

/* lc_join and what happens when the answer comes */

/* Callee data and its length, never more than the caller has room for (R53). */
static void give_callee_data(const struct lc_join *join, const struct lc_connect_data *data)
{
	ULONG length = data->present ? data->length : 0;

	if (!join->callee)
		return;
	if (length > join->capacity)
		length = join->capacity;
	/* A nonblocking caller may have lost the memory meanwhile: nothing to tell it by. */
	if (!lc_memory_write(join->callee_bytes, data->bytes, length))
		lc_memory_write(&join->callee->len, &length, sizeof(length));
}

static void enter(struct lc_socket *member, const struct lc_local_message *reply)
{
	member->membership = LC_MEMBER;
	member->unusable = false;
	member->name = reply->name;
	member->peer = reply->peer;
	member->has_granted = reply->has_flows;
	member->granted = reply->flows;
	member->reason = LEAFCAST_NO_REASON;
}

static void succeed(struct lc_join *join, struct lc_socket *s, struct lc_socket *other)
{
	const struct lc_local_message *reply = &join->call.reply;
	bool connected_before = lc_socket_is_connected(s);

	if (!join->other) {
		enter(s, reply);
	} else {
		enter(other, reply);
		if (reply->channel.family != LC_FAMILY_NONE)
			s->channel = reply->channel;
		lc_event_inherit(other, s);
	}
	s->reason = LEAFCAST_NO_REASON;
	give_callee_data(join, &reply->data);
	if (!connected_before)
		lc_event_connected(s);
}

/* By the hidden thread, the mutex locked; either socket may be gone. */
static void apply(struct lc_call *call)
{
	struct lc_join *join = (struct lc_join *)call;
	struct lc_socket *s = lc_socket_by_number(join->socket);
	struct lc_socket *other = join->other ? lc_socket_by_number(join->other) : NULL;
	bool orphaned, abandoned = join->abandoned, blocking = join->blocking;

	join->code = lc_wsa_from_reply(&call->reply);
	/* Joined, but the new descriptor was closed before the answer came. */
	orphaned = !join->code && join->other && !other;
	if (orphaned)
		join->code = WSAEINTR;
	if (s && s->join == join) {
		s->join = NULL;
		if (!join->code) {
			succeed(join, s, other);
		} else {
			s->reason = orphaned		? LEAFCAST_CANCELLED
				    : call->reply.error ? LEAFCAST_NETWORK_DOWN
							: call->reply.reason;
			if (s->membership == LC_JOINING)
				s->membership = LC_NOT_MEMBER;
		}
		if (!blocking) {
			s->events.connect_finished = true;
			s->events.connect_code = join->code;
			lc_socket_failed(s, join->code);
			lc_event_record(s, FD_CONNECT_BIT, join->code);
		}
		pthread_cond_broadcast(&s->changed);
	}
	/* A blocking caller frees it, unless it has given up. */
	if (!blocking || abandoned)
		free(join);
}

void lc_join_abandon(struct lc_socket *s)
{
	if (!s->join)
		return;
	s->join->abandoned = true;
	s->join = NULL;
}

void lc_join_cancel(struct lc_socket *s, uint64_t other)
{
	if (!s->join || s->join->other != other)
		return;
	lc_daemon_tell(s->link,
		       &(struct lc_local_message){.kind = LC_LOCAL_CANCEL, .socket = s->number});
}

/* Parameters */

struct parameters {
	const struct sockaddr *name;
	int namelen;
	LPWSABUF caller, callee;
	const QOS *sqos;
	DWORD flags;
};

static int read_caller_data(struct lc_connect_data *data, const WSABUF *caller)
{
	WSABUF copy;

	if (!caller)
		return 0;
	if (lc_memory_read(&copy, caller, sizeof(copy)) || copy.len > LEAFCAST_CONNECT_DATA_MAX ||
	    lc_memory_read(data->bytes, copy.buf, copy.len))
		return WSAEFAULT;
	data->present = true;
	data->length = (uint16_t)copy.len;
	return 0;
}

static int read_callee_room(struct lc_join *join, LPWSABUF callee)
{
	WSABUF copy;

	if (!callee)
		return 0;
	if (lc_memory_read(&copy, callee, sizeof(copy)) ||
	    lc_memory_check_writable(&callee->len, sizeof(callee->len)))
		return WSAEFAULT;
	if (copy.len > LEAFCAST_CONNECT_DATA_MAX)
		copy.len = LEAFCAST_CONNECT_DATA_MAX;
	if (lc_memory_check_writable(copy.buf, copy.len))
		return WSAEFAULT;
	join->callee = callee;
	join->callee_bytes = copy.buf;
	join->capacity = copy.len;
	return 0;
}

static int read_directions(const struct lc_socket *s, DWORD flags, struct lc_local_message *message)
{
	if (flags != JL_SENDER_ONLY && flags != JL_RECEIVER_ONLY && flags != JL_BOTH)
		return WSAEINVAL;
	message->sends = flags != JL_RECEIVER_ONLY;
	message->receives = flags != JL_SENDER_ONLY;
	if (s->directions_fixed) {
		message->sends = s->sends;
		message->receives = s->receives;
	}
	return 0;
}

static int read_parameters(const struct lc_socket *s, const struct parameters *given,
			   struct lc_join *join, struct lc_local_message *message)
{
	struct lc_flows asked;
	int error = read_directions(s, given->flags, message);

	if (!error)
		error = lc_address_read(&message->peer, given->name, given->namelen,
					s->entry->family);
	if (!error)
		error = lc_address_check_peer(&message->peer);
	if (!error)
		error = read_caller_data(&message->data, given->caller);
	if (!error)
		error = read_callee_room(join, given->callee);
	if (error)
		return error;
	message->data_capacity = (uint16_t)join->capacity;
	message->flows = s->flows;
	if (given->sqos) {
		const struct lc_qos_view view = {s->role == LC_ROLE_ROOT, message->sends,
						 message->receives};

		error = lc_qos_read(&asked, given->sqos, view);
		if (error)
			return error;
		message->flows = lc_flows_override(&s->flows, &asked);
	}
	message->has_flows = lc_flows_are_set(&message->flows);
	if (!message->has_flows)
		message->flows = (struct lc_flows){0};
	return 0;
}

/* The call */

static int check_state(const struct lc_socket *s)
{
	if (s->join)
		return s->join->blocking ? WSAEINPROGRESS : WSAEALREADY;
	if (s->root)
		return WSAEISCONN;
	if (s->membership == LC_MEMBER)
		return WSAEISCONN;
	if (s->membership == LC_ENDED || (s->listening && s->role == LC_ROLE_LEAF))
		return WSAEINVAL;
	return 0;
}

/* Blocking: until the answer or the socket's end. Takes the join back. */
static int wait_for_outcome(struct lc_socket *s, struct lc_join *join)
{
	int code;

	while (!join->call.done && !s->closing)
		lc_wait(&s->changed, 0);
	if (!join->call.done) {
		lc_join_abandon(s);
		return WSAEINTR;
	}
	code = s->closing ? WSAEINTR : join->code;
	free(join);
	return code;
}

static int start(struct lc_socket *s, struct lc_socket *other, struct lc_join *join,
		 struct lc_local_message *message)
{
	int error;

	join->call.apply = apply;
	join->socket = message->socket = s->number;
	join->blocking = !s->nonblocking;
	message->kind = LC_LOCAL_JOIN;
	if (other) {
		other->root = s->number;
		other->link = s->link;
		other->unusable = true;
		lc_socket_list(other);
		join->other = message->other = other->number;
	}
	s->join = join;
	s->sends = message->sends;
	s->receives = message->receives;
	s->directions_fixed = s->role == LC_ROLE_ROOT;
	if (s->role == LC_ROLE_LEAF)
		s->membership = LC_JOINING;
	error = lc_daemon_submit(&join->call, s->link, message, other ? other->fd : -1);
	if (!error)
		return 0;
	s->join = NULL;
	s->reason = LEAFCAST_NETWORK_DOWN;
	if (s->role == LC_ROLE_LEAF)
		s->membership = LC_NOT_MEMBER;
	if (other)
		lc_socket_unlist(other);
	return error;
}

/* Locked. *other is taken if the join was started and has not failed yet. */
static int join_leaf(struct lc_socket *s, struct lc_socket **other, const struct parameters *given)
{
	struct lc_join *join = calloc(1, sizeof(*join));
	struct lc_local_message message = {0};
	bool blocking = !s->nonblocking;
	int error = join ? check_state(s) : WSAENOBUFS;

	if (!error)
		error = read_parameters(s, given, join, &message);
	if (!error)
		error = start(s, *other, join, &message);
	if (error) {
		free(join);
		return error;
	}
	if (blocking) {
		error = wait_for_outcome(s, join);
		if (error) {
			if (*other) {
				lc_socket_unlist(*other);
				lc_daemon_tell_close(*other, LEAFCAST_CLOSED);
			}
			return error;
		}
	}
	if (*other)
		lc_socket_publish(*other);
	*other = NULL;
	return 0;
}

static int do_join_leaf(SOCKET handle, const struct parameters *given, SOCKET *result)
{
	struct lc_socket *s, *other = NULL;
	enum lc_local_role role;
	int error = lc_enter(handle, &s);

	if (error)
		return error;
	role = s->role;
	if (lc_callback_depth)
		error = WSAEINPROGRESS;
	else
		error = check_state(s);
	if (!error && role == LC_ROLE_ROOT) {
		lc_unlock();
		error = lc_socket_new(s->entry, LC_ROLE_LEAF, &other);
		lc_lock();
	}
	*result = other ? other->handle : handle;
	if (!error)
		error = s->closing ? WSAEINTR : join_leaf(s, &other, given);
	lc_socket_failed(s, error);
	lc_leave(s);
	if (other)
		lc_socket_free(other);
	return error;
}

SOCKET lc_wsp_join_leaf(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller,
			LPWSABUF callee, LPQOS sqos, LPQOS gqos, DWORD flags, LPINT lpErrno)
{
	const struct parameters given = {name, namelen, caller, callee, sqos, flags};
	SOCKET result = INVALID_SOCKET;
	int code = do_join_leaf(s, &given, &result);

	return lc_finish_socket("WSPJoinLeaf", s, code, result, lpErrno);
}
