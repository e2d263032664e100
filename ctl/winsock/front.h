/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The thin WSA front: each call goes through the provider's table, as that of
 * Windows does, and leaves its code for WSAGetLastError.
 *
 * Order: startup < events, protocols, sockets
 */
#ifndef CTL_WINSOCK_FRONT_H
#define CTL_WINSOCK_FRONT_H

#define LEAFCAST_KEEP_SOCKET_NAMES
#include "ws2spi.h"

/* The provider's table; before WSAStartup one whose entries are NULL. */
extern WSPPROC_TABLE lc_front_table;

/* Keeps the code and returns SOCKET_ERROR; code 0 keeps nothing and returns `result`. */
int lc_front_result(int code, int result);
SOCKET lc_front_socket(int code, SOCKET result);

/* Calls an entry whose last argument is lpErrno: FRONT_CALL(Bind, s, name, length). */
#define FRONT_CALL(entry, ...)                                                      \
	({                                                                          \
		int code_ = 0, result_ = SOCKET_ERROR;                              \
		if (!lc_front_table.lpWSP##entry)                                   \
			code_ = WSANOTINITIALISED;                                  \
		else                                                                \
			result_ = lc_front_table.lpWSP##entry(__VA_ARGS__, &code_); \
		lc_front_result(code_, result_);                                    \
	})
#define FRONT_CALL_SOCKET(entry, ...)                                               \
	({                                                                          \
		int code_ = 0;                                                      \
		SOCKET result_ = INVALID_SOCKET;                                    \
		if (!lc_front_table.lpWSP##entry)                                   \
			code_ = WSANOTINITIALISED;                                  \
		else                                                                \
			result_ = lc_front_table.lpWSP##entry(__VA_ARGS__, &code_); \
		lc_front_socket(code_, result_);                                    \
	})

#endif
