/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/endpoint.h"
#include "protocol/codec.h"
#include "wire.h"

#define FIRST_KIND LC_MESSAGE_JOIN
#define LAST_KIND  LC_MESSAGE_DONE
#define MOST	   (LC_MESSAGE_MAX - LC_FRAME_HEADER)

/* Every field set, whatever the kind: what a kind does not list must not travel. */
static struct lc_message *everything(enum lc_message_kind kind)
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

static struct lc_message *listed(enum lc_message_kind kind)
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

/* Decodes from memory of exactly that length, so that a sanitizer sees the first byte too many. */
static int decode(struct lc_message *out, const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	int err;

	memcpy(copy, bytes, length);
	memset(out, 0xa5, sizeof(*out));
	err = lc_message_decode(out, copy, length);
	free(copy);
	return err;
}

static bool untouched(const struct lc_message *out)
{
	const uint8_t *bytes = (const uint8_t *)out;

	for (size_t i = 0; i < sizeof(*out); i++)
		if (bytes[i] != 0xa5)
			return false;
	return true;
}

static int decode_bytes(struct lc_message *out, const struct wire_bytes *bytes)
{
	int err = decode(out, bytes->bytes, bytes->length);

	cr_expect(err == 0 || (err == -EBADMSG && untouched(out)), "%d", err);
	return err;
}

/* What was taken is a message as the header promises, and says the same when sent on. */
static void expect_sound(const struct lc_message *m)
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

Test(node_codec, every_kind_with_all_its_fields)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_message out;

	for (int kind = FIRST_KIND; kind <= LAST_KIND; kind++) {
		size_t length = lc_message_encode(everything((enum lc_message_kind)kind), bytes);

		cr_assert(length <= LC_MESSAGE_MAX);
		cr_expect_eq(lc_frame_length(bytes, length), (int)length - LC_FRAME_HEADER);
		cr_assert_eq(decode(&out, bytes + LC_FRAME_HEADER, length - LC_FRAME_HEADER), 0,
			     "kind %d", kind);
		cr_expect_eq(memcmp(&out, listed((enum lc_message_kind)kind), sizeof(out)), 0,
			     "kind %d", kind);
	}
}

/* R51, R53: no data is not data of length zero; no flows are not flows of zeros. */
Test(node_codec, absent_is_not_empty)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_message m, out;

	for (int i = 0; i < 4; i++) {
		size_t length;

		m = (struct lc_message){.kind = LC_MESSAGE_ACCEPT, .number = 1};
		m.data.present = i & 1;
		m.has_flows = i & 2;
		length = lc_message_encode(&m, bytes);
		cr_assert_eq(decode(&out, bytes + LC_FRAME_HEADER, length - LC_FRAME_HEADER), 0);
		cr_expect_eq(out.data.present, (bool)(i & 1));
		cr_expect_eq(out.data.length, 0);
		cr_expect_eq(out.has_flows, (bool)(i & 2));
		cr_expect_eq(out.leaf.family, LC_FAMILY_NONE, "the answer to JOIN has no leaf");
		cr_expect_eq(memcmp(&out, &m, sizeof(out)), 0);
	}
}

/* The answer to JOIN says which session it was; INVITE has said so. */
Test(node_codec, an_accept_names_the_session)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_message m, out;
	size_t length;

	m = (struct lc_message){.kind = LC_MESSAGE_ACCEPT, .number = 7};
	memset(&m.identity, 9, sizeof(m.identity));
	length = lc_message_encode(&m, bytes);
	cr_assert_eq(decode(&out, bytes + LC_FRAME_HEADER, length - LC_FRAME_HEADER), 0);
	cr_expect_eq(memcmp(&out, &m, sizeof(out)), 0);
}

/* By protobuf's encoding rules and the field numbers of node.proto. */
Test(node_codec, bytes_on_the_wire)
{
#define NUMBER 0x71, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x78, 1
	static const uint8_t seen[] = {0, 0, 0, 22, 0x1a, 9, 0x09, 8, 7, 6, 5, 4, 3, 2, 1, NUMBER};
	static const uint8_t refuse[] = {0, 0, 0, 15, 0x32, 2, 0x08, 4, NUMBER};
	static const uint8_t joined[] = {0, 0, 0, 13, 0x2a, 0, NUMBER};
	static const uint8_t read[] = {0, 0, 0, 8, 0x62, 6, 0x08, 0xfe, 0xff, 0xff, 0xff, 0x0f};
	static const uint8_t done[] = {0, 0, 0, 4, 0x6a, 2, 0x08, 1};
#undef NUMBER
	uint8_t bytes[LC_MESSAGE_MAX];

	cr_expect_eq(lc_message_encode(everything(LC_MESSAGE_SEEN), bytes), sizeof(seen));
	cr_expect_eq(memcmp(bytes, seen, sizeof(seen)), 0);
	cr_expect_eq(lc_message_encode(everything(LC_MESSAGE_REFUSE), bytes), sizeof(refuse));
	cr_expect_eq(memcmp(bytes, refuse, sizeof(refuse)), 0);
	cr_expect_eq(lc_message_encode(everything(LC_MESSAGE_JOINED), bytes), sizeof(joined));
	cr_expect_eq(memcmp(bytes, joined, sizeof(joined)), 0);
	cr_expect_eq(lc_message_encode(everything(LC_MESSAGE_READ), bytes), sizeof(read));
	cr_expect_eq(memcmp(bytes, read, sizeof(read)), 0);
	cr_expect_eq(lc_message_encode(everything(LC_MESSAGE_DONE), bytes), sizeof(done));
	cr_expect_eq(memcmp(bytes, done, sizeof(done)), 0);
}

/*
 * A message is one submessage, whose length stands first: no part of it is a
 * message. Of one about a membership neither is it without its number; the last
 * two bytes say that the sender drew it, and may be missing where they can be.
 */
Test(node_codec, truncated_at_every_byte)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_message out;

	for (int kind = FIRST_KIND; kind <= LAST_KIND; kind++) {
		size_t length = lc_message_encode(everything((enum lc_message_kind)kind), bytes);

		bool asks = kind == LC_MESSAGE_JOIN || kind == LC_MESSAGE_INVITE;
		size_t whole = length - LC_FRAME_HEADER;

		if (kind <= LC_MESSAGE_LEAVE && !asks)
			whole -= 2;
		for (size_t cut = 0; cut < whole; cut++) {
			cr_expect_eq(decode(&out, bytes + LC_FRAME_HEADER, cut), -EBADMSG,
				     "kind %d cut to %zu", kind, cut);
			cr_expect(untouched(&out), "kind %d cut to %zu", kind, cut);
		}
	}
}

static void wire_name(struct wire_bytes *message)
{
	wire_fixed64(message, 14, 5);
	wire_number(message, 15, 1);
}

/* The same within a frame that says so: fields are missing at the end, or cut in the middle. */
Test(node_codec, shortened_at_every_byte)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_message out;
	static struct wire_bytes outer;
	unsigned int taken = 0;

	for (int kind = FIRST_KIND; kind <= LAST_KIND; kind++) {
		size_t length = lc_message_encode(everything((enum lc_message_kind)kind), bytes);
		size_t prefix = LC_FRAME_HEADER + (bytes[LC_FRAME_HEADER + 1] & 0x80 ? 3 : 2);

		/* The name stands behind the submessage. */
		if (kind <= LC_MESSAGE_LEAVE)
			length -= 11;
		for (size_t cut = 0; cut <= length - prefix; cut++) {
			outer.length = 0;
			wire_block(&outer, (unsigned int)kind, bytes + prefix, cut);
			wire_name(&outer);
			if (decode_bytes(&out, &outer) == 0) {
				expect_sound(&out);
				taken++;
			}
		}
	}
	cr_expect_geq(taken, LAST_KIND, "the whole ones at least");
}

Test(node_codec, survives_random_changes, .timeout = 60)
{
	static struct lc_message out;
	static struct wire_bytes bytes;
	uint64_t seed = 0x1eafca57;
	unsigned int taken = 0, refused = 0;

	for (int round = 0; round < 40000; round++) {
		enum lc_message_kind kind = (enum lc_message_kind)(FIRST_KIND + round % LAST_KIND);
		struct lc_message *m = everything(kind);

		/* short data, so that changes meet structure and not payload */
		m->data.length = (uint16_t)(wire_random(&seed) % 8);
		m->entry_count = (unsigned int)(wire_random(&seed) % 3);
		bytes.length = lc_message_encode(m, bytes.bytes) - LC_FRAME_HEADER;
		memmove(bytes.bytes, bytes.bytes + LC_FRAME_HEADER, bytes.length);
		wire_mutate(&bytes, &seed);
		if (decode_bytes(&out, &bytes) == 0) {
			expect_sound(&out);
			taken++;
		} else {
			refused++;
		}
	}
	cr_expect(taken > 1000 && refused > 1000, "%u taken, %u refused", taken, refused);
}

Test(node_codec, survives_noise)
{
	static struct lc_message out;
	static struct wire_bytes bytes;
	uint64_t seed = 4711;

	for (int round = 0; round < 20000; round++) {
		bytes.length = wire_random(&seed) % 64;
		for (size_t i = 0; i < bytes.length; i++)
			bytes.bytes[i] = (uint8_t)wire_random(&seed);
		if (decode_bytes(&out, &bytes) == 0)
			expect_sound(&out);
	}
}

/* What a JOIN is made of, one thing wrong at a time. */
struct join_parts {
	bool no_session, no_membership, no_leaf, half_flows, wrong_type;
	bool no_number, number_0, of_the_other, no_secret;
	size_t secret_bytes; /* 0: as many as it has */
	size_t address_bytes;
	uint32_t port;
	size_t data_bytes;
	uint64_t capacity;
};

static struct wire_bytes build_join(const struct join_parts *parts)
{
	static const uint8_t data[2048];
	struct wire_bytes message = {0}, join = {0}, membership = {0}, part = {0};
	struct wire_bytes address = wire_endpoint(parts->address_bytes, parts->port);

	if (!parts->no_leaf)
		wire_message(&membership, 1, &address);
	wire_fixed64(&membership, 2, 99);
	if (!parts->no_session)
		wire_message(&join, 1, &address);
	if (!parts->no_membership)
		wire_message(&join, 2, &membership);
	wire_block(&part, 1, data, parts->data_bytes);
	wire_message(&join, 3, &part);
	wire_number(&join, 4, parts->capacity);
	part.length = 0;
	wire_block(&part, 1, NULL, 0);
	if (!parts->half_flows)
		wire_block(&part, 2, NULL, 0);
	wire_message(&join, 5, &part);
	if (!parts->no_secret)
		wire_block(&join, 6, data, parts->secret_bytes ? parts->secret_bytes : 16);
	if (parts->wrong_type)
		wire_number(&message, 1, 5);
	else
		wire_message(&message, 1, &join);
	if (!parts->no_number)
		wire_fixed64(&message, 14, !parts->number_0);
	if (!parts->of_the_other)
		wire_number(&message, 15, 1);
	return message;
}

static const struct {
	const char *what;
	int err;
	struct join_parts parts;
} joins[] = {
	{"whole", 0, {.address_bytes = 4, .port = 65535, .data_bytes = 1024, .capacity = 5}},
	{"IPv6", 0, {.address_bytes = 16, .port = 1, .capacity = 5}},
	{"no session", -EBADMSG, {.address_bytes = 4, .no_session = true}},
	{"no membership", -EBADMSG, {.address_bytes = 4, .no_membership = true}},
	{"no leaf", -EBADMSG, {.address_bytes = 4, .no_leaf = true}},
	{"one direction's flow", -EBADMSG, {.address_bytes = 4, .half_flows = true}},
	{"a number for a join", -EBADMSG, {.address_bytes = 4, .wrong_type = true}},
	{"empty address", -EBADMSG, {.address_bytes = 0}},
	{"address of 3 bytes", -EBADMSG, {.address_bytes = 3}},
	{"address of 5 bytes", -EBADMSG, {.address_bytes = 5}},
	{"address of 17 bytes", -EBADMSG, {.address_bytes = 17}},
	{"port 65536", -EBADMSG, {.address_bytes = 4, .port = 65536}},
	{"no number", -EBADMSG, {.address_bytes = 4, .no_number = true}},
	{"number 0", -EBADMSG, {.address_bytes = 4, .number_0 = true}},
	{"numbered by the reader", -EBADMSG, {.address_bytes = 4, .of_the_other = true}},
	{"no secret", -EBADMSG, {.address_bytes = 4, .no_secret = true}},
	{"secret of 15 bytes", -EBADMSG, {.address_bytes = 4, .secret_bytes = 15}},
	{"secret of 17 bytes", -EBADMSG, {.address_bytes = 4, .secret_bytes = 17}},
	{"data of 1025 bytes", -EBADMSG, {.address_bytes = 4, .data_bytes = 1025}},
};

Test(node_codec, a_join_with_one_thing_wrong)
{
	static struct lc_message out;

	for (size_t i = 0; i < sizeof(joins) / sizeof(joins[0]); i++) {
		struct wire_bytes bytes = build_join(&joins[i].parts);

		cr_expect_eq(decode_bytes(&out, &bytes), joins[i].err, "%s", joins[i].what);
	}
}

Test(node_codec, capacity_of_a_newer_caller_is_cut)
{
	static const uint64_t sent[] = {0, 1024, 1025, 65536 + 5, UINT32_MAX};
	static const uint16_t want[] = {0, 1024, 1024, 1024, 1024};
	static struct lc_message out;

	for (size_t i = 0; i < 5; i++) {
		struct join_parts parts = {.address_bytes = 4, .capacity = sent[i]};
		struct wire_bytes bytes = build_join(&parts);

		cr_assert_eq(decode_bytes(&out, &bytes), 0);
		cr_expect_eq(out.data_capacity, want[i]);
	}
}

/* One entry with one thing wrong, in RESUME and REPORT. */
static struct wire_bytes build_entries(unsigned int kind, size_t count, bool numbered,
				       size_t proof_bytes)
{
	static const uint8_t proof[64];
	struct wire_bytes message = {0}, list = {0}, entry = {0};

	wire_fixed64(&entry, 1, numbered);
	if (kind == LC_MESSAGE_RESUME)
		wire_block(&entry, 3, proof, proof_bytes);
	while (count--)
		wire_message(&list, 1, &entry);
	wire_message(&message, kind, &list);
	return message;
}

Test(node_codec, entries_with_one_thing_wrong)
{
	static const struct {
		unsigned int kind;
		size_t count;
		bool numbered;
		size_t proof_bytes;
		int err;
	} rows[] = {
		{LC_MESSAGE_RESUME, 0, true, 16, 0},
		{LC_MESSAGE_RESUME, 64, true, 16, 0},
		{LC_MESSAGE_RESUME, 65, true, 16, -EBADMSG},
		{LC_MESSAGE_RESUME, 1, false, 16, -EBADMSG},
		{LC_MESSAGE_RESUME, 1, true, 15, -EBADMSG},
		{LC_MESSAGE_RESUME, 1, true, 17, -EBADMSG},
		{LC_MESSAGE_RESUME, 1, true, 0, -EBADMSG},
		{LC_MESSAGE_REPORT, 0, true, 0, 0},
		{LC_MESSAGE_REPORT, 64, true, 0, 0},
		{LC_MESSAGE_REPORT, 65, true, 0, -EBADMSG},
		{LC_MESSAGE_REPORT, 1, false, 0, -EBADMSG},
	};
	static struct lc_message out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_bytes bytes = build_entries(rows[i].kind, rows[i].count,
							rows[i].numbered, rows[i].proof_bytes);

		cr_expect_eq(decode_bytes(&out, &bytes), rows[i].err, "row %zu", i);
		cr_expect(rows[i].err || out.entry_count == rows[i].count);
	}
}

Test(node_codec, a_hello_without_version_or_nonce)
{
	static const uint8_t nonce[17];
	static const struct {
		uint32_t version;
		size_t nonce_bytes;
		int err;
	} rows[] = {
		{1, 16, 0}, {2, 16, 0}, {0, 16, -EBADMSG}, {1, 15, -EBADMSG}, {1, 17, -EBADMSG}};
	static struct lc_message out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_bytes bytes = {0}, hello = {0};

		wire_number(&hello, 1, rows[i].version);
		wire_fixed64(&hello, 2, 0);
		wire_block(&hello, 3, nonce, rows[i].nonce_bytes);
		wire_message(&bytes, LC_MESSAGE_HELLO, &hello);
		cr_expect_eq(decode_bytes(&out, &bytes), rows[i].err, "row %zu", i);
	}
}

Test(node_codec, no_kind_or_an_unknown_one)
{
	static struct lc_message out;
	struct wire_bytes bytes = {0};

	cr_expect_eq(decode_bytes(&out, &bytes), -EBADMSG, "nothing");
	wire_name(&bytes);
	cr_expect_eq(decode_bytes(&out, &bytes), -EBADMSG, "a number alone");
	bytes.length = 0;
	wire_block(&bytes, 16, "", 0);
	wire_name(&bytes);
	cr_expect_eq(decode_bytes(&out, &bytes), -EBADMSG, "kind 16");
	bytes.length = 0;
	wire_unknown(&bytes);
	cr_expect_eq(decode_bytes(&out, &bytes), -EBADMSG, "only unknown fields");
}

/* A refusal for a reason of tomorrow is a refusal, a leave is a leave. */
Test(node_codec, reasons_of_a_newer_peer)
{
	static const struct {
		unsigned int kind;
		uint64_t number;
		enum leafcast_reason reason;
	} rows[] = {
		{LC_MESSAGE_REFUSE, 2, LEAFCAST_BACKLOG_FULL},
		{LC_MESSAGE_REFUSE, 0, LEAFCAST_PROTOCOL},
		{LC_MESSAGE_REFUSE, 999, LEAFCAST_PROTOCOL},
		{LC_MESSAGE_REFUSE, UINT32_MAX, LEAFCAST_PROTOCOL},
		{LC_MESSAGE_LEAVE, 18, LEAFCAST_RESET},
		{LC_MESSAGE_LEAVE, 0, LEAFCAST_CLOSED},
		{LC_MESSAGE_LEAVE, 999, LEAFCAST_CLOSED},
	};
	static struct lc_message out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_bytes bytes = {0}, inner = {0};

		wire_number(&inner, 1, rows[i].number);
		wire_message(&bytes, rows[i].kind, &inner);
		wire_name(&bytes);
		cr_assert_eq(decode_bytes(&out, &bytes), 0);
		cr_expect_eq(out.reason, rows[i].reason, "kind %u reason %lu", rows[i].kind,
			     rows[i].number);
	}
}

Test(node_codec, unknown_fields_are_skipped)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_message out;

	for (int kind = FIRST_KIND; kind <= LAST_KIND; kind++) {
		size_t length = lc_message_encode(everything((enum lc_message_kind)kind), bytes);
		size_t prefix = LC_FRAME_HEADER + (bytes[LC_FRAME_HEADER + 1] & 0x80 ? 3 : 2);
		struct wire_bytes inner = {0}, outer = {0};

		if (kind <= LC_MESSAGE_LEAVE)
			length -= 11;
		wire_unknown(&inner);
		memcpy(inner.bytes + inner.length, bytes + prefix, length - prefix);
		inner.length += length - prefix;
		wire_unknown(&inner);
		wire_unknown(&outer);
		wire_message(&outer, (unsigned int)kind, &inner);
		if (kind <= LC_MESSAGE_LEAVE) {
			memcpy(outer.bytes + outer.length, bytes + length, 11);
			outer.length += 11;
		}
		wire_unknown(&outer);
		cr_assert_eq(decode_bytes(&out, &outer), 0, "kind %d", kind);
		cr_expect_eq(memcmp(&out, listed((enum lc_message_kind)kind), sizeof(out)), 0,
			     "kind %d", kind);
	}
}

/* 4 kB of fields must not become a hundred on the reader's side: wire.h promises room for 64. */
Test(node_codec, memory_is_bounded)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_message out;
	struct wire_bytes flood = {0};
	size_t length = lc_message_encode(everything(LC_MESSAGE_RESUME), bytes) - LC_FRAME_HEADER;

	memcpy(flood.bytes, bytes + LC_FRAME_HEADER, length);
	flood.length = length;
	for (int i = 0; i < 64; i++)
		wire_number(&flood, 16, 1);
	cr_expect_eq(decode_bytes(&out, &flood), 0);
	while (flood.length <= MOST - 3)
		wire_number(&flood, 16, 1);
	cr_expect_eq(decode_bytes(&out, &flood), -EBADMSG);
}

Test(node_codec, longer_than_a_message)
{
	static struct lc_message out;
	struct wire_bytes bytes = {0};
	static const uint8_t filler[LC_MESSAGE_MAX];

	wire_block(&bytes, LC_MESSAGE_JOINED, NULL, 0);
	wire_name(&bytes);
	wire_block(&bytes, 100, filler, LC_MESSAGE_MAX);
	cr_expect_eq(decode_bytes(&out, &bytes), -EBADMSG);
}

Test(node_codec, frame_length)
{
	static uint8_t stream[2 * LC_MESSAGE_MAX];
	static const struct {
		uint32_t says;
		size_t have;
		int want;
	} rows[] = {
		{5, 0, 0},
		{5, 1, 0},
		{5, 3, 0},
		{5, 4, 0},
		{5, 8, 0},
		{5, 9, 5},
		{5, 100, 5},
		{MOST, LC_MESSAGE_MAX - 1, 0},
		{MOST, LC_MESSAGE_MAX, MOST},
		{MOST + 1, 4, -EMSGSIZE},
		{MOST + 1, 2 * LC_MESSAGE_MAX, -EMSGSIZE},
		{0, 4, -EMSGSIZE},
		{0x80000000, 4, -EMSGSIZE},
		{UINT32_MAX, 4, -EMSGSIZE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int byte = 0; byte < 4; byte++)
			stream[byte] = (uint8_t)(rows[i].says >> (24 - 8 * byte));
		cr_expect_eq(lc_frame_length(stream, rows[i].have), rows[i].want, "%u of %zu",
			     rows[i].says, rows[i].have);
	}
}
