/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "provider/connection.h"
#include "provider/events.h"
#include "provider/exchange.h"
#include "provider/farewell.h"
#include "provider/membership.h"
#include "provider/retire.h"
#include "provider/table.h"

/* R32: the root's join that was to give this handle. */
static void cancel_join(const struct lc_socket *handle)
{
	struct lc_socket *root = lc_table_by_number(handle->root);
	bool pending;

	if (!root)
		return;
	lc_socket_lock(root);
	pending = root->join && root->join->other == handle;
	lc_socket_unlock(root);
	if (pending)
		lc_connection_tell(handle->link,
				   &(struct lc_local_message){.kind = LC_LOCAL_CANCEL,
							      .socket = root->number});
	lc_socket_release(root);
}

/* Locked. From here on nothing happens to it but what this thread does. */
static void end_calls(struct lc_socket *socket)
{
	socket->closing = true;
	lc_socket_changed(socket);
	while (socket->calls)
		lc_socket_wait(socket);
	lc_event_unwatch(socket);
	lc_socket_close_descriptor(socket);
}

/* Also after the end of the membership: until then the daemon holds its duplicate. */
static void say_goodbye(const struct lc_socket *socket, bool hard)
{
	if (socket->link)
		lc_farewell(socket, hard ? LEAFCAST_RESET : LEAFCAST_CLOSED);
}

/* `joined`: the daemon may have joined by it what the library has not. */
static void retire(struct lc_socket *socket, bool joined)
{
	struct lc_exchange *join;
	bool unusable, hard;

	lc_socket_lock(socket);
	end_calls(socket);
	join = socket->join;
	socket->join = NULL;
	unusable = socket->unusable;
	hard = joined || (socket->options.linger.l_onoff && !socket->options.linger.l_linger);
	lc_socket_unlock(socket);

	lc_exchange_release(join);
	if (unusable && socket->root)
		cancel_join(socket);
	say_goodbye(socket, hard);
	lc_table_unlist(socket);
	if (socket->role == LC_ROLE_ROOT)
		lc_member_end_handles(socket->number);
	lc_socket_release(socket);
}

void lc_retire(struct lc_socket *socket)
{
	retire(socket, false);
}

void lc_retire_abortively(struct lc_socket *socket)
{
	retire(socket, true);
}

void lc_publish(struct lc_socket *socket)
{
	struct lc_socket *former = lc_table_publish(socket);

	if (former)
		lc_retire(former);
}
