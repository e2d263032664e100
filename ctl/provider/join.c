/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPJoinLeaf, for both ends that may call it. */
#include "base/clock.h"
#include "provider/address.h"
#include "provider/enter.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/exchange.h"
#include "provider/farewell.h"
#include "provider/join_parameters.h"
#include "provider/membership.h"
#include "provider/memory.h"
#include "provider/retire.h"
#include "provider/table.h"

struct join {
	struct lc_exchange exchange; /* first */
	bool sends, receives;	     /* what the socket does from its success on */
	struct lc_callee callee;     /* not touched once either socket is closing */
};

/* --- when it is decided, by the hidden thread, both sockets locked */

/* Callee data and its length, never more than the caller has room for (R53). */
static void give_callee_data(const struct lc_callee *callee, const struct lc_connect_data *data)
{
	ULONG length = data->present ? data->length : 0;

	if (!callee->buffer)
		return;
	if (length > callee->capacity)
		length = callee->capacity;
	/* A nonblocking caller may have lost the memory meanwhile: nothing to tell it by. */
	if (!lc_memory_write(callee->bytes, data->bytes, length))
		lc_memory_write(&callee->buffer->len, &length, sizeof(length));
}

static void fix_directions(struct lc_socket *s, const struct join *join)
{
	if (s->directions_fixed)
		return;
	s->sends = join->sends;
	s->receives = join->receives;
	s->directions_fixed = s->role == LC_ROLE_ROOT;
}

static void succeed(const struct join *join, struct lc_socket *s, struct lc_socket *other)
{
	const struct lc_local_message *reply = &join->exchange.reply;
	bool connected_before = lc_socket_is_connected(s);

	fix_directions(s, join);
	if (other) {
		lc_member_enter(other, reply);
		lc_member_inherit(other, s);
		if (reply->channel.family != LC_FAMILY_NONE)
			s->channel = reply->channel;
		s->addressed = reply->name; /* the root's name, which is the session's */
		s->reason = LEAFCAST_NO_REASON;
	} else {
		lc_member_enter(s, reply);
	}
	give_callee_data(&join->callee, &reply->data);
	if (!connected_before)
		lc_event_connected(s);
}

/*
 * The daemon may still do what it did not do in time. A root's session goes on
 * without this leaf; a leaf is given up, like one whose daemon went away.
 */
static void take_back(struct lc_socket *s, const struct lc_socket *other)
{
	if (other) {
		lc_connection_tell(s->link, &(struct lc_local_message){.kind = LC_LOCAL_CANCEL,
								       .socket = s->number});
		lc_tell_close(other, LEAFCAST_CLOSED);
	} else {
		lc_tell_close(s, LEAFCAST_CLOSED);
		s->link = 0;
	}
}

static void fail(struct lc_exchange *exchange, struct lc_socket *s)
{
	/* One that was lost is taken back by RESUME. */
	if (exchange->unanswered && !exchange->lost)
		take_back(s, exchange->other);
	lc_member_refused(s, exchange->reason, exchange->code);
	if (s->membership == LC_JOINING)
		s->membership = LC_NOT_MEMBER;
}

static void decide(struct lc_exchange *exchange)
{
	struct join *join = (struct join *)exchange;
	struct lc_socket *s = exchange->socket, *other = exchange->other;

	/* Joined, but the new descriptor was closed before the answer came. */
	if (!exchange->code && other && other->closing) {
		exchange->code = WSAEINTR;
		exchange->reason = LEAFCAST_CANCELLED;
	}
	if (s->closing)
		return;
	lc_exchange_release(s->join);
	s->join = NULL;
	if (exchange->code)
		fail(exchange, s);
	else
		succeed(join, s, other);
	if (!s->join_blocks)
		lc_event_join_finished(s, exchange->code);
}

/* --- the call */

static int check_state(const struct lc_socket *s)
{
	if (s->closing)
		return WSAEINTR;
	if (s->join)
		return s->join_blocks ? WSAEINPROGRESS : WSAEALREADY;
	if (s->root)
		return WSAEISCONN;
	if (s->membership == LC_MEMBER)
		return WSAEISCONN;
	if (s->membership == LC_ENDED || (s->listening && s->role == LC_ROLE_LEAF))
		return WSAEINVAL;
	return 0;
}

static void begin(struct lc_socket *s, struct join *join)
{
	atomic_fetch_add(&join->exchange.references, 1);
	s->join = &join->exchange;
	s->join_blocks = !s->nonblocking;
	s->reason = LEAFCAST_NO_REASON;
	lc_event_join_begins(s);
	if (s->role == LC_ROLE_LEAF)
		s->membership = LC_JOINING;
}

/* What begin() did, where nothing was asked of the daemon. */
static void give_up(struct lc_socket *s, int error)
{
	if (!s->closing) {
		lc_exchange_release(s->join);
		s->join = NULL;
	}
	if (s->membership == LC_JOINING)
		s->membership = LC_NOT_MEMBER;
	lc_member_refused(s, lc_reason_from_code(error), error);
}

/* From here on the daemon may know the handle: it is told when it goes. */
static void introduce(struct lc_socket *handle, uint64_t link)
{
	lc_socket_lock(handle);
	handle->link = link;
	lc_socket_unlock(handle);
}

/* Locked. 0: it has been started, and a blocking one has succeeded. */
static int run(struct join *join, struct lc_local_message *message)
{
	struct lc_exchange *exchange = &join->exchange;
	struct lc_socket *s = exchange->socket, *other = exchange->other;
	bool blocks;
	int error;

	join->sends = message->sends;
	join->receives = message->receives;
	message->kind = LC_LOCAL_JOIN;
	message->socket = s->number;
	if (other) {
		message->other = other->number;
		introduce(other, s->link);
	}
	begin(s, join);
	blocks = s->join_blocks;
	error = lc_exchange_start(exchange, s->link, message, other ? other->fd : -1,
				  lc_waits.join_ns);
	if (error)
		give_up(s, error);
	else if (blocks)
		error = lc_exchange_wait(exchange);
	return error;
}

/* Locked. `other`: of a c_root. */
static int join_leaf(struct lc_socket *s, struct lc_socket *other,
		     const struct lc_join_parameters *given)
{
	struct join *join = lc_exchange_new(sizeof(*join), s, other, decide);
	struct lc_local_message message = {0};
	int error = join ? check_state(s) : WSAENOBUFS;

	if (!error)
		error = lc_join_read(s, given, &join->callee, &message);
	if (!error)
		error = run(join, &message);
	lc_exchange_release(join ? &join->exchange : NULL);
	return error;
}

/* R39: a new socket for the leaf. */
static int new_handle(struct lc_socket *root, struct lc_socket **handle)
{
	int error;

	lc_socket_unlock(root);
	error = lc_socket_new(root->entry, LC_ROLE_LEAF, handle);
	lc_socket_lock(root);
	if (error)
		return error;
	(*handle)->root = root->number;
	(*handle)->unusable = true;
	lc_table_list(*handle);
	return 0;
}

static int do_join_leaf(SOCKET handle, const struct lc_join_parameters *given, SOCKET *result)
{
	struct lc_socket *s, *other = NULL;
	int error = lc_enter(handle, &s);

	if (error)
		return error;
	error = lc_callback_depth ? WSAEINPROGRESS : check_state(s);
	if (!error)
		error = lc_await_daemon(s, lc_now_ns() + lc_waits.patience_ns);
	if (error == WSAENETDOWN)
		lc_member_refused(s, LEAFCAST_NETWORK_DOWN, error);
	if (!error)
		error = check_state(s);
	if (!error && s->role == LC_ROLE_ROOT) {
		error = new_handle(s, &other);
		if (error)
			lc_member_refused(s, lc_reason_from_code(error), error);
	}
	if (!error)
		error = join_leaf(s, other, given);
	*result = other ? other->handle : handle;
	lc_socket_failed(s, error);
	lc_leave(s);
	if (!other)
		return error;
	if (error) {
		lc_retire(other);
		return error;
	}
	lc_publish(other);
	lc_socket_release(other);
	return 0;
}

SOCKET lc_wsp_join_leaf(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller,
			LPWSABUF callee, LPQOS sqos, LPQOS gqos, DWORD flags, LPINT lpErrno)
{
	const struct lc_join_parameters given = {name, namelen, caller, callee, sqos, flags};
	SOCKET result = INVALID_SOCKET;
	int code = do_join_leaf(s, &given, &result);

	return lc_finish_socket("WSPJoinLeaf", s, code, result, lpErrno);
}
