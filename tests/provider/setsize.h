/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A Winsock program's file, which has an FD_SETSIZE and the names of its own. */
#ifndef TESTS_PROVIDER_SETSIZE_H
#define TESTS_PROVIDER_SETSIZE_H

#include <stddef.h>
#include <stdint.h>

#define SMALL_SETSIZE 3

struct small_set {
	unsigned int count;
	uintptr_t members[SMALL_SETSIZE];
	unsigned int behind; /* must stay as it is */
};

/* What FD_SETSIZE and sizeof(fd_set) are there. */
int small_setsize(void);
size_t small_set_bytes(void);
/* The macros, in that file's meaning. */
void small_zero(struct small_set *set);
void small_set(struct small_set *set, uintptr_t s);
void small_clear(struct small_set *set, uintptr_t s);
int small_is_set(struct small_set *set, uintptr_t s);
/* select() for reading, at once; the count, or minus the code. */
int small_select(struct small_set *set);

#endif
