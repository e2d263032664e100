/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Messages between library and daemon: local.proto. */
#include <errno.h>
#include <string.h>

#include "protocol/codec.h"
#include "protocol/local.pb-c.h"
#include "protocol/wire.h"

/* A kind is the number of its field, so that neither can move alone. */
#define SAME_NUMBER(name)                                                             \
	_Static_assert((int)LC_LOCAL_##name == LEAFCAST__LOCAL__MESSAGE__KIND_##name, \
		       #name " has another number in local.proto")
SAME_NUMBER(HELLO);
SAME_NUMBER(OPEN);
SAME_NUMBER(LISTEN);
SAME_NUMBER(JOIN);
SAME_NUMBER(CANCEL);
SAME_NUMBER(ACCEPT);
SAME_NUMBER(REJECT);
SAME_NUMBER(SET_FLOWS);
SAME_NUMBER(CLOSE);
SAME_NUMBER(RESUME);
SAME_NUMBER(CLOSED_MEANWHILE);
SAME_NUMBER(PING);
SAME_NUMBER(REPLY);
SAME_NUMBER(REQUEST);
SAME_NUMBER(WITHDRAWN);
SAME_NUMBER(CLOSED);

/* Linux's MAX_ERRNO. */
#define MOST_ERRNO 4095

/* Everything that one message on the wire may consist of. */
struct wire {
	Leafcast__Local__Message message;
	union {
		Leafcast__Local__Hello hello;
		Leafcast__Local__Open open;
		Leafcast__Local__Listen listen;
		Leafcast__Local__Join join;
		Leafcast__Local__Cancel cancel;
		Leafcast__Local__Accept accept;
		Leafcast__Local__Reject reject;
		Leafcast__Local__SetFlows set_flows;
		Leafcast__Local__Close close;
		Leafcast__Local__Resume resume;
		Leafcast__Local__ClosedMeanwhile closed_meanwhile;
		Leafcast__Local__Ping ping;
		Leafcast__Local__Reply reply;
		Leafcast__Local__Request request;
		Leafcast__Local__Withdrawn withdrawn;
		Leafcast__Local__Closed closed;
	};
	Leafcast__Endpoint peer;
	Leafcast__Endpoint name;
	Leafcast__Endpoint channel;
	Leafcast__ConnectData data;
	struct lc_wire_flows flows;
};

static void put_hello(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__hello__init(&wire->hello);
	wire->hello.version = from->version;
	wire->message.hello = &wire->hello;
}

static void put_open(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__open__init(&wire->open);
	wire->open.socket = from->socket;
	wire->open.role = from->role;
	wire->message.open = &wire->open;
}

static void put_listen(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__listen__init(&wire->listen);
	wire->listen.socket = from->socket;
	wire->listen.backlog = from->backlog;
	wire->message.listen = &wire->listen;
}

static void put_join(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__join__init(&wire->join);
	wire->join.socket = from->socket;
	wire->join.other = from->other;
	wire->join.peer = lc_wire_put_endpoint(&wire->peer, &from->peer);
	wire->join.sends = from->sends;
	wire->join.receives = from->receives;
	wire->join.data = lc_wire_put_data(&wire->data, &from->data);
	wire->join.data_capacity = from->data_capacity;
	wire->join.flows = lc_wire_put_flows(&wire->flows, from->has_flows, &from->flows);
	wire->join.deadline_ms = from->deadline_ms;
	wire->message.join = &wire->join;
}

static void put_cancel(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__cancel__init(&wire->cancel);
	wire->cancel.socket = from->socket;
	wire->message.cancel = &wire->cancel;
}

static void put_accept(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__accept__init(&wire->accept);
	wire->accept.socket = from->socket;
	wire->accept.other = from->other;
	wire->accept.request = from->request;
	wire->accept.sends = from->sends;
	wire->accept.receives = from->receives;
	wire->accept.data = lc_wire_put_data(&wire->data, &from->data);
	wire->accept.flows = lc_wire_put_flows(&wire->flows, from->has_flows, &from->flows);
	wire->message.accept = &wire->accept;
}

static void put_reject(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__reject__init(&wire->reject);
	wire->reject.socket = from->socket;
	wire->reject.request = from->request;
	wire->reject.reason = from->reason;
	wire->message.reject = &wire->reject;
}

static void put_set_flows(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__set_flows__init(&wire->set_flows);
	wire->set_flows.socket = from->socket;
	wire->set_flows.flows = lc_wire_put_flows(&wire->flows, from->has_flows, &from->flows);
	wire->message.set_flows = &wire->set_flows;
}

static void put_close(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__close__init(&wire->close);
	wire->close.socket = from->socket;
	wire->close.reason = from->reason;
	wire->message.close = &wire->close;
}

static void put_resume(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__resume__init(&wire->resume);
	wire->resume.socket = from->socket;
	wire->resume.root = from->other;
	wire->resume.role = from->role;
	wire->resume.member = from->member;
	wire->resume.flows = lc_wire_put_flows(&wire->flows, from->has_flows, &from->flows);
	wire->message.resume = &wire->resume;
}

static void put_closed_meanwhile(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__closed_meanwhile__init(&wire->closed_meanwhile);
	wire->closed_meanwhile.cookie = from->cookie;
	wire->closed_meanwhile.reason = from->reason;
	wire->message.closed_meanwhile = &wire->closed_meanwhile;
}

static void put_ping(struct wire *wire, const struct lc_local_message *from)
{
	(void)from;
	leafcast__local__ping__init(&wire->ping);
	wire->message.ping = &wire->ping;
}

static void put_reply(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__reply__init(&wire->reply);
	wire->reply.socket = from->socket;
	wire->reply.error = from->error;
	wire->reply.reason = from->reason;
	wire->reply.peer = lc_wire_put_endpoint(&wire->peer, &from->peer);
	wire->reply.name = lc_wire_put_endpoint(&wire->name, &from->name);
	wire->reply.channel = lc_wire_put_endpoint(&wire->channel, &from->channel);
	wire->reply.data = lc_wire_put_data(&wire->data, &from->data);
	wire->reply.flows = lc_wire_put_flows(&wire->flows, from->has_flows, &from->flows);
	wire->message.reply = &wire->reply;
}

static void put_request(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__request__init(&wire->request);
	wire->request.socket = from->socket;
	wire->request.request = from->request;
	wire->request.peer = lc_wire_put_endpoint(&wire->peer, &from->peer);
	wire->request.name = lc_wire_put_endpoint(&wire->name, &from->name);
	wire->request.data = lc_wire_put_data(&wire->data, &from->data);
	wire->request.data_capacity = from->data_capacity;
	wire->request.flows = lc_wire_put_flows(&wire->flows, from->has_flows, &from->flows);
	wire->message.request = &wire->request;
}

static void put_withdrawn(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__withdrawn__init(&wire->withdrawn);
	wire->withdrawn.socket = from->socket;
	wire->withdrawn.request = from->request;
	wire->withdrawn.reason = from->reason;
	wire->message.withdrawn = &wire->withdrawn;
}

static void put_closed(struct wire *wire, const struct lc_local_message *from)
{
	leafcast__local__closed__init(&wire->closed);
	wire->closed.socket = from->socket;
	wire->closed.reason = from->reason;
	wire->message.closed = &wire->closed;
}

/* clang-format off */
static void (*const put_kind[])(struct wire *wire, const struct lc_local_message *from) = {
	[LC_LOCAL_HELLO]            = put_hello,
	[LC_LOCAL_OPEN]             = put_open,
	[LC_LOCAL_LISTEN]           = put_listen,
	[LC_LOCAL_JOIN]             = put_join,
	[LC_LOCAL_CANCEL]           = put_cancel,
	[LC_LOCAL_ACCEPT]           = put_accept,
	[LC_LOCAL_REJECT]           = put_reject,
	[LC_LOCAL_SET_FLOWS]        = put_set_flows,
	[LC_LOCAL_CLOSE]            = put_close,
	[LC_LOCAL_RESUME]           = put_resume,
	[LC_LOCAL_CLOSED_MEANWHILE] = put_closed_meanwhile,
	[LC_LOCAL_PING]             = put_ping,
	[LC_LOCAL_REPLY]            = put_reply,
	[LC_LOCAL_REQUEST]          = put_request,
	[LC_LOCAL_WITHDRAWN]        = put_withdrawn,
	[LC_LOCAL_CLOSED]           = put_closed,
};
/* clang-format on */

size_t lc_local_encode(const struct lc_local_message *message, uint8_t *bytes)
{
	struct wire wire;

	if (message->kind >= sizeof(put_kind) / sizeof(put_kind[0]) || !put_kind[message->kind])
		return 0;
	leafcast__local__message__init(&wire.message);
	put_kind[message->kind](&wire, message);
	wire.message.kind_case = (Leafcast__Local__Message__KindCase)message->kind;
	wire.message.id = message->id;
	return leafcast__local__message__pack(&wire.message, bytes);
}

static int get_role(struct lc_local_message *to, uint32_t role)
{
	if (role != LC_ROLE_ROOT && role != LC_ROLE_LEAF)
		return -EBADMSG;
	to->role = (enum lc_local_role)role;
	return 0;
}

static int get_open(struct lc_local_message *to, const Leafcast__Local__Open *from)
{
	to->socket = from->socket;
	return get_role(to, from->role);
}

static int get_listen(struct lc_local_message *to, const Leafcast__Local__Listen *from)
{
	to->socket = from->socket;
	to->backlog = from->backlog;
	return from->backlog ? 0 : -EBADMSG;
}

static int get_join(struct lc_local_message *to, const Leafcast__Local__Join *from)
{
	to->socket = from->socket;
	to->other = from->other;
	to->sends = from->sends;
	to->receives = from->receives;
	to->data_capacity = lc_wire_get_capacity(from->data_capacity);
	to->deadline_ms = from->deadline_ms;
	if (lc_wire_need_endpoint(&to->peer, from->peer) ||
	    lc_wire_get_data(&to->data, from->data) ||
	    lc_wire_get_flows(&to->has_flows, &to->flows, from->flows))
		return -EBADMSG;
	return 0;
}

static int get_accept(struct lc_local_message *to, const Leafcast__Local__Accept *from)
{
	to->socket = from->socket;
	to->other = from->other;
	to->request = from->request;
	to->sends = from->sends;
	to->receives = from->receives;
	if (lc_wire_get_data(&to->data, from->data) ||
	    lc_wire_get_flows(&to->has_flows, &to->flows, from->flows))
		return -EBADMSG;
	return 0;
}

static int get_set_flows(struct lc_local_message *to, const Leafcast__Local__SetFlows *from)
{
	to->socket = from->socket;
	return from->flows ? lc_wire_get_flows(&to->has_flows, &to->flows, from->flows) : -EBADMSG;
}

static int get_resume(struct lc_local_message *to, const Leafcast__Local__Resume *from)
{
	to->socket = from->socket;
	to->other = from->root;
	to->member = from->member;
	if (get_role(to, from->role) || lc_wire_get_flows(&to->has_flows, &to->flows, from->flows))
		return -EBADMSG;
	return 0;
}

static int get_reply(struct lc_local_message *to, const Leafcast__Local__Reply *from)
{
	if (from->error > 0 || from->error < -MOST_ERRNO)
		return -EBADMSG;
	to->socket = from->socket;
	to->error = from->error;
	if (lc_wire_get_endpoint(&to->peer, from->peer) ||
	    lc_wire_get_endpoint(&to->name, from->name) ||
	    lc_wire_get_endpoint(&to->channel, from->channel) ||
	    lc_wire_get_data(&to->data, from->data) ||
	    lc_wire_get_flows(&to->has_flows, &to->flows, from->flows))
		return -EBADMSG;
	return 0;
}

static int get_request(struct lc_local_message *to, const Leafcast__Local__Request *from)
{
	to->socket = from->socket;
	to->request = from->request;
	to->data_capacity = lc_wire_get_capacity(from->data_capacity);
	if (lc_wire_need_endpoint(&to->peer, from->peer) ||
	    lc_wire_need_endpoint(&to->name, from->name) ||
	    lc_wire_get_data(&to->data, from->data) ||
	    lc_wire_get_flows(&to->has_flows, &to->flows, from->flows))
		return -EBADMSG;
	return 0;
}

/* None stays none: REPLY's says "done". */
static enum leafcast_reason get_reason(uint32_t number)
{
	return number ? lc_wire_get_reason(number, LEAFCAST_PROTOCOL) : LEAFCAST_NO_REASON;
}

static int get_kind(struct lc_local_message *to, const Leafcast__Local__Message *from)
{
	switch (to->kind) {
	case LC_LOCAL_HELLO:
		to->version = from->hello->version;
		return 0;
	case LC_LOCAL_OPEN:
		return get_open(to, from->open);
	case LC_LOCAL_LISTEN:
		return get_listen(to, from->listen);
	case LC_LOCAL_JOIN:
		return get_join(to, from->join);
	case LC_LOCAL_CANCEL:
		to->socket = from->cancel->socket;
		return 0;
	case LC_LOCAL_ACCEPT:
		return get_accept(to, from->accept);
	case LC_LOCAL_REJECT:
		to->socket = from->reject->socket;
		to->request = from->reject->request;
		to->reason = get_reason(from->reject->reason);
		return 0;
	case LC_LOCAL_SET_FLOWS:
		return get_set_flows(to, from->set_flows);
	case LC_LOCAL_CLOSE:
		to->socket = from->close->socket;
		to->reason = get_reason(from->close->reason);
		return 0;
	case LC_LOCAL_RESUME:
		return get_resume(to, from->resume);
	case LC_LOCAL_CLOSED_MEANWHILE:
		to->cookie = from->closed_meanwhile->cookie;
		to->reason = get_reason(from->closed_meanwhile->reason);
		return to->cookie ? 0 : -EBADMSG;
	case LC_LOCAL_PING:
		return 0;
	case LC_LOCAL_REPLY:
		to->reason = get_reason(from->reply->reason);
		return get_reply(to, from->reply);
	case LC_LOCAL_REQUEST:
		return get_request(to, from->request);
	case LC_LOCAL_WITHDRAWN:
		to->socket = from->withdrawn->socket;
		to->request = from->withdrawn->request;
		to->reason = get_reason(from->withdrawn->reason);
		return 0;
	case LC_LOCAL_CLOSED:
		to->socket = from->closed->socket;
		to->reason = get_reason(from->closed->reason);
		return 0;
	}
	return -EBADMSG;
}

static bool id_fits(const struct lc_local_message *message)
{
	bool event = message->kind > LC_LOCAL_REPLY;

	return event == (message->id == 0);
}

int lc_local_decode(struct lc_local_message *message, const uint8_t *bytes, size_t length)
{
	struct lc_local_message decoded = {0};
	struct lc_arena arena;
	const Leafcast__Local__Message *wire;
	int err;

	wire = lc_wire_unpack(&arena, &leafcast__local__message__descriptor, bytes, length);
	if (!wire)
		return -EBADMSG;
	decoded.kind = (enum lc_local_kind)wire->kind_case;
	decoded.id = wire->id;
	if (!id_fits(&decoded))
		return -EBADMSG;
	err = get_kind(&decoded, wire);
	if (err)
		return err;
	*message = decoded;
	return 0;
}
