/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "provider/membership.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/farewell.h"
#include "provider/table.h"

void lc_member_enter(struct lc_socket *member, const struct lc_local_message *reply)
{
	member->membership = LC_MEMBER;
	member->unusable = false;
	member->name = reply->name;
	member->peer = reply->peer;
	member->has_granted = reply->has_flows;
	member->granted = reply->flows;
	member->reason = LEAFCAST_NO_REASON;
}

static void set_buffer(int fd, int option, int bytes)
{
	if (bytes)
		setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof(bytes));
}

void lc_member_inherit(struct lc_socket *member, const struct lc_socket *parent)
{
	member->nonblocking = parent->nonblocking;
	member->options = parent->options;
	/* After the daemon, which widens the buffers of those who did not choose. */
	set_buffer(member->fd, SO_RCVBUF, member->options.receive_buffer);
	set_buffer(member->fd, SO_SNDBUF, member->options.send_buffer);
	lc_event_inherit(member, parent);
}

bool lc_member_stands(const struct lc_socket *socket)
{
	return socket->membership != LC_ENDED && lc_socket_is_connected(socket);
}

void lc_member_refused(struct lc_socket *socket, enum leafcast_reason reason, int code)
{
	socket->reason = reason;
	lc_socket_failed(socket, code);
}

void lc_member_ended(struct lc_socket *socket, enum leafcast_reason reason, bool by_caller)
{
	if (socket->membership == LC_ENDED)
		return;
	socket->membership = LC_ENDED;
	socket->reason = reason;
	socket->end_code = lc_wsa_from_reason(reason);
	lc_socket_changed(socket);
	if (by_caller)
		return;
	lc_socket_failed(socket, socket->end_code);
	lc_event_record(socket, FD_CLOSE_BIT, socket->end_code);
}

void lc_member_end_handles(uint64_t root)
{
	struct lc_socket *socket;

	/* A root that was never listed has none, and 0 is what those of no root say. */
	if (!root)
		return;
	for (uint64_t cursor = 0; (socket = lc_table_next(&cursor)); lc_socket_release(socket)) {
		if (socket->root != root)
			continue;
		lc_socket_lock(socket);
		lc_member_ended(socket, LEAFCAST_CLOSED, false);
		lc_socket_unlock(socket);
	}
}

static void forsake(struct lc_socket *socket)
{
	if (socket->membership == LC_ENDED || !(socket->listening || lc_member_stands(socket)))
		return;
	lc_member_ended(socket, LEAFCAST_NETWORK_DOWN, false);
	lc_tell_close(socket, LEAFCAST_RESET);
}

void lc_member_forsake_all(void)
{
	struct lc_socket *socket;

	for (uint64_t cursor = 0; (socket = lc_table_next(&cursor)); lc_socket_release(socket)) {
		lc_socket_lock(socket);
		if (!socket->closing)
			forsake(socket);
		lc_socket_unlock(socket);
	}
}
