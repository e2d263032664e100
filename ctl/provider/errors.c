/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>

#include "base/memory.h"
#include "provider/errors.h"

int lc_wsa_from_reason(enum leafcast_reason reason)
{
	switch (reason) {
	case LEAFCAST_NO_REASON:
		return 0;
#define REASON_CASE(number, name, word, wsa, text) \
	case LEAFCAST_##name:                      \
		return wsa;
		LEAFCAST_REASONS(REASON_CASE)
#undef REASON_CASE
	}
	return WSAENOBUFS;
}

int lc_wsa_from_errno(int error)
{
	static const struct {
		int error, code;
	} codes[] = {
		{0, 0},
		{EAGAIN, WSAEWOULDBLOCK},
		{EINTR, WSAEINTR},
		{EACCES, WSAEACCES},
		{EPERM, WSAEACCES},
		{EFAULT, WSAEFAULT},
		{EINVAL, WSAEINVAL},
		{EMFILE, WSAEMFILE},
		{ENFILE, WSAEMFILE},
		{EINPROGRESS, WSAEINPROGRESS},
		{EALREADY, WSAEALREADY},
		{EBUSY, WSAEALREADY},
		{ENOTSOCK, WSAENOTSOCK},
		{EBADF, WSAENOTSOCK},
		{EDESTADDRREQ, WSAEDESTADDRREQ},
		{EMSGSIZE, WSAEMSGSIZE},
		{ENOPROTOOPT, WSAENOPROTOOPT},
		{EPROTONOSUPPORT, WSAEPROTONOSUPPORT},
		{EOPNOTSUPP, WSAEOPNOTSUPP},
		{EAFNOSUPPORT, WSAEAFNOSUPPORT},
		{EADDRINUSE, WSAEADDRINUSE},
		{EADDRNOTAVAIL, WSAEADDRNOTAVAIL},
		{ENETDOWN, WSAENETDOWN},
		/* No daemon, or one that speaks another language */
		{EPIPE, WSAENETDOWN},
		{ENOENT, WSAENETDOWN},
		{EPROTO, WSAENETDOWN},
		{ENETUNREACH, WSAENETUNREACH},
		{EHOSTUNREACH, WSAENETUNREACH},
		{ECONNABORTED, WSAECONNABORTED},
		{ECONNRESET, WSAECONNRESET},
		{EISCONN, WSAEISCONN},
		{ENOTCONN, WSAENOTCONN},
		{ETIMEDOUT, WSAETIMEDOUT},
		{ECONNREFUSED, WSAECONNREFUSED},
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].error == -error)
			return codes[i].code;
	return WSAENOBUFS;
}

int lc_wsa_from_reply(const struct lc_local_message *reply)
{
	return reply->error ? lc_wsa_from_errno(reply->error) : lc_wsa_from_reason(reply->reason);
}

enum leafcast_reason lc_reason_from_code(int code)
{
	switch (code) {
	case 0:
		return LEAFCAST_NO_REASON;
	case WSAEMFILE:
	case WSAENOBUFS:
		return LEAFCAST_LIMIT;
	case WSAENETDOWN:
		return LEAFCAST_NETWORK_DOWN;
	case WSAENETUNREACH:
		return LEAFCAST_UNREACHABLE;
	case WSAEADDRINUSE:
		return LEAFCAST_ADDRESS_IN_USE;
	case WSAEINTR:
		return LEAFCAST_CANCELLED;
	}
	return LEAFCAST_FAULT;
}

enum leafcast_reason lc_reason_from_reply(const struct lc_local_message *reply)
{
	return reply->error ? lc_reason_from_code(lc_wsa_from_errno(reply->error)) : reply->reason;
}

int lc_finish(const char *call, SOCKET s, int code, LPINT lpErrno)
{
	lc_trace(call, s, NULL, code);
	if (!code)
		return 0;
	if (lpErrno)
		lc_memory_write(lpErrno, &code, sizeof(code));
	return SOCKET_ERROR;
}

SOCKET lc_finish_socket(const char *call, SOCKET s, int code, SOCKET result, LPINT lpErrno)
{
	return lc_finish(call, s, code, lpErrno) ? INVALID_SOCKET : result;
}
