/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Numbered datagrams of the restart tests, so that loss, repetition, disorder
 * and damage can be told apart however many there are: the number, 8 bytes in
 * network order, and bytes that follow from it.
 */
#ifndef TESTS_RESTART_RECORDS_H
#define TESTS_RESTART_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAST_RECORD	16
#define MOST_RECORD	1472
#define RECORDS_IN_SEND 40 /* what one send with UDP_SEGMENT carries */

/* `length` bytes, LEAST_RECORD to MOST_RECORD. */
void record_make(void *bytes, size_t length, uint64_t number);

/* What has come to one leaf; zero at first. */
struct tally {
	uint64_t *seen; /* a bit for each number */
	size_t words;
	uint64_t highest, received, repeated, disordered, damaged;
};

/* A datagram that should be a record of `wanted` bytes. Ends the process when there is no memory. */
void tally_take(struct tally *tally, const void *bytes, size_t length, size_t wanted);
/* How many of the numbers from `first` to `last` have not come. */
uint64_t tally_missing(const struct tally *tally, uint64_t first, uint64_t last);
void tally_free(struct tally *tally);

#endif
