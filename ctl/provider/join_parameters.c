/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "leafcast/leafcast.h"
#include "provider/address.h"
#include "provider/join_parameters.h"
#include "provider/memory.h"
#include "provider/qos.h"

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

static int read_callee_room(struct lc_callee *callee, LPWSABUF buffer)
{
	WSABUF copy;

	if (!buffer)
		return 0;
	if (lc_memory_read(&copy, buffer, sizeof(copy)) ||
	    lc_memory_check_writable(&buffer->len, sizeof(buffer->len)))
		return WSAEFAULT;
	if (copy.len > LEAFCAST_CONNECT_DATA_MAX)
		copy.len = LEAFCAST_CONNECT_DATA_MAX;
	if (lc_memory_check_writable(copy.buf, copy.len))
		return WSAEFAULT;
	*callee = (struct lc_callee){buffer, copy.buf, copy.len};
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

/* R59, also of what SIO_SET_QOS said before it was known which directions are used. */
static void forget_unused(struct lc_flows *flows, bool root, bool sends, bool receives)
{
	if (!(root ? sends : receives))
		flows->down = lc_flowspec_default;
	if (!(root ? receives : sends))
		flows->up = lc_flowspec_default;
}

static int read_flows(const struct lc_socket *s, const QOS *sqos, struct lc_local_message *message)
{
	const struct lc_qos_view view = {s->role == LC_ROLE_ROOT, message->sends,
					 message->receives};
	struct lc_flows asked;
	int error;

	message->flows = s->flows;
	if (sqos) {
		error = lc_qos_read(&asked, sqos, view);
		if (error)
			return error;
		message->flows = lc_flows_override(&s->flows, &asked);
	}
	forget_unused(&message->flows, view.root, view.sends, view.receives);
	message->has_flows = lc_flows_are_set(&message->flows);
	if (!message->has_flows)
		message->flows = (struct lc_flows){0};
	return 0;
}

int lc_join_read(const struct lc_socket *s, const struct lc_join_parameters *given,
		 struct lc_callee *callee, struct lc_local_message *message)
{
	int error = read_directions(s, given->flags, message);

	if (!error)
		error = lc_address_read(&message->peer, given->name, given->namelen,
					s->entry->family);
	if (!error)
		error = lc_address_check_peer(&message->peer);
	if (!error)
		error = read_caller_data(&message->data, given->caller);
	if (!error)
		error = read_callee_room(callee, given->callee);
	if (!error)
		error = read_flows(s, given->sqos, message);
	message->data_capacity = (uint16_t)callee->capacity;
	return error;
}
