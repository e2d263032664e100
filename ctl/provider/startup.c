/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPStartup and WSPCleanup, and what leafcast.h adds. */
#include <string.h>

#include "base/clock.h"
#include "leafcast/leafcast.h"
#include "provider/absence.h"
#include "provider/connection.h"
#include "provider/dispatch.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/farewell.h"
#include "provider/loop.h"
#include "provider/memory.h"
#include "provider/resume.h"
#include "provider/retire.h"
#include "provider/table.h"
#include "provider/upcalls.h"

#define LOWEST_VERSION	MAKEWORD(2, 0)
#define HIGHEST_VERSION MAKEWORD(2, 2)

/* A start-up waits for a cleanup that is under way. Taken before all other locks. */
static pthread_mutex_t startup_mutex = PTHREAD_MUTEX_INITIALIZER;

/* --- fork(2) */

static void before_fork(void)
{
	lc_farewell_lock();
	lc_connection_lock();
	lc_loop_lock();
}

static void after_fork_in_parent(void)
{
	lc_loop_unlock();
	lc_connection_unlock();
	lc_farewell_unlock();
}

static void after_fork_in_child(void)
{
	pthread_mutex_init(&startup_mutex, NULL);
	lc_table_forget();
	lc_loop_forget();
	lc_connection_forget();
	lc_farewell_forget();
	lc_resume_forget();
	lc_absence_forget();
}

__attribute__((constructor)) static void prepare_for_fork(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* --- WSPCleanup */

static void close_all(void)
{
	struct lc_socket *socket;
	uint64_t until;

	while ((socket = lc_table_any())) {
		if (lc_table_unpublish(socket))
			lc_retire(socket);
		lc_socket_release(socket);
	}
	until = lc_now_ns() + lc_waits.patience_ns;
	lc_farewell_drain(until);
	lc_connection_drain(until);
	lc_loop_stop();
	lc_connection_close();
}

static int clean_up(void)
{
	int left;

	if (!lc_is_started())
		return WSANOTINITIALISED;
	if (lc_callback_depth)
		return WSAEINPROGRESS;
	pthread_mutex_lock(&startup_mutex);
	left = lc_startup_uncount();
	if (!left)
		close_all();
	pthread_mutex_unlock(&startup_mutex);
	return left < 0 ? WSANOTINITIALISED : 0;
}

static int cleanup(LPINT lpErrno)
{
	return lc_finish("WSPCleanup", INVALID_SOCKET, clean_up(), lpErrno);
}

/* --- WSPStartup */

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

/* Who is told what by whom; there is no hidden thread yet. */
static void wire(void)
{
	lc_loop_handle(LC_LOOP_CONNECTION, lc_connection_ready);
	lc_loop_handle(LC_LOOP_SOCKET, lc_event_ready);
	lc_connection_handle(&lc_dispatch);
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
	pthread_mutex_lock(&startup_mutex);
	if (!lc_is_started())
		wire();
	lc_absence_read_environment();
	lc_startup_count(&UpcallTable);
	pthread_mutex_unlock(&startup_mutex);
	lc_trace("WSPStartup", INVALID_SOCKET, NULL, 0);
	return 0;
}

/* --- leafcast.h */

enum leafcast_reason leafcast_socket_reason(uintptr_t socket)
{
	struct lc_socket *found = lc_table_by_handle(socket);
	enum leafcast_reason reason;

	if (!found)
		return LEAFCAST_NO_REASON;
	lc_socket_lock(found);
	reason = found->reason;
	lc_socket_unlock(found);
	lc_socket_release(found);
	return reason;
}

void leafcast_set_absence(unsigned int milliseconds)
{
	lc_absence_limit(milliseconds * LC_NS_PER_MS);
}

const char *leafcast_version(void)
{
	return LC_VERSION;
}
