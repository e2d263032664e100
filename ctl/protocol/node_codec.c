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
SAME_NUMBER(HELLO);
SAME_NUMBER(RESUME);
SAME_NUMBER(RESUME_END);
SAME_NUMBER(READ);
SAME_NUMBER(DONE);

static bool is_of_membership(enum lc_message_kind kind)
{
	return kind <= LC_MESSAGE_LEAVE;
}

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
		Leafcast__Node__Hello hello;
		Leafcast__Node__Resume resume;
		Leafcast__Node__ResumeEnd resume_end;
		Leafcast__Node__Read read;
		Leafcast__Node__Done done;
	};
	Leafcast__Node__Membership membership;
	Leafcast__Endpoint session;
	Leafcast__Endpoint leaf;
	Leafcast__ConnectData data;
	struct lc_wire_flows flows;
	union {
		Leafcast__Node__Count counts[LC_MESSAGE_ENTRIES_MAX];
		Leafcast__Node__Claim claims[LC_MESSAGE_ENTRIES_MAX];
	};
	union {
		Leafcast__Node__Count *count_list[LC_MESSAGE_ENTRIES_MAX];
		Leafcast__Node__Claim *claim_list[LC_MESSAGE_ENTRIES_MAX];
	};
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
	wire->join.secret = lc_wire_put_identity(&from->secret);
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
	wire->invite.secret = lc_wire_put_identity(&from->secret);
	wire->invite.identity = lc_wire_put_identity(&from->identity);
	wire->message.invite = &wire->invite;
}

static void put_accept(struct wire *wire, const struct lc_message *from)
{
	leafcast__node__accept__init(&wire->accept);
	if (from->leaf.family != LC_FAMILY_NONE)
		wire->accept.membership = put_membership(wire, from);
	else
		wire->accept.identity = lc_wire_put_identity(&from->identity);
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

static unsigned int entry_count(const struct lc_message *from)
{
	return from->entry_count < LC_MESSAGE_ENTRIES_MAX ? from->entry_count
							  : LC_MESSAGE_ENTRIES_MAX;
}

static void put_report(struct wire *wire, const struct lc_message *from)
{
	leafcast__node__report__init(&wire->report);
	wire->report.n_counts = entry_count(from);
	wire->report.counts = wire->count_list;
	for (size_t i = 0; i < wire->report.n_counts; i++) {
		const struct lc_message_entry *entry = &from->entries[i];
		Leafcast__Node__Count *count = wire->count_list[i] = &wire->counts[i];

		leafcast__node__count__init(count);
		count->number = entry->number;
		count->numbered_by_sender = entry->numbered_by_sender;
		count->datagrams = entry->datagrams;
		count->bytes = entry->bytes;
		count->buffer_drops = entry->buffer_drops;
	}
	wire->message.report = &wire->report;
}

static void put_resume(struct wire *wire, const struct lc_message *from)
{
	leafcast__node__resume__init(&wire->resume);
	wire->resume.n_claims = entry_count(from);
	wire->resume.claims = wire->claim_list;
	for (size_t i = 0; i < wire->resume.n_claims; i++) {
		const struct lc_message_entry *entry = &from->entries[i];
		Leafcast__Node__Claim *claim = wire->claim_list[i] = &wire->claims[i];

		leafcast__node__claim__init(claim);
		claim->number = entry->number;
		claim->numbered_by_sender = entry->numbered_by_sender;
		claim->proof = lc_wire_put_identity(&entry->proof);
	}
	wire->message.resume = &wire->resume;
}

static void put_hello(struct wire *wire, const struct lc_message *from)
{
	leafcast__node__hello__init(&wire->hello);
	wire->hello.version = from->version;
	wire->hello.instance = from->instance;
	wire->hello.nonce = lc_wire_put_identity(&from->nonce);
	wire->message.hello = &wire->hello;
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
	case LC_MESSAGE_HELLO:
		put_hello(wire, from);
		break;
	case LC_MESSAGE_RESUME:
		put_resume(wire, from);
		break;
	case LC_MESSAGE_RESUME_END:
		leafcast__node__resume_end__init(&wire->resume_end);
		wire->message.resume_end = &wire->resume_end;
		break;
	case LC_MESSAGE_READ:
		leafcast__node__read__init(&wire->read);
		wire->read.bytes = from->read_bytes;
		wire->message.read = &wire->read;
		break;
	case LC_MESSAGE_DONE:
		leafcast__node__done__init(&wire->done);
		wire->done.answers = from->answers;
		wire->message.done = &wire->done;
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
	if (is_of_membership(message->kind)) {
		wire.message.number = message->number;
		wire.message.numbered_by_sender = message->numbered_by_sender;
	}
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
	    lc_wire_need_identity(&to->secret, &from->secret) ||
	    lc_wire_get_flows(&to->has_flows, &to->flows, from->flows))
		return -EBADMSG;
	return 0;
}

static int get_invite(struct lc_message *to, const Leafcast__Node__Invite *from)
{
	to->data_capacity = lc_wire_get_capacity(from->data_capacity);
	if (lc_wire_need_endpoint(&to->session, from->session) ||
	    lc_wire_need_endpoint(&to->leaf, from->leaf) ||
	    lc_wire_need_identity(&to->secret, &from->secret) ||
	    lc_wire_need_identity(&to->identity, &from->identity) ||
	    lc_wire_get_data(&to->data, from->data) ||
	    lc_wire_get_flows(&to->has_flows, &to->flows, from->flows))
		return -EBADMSG;
	return 0;
}

static int get_accept(struct lc_message *to, const Leafcast__Node__Accept *from)
{
	if ((from->membership && get_membership(to, from->membership)) ||
	    (from->identity.len && lc_wire_need_identity(&to->identity, &from->identity)) ||
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

static int get_report(struct lc_message *to, const Leafcast__Node__Report *from)
{
	if (from->n_counts > LC_MESSAGE_ENTRIES_MAX)
		return -EBADMSG;
	to->entry_count = (unsigned int)from->n_counts;
	for (size_t i = 0; i < from->n_counts; i++) {
		const Leafcast__Node__Count *count = from->counts[i];

		if (count->number == 0)
			return -EBADMSG;
		to->entries[i] = (struct lc_message_entry){
			.number = count->number,
			.numbered_by_sender = count->numbered_by_sender,
			.datagrams = count->datagrams,
			.bytes = count->bytes,
			.buffer_drops = count->buffer_drops,
		};
	}
	return 0;
}

static int get_resume(struct lc_message *to, const Leafcast__Node__Resume *from)
{
	if (from->n_claims > LC_MESSAGE_ENTRIES_MAX)
		return -EBADMSG;
	to->entry_count = (unsigned int)from->n_claims;
	for (size_t i = 0; i < from->n_claims; i++) {
		const Leafcast__Node__Claim *claim = from->claims[i];

		if (claim->number == 0 ||
		    lc_wire_need_identity(&to->entries[i].proof, &claim->proof))
			return -EBADMSG;
		to->entries[i].number = claim->number;
		to->entries[i].numbered_by_sender = claim->numbered_by_sender;
	}
	return 0;
}

static int get_hello(struct lc_message *to, const Leafcast__Node__Hello *from)
{
	to->version = from->version;
	to->instance = from->instance;
	return from->version ? lc_wire_need_identity(&to->nonce, &from->nonce) : -EBADMSG;
}

/* Who asks for a join has drawn its number. */
static int get_number(struct lc_message *to, const Leafcast__Node__Message *from)
{
	bool asks = to->kind == LC_MESSAGE_JOIN || to->kind == LC_MESSAGE_INVITE;

	if (!is_of_membership(to->kind))
		return 0;
	to->number = from->number;
	to->numbered_by_sender = from->numbered_by_sender;
	return from->number == 0 || (asks && !from->numbered_by_sender) ? -EBADMSG : 0;
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
		return get_report(to, from->report);
	case LC_MESSAGE_HELLO:
		return get_hello(to, from->hello);
	case LC_MESSAGE_RESUME:
		return get_resume(to, from->resume);
	case LC_MESSAGE_READ:
		to->read_bytes = from->read->bytes;
		return 0;
	case LC_MESSAGE_DONE:
		to->answers = from->done->answers;
		return 0;
	case LC_MESSAGE_RESUME_END:
		return 0;
	}
	return -EBADMSG;
}

int lc_message_decode(struct lc_message *message, const uint8_t *bytes, size_t length)
{
	struct lc_message decoded = {0};
	struct lc_arena arena;
	const Leafcast__Node__Message *wire;

	wire = lc_wire_unpack(&arena, &leafcast__node__message__descriptor, bytes, length);
	if (!wire)
		return -EBADMSG;
	if (get_kind(&decoded, wire) || get_number(&decoded, wire))
		return -EBADMSG;
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
