/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Event objects are eventfds: set is readable, reset is empty. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "winsock/front.h"

static int descriptor_of(WSAEVENT event)
{
	return (int)(intptr_t)event;
}

WSAEVENT WSACreateEvent(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), moved = fd;

	/* Not 0, which is WSA_INVALID_EVENT, nor anybody's standard output. */
	if (fd >= 0 && fd <= STDERR_FILENO) {
		moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(fd);
	}
	if (moved < 0) {
		WSASetLastError(WSA_NOT_ENOUGH_MEMORY);
		return WSA_INVALID_EVENT;
	}
	return (WSAEVENT)(intptr_t)moved;
}

static BOOL done(int failed)
{
	if (failed)
		WSASetLastError(WSA_INVALID_HANDLE);
	return failed ? FALSE : TRUE;
}

BOOL WSACloseEvent(WSAEVENT hEvent)
{
	return done(hEvent == WSA_INVALID_EVENT || close(descriptor_of(hEvent)));
}

BOOL WSASetEvent(WSAEVENT hEvent)
{
	return done(hEvent == WSA_INVALID_EVENT ||
		    (eventfd_write(descriptor_of(hEvent), 1) && errno != EAGAIN));
}

BOOL WSAResetEvent(WSAEVENT hEvent)
{
	eventfd_t value;

	return done(hEvent == WSA_INVALID_EVENT ||
		    (eventfd_read(descriptor_of(hEvent), &value) && errno != EAGAIN));
}

static uint64_t now_ms(void)
{
	return lc_now_ns() / LC_NS_PER_MS;
}

/*
 * Looks at the descriptors after a poll: the index to report, or -1 to go on
 * waiting, or -2 for one that is no event. Of "all", those set already are not
 * waited for any more.
 */
static int look(struct pollfd *descriptors, DWORD count, bool all)
{
	bool every = true;

	for (DWORD i = 0; i < count; i++) {
		if (descriptors[i].revents & POLLNVAL)
			return -2;
		if (descriptors[i].revents & POLLIN) {
			if (!all)
				return (int)i;
			descriptors[i].fd = -1;
		}
		every = every && descriptors[i].fd < 0;
	}
	return all && every ? 0 : -1;
}

/* What to poll; or a code. */
static int read_events(struct pollfd descriptors[WSA_MAXIMUM_WAIT_EVENTS], const WSAEVENT *events,
		       DWORD count)
{
	WSAEVENT copy[WSA_MAXIMUM_WAIT_EVENTS];

	if (!count || count > WSA_MAXIMUM_WAIT_EVENTS)
		return WSA_INVALID_PARAMETER;
	if (lc_memory_read(copy, events, count * sizeof(*copy)))
		return WSAEFAULT;
	for (DWORD i = 0; i < count; i++) {
		if (copy[i] == WSA_INVALID_EVENT)
			return WSA_INVALID_HANDLE;
		descriptors[i] = (struct pollfd){.fd = descriptor_of(copy[i]), .events = POLLIN};
	}
	return 0;
}

DWORD WSAWaitForMultipleEvents(DWORD cEvents, const WSAEVENT *lphEvents, BOOL fWaitAll,
			       DWORD dwTimeout, BOOL fAlertable)
{
	struct pollfd descriptors[WSA_MAXIMUM_WAIT_EVENTS];
	uint64_t until = now_ms() + dwTimeout;
	int error = read_events(descriptors, lphEvents, cEvents);

	if (error) {
		WSASetLastError(error);
		return WSA_WAIT_FAILED;
	}
	for (;;) {
		uint64_t now = now_ms();
		/* An int holds 24 days of milliseconds: longer waits are several. */
		uint64_t left = until > now ? until - now : 0;
		int pause = dwTimeout == WSA_INFINITE ? -1
						      : (int)(left > INT32_MAX ? INT32_MAX : left);
		int found, count = poll(descriptors, cEvents, pause);

		if (count < 0 && errno != EINTR)
			found = -2;
		else
			found = count > 0 ? look(descriptors, cEvents, fWaitAll) : -1;
		if (found == -2) {
			WSASetLastError(WSA_INVALID_HANDLE);
			return WSA_WAIT_FAILED;
		}
		if (found >= 0)
			return WSA_WAIT_EVENT_0 + (DWORD)found;
		if (dwTimeout != WSA_INFINITE && now_ms() >= until)
			return WSA_WAIT_TIMEOUT;
	}
}

int WSAEventSelect(SOCKET s, WSAEVENT hEventObject, LONG lNetworkEvents)
{
	return FRONT_CALL(EventSelect, s, hEventObject, lNetworkEvents);
}

int WSAEnumNetworkEvents(SOCKET s, WSAEVENT hEventObject, LPWSANETWORKEVENTS lpNetworkEvents)
{
	return FRONT_CALL(EnumNetworkEvents, s, hEventObject, lpNetworkEvents);
}
