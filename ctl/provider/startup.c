/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPStartup and WSPCleanup, and what leafcast.h adds. */
#include <string.h>

#include "leafcast/leafcast.h"
#include "provider/daemon.h"
#include "provider/errors.h"
#include "provider/memory.h"

#define LOWEST_VERSION	MAKEWORD(2, 0)
#define HIGHEST_VERSION MAKEWORD(2, 2)

unsigned int lc_startups;
WSPUPCALLTABLE lc_upcalls;

bool lc_is_started(void)
{
	bool started;

	lc_lock();
	started = lc_startups;
	lc_unlock();
	return started;
}

static int cleanup(LPINT lpErrno)
{
	struct lc_socket *socket;

	lc_lock();
	if (!lc_startups) {
		lc_unlock();
		return lc_finish("WSPCleanup", INVALID_SOCKET, WSANOTINITIALISED, lpErrno);
	}
	if (lc_callback_depth) {
		lc_unlock();
		return lc_finish("WSPCleanup", INVALID_SOCKET, WSAEINPROGRESS, lpErrno);
	}
	if (!--lc_startups) {
		while ((socket = lc_socket_any()))
			lc_socket_close(socket);
		lc_daemon_stop();
		lc_upcalls = (WSPUPCALLTABLE){0};
	}
	lc_unlock();
	return lc_finish("WSPCleanup", INVALID_SOCKET, 0, lpErrno);
}

static void fill_table(LPWSPPROC_TABLE table)
{
	lc_unsupported_entries(table);
	table->lpWSPAccept = lc_wsp_accept;
	table->lpWSPBind = lc_wsp_bind;
	table->lpWSPCleanup = cleanup;
	table->lpWSPCloseSocket = lc_wsp_close_socket;
	table->lpWSPEnumNetworkEvents = lc_wsp_enum_network_events;
	table->lpWSPEventSelect = lc_wsp_event_select;
	table->lpWSPGetPeerName = lc_wsp_get_peer_name;
	table->lpWSPGetSockName = lc_wsp_get_sock_name;
	table->lpWSPGetSockOpt = lc_wsp_get_sock_opt;
	table->lpWSPIoctl = lc_wsp_ioctl;
	table->lpWSPJoinLeaf = lc_wsp_join_leaf;
	table->lpWSPListen = lc_wsp_listen;
	table->lpWSPRecv = lc_wsp_recv;
	table->lpWSPRecvFrom = lc_wsp_recv_from;
	table->lpWSPSelect = lc_wsp_select;
	table->lpWSPSend = lc_wsp_send;
	table->lpWSPSendTo = lc_wsp_send_to;
	table->lpWSPSetSockOpt = lc_wsp_set_sock_opt;
	table->lpWSPShutdown = lc_wsp_shutdown;
	table->lpWSPSocket = lc_wsp_socket;
}

static void describe(WORD requested, LPWSPDATA data)
{
	static const char text[] = "Leafcast " LC_VERSION;
	/* Versions compare by their major number, the low byte. */
	WORD wanted = MAKEWORD(HIBYTE(requested), LOBYTE(requested));
	WORD highest = MAKEWORD(HIBYTE(HIGHEST_VERSION), LOBYTE(HIGHEST_VERSION));

	memset(data, 0, sizeof(*data));
	data->wVersion = wanted < highest ? requested : HIGHEST_VERSION;
	data->wHighVersion = HIGHEST_VERSION;
	for (size_t i = 0; i < sizeof(text); i++)
		data->szDescription[i] = (unsigned char)text[i];
}

int WSPStartup(WORD wVersionRequested, LPWSPDATA lpWSPData, LPWSAPROTOCOL_INFOW lpProtocolInfo,
	       WSPUPCALLTABLE UpcallTable, LPWSPPROC_TABLE lpProcTable)
{
	lc_trace_start();
	if (LOBYTE(wVersionRequested) < LOBYTE(LOWEST_VERSION))
		return WSAVERNOTSUPPORTED;
	if (lc_memory_check_writable(lpWSPData, sizeof(*lpWSPData)) ||
	    lc_memory_check_writable(lpProcTable, sizeof(*lpProcTable)))
		return WSAEFAULT;
	if (lc_callback_depth)
		return WSAEINPROGRESS;
	describe(wVersionRequested, lpWSPData);
	fill_table(lpProcTable);
	lc_lock();
	lc_startups++;
	lc_upcalls = UpcallTable;
	lc_unlock();
	lc_trace("WSPStartup", INVALID_SOCKET, NULL, 0);
	return 0;
}

enum leafcast_reason leafcast_socket_reason(uintptr_t socket)
{
	enum leafcast_reason reason;
	struct lc_socket *found;

	lc_lock();
	found = lc_socket_by_handle(socket);
	reason = found ? found->reason : LEAFCAST_NO_REASON;
	lc_unlock();
	return reason;
}

const char *leafcast_version(void)
{
	return LC_VERSION;
}
