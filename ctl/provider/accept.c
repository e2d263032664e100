/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPAccept: the first request, the application's decision, the new socket. */
#include "base/clock.h"
#include "provider/address.h"
#include "provider/backlog.h"
#include "provider/condition.h"
#include "provider/enter.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/exchange.h"
#include "provider/membership.h"
#include "provider/retire.h"
#include "provider/table.h"

/*
 * By the connection that the request came by: the number is another one's on
 * any later. One that the daemon has given away already does no harm.
 */
static void reject(const struct lc_socket *s, uint64_t link, uint64_t request,
		   enum leafcast_reason reason)
{
	lc_connection_tell(link, &(struct lc_local_message){.kind = LC_LOCAL_REJECT,
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

/* --- admitting */

/* By the hidden thread, both sockets locked. */
static void decide(struct lc_exchange *exchange)
{
	struct lc_socket *s = exchange->socket, *other = exchange->other;

	if (exchange->code || s->closing)
		return;
	lc_member_enter(other, &exchange->reply);
	lc_member_inherit(other, s);
	lc_event_connected(other);
}

static int start(struct lc_socket *s, struct lc_socket *other, uint64_t link, uint64_t request,
		 const struct lc_decision *decision, struct lc_exchange *exchange)
{
	struct lc_local_message message = {
		.kind = LC_LOCAL_ACCEPT,
		.socket = s->number,
		.other = other->number,
		.request = request,
		.sends = s->sends,
		.receives = s->receives,
		.data = decision->data,
		.has_flows = decision->has_flows,
		.flows = decision->flows,
	};
	int error = lc_exchange_start(exchange, link, &message, other->fd, lc_waits.accept_ns);

	return error ? error : lc_exchange_wait(exchange);
}

/*
 * Locked. On failure the request may still be open, at a limit of the daemon or
 * of this process: then the peer is told so, and the backlog has its place back.
 */
static int admit(struct lc_socket *s, struct lc_socket *other, uint64_t link, uint64_t request,
		 const struct lc_decision *decision)
{
	struct lc_exchange *exchange = lc_exchange_new(sizeof(*exchange), s, other, decide);
	int error = WSAENOBUFS;
	bool refused = false; /* the daemon knows why, and so does the peer */

	if (exchange) {
		error = start(s, other, link, request, decision, exchange);
		refused = exchange->decided && !exchange->unanswered && !exchange->reply.error &&
			  exchange->reason != LEAFCAST_LIMIT;
	}
	lc_exchange_release(exchange);
	if (!error)
		return 0;
	if (!refused)
		reject(s, link, request, LEAFCAST_LIMIT);
	/* The peer gave up while the application decided. */
	if (refused && (error == WSAETIMEDOUT || error == WSAEINTR) && !s->closing)
		return WSAEACCES;
	return refused && error == WSAENETUNREACH ? WSAECONNRESET : error;
}

/* Locked, unlocked meanwhile. *other is published, or retired and NULL. */
static int take_in(struct lc_socket *s, uint64_t link, uint64_t request,
		   const struct lc_decision *decision, SOCKET *result)
{
	struct lc_socket *other;
	int error;

	lc_socket_unlock(s);
	error = lc_socket_new(s->entry, LC_ROLE_LEAF, &other);
	lc_socket_lock(s);
	if (error || s->closing) {
		reject(s, link, request, LEAFCAST_LIMIT);
		if (!error)
			lc_socket_release(other);
		return error ? error : WSAEINTR;
	}
	other->root = s->role == LC_ROLE_ROOT ? s->number : 0;
	other->link = link;
	lc_table_list(other);
	error = admit(s, other, link, request, decision);
	lc_socket_unlock(s);
	if (error) {
		lc_retire_abortively(other);
	} else {
		*result = other->handle;
		lc_publish(other);
		lc_socket_release(other);
	}
	lc_socket_lock(s);
	return error;
}

/* --- the requests; locked */

static int check_listening(const struct lc_socket *s)
{
	if (s->closing)
		return WSAEINTR;
	if (s->membership == LC_ENDED)
		return s->reason == LEAFCAST_NETWORK_DOWN ? WSAENETDOWN : WSAEINVAL;
	if (!s->listening)
		return WSAEINVAL;
	return s->link ? 0 : WSAENETDOWN; /* given up: nobody will bring a request */
}

/* No request: waits for one, or for the daemon, if it is away, no longer than patience since it went. */
static int wait_for_request(struct lc_socket *s)
{
	uint64_t until;

	if (lc_daemon_knows(s)) {
		if (s->nonblocking)
			return WSAEWOULDBLOCK;
		lc_socket_wait(s);
		return 0;
	}
	until = lc_connection_lost_ns() + lc_waits.patience_ns;
	if (lc_now_ns() >= until)
		return WSAENETDOWN;
	if (s->nonblocking)
		return WSAEWOULDBLOCK;
	return lc_await_daemon(s, until);
}

/* Waits for a request that nobody is deciding. */
static int first_request(struct lc_socket *s, struct lc_request **request)
{
	for (;;) {
		int error = check_listening(s);

		if (error)
			return error;
		*request = lc_backlog_first(s);
		if (*request)
			return 0;
		error = wait_for_request(s);
		if (error)
			return error;
	}
}

static void remove_request(struct lc_socket *s, struct lc_request *request)
{
	lc_backlog_remove(s, request);
	lc_socket_changed(s);
}

/* The condition function may sleep for long: nobody who closes the socket waits for it. */
static void ask_application(struct lc_socket *s, struct lc_request *request,
			    struct lc_decision *decision)
{
	request->deciding = true;
	lc_socket_changed(s);
	if (decision->condition && !request->withdrawn) {
		lc_step_out(s);
		lc_socket_unlock(s);
		lc_condition_ask(decision, &request->asked, s->role == LC_ROLE_LEAF);
		lc_socket_lock(s);
		lc_step_in(s);
	}
	request->deciding = false;
}

/* The request is removed unless it is deferred. */
static int settle(struct lc_socket *s, struct lc_request *request, struct lc_decision *decision,
		  SOCKET *result)
{
	uint64_t number = request->asked.request, link = s->link;
	int error = 0;

	ask_application(s, request, decision);
	if (request->withdrawn)
		error = withdrawn_code(request->reason);
	request->deferred = decision->verdict == CF_DEFER && !error;
	if (request->deferred && !s->closing) {
		lc_socket_changed(s);
		return WSATRY_AGAIN;
	}
	remove_request(s, request);
	if (s->closing) /* WSPCloseSocket has told the daemon, which rejects */
		return WSAEINTR;
	if (error)
		return error;
	if (decision->verdict == CF_REJECT) {
		reject(s, link, number, decision->reason);
		return decision->code;
	}
	return take_in(s, link, number, decision, result);
}

static int accept_one(struct lc_socket *s, struct sockaddr *addr, LPINT addrlen,
		      struct lc_decision *decision, SOCKET *result)
{
	struct lc_request *request;
	bool reports = addr && addrlen;
	int error = 0;

	if (lc_callback_depth)
		return WSAEINPROGRESS;
	if (s->root || (s->role == LC_ROLE_LEAF && s->membership != LC_NOT_MEMBER &&
			s->membership != LC_ENDED))
		return WSAEINVAL;
	if (reports)
		error = lc_address_check_room(s->entry->family, addr, addrlen);
	if (!error)
		error = first_request(s, &request);
	if (error)
		return error;
	if (reports)
		lc_address_write(&request->asked.peer, addr, addrlen);
	return settle(s, request, decision, result);
}

SOCKET lc_wsp_accept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC condition,
		     DWORD_PTR callback_data, LPINT lpErrno)
{
	struct lc_decision decision = {
		.condition = condition, .callback_data = callback_data, .verdict = CF_ACCEPT};
	SOCKET result = INVALID_SOCKET;
	struct lc_socket *socket;
	int code = lc_enter(s, &socket);

	if (!code) {
		code = accept_one(socket, addr, addrlen, &decision, &result);
		lc_event_after_accept(socket);
		lc_socket_failed(socket, code);
		lc_leave(socket);
	}
	return lc_finish_socket("WSPAccept", s, code, result, lpErrno);
}
