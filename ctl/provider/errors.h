/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The three currencies of errors (negative errno, reasons, Winsock codes) and
 * the two places where the first two become the third.
 */
#ifndef CTL_PROVIDER_ERRORS_H
#define CTL_PROVIDER_ERRORS_H

#include "core/local.h"
#include "provider/provider.h"

/* 0 for LEAFCAST_NO_REASON and LEAFCAST_CLOSED, WSAENOBUFS for one not in the list. */
int lc_wsa_from_reason(enum leafcast_reason reason);
/* `error` is 0 or a negative errno. */
int lc_wsa_from_errno(int error);
/* What a daemon's REPLY says. */
int lc_wsa_from_reply(const struct lc_local_message *reply);
/* Why it was not done, in as few words: shortages are a LIMIT, what nobody foresaw is a FAULT. */
enum leafcast_reason lc_reason_from_code(int code);
enum leafcast_reason lc_reason_from_reply(const struct lc_local_message *reply);

/*
 * How every entry ends: traces the call, stores the code unless it is 0, and
 * returns 0 or SOCKET_ERROR; or for those that return sockets, the socket or
 * INVALID_SOCKET. Where lpErrno is no memory the result alone tells.
 */
int lc_finish(const char *call, SOCKET s, int code, LPINT lpErrno);
SOCKET lc_finish_socket(const char *call, SOCKET s, int code, SOCKET result, LPINT lpErrno);

/* One line on stderr when LEAFCAST_TRACE=1; otherwise one comparison. */
void lc_trace_start(void);
void lc_trace(const char *what, SOCKET s, const char *detail, int code);

#endif
