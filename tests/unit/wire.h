/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Protobuf's encoding by hand, so that the codecs are held to the schema and
 * not to themselves, and the attacks that both codecs must survive.
 */
#ifndef TESTS_UNIT_WIRE_H
#define TESTS_UNIT_WIRE_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct wire_bytes {
	size_t length;
	uint8_t bytes[16384];
};

static inline void wire_varint(struct wire_bytes *to, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		to->bytes[to->length++] = (uint8_t)(value | 0x80);
	to->bytes[to->length++] = (uint8_t)value;
}

/* Field `number` of an integer type. */
static inline void wire_number(struct wire_bytes *to, unsigned int number, uint64_t value)
{
	wire_varint(to, number << 3 | 0);
	wire_varint(to, value);
}

static inline void wire_fixed64(struct wire_bytes *to, unsigned int number, uint64_t value)
{
	wire_varint(to, number << 3 | 1);
	for (int i = 0; i < 8; i++)
		to->bytes[to->length++] = (uint8_t)(value >> 8 * i);
}

/* Field `number` of type bytes, or a submessage. */
static inline void wire_block(struct wire_bytes *to, unsigned int number, const void *bytes,
			      size_t length)
{
	wire_varint(to, number << 3 | 2);
	wire_varint(to, length);
	if (length)
		memcpy(to->bytes + to->length, bytes, length);
	to->length += length;
}

static inline void wire_message(struct wire_bytes *to, unsigned int number,
				const struct wire_bytes *inner)
{
	wire_block(to, number, inner->bytes, inner->length);
}

/* leafcast.Endpoint of `length` address bytes, each of them 7. */
static inline struct wire_bytes wire_endpoint(size_t length, uint32_t port)
{
	struct wire_bytes endpoint = {0};
	uint8_t address[64];

	memset(address, 7, sizeof(address));
	wire_block(&endpoint, 1, address, length);
	wire_number(&endpoint, 2, port);
	return endpoint;
}

/* Fields that no schema of today has, of every wire type. */
static inline void wire_unknown(struct wire_bytes *to)
{
	wire_number(to, 100, 1ull << 63);
	wire_fixed64(to, 101, 5);
	wire_block(to, 102, "future", 6);
	wire_varint(to, 103 << 3 | 5);
	memcpy(to->bytes + to->length, "\1\2\3\4", 4);
	to->length += 4;
}

/* A small generator, the same on every run (xorshift64). */
static inline uint64_t wire_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Overwrites, inserts, removes or doubles a few bytes. */
static inline void wire_mutate(struct wire_bytes *m, uint64_t *seed)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x08};
	unsigned int changes = 1 + (unsigned int)(wire_random(seed) % 4);

	while (changes--) {
		size_t at = m->length ? wire_random(seed) % m->length : 0;
		size_t tail = m->length - at;

		switch (wire_random(seed) % 5) {
		case 0:
			m->bytes[at] = (uint8_t)wire_random(seed);
			break;
		case 1:
			m->bytes[at] = edges[wire_random(seed) % sizeof(edges)];
			break;
		case 2:
			m->bytes[at] ^= (uint8_t)(1u << wire_random(seed) % 8);
			break;
		case 3:
			memmove(m->bytes + at + 1, m->bytes + at, tail);
			m->length++;
			break;
		case 4:
			if (tail > 0) {
				memmove(m->bytes + at, m->bytes + at + 1, tail - 1);
				m->length--;
			}
			break;
		}
	}
}

#endif
