/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Messages between nodes: node.proto. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "protocol/codec.h"
#include "protocol/node.pb-c.h"
#include "protocol/wire.h"

/* A kind is the number of its field, so that neither can move alone. */
#define SAME_NUMBER(name)                                                              \
	_Static_assert((int)LC_MESSAGE_##name == LEAFCAST__NODE__MESSAGE__KIND_##name, \
		       #name " has another number in node.proto")
SAME_NUMBER(JOIN);
SAME_NUMBER(INVITE);
SAME_NUMBER(SEEN);
SAME_NUMBER(ACCEPT);
SAME_NUMBER(JOINED);
SAME_NUMBER(REFUSE);
SAME_NUMBER(LEAVE);
SAME_NUMBER(REPORT);

/* Everything that one message on the wire may consist of. */
struct wire {
	Leafcast__Node__Message message;
	union {
		Leafcast__Node__Join join;
		Leafcast__Node__Invite invite;
		Leafcast__Node__Seen seen;
		Leafcast__Node__Accept accept;
		Leafcast__Node__Joined joined;
		Leafcast__Node__Refuse refuse;
		Leafcast__Node__Leave leave;
		Leafcast__Node__Report report;
	};
	Leafcast__Node__Membership membership;
	Leafcast__Endpoint session;
	Leafcast__Endpoint leaf;
	Leafcast__ConnectData data;
	struct lc_wire_flows flows;
};

static Leafcast__Node__Membership *put_membership(struct wire *wire, const struct lc_message *from)
{
	leafcast__node__membership__init(&wire->membership);
	wire->membership.leaf = lc_wire_put_endpoint(&wire->leaf, &from->leaf);
	wire->membership.token = from->token;
	wire->membership.leaf_sends = from->leaf_sends;
	wire->membership.leaf_receives = from->leaf_receives;
	return &wire->membership;
}

static void put_join(struct wire *wire, const struct lc_message *from)
{
	leafcast__node__join__init(&wire->join);
	wire->join.session = lc_wire_put_endpoint(&wire->session, &from->session);
	wire->join.membership = put_membership(wire, from);
	wire->join.data = lc_wire_put_data(&wire->data, &from->data);
	wire->join.data_capacity = from->data_capacity;
	wire->join.flows = lc_wire_put_flows(&wire->flows, from->has_flows, &from->flows);
	wire->message.join = &wire->join;
}

static void put_invite(struct wire *wire, const struct lc_message *from)
{
	leafcast__node__invite__init(&wire->invite);
	wire->invite.session = lc_wire_put_endpoint(&wire->session, &from->session);
	wire->invite.leaf = lc_wire_put_endpoint(&wire->leaf, &from->leaf);
	wire->invite.data = lc_wire_put_data(&wire->data, &from->data);
	wire->invite.data_capacity = from->data_capacity;
	wire->invite.flows = lc_wire_put_flows(&wire->flows, from->has_flows, &from->flows);
	wire->message.invite = &wire->invite;
}

static void put_accept(struct wire *wire, const struct lc_message *from)
{
	leafcast__node__accept__init(&wire->accept);
	if (from->leaf.family != LC_FAMILY_NONE)
		wire->accept.membership = put_membership(wire, from);
	wire->accept.data = lc_wire_put_data(&wire->data, &from->data);
	wire->accept.flows = lc_wire_put_flows(&wire->flows, from->has_flows, &from->flows);
	wire->message.accept = &wire->accept;
}

static void put_leave(struct wire *wire, const struct lc_message *from)
{
	leafcast__node__leave__init(&wire->leave);
	wire->leave.reason = from->reason;
	wire->leave.datagrams = from->datagrams;
	wire->leave.bytes = from->bytes;
	wire->leave.buffer_drops = from->buffer_drops;
	wire->message.leave = &wire->leave;
}

static void put_report(struct wire *wire, const struct lc_message *from)
{
	leafcast__node__report__init(&wire->report);
	wire->report.datagrams = from->datagrams;
	wire->report.bytes = from->bytes;
	wire->report.buffer_drops = from->buffer_drops;
	wire->message.report = &wire->report;
}

static void put_kind(struct wire *wire, const struct lc_message *from)
{
	switch (from->kind) {
	case LC_MESSAGE_JOIN:
		put_join(wire, from);
		break;
	case LC_MESSAGE_INVITE:
		put_invite(wire, from);
		break;
	case LC_MESSAGE_SEEN:
		leafcast__node__seen__init(&wire->seen);
		wire->seen.token = from->token;
		wire->message.seen = &wire->seen;
		break;
	case LC_MESSAGE_ACCEPT:
		put_accept(wire, from);
		break;
	case LC_MESSAGE_JOINED:
		leafcast__node__joined__init(&wire->joined);
		wire->message.joined = &wire->joined;
		break;
	case LC_MESSAGE_REFUSE:
		leafcast__node__refuse__init(&wire->refuse);
		wire->refuse.reason = from->reason;
		wire->message.refuse = &wire->refuse;
		break;
	case LC_MESSAGE_LEAVE:
		put_leave(wire, from);
		break;
	case LC_MESSAGE_REPORT:
		put_report(wire, from);
		break;
	}
}

size_t lc_message_encode(const struct lc_message *message, uint8_t *bytes)
{
	struct wire wire;
	uint32_t frame;
	size_t length;

	leafcast__node__message__init(&wire.message);
	put_kind(&wire, message);
	/* A kind that is none packs to nothing, which nobody takes for a message. */
	wire.message.kind_case = (Leafcast__Node__Message__KindCase)message->kind;
	length = leafcast__node__message__pack(&wire.message, bytes + LC_FRAME_HEADER);
	frame = htonl((uint32_t)length);
	memcpy(bytes, &frame, LC_FRAME_HEADER);
	return LC_FRAME_HEADER + length;
}

static int get_membership(struct lc_message *to, const Leafcast__Node__Membership *from)
{
	to->token = from->token;
	to->leaf_sends = from->leaf_sends;
	to->leaf_receives = from->leaf_receives;
	return lc_wire_need_endpoint(&to->leaf, from->leaf);
}

static int get_join(struct lc_message *to, const Leafcast__Node__Join *from)
{
	to->data_capacity = lc_wire_get_capacity(from->data_capacity);
	if (lc_wire_need_endpoint(&to->session, from->session) || !from->membership ||
	    get_membership(to, from->membership) || lc_wire_get_data(&to->data, from->data) ||
	    lc_wire_get_flows(&to->has_flows, &to->flows, from->flows))
		return -EBADMSG;
	return 0;
}

static int get_invite(struct lc_message *to, const Leafcast__Node__Invite *from)
{
	to->data_capacity = lc_wire_get_capacity(from->data_capacity);
	if (lc_wire_need_endpoint(&to->session, from->session) ||
	    lc_wire_need_endpoint(&to->leaf, from->leaf) ||
	    lc_wire_get_data(&to->data, from->data) ||
	    lc_wire_get_flows(&to->has_flows, &to->flows, from->flows))
		return -EBADMSG;
	return 0;
}

static int get_accept(struct lc_message *to, const Leafcast__Node__Accept *from)
{
	if ((from->membership && get_membership(to, from->membership)) ||
	    lc_wire_get_data(&to->data, from->data) ||
	    lc_wire_get_flows(&to->has_flows, &to->flows, from->flows))
		return -EBADMSG;
	return 0;
}

static void get_leave(struct lc_message *to, const Leafcast__Node__Leave *from)
{
	to->reason = lc_wire_get_reason(from->reason, LEAFCAST_CLOSED);
	to->datagrams = from->datagrams;
	to->bytes = from->bytes;
	to->buffer_drops = from->buffer_drops;
}

static void get_report(struct lc_message *to, const Leafcast__Node__Report *from)
{
	to->datagrams = from->datagrams;
	to->bytes = from->bytes;
	to->buffer_drops = from->buffer_drops;
}

static int get_kind(struct lc_message *to, const Leafcast__Node__Message *from)
{
	to->kind = (enum lc_message_kind)from->kind_case;
	switch (to->kind) {
	case LC_MESSAGE_JOIN:
		return get_join(to, from->join);
	case LC_MESSAGE_INVITE:
		return get_invite(to, from->invite);
	case LC_MESSAGE_SEEN:
		to->token = from->seen->token;
		return 0;
	case LC_MESSAGE_ACCEPT:
		return get_accept(to, from->accept);
	case LC_MESSAGE_JOINED:
		return 0;
	case LC_MESSAGE_REFUSE:
		to->reason = lc_wire_get_reason(from->refuse->reason, LEAFCAST_PROTOCOL);
		return 0;
	case LC_MESSAGE_LEAVE:
		get_leave(to, from->leave);
		return 0;
	case LC_MESSAGE_REPORT:
		get_report(to, from->report);
		return 0;
	}
	return -EBADMSG;
}

int lc_message_decode(struct lc_message *message, const uint8_t *bytes, size_t length)
{
	struct lc_message decoded = {0};
	struct lc_arena arena;
	const Leafcast__Node__Message *wire;
	int err;

	wire = lc_wire_unpack(&arena, &leafcast__node__message__descriptor, bytes, length);
	if (!wire)
		return -EBADMSG;
	err = get_kind(&decoded, wire);
	if (err)
		return err;
	*message = decoded;
	return 0;
}

int lc_frame_length(const uint8_t *bytes, size_t length)
{
	uint32_t frame;

	if (length < LC_FRAME_HEADER)
		return 0;
	memcpy(&frame, bytes, LC_FRAME_HEADER);
	frame = ntohl(frame);
	if (frame == 0 || frame > LC_MESSAGE_MAX - LC_FRAME_HEADER)
		return -EMSGSIZE;
	return length - LC_FRAME_HEADER < frame ? 0 : (int)frame;
}
