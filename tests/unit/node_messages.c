/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "node_messages.h"

#include "core/endpoint.h"

struct lc_message *everything(enum lc_message_kind kind)
{
	static struct lc_message m;

	memset(&m, 0, sizeof(m));
	m.kind = kind;
	cr_assert_eq(lc_endpoint_parse(&m.session, "192.0.2.1:9000"), 0);
	cr_assert_eq(lc_endpoint_parse(&m.leaf, "[2001:db8::7]:65535"), 0);
	m.token = 0x0102030405060708;
	m.leaf_sends = true;
	m.leaf_receives = true;
	m.data.present = true;
	m.data.length = LEAFCAST_CONNECT_DATA_MAX;
	for (size_t i = 0; i < sizeof(m.data.bytes); i++)
		m.data.bytes[i] = (uint8_t)(i * 7);
	m.data_capacity = LEAFCAST_CONNECT_DATA_MAX;
	m.has_flows = true;
	m.flows.down = (struct lc_flowspec){1, 2,	   0xFFFFFFFE, 0xFFFFFFFF,
					    5, 0x81000003, 7,	       0xFFFFFFFF};
	m.flows.up = (struct lc_flowspec){0, 0, 0, 0, 0, 0, 0, 0};
	m.reason = LEAFCAST_POLICY;
	m.datagrams = UINT64_MAX;
	m.bytes = UINT64_MAX - 1;
	m.buffer_drops = UINT64_MAX - 2;
	m.number = 0x1112131415161718;
	m.numbered_by_sender = true;
	memset(&m.secret, 0x5e, sizeof(m.secret));
	memset(&m.identity, 0x1d, sizeof(m.identity));
	m.version = UINT32_MAX;
	m.instance = UINT64_MAX - 3;
	memset(&m.nonce, 0x40, sizeof(m.nonce));
	m.read_bytes = UINT32_MAX - 1;
	m.answers = true;
	m.entry_count = LC_MESSAGE_ENTRIES_MAX;
	for (unsigned int i = 0; i < LC_MESSAGE_ENTRIES_MAX; i++) {
		struct lc_message_entry *entry = &m.entries[i];

		entry->number = UINT64_MAX - i;
		entry->numbered_by_sender = i % 2;
		memset(&entry->proof, (int)(i + 1), sizeof(entry->proof));
		entry->datagrams = UINT64_MAX - 100 - i;
		entry->bytes = UINT64_MAX - 200 - i;
		entry->buffer_drops = UINT64_MAX - 300 - i;
	}
	return &m;
}

/* Who lists what, from the comments of core/message.h. */
#define JOIN   (1u << LC_MESSAGE_JOIN)
#define INVITE (1u << LC_MESSAGE_INVITE)
#define SEEN   (1u << LC_MESSAGE_SEEN)
#define ACCEPT (1u << LC_MESSAGE_ACCEPT)
#define REFUSE (1u << LC_MESSAGE_REFUSE)
#define LEAVE  (1u << LC_MESSAGE_LEAVE)
#define REPORT (1u << LC_MESSAGE_REPORT)
#define HELLO  (1u << LC_MESSAGE_HELLO)
#define RESUME (1u << LC_MESSAGE_RESUME)
#define READ   (1u << LC_MESSAGE_READ)
#define DONE   (1u << LC_MESSAGE_DONE)
#define MEMBER (JOIN | INVITE | SEEN | ACCEPT | 1u << LC_MESSAGE_JOINED | REFUSE | LEAVE)

struct lc_message *listed(enum lc_message_kind kind)
{
	static struct lc_message m;
	unsigned int is = 1u << kind;

	m = *everything(kind);
#define KEEP(field, kinds)                                    \
	do {                                                  \
		if (!(is & (kinds)))                          \
			memset(&m.field, 0, sizeof(m.field)); \
	} while (0)
	KEEP(session, JOIN | INVITE);
	KEEP(leaf, JOIN | INVITE | ACCEPT);
	KEEP(token, JOIN | ACCEPT | SEEN);
	KEEP(leaf_sends, JOIN | ACCEPT);
	KEEP(leaf_receives, JOIN | ACCEPT);
	KEEP(data, JOIN | INVITE | ACCEPT);
	KEEP(data_capacity, JOIN | INVITE);
	KEEP(has_flows, JOIN | INVITE | ACCEPT);
	KEEP(flows, JOIN | INVITE | ACCEPT);
	KEEP(reason, REFUSE | LEAVE);
	KEEP(datagrams, LEAVE);
	KEEP(bytes, LEAVE);
	KEEP(buffer_drops, LEAVE);
	KEEP(number, MEMBER);
	KEEP(numbered_by_sender, MEMBER);
	KEEP(secret, JOIN | INVITE);
	KEEP(identity, INVITE); /* of ACCEPT's two kinds this is INVITE's answer */
	KEEP(version, HELLO);
	KEEP(instance, HELLO);
	KEEP(nonce, HELLO);
	KEEP(read_bytes, READ);
	KEEP(answers, DONE);
	KEEP(entry_count, RESUME | REPORT);
	for (unsigned int i = 0; i < LC_MESSAGE_ENTRIES_MAX; i++) {
		KEEP(entries[i].number, RESUME | REPORT);
		KEEP(entries[i].numbered_by_sender, RESUME | REPORT);
		KEEP(entries[i].proof, RESUME);
		KEEP(entries[i].datagrams, REPORT);
		KEEP(entries[i].bytes, REPORT);
		KEEP(entries[i].buffer_drops, REPORT);
	}
#undef KEEP
	return &m;
}

int decode(struct lc_message *out, const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	int err;

	memcpy(copy, bytes, length);
	memset(out, 0xa5, sizeof(*out));
	err = lc_message_decode(out, copy, length);
	free(copy);
	return err;
}

bool untouched(const struct lc_message *out)
{
	const uint8_t *bytes = (const uint8_t *)out;

	for (size_t i = 0; i < sizeof(*out); i++)
		if (bytes[i] != 0xa5)
			return false;
	return true;
}

int decode_bytes(struct lc_message *out, const struct wire_bytes *bytes)
{
	int err = decode(out, bytes->bytes, bytes->length);

	cr_expect(err == 0 || (err == -EBADMSG && untouched(out)), "%d", err);
	return err;
}

void expect_sound(const struct lc_message *m)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_message again;
	size_t length;

	cr_assert(m->kind >= FIRST_KIND && m->kind <= LAST_KIND);
	cr_assert(m->data.length <= LEAFCAST_CONNECT_DATA_MAX);
	cr_assert(m->data_capacity <= LEAFCAST_CONNECT_DATA_MAX);
	cr_assert(m->entry_count <= LC_MESSAGE_ENTRIES_MAX);
	for (unsigned int i = 0; i < m->entry_count; i++)
		cr_assert_neq(m->entries[i].number, 0);
	cr_assert_eq(m->number != 0, m->kind <= LC_MESSAGE_LEAVE);
	cr_assert(m->numbered_by_sender ||
		  (m->kind != LC_MESSAGE_JOIN && m->kind != LC_MESSAGE_INVITE));
	cr_assert_eq(m->version != 0, m->kind == LC_MESSAGE_HELLO);
	cr_assert(m->session.family == 0 || m->session.family == 4 || m->session.family == 6);
	cr_assert(m->leaf.family == 0 || m->leaf.family == 4 || m->leaf.family == 6);
	cr_assert_str_neq(leafcast_reason_word(m->reason), "unknown");
	length = lc_message_encode(m, bytes);
	cr_assert(length <= LC_MESSAGE_MAX);
	cr_assert_eq(decode(&again, bytes + LC_FRAME_HEADER, length - LC_FRAME_HEADER), 0);
	cr_assert_eq(memcmp(&again, m, sizeof(*m)), 0);
}
