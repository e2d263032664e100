/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSAStartup, WSACleanup and the thread's last error. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "winsock/front.h"

WSPPROC_TABLE lc_front_table;
static unsigned int startups;
static pthread_mutex_t startup_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local int last_error;

int lc_front_result(int code, int result)
{
	if (!code)
		return result;
	last_error = code;
	return SOCKET_ERROR;
}

SOCKET lc_front_socket(int code, SOCKET result)
{
	return lc_front_result(code, 0) ? INVALID_SOCKET : result;
}

int WSAGetLastError(void)
{
	return last_error;
}

void WSASetLastError(int iError)
{
	last_error = iError;
}

static void describe(LPWSADATA data, const WSPDATA *provider)
{
	memset(data, 0, sizeof(*data));
	data->wVersion = provider->wVersion;
	data->wHighVersion = provider->wHighVersion;
	for (size_t i = 0; i < WSADESCRIPTION_LEN && i <= WSPDESCRIPTION_LEN; i++)
		data->szDescription[i] = (char)provider->szDescription[i];
	snprintf(data->szSystemStatus, sizeof(data->szSystemStatus), "Running");
}

int WSAStartup(WORD wVersionRequested, LPWSADATA lpWSAData)
{
	const WSPUPCALLTABLE none = {0};
	WSPPROC_TABLE table;
	WSPDATA provider;
	WSADATA data;
	int error;

	if (lc_memory_check_writable(lpWSAData, sizeof(*lpWSAData)))
		return WSAEFAULT;
	error = WSPStartup(wVersionRequested, &provider, NULL, none, &table);
	if (error)
		return error;
	pthread_mutex_lock(&startup_mutex);
	/* Later start-ups get the same table; calls under way in other threads read it unlocked. */
	if (!startups++)
		lc_front_table = table;
	pthread_mutex_unlock(&startup_mutex);
	describe(&data, &provider);
	return lc_memory_write(lpWSAData, &data, sizeof(data)) ? WSAEFAULT : 0;
}

int WSACleanup(void)
{
	int code = WSANOTINITIALISED, result = SOCKET_ERROR;

	pthread_mutex_lock(&startup_mutex);
	if (startups) {
		code = 0;
		result = lc_front_table.lpWSPCleanup(&code);
		if (!result)
			startups--;
	}
	pthread_mutex_unlock(&startup_mutex);
	return lc_front_result(code, result);
}
