/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What nodes say to each other, as bytes and back. */
#include "node_messages.h"

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
