/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the two programs of the restart tests have in common: they take
 * commands, a line each, from standard input, answer each with one line
 * "= ...", and tell on lines "! ..." of what happens by itself.
 */
#ifndef TESTS_RESTART_PROGRAM_H
#define TESTS_RESTART_PROGRAM_H

#include "../bench/common.h"
#include "leafcast/leafcast.h"

/* setsockopt() and the like are meant for the descriptor. */
#define LEAFCAST_KEEP_SOCKET_NAMES
#include "winsock2.h"

/* Begins Winsock, raises the limit of descriptors; streams are by lines. Exits after a sentence. */
void program_begin(const char *name);
/* Exits with 1 after a sentence with WSAGetLastError(). */
void program_fail(const char *what);

void answer(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "WSAECONNRESET reset": the code, and the socket's reason. */
struct outcome {
	char text[96];
};
struct outcome outcome_of(int code, SOCKET socket);

/* As root, of as much as a burst at the highest rate may need while others have the processor. */
void socket_set_buffers(SOCKET socket);

#endif
