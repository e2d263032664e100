/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Two private network namespaces, gone with the test:
 *
 *   here (the test's own)                   there (a child's)
 *   near0 192.0.2.1/24, 2001:db8::1/64 --- far0 192.0.2.2/24, 2001:db8::2/64
 *         02:00:00:00:00:01                      02:00:00:00:00:02
 *   lo is up in both
 */
#ifndef TESTS_EDGES_EDGES_H
#define TESTS_EDGES_EDGES_H

#include <stdbool.h>

#include "core/endpoint.h"

/* For .init of a suite; needs root. */
void enter_topology(void);

/* Runs a shell command here; it must succeed. */
void here(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same there. */
void there(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether a shell command succeeds here. */
bool holds(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Moves the calling thread, for the sockets it opens meanwhile. */
void go_there(void);
void come_back(void);

/* "192.0.2.1" or "2001:db8::1" as an endpoint, port 0. */
struct lc_endpoint address(const char *text);

#endif
