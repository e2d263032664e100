/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPEventSelect and WSPEnumNetworkEvents. */
#include "provider/enter.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/memory.h"

int lc_wsp_event_select(SOCKET s, WSAEVENT event, LONG mask, LPINT lpErrno)
{
	struct lc_socket *socket;
	int error = lc_enter(s, &socket);

	if (!error) {
		error = lc_event_select(socket, event, mask);
		lc_leave(socket);
	}
	return lc_finish("WSPEventSelect", s, error, lpErrno);
}

int lc_wsp_enum_network_events(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS events, LPINT lpErrno)
{
	struct lc_socket *socket;
	int error = lc_enter(s, &socket);

	if (!error) {
		if (lc_memory_check_writable(events, sizeof(*events)))
			error = WSAEFAULT;
		else
			lc_event_enumerate(socket, event, events);
		lc_leave(socket);
	}
	return lc_finish("WSPEnumNetworkEvents", s, error, lpErrno);
}
