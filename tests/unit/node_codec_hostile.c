/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Bytes that are no message between nodes, or almost one. */
#include "node_messages.h"

/*
 * A message is one submessage, whose length stands first: no part of it is a
 * message. Of one about a membership neither is it without its number; the last
 * two bytes say that the sender drew it, and may be missing where they can be.
 */
Test(node_codec_hostile, truncated_at_every_byte)
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
Test(node_codec_hostile, shortened_at_every_byte)
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

Test(node_codec_hostile, survives_random_changes, .timeout = 60)
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

Test(node_codec_hostile, survives_noise)
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

Test(node_codec_hostile, a_join_with_one_thing_wrong)
{
	static struct lc_message out;

	for (size_t i = 0; i < sizeof(joins) / sizeof(joins[0]); i++) {
		struct wire_bytes bytes = build_join(&joins[i].parts);

		cr_expect_eq(decode_bytes(&out, &bytes), joins[i].err, "%s", joins[i].what);
	}
}

Test(node_codec_hostile, capacity_of_a_newer_caller_is_cut)
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

Test(node_codec_hostile, entries_with_one_thing_wrong)
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

Test(node_codec_hostile, a_hello_without_version_or_nonce)
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

Test(node_codec_hostile, no_kind_or_an_unknown_one)
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
Test(node_codec_hostile, reasons_of_a_newer_peer)
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

Test(node_codec_hostile, unknown_fields_are_skipped)
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
Test(node_codec_hostile, memory_is_bounded)
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

Test(node_codec_hostile, longer_than_a_message)
{
	static struct lc_message out;
	struct wire_bytes bytes = {0};
	static const uint8_t filler[LC_MESSAGE_MAX];

	wire_block(&bytes, LC_MESSAGE_JOINED, NULL, 0);
	wire_name(&bytes);
	wire_block(&bytes, 100, filler, LC_MESSAGE_MAX);
	cr_expect_eq(decode_bytes(&out, &bytes), -EBADMSG);
}

Test(node_codec_hostile, frame_length)
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
