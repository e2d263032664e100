/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/endpoint.h"
#include "protocol/codec.h"
#include "wire.h"

static const enum lc_local_kind kinds[] = {
	LC_LOCAL_HELLO,	 LC_LOCAL_OPEN,	   LC_LOCAL_LISTEN,    LC_LOCAL_JOIN,
	LC_LOCAL_CANCEL, LC_LOCAL_ACCEPT,  LC_LOCAL_REJECT,    LC_LOCAL_SET_FLOWS,
	LC_LOCAL_CLOSE,	 LC_LOCAL_RESUME,  LC_LOCAL_PING,      LC_LOCAL_CLOSED_MEANWHILE,
	LC_LOCAL_REPLY,	 LC_LOCAL_REQUEST, LC_LOCAL_WITHDRAWN, LC_LOCAL_CLOSED,
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool is_event(enum lc_local_kind kind)
{
	return kind == LC_LOCAL_REQUEST || kind == LC_LOCAL_WITHDRAWN || kind == LC_LOCAL_CLOSED;
}

/* Every field set, whatever the kind, but the id, which events do not have. */
static struct lc_local_message *everything(enum lc_local_kind kind)
{
	static struct lc_local_message m;

	memset(&m, 0, sizeof(m));
	m.kind = kind;
	m.id = is_event(kind) ? 0 : 0xfedcba9876543210;
	m.version = 7;
	m.socket = 0x1111111122222222;
	m.other = 0x3333333344444444;
	m.role = LC_ROLE_LEAF;
	m.member = true;
	m.cookie = 0x7777777788888888;
	m.backlog = 0x7fffffff;
	m.request = 0x5555555566666666;
	cr_assert_eq(lc_endpoint_parse(&m.peer, "192.0.2.1:9000"), 0);
	cr_assert_eq(lc_endpoint_parse(&m.name, "[2001:db8::7]:65535"), 0);
	cr_assert_eq(lc_endpoint_parse(&m.channel, "239.255.0.1:9000"), 0);
	m.sends = true;
	m.receives = true;
	m.data.present = true;
	m.data.length = LEAFCAST_CONNECT_DATA_MAX;
	for (size_t i = 0; i < sizeof(m.data.bytes); i++)
		m.data.bytes[i] = (uint8_t)(i * 7);
	m.data_capacity = 1000;
	m.has_flows = true;
	m.flows.down = (struct lc_flowspec){1, 2,	   0xFFFFFFFE, 0xFFFFFFFF,
					    5, 0x81000003, 7,	       0xFFFFFFFF};
	m.deadline_ms = UINT32_MAX;
	m.error = -4095;
	m.reason = LEAFCAST_POLICY;
	return &m;
}

/* Who lists what, from the comments of core/local.h. */
static struct lc_local_message *listed(enum lc_local_kind kind)
{
	static struct lc_local_message m;
	uint32_t is = 1u << kind;

#define ON(name) (1u << LC_LOCAL_##name)
#define KEEP(field, kinds_)                                   \
	do {                                                  \
		if (!(is & (kinds_)))                         \
			memset(&m.field, 0, sizeof(m.field)); \
	} while (0)
#define FLOWS (ON(JOIN) | ON(SET_FLOWS) | ON(RESUME) | ON(REQUEST) | ON(ACCEPT) | ON(REPLY))
#define REASON \
	(ON(REPLY) | ON(REJECT) | ON(CLOSE) | ON(CLOSED_MEANWHILE) | ON(WITHDRAWN) | ON(CLOSED))
	m = *everything(kind);
	KEEP(version, ON(HELLO));
	KEEP(socket, ~(ON(HELLO) | ON(CLOSED_MEANWHILE) | ON(PING)));
	KEEP(other, ON(JOIN) | ON(ACCEPT) | ON(RESUME));
	KEEP(role, ON(OPEN) | ON(RESUME));
	KEEP(member, ON(RESUME));
	KEEP(cookie, ON(CLOSED_MEANWHILE));
	KEEP(backlog, ON(LISTEN));
	KEEP(request, ON(REQUEST) | ON(WITHDRAWN) | ON(ACCEPT) | ON(REJECT));
	KEEP(peer, ON(JOIN) | ON(REQUEST) | ON(REPLY));
	KEEP(name, ON(REQUEST) | ON(REPLY));
	KEEP(channel, ON(REPLY));
	KEEP(sends, ON(JOIN) | ON(ACCEPT));
	KEEP(receives, ON(JOIN) | ON(ACCEPT));
	KEEP(data, ON(JOIN) | ON(REQUEST) | ON(ACCEPT) | ON(REPLY));
	KEEP(data_capacity, ON(JOIN) | ON(REQUEST));
	KEEP(has_flows, FLOWS);
	KEEP(flows, FLOWS);
	KEEP(deadline_ms, ON(JOIN));
	KEEP(error, ON(REPLY));
	KEEP(reason, REASON);
#undef KEEP
	return &m;
}

static int decode(struct lc_local_message *out, const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	int err;

	memcpy(copy, bytes, length);
	memset(out, 0xa5, sizeof(*out));
	err = lc_local_decode(out, copy, length);
	free(copy);
	return err;
}

static bool untouched(const struct lc_local_message *out)
{
	const uint8_t *bytes = (const uint8_t *)out;

	for (size_t i = 0; i < sizeof(*out); i++)
		if (bytes[i] != 0xa5)
			return false;
	return true;
}

static int decode_bytes(struct lc_local_message *out, const struct wire_bytes *bytes)
{
	int err = decode(out, bytes->bytes, bytes->length);

	cr_expect(err == 0 || (err == -EBADMSG && untouched(out)), "%d", err);
	return err;
}

static void expect_sound(const struct lc_local_message *m)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_local_message again;
	size_t length;

	cr_assert(m->data.length <= LEAFCAST_CONNECT_DATA_MAX);
	cr_assert(m->data_capacity <= LEAFCAST_CONNECT_DATA_MAX);
	cr_assert(m->error <= 0 && m->error >= -4095);
	cr_assert_eq(m->id == 0, is_event(m->kind));
	cr_assert_str_neq(leafcast_reason_word(m->reason), "unknown");
	length = lc_local_encode(m, bytes);
	cr_assert(length <= LC_MESSAGE_MAX);
	cr_assert_eq(decode(&again, bytes, length), 0);
	cr_assert_eq(memcmp(&again, m, sizeof(*m)), 0);
}

Test(local_codec, every_kind_with_all_its_fields)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_local_message out;

	for (size_t i = 0; i < KINDS; i++) {
		size_t length = lc_local_encode(everything(kinds[i]), bytes);

		cr_assert(length > 0 && length <= LC_MESSAGE_MAX);
		cr_assert_eq(decode(&out, bytes, length), 0, "kind %d", kinds[i]);
		cr_expect_eq(memcmp(&out, listed(kinds[i]), sizeof(out)), 0, "kind %d", kinds[i]);
	}
}

/* Either the kind or the id comes last, and both are needed: no part is a message. */
Test(local_codec, truncated_at_every_byte)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_local_message out;

	for (size_t i = 0; i < KINDS; i++) {
		size_t length = lc_local_encode(everything(kinds[i]), bytes);

		for (size_t cut = 0; cut < length; cut++) {
			cr_expect_eq(decode(&out, bytes, cut), -EBADMSG, "kind %d cut to %zu",
				     kinds[i], cut);
			cr_expect(untouched(&out), "kind %d cut to %zu", kinds[i], cut);
		}
	}
}

Test(local_codec, survives_random_changes, .timeout = 60)
{
	static struct lc_local_message out;
	static struct wire_bytes bytes;
	uint64_t seed = 0x10ca1;
	unsigned int taken = 0, refused = 0;

	for (int round = 0; round < 40000; round++) {
		struct lc_local_message *m = everything(kinds[(size_t)round % KINDS]);

		m->data.length = (uint16_t)(wire_random(&seed) % 8);
		bytes.length = lc_local_encode(m, bytes.bytes);
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

Test(local_codec, survives_noise)
{
	static struct lc_local_message out;
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

Test(local_codec, id_zero_is_for_events)
{
	static uint8_t bytes[LC_MESSAGE_MAX];
	static struct lc_local_message out;

	for (size_t i = 0; i < KINDS; i++) {
		struct lc_local_message *m = everything(kinds[i]);

		m->id = is_event(kinds[i]);
		cr_expect_eq(decode(&out, bytes, lc_local_encode(m, bytes)), -EBADMSG, "kind %d",
			     kinds[i]);
	}
}

/* One submessage of one integer field, or of one that lacks what it needs. */
static const struct {
	const char *what;
	unsigned int kind, field;
	uint64_t value;
	int err;
} rows[] = {
	{"hello of any version: the daemon answers", LC_LOCAL_HELLO, 1, UINT32_MAX, 0},
	{"role root", LC_LOCAL_OPEN, 2, 1, 0},
	{"role leaf", LC_LOCAL_OPEN, 2, 2, 0},
	{"no role", LC_LOCAL_OPEN, 2, 0, -EBADMSG},
	{"role 3", LC_LOCAL_OPEN, 2, 3, -EBADMSG},
	{"backlog 1", LC_LOCAL_LISTEN, 2, 1, 0},
	{"backlog 0", LC_LOCAL_LISTEN, 2, 0, -EBADMSG},
	{"join of nobody", LC_LOCAL_JOIN, 1, 5, -EBADMSG},
	{"flows that are none", LC_LOCAL_SET_FLOWS, 1, 5, -EBADMSG},
	/* sint32: 2n for n, 2n - 1 for -n */
	{"error 0", LC_LOCAL_REPLY, 2, 0, 0},
	{"error -4095", LC_LOCAL_REPLY, 2, 2 * 4095 - 1, 0},
	{"error -4096", LC_LOCAL_REPLY, 2, 2 * 4096 - 1, -EBADMSG},
	{"error +1", LC_LOCAL_REPLY, 2, 2, -EBADMSG},
	{"resumed as a leaf", LC_LOCAL_RESUME, 3, 2, 0},
	{"resumed as nothing", LC_LOCAL_RESUME, 3, 0, -EBADMSG},
	{"resumed as role 3", LC_LOCAL_RESUME, 3, 3, -EBADMSG},
	{"a cookie", LC_LOCAL_CLOSED_MEANWHILE, 1, UINT64_MAX, 0},
	{"no cookie", LC_LOCAL_CLOSED_MEANWHILE, 1, 0, -EBADMSG},
	{"no such kind", 13, 1, 1, -EBADMSG},
};

Test(local_codec, numbers_in_range)
{
	static struct lc_local_message out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_bytes bytes = {0}, inner = {0};

		wire_number(&inner, rows[i].field, rows[i].value);
		wire_message(&bytes, rows[i].kind, &inner);
		wire_number(&bytes, 15, 77);
		cr_expect_eq(decode_bytes(&out, &bytes), rows[i].err, "%s", rows[i].what);
	}
}

/* "Not done, for a reason you do not know" must not read as done. */
Test(local_codec, reasons_of_a_newer_daemon)
{
	static const uint64_t numbers[] = {0, 3, 999};
	static const enum leafcast_reason want[] = {LEAFCAST_NO_REASON, LEAFCAST_REJECTED,
						    LEAFCAST_PROTOCOL};
	static struct lc_local_message out;

	for (size_t i = 0; i < 3; i++) {
		struct wire_bytes bytes = {0}, inner = {0};

		wire_number(&inner, 3, numbers[i]);
		wire_message(&bytes, LC_LOCAL_REPLY, &inner);
		wire_number(&bytes, 15, 77);
		cr_assert_eq(decode_bytes(&out, &bytes), 0);
		cr_expect_eq(out.reason, want[i]);
	}
}

Test(local_codec, unknown_fields_are_skipped)
{
	static struct lc_local_message out;

	for (size_t i = 0; i < KINDS; i++) {
		struct wire_bytes bytes = {0};

		bytes.length = lc_local_encode(everything(kinds[i]), bytes.bytes);
		wire_unknown(&bytes);
		cr_assert_eq(decode_bytes(&out, &bytes), 0, "kind %d", kinds[i]);
		cr_expect_eq(memcmp(&out, listed(kinds[i]), sizeof(out)), 0, "kind %d", kinds[i]);
	}
}

/* A kind that is none is not sent at all. */
Test(local_codec, no_kind_no_bytes)
{
	static const struct lc_local_message none = {.id = 5};
	uint8_t bytes[LC_MESSAGE_MAX];

	cr_expect_eq(lc_local_encode(&none, bytes), 0);
	cr_expect_eq(lc_local_encode(everything((enum lc_local_kind)13), bytes), 0);
	cr_expect_eq(lc_local_encode(everything((enum lc_local_kind)99), bytes), 0);
}
