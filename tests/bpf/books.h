/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Planes that follow each other, and their books as they are now, to be compared with what they were. */
#ifndef TESTS_BPF_BOOKS_H
#define TESTS_BPF_BOOKS_H

#include "harness.h"

/* Kills the plane and adopts what it left; cannot fail but by failing the test. */
void take_over(struct net *net);

/* Entries of a hash. */
uint32_t count_entries(const struct net *net, enum lc_map map);
/* The entry in lc_members; false: there is none. */
bool find_member(const struct net *net, enum lc_member_kind kind, uint32_t number,
		 struct lc_member *member);

/* Until no number, hop or slot waits for a grace period. */
void books_settle(struct net *net);

struct books;

struct books *books_copy(const struct net *net);
/* Fails the test where they differ in more than the order of free numbers and holes; frees both. */
void books_expect_same(struct books *before, struct books *after);

#endif
