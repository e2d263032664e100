/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPAccept: the first request, the application's decision, the new socket. */
#include <stdlib.h>
#include <string.h>

#include "core/endpoint.h"
#include "provider/address.h"
#include "provider/daemon.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/qos.h"

/* An ACCEPT under way. */
struct accepting {
	struct lc_call call; /* first */
	uint64_t listener, other;
	bool abandoned;
	int code;
};

/* What the condition function (or its absence) decides. */
struct decision {
	LPCONDITIONPROC condition;
	DWORD_PTR callback_data;
	int verdict;		     /* CF_* */
	int code;		     /* what WSPAccept fails with */
	enum leafcast_reason reason; /* what a rejected peer is told */
	struct lc_connect_data data;
	bool has_flows;
	struct lc_flows flows;
};

static void remove_request(struct lc_socket *s, struct lc_request *request)
{
	struct lc_request **at = &s->requests;

	while (*at && *at != request)
		at = &(*at)->next;
	if (*at)
		*at = request->next;
	free(request);
	lc_socket_requests_changed(s);
}

static void reject(const struct lc_socket *s, uint64_t request, enum leafcast_reason reason)
{
	lc_daemon_tell(s->link, &(struct lc_local_message){.kind = LC_LOCAL_REJECT,
							   .socket = s->number,
							   .request = request,
							   .reason = reason});
}

/* Of an offer that its maker took back. */
static int withdrawn_code(enum leafcast_reason reason)
{
	return reason == LEAFCAST_CANCELLED || reason == LEAFCAST_TIMED_OUT ||
			       reason == LEAFCAST_CLOSED || reason == LEAFCAST_NO_REASON
		       ? WSAEACCES
		       : WSAECONNRESET;
}

/* The condition function */

static void refuse(struct decision *decision, int code, enum leafcast_reason reason)
{
	decision->verdict = CF_REJECT;
	decision->code = code;
	decision->reason = reason;
}

/* What the function left in the structures it was given. */
static void read_answer(struct decision *decision, const struct lc_local_message *asked,
			const WSABUF *callee, const QOS *qos, GROUP group, bool joiner_is_root)
{
	const struct lc_qos_view all = {.root = joiner_is_root, .sends = true, .receives = true};

	if (decision->verdict == CF_DEFER)
		return;
	if (decision->verdict == CF_REJECT) {
		refuse(decision, WSAECONNREFUSED, LEAFCAST_REJECTED);
	} else if (decision->verdict != CF_ACCEPT || group || callee->len > asked->data_capacity) {
		refuse(decision, WSAEINVAL, LEAFCAST_REJECTED);
	} else if (asked->has_flows && lc_qos_read(&decision->flows, qos, all)) {
		refuse(decision, WSAEOPNOTSUPP, LEAFCAST_BAD_FLOWSPEC);
	} else {
		decision->has_flows = asked->has_flows;
		decision->data.present = callee->len > 0;
		decision->data.length = (uint16_t)callee->len;
	}
}

/* Unlocked: the function is the application's. */
static void decide(struct decision *decision, struct lc_local_message *asked, bool joiner_is_root)
{
	struct sockaddr_storage caller_address, callee_address;
	WSABUF caller = {lc_endpoint_to_sockaddr(&asked->peer, &caller_address),
			 (CHAR *)&caller_address};
	WSABUF callee = {lc_endpoint_to_sockaddr(&asked->name, &callee_address),
			 (CHAR *)&callee_address};
	WSABUF caller_data = {asked->data.length, (CHAR *)asked->data.bytes};
	WSABUF callee_data = {asked->data_capacity, (CHAR *)decision->data.bytes};
	QOS qos = lc_qos_from_flows(&asked->flows, joiner_is_root);
	GROUP group = 0;

	if (callee_data.len > LEAFCAST_CONNECT_DATA_MAX)
		callee_data.len = asked->data_capacity = LEAFCAST_CONNECT_DATA_MAX;
	lc_callback_depth++;
	decision->verdict = decision->condition(&caller, asked->data.present ? &caller_data : NULL,
						asked->has_flows ? &qos : NULL, NULL, &callee,
						&callee_data, &group, decision->callback_data);
	lc_callback_depth--;
	read_answer(decision, asked, &callee_data, &qos, group, joiner_is_root);
}

/* Accepting */

/* By the hidden thread, the mutex locked. */
static void apply(struct lc_call *call)
{
	struct accepting *accepting = (struct accepting *)call;
	struct lc_socket *s = lc_socket_by_number(accepting->listener);
	struct lc_socket *other = lc_socket_by_number(accepting->other);
	const struct lc_local_message *reply = &call->reply;

	accepting->code = lc_wsa_from_reply(reply);
	if (!accepting->code && other) {
		other->membership = LC_MEMBER;
		other->name = reply->name;
		other->peer = reply->peer;
		other->has_granted = reply->has_flows;
		other->granted = reply->flows;
	}
	if (s)
		pthread_cond_broadcast(&s->changed);
	if (accepting->abandoned)
		free(accepting);
}

static int wait_for_outcome(struct lc_socket *s, struct accepting *accepting)
{
	int code;

	while (!accepting->call.done && !s->closing)
		lc_wait(&s->changed, 0);
	if (!accepting->call.done) {
		accepting->abandoned = true;
		return WSAEINTR;
	}
	code = accepting->code;
	free(accepting);
	/* The peer gave up while the application decided. */
	return code == WSAETIMEDOUT || code == WSAEINTR ? WSAEACCES
	       : code == WSAENETUNREACH			? WSAECONNRESET
							: code;
}

static int admit(struct lc_socket *s, struct lc_socket *other, uint64_t request,
		 const struct decision *decision)
{
	struct accepting *accepting = calloc(1, sizeof(*accepting));
	struct lc_local_message message = {
		.kind = LC_LOCAL_ACCEPT,
		.socket = s->number,
		.request = request,
		.sends = s->sends,
		.receives = s->receives,
		.data = decision->data,
		.has_flows = decision->has_flows,
		.flows = decision->flows,
	};
	int error;

	if (!accepting)
		return WSAENOBUFS;
	other->root = s->role == LC_ROLE_ROOT ? s->number : 0;
	other->link = s->link;
	lc_socket_list(other);
	accepting->call.apply = apply;
	accepting->listener = s->number;
	accepting->other = message.other = other->number;
	error = lc_daemon_submit(&accepting->call, s->link, &message, other->fd);
	if (error)
		free(accepting);
	else
		error = wait_for_outcome(s, accepting);
	if (error) {
		lc_socket_unlist(other);
		lc_daemon_tell_close(other, LEAFCAST_RESET);
		return error;
	}
	lc_event_inherit(other, s);
	lc_socket_publish(other);
	if (other->membership == LC_ENDED)
		lc_event_record(other, FD_CLOSE_BIT, other->end_code);
	else
		lc_event_connected(other);
	return 0;
}

/* Locked. Waits for a request that nobody is deciding. */
static int first_request(struct lc_socket *s, struct lc_request **request)
{
	for (;;) {
		if (s->closing)
			return WSAEINTR;
		if (!s->listening)
			return WSAEINVAL;
		*request = lc_socket_first_request(s);
		if (*request)
			return 0;
		if (s->nonblocking)
			return WSAEWOULDBLOCK;
		lc_wait(&s->changed, 0);
	}
}

/* Locked on entry and exit. The request is removed unless it is deferred. */
static int settle(struct lc_socket *s, struct lc_request *request, struct decision *decision,
		  struct lc_socket **other)
{
	uint64_t number = request->asked.request;
	bool withdrawn, deferred;
	int error = 0;

	request->deciding = true;
	lc_socket_requests_changed(s);
	if (decision->condition && !request->withdrawn) {
		lc_unlock();
		decide(decision, &request->asked, s->role == LC_ROLE_LEAF);
		lc_lock();
	}
	request->deciding = false;
	withdrawn = request->withdrawn;
	deferred = decision->verdict == CF_DEFER && !withdrawn;
	request->deferred = deferred;
	if (withdrawn)
		error = withdrawn_code(request->reason);
	if (deferred) {
		lc_socket_requests_changed(s);
		return WSATRY_AGAIN;
	}
	remove_request(s, request);
	if (error || s->closing)
		return error ? error : WSAEINTR;
	if (decision->verdict == CF_REJECT) {
		reject(s, number, decision->reason);
		return decision->code;
	}
	lc_unlock();
	error = lc_socket_new(s->entry, LC_ROLE_LEAF, other);
	lc_lock();
	if (error) {
		reject(s, number, LEAFCAST_LIMIT);
		return error;
	}
	return admit(s, *other, number, decision);
}

static int do_accept(SOCKET handle, struct sockaddr *addr, LPINT addrlen, struct decision *decision,
		     SOCKET *result)
{
	struct lc_socket *s, *other = NULL;
	struct lc_request *request;
	bool reports = addr && addrlen;
	int error = lc_enter(handle, &s);

	if (error)
		return error;
	if (lc_callback_depth)
		error = WSAEINPROGRESS;
	else if (s->root || (s->membership != LC_NOT_MEMBER && s->role == LC_ROLE_LEAF))
		error = WSAEINVAL;
	else if (reports)
		error = lc_address_check_room(s->entry->family, addr, addrlen);
	if (!error)
		error = first_request(s, &request);
	if (!error) {
		if (reports)
			lc_address_write(&request->asked.peer, addr, addrlen);
		error = settle(s, request, decision, &other);
	}
	lc_event_after_accept(s);
	if (!error)
		*result = other->handle;
	lc_socket_failed(s, error);
	lc_leave(s);
	if (error && other)
		lc_socket_free(other);
	return error;
}

SOCKET lc_wsp_accept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC condition,
		     DWORD_PTR callback_data, LPINT lpErrno)
{
	struct decision decision = {
		.condition = condition, .callback_data = callback_data, .verdict = CF_ACCEPT};
	SOCKET result = INVALID_SOCKET;
	int code = do_accept(s, addr, addrlen, &decision, &result);

	return lc_finish_socket("WSPAccept", s, code, result, lpErrno);
}
