/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Why a join failed or a membership ended, beyond what a Winsock code can say.
 *
 * One list: the numbers travel between nodes (append, never renumber), the
 * words are what tools print and logs carry, the Winsock names are what the
 * calls return. leafcast_reason_wsa() is the one place that converts.
 *
 *   X(NUMBER, ENUMERATOR, "word", WINSOCK_NAME, "sentence")
 */
#ifndef LEAFCAST_REASON_H
#define LEAFCAST_REASON_H

#ifdef __cplusplus
extern "C" {
#endif

#define LEAFCAST_REASONS(X)                                                                        \
	/* refused by the peer */                                                                  \
	X(1, NOBODY_LISTENING, "nobody-listening", WSAECONNREFUSED,                                \
	  "no multipoint socket listens there")                                                    \
	X(2, BACKLOG_FULL, "backlog-full", WSAECONNREFUSED, "the listener's backlog is full")      \
	X(3, REJECTED, "rejected-by-application", WSAECONNREFUSED,                                 \
	  "the application there said no")                                                         \
	X(4, POLICY, "policy", WSAECONNREFUSED, "the node's policy does not allow it")             \
	X(5, NO_CAPACITY, "no-capacity", WSAEOPNOTSUPP, "the flow asked for exceeds what is left") \
	X(6, BAD_FLOWSPEC, "bad-flowspec", WSAEOPNOTSUPP, "the flow specifications cannot be met") \
	X(7, LIMIT, "limit", WSAENOBUFS, "a table or limit is full")                               \
	X(8, NOT_SUPPORTED, "not-supported", WSAEOPNOTSUPP, "the peer cannot do what was asked")   \
	/* failed on the way */                                                                    \
	X(9, UNREACHABLE, "unreachable", WSAENETUNREACH, "no route leads there")                   \
	X(10, PATH_BLOCKED, "path-blocked", WSAENETUNREACH,                                        \
	  "control messages pass but a probe of the data path does not (firewall, NAT or route)")  \
	X(11, TIMED_OUT, "timed-out", WSAETIMEDOUT, "no answer in time")                           \
	X(12, CANCELLED, "cancelled", WSAEINTR, "cancelled by its caller")                         \
	X(13, NO_CONTROL, "no-control", WSAECONNREFUSED, "no daemon answers on that node")         \
	X(14, PROTOCOL, "protocol-error", WSAECONNREFUSED, "the peer sent what makes no sense")    \
	X(15, ADDRESS_IN_USE, "address-in-use", WSAEADDRINUSE, "the local address is in use")      \
	X(16, NETWORK_DOWN, "network-down", WSAENETDOWN, "the local daemon does not answer")       \
	/* ended after the join */                                                                 \
	X(17, CLOSED, "closed", 0, "closed by the peer")                                           \
	X(18, RESET, "reset", WSAECONNRESET, "the peer's process ended without closing")           \
	X(19, LOST, "lost", WSAECONNABORTED, "the peer stopped answering")                         \
	X(20, FAULT, "internal-fault", WSAENOBUFS, "the local daemon could not set up the socket")

enum leafcast_reason {
	LEAFCAST_NO_REASON = 0,
#define LEAFCAST_REASON_ENUM(number, name, word, wsa, text) LEAFCAST_##name = number,
	LEAFCAST_REASONS(LEAFCAST_REASON_ENUM)
#undef LEAFCAST_REASON_ENUM
};

#pragma GCC visibility push(default)
/* The word, "none" for LEAFCAST_NO_REASON, "unknown" for a number not in the list; static storage. */
const char *leafcast_reason_word(enum leafcast_reason reason);
/* The sentence, without full stop; static storage. */
const char *leafcast_reason_text(enum leafcast_reason reason);
#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
