/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "records.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A record's bytes begin at its number modulo this: neighbours differ. */
#define PATTERNS 251
/* More is a number that nobody has sent. */
#define MOST_NUMBER (1ULL << 32)

static const uint8_t *pattern(uint64_t number)
{
	static uint8_t bytes[PATTERNS + MOST_RECORD];
	static bool made;
	uint32_t state = 1;

	for (size_t i = 0; !made && i < sizeof(bytes); i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24);
	}
	made = true;
	return bytes + number % PATTERNS;
}

void record_make(void *bytes, size_t length, uint64_t number)
{
	const uint64_t wire = htobe64(number);

	memcpy(bytes, &wire, sizeof(wire));
	memcpy((char *)bytes + sizeof(wire), pattern(number), length - sizeof(wire));
}

/* 0: not a record. */
static uint64_t record_number(const void *bytes, size_t length)
{
	uint64_t number;

	memcpy(&number, bytes, sizeof(number));
	number = be64toh(number);
	if (number > MOST_NUMBER || memcmp((const char *)bytes + sizeof(number), pattern(number),
					   length - sizeof(number)) != 0)
		return 0;
	return number;
}

static void make_room(struct tally *tally, size_t words)
{
	size_t more = words + words / 2 + 1024;
	uint64_t *seen = realloc(tally->seen, more * sizeof(*seen));

	if (!seen) {
		perror("tally");
		exit(1);
	}
	memset(seen + tally->words, 0, (more - tally->words) * sizeof(*seen));
	tally->seen = seen;
	tally->words = more;
}

void tally_take(struct tally *tally, const void *bytes, size_t length, size_t wanted)
{
	const uint64_t number = length == wanted ? record_number(bytes, length) : 0;
	const uint64_t bit = 1ULL << (number % 64);
	const size_t word = number / 64;

	if (number == 0) {
		tally->damaged++;
		return;
	}
	if (word >= tally->words)
		make_room(tally, word + 1);
	tally->received++;
	if (tally->seen[word] & bit)
		tally->repeated++;
	else if (number < tally->highest)
		tally->disordered++;
	tally->seen[word] |= bit;
	if (number > tally->highest)
		tally->highest = number;
}

uint64_t tally_missing(const struct tally *tally, uint64_t first, uint64_t last)
{
	uint64_t missing = 0;

	for (uint64_t number = first; number <= last; number++)
		if (number / 64 >= tally->words || !(tally->seen[number / 64] >> (number % 64) & 1))
			missing++;
	return missing;
}

void tally_free(struct tally *tally)
{
	free(tally->seen);
	*tally = (struct tally){0};
}
