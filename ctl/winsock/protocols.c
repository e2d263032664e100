/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSAEnumProtocols: the catalogue, as the provider describes it. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "winsock/front.h"

/* More numbers than there are protocols: no list goes on for longer. */
#define WANTED_MAX 256

/* The zero-terminated list of the caller. */
struct wanted {
	bool all;
	size_t count;
	int protocols[WANTED_MAX];
};

static int read_wanted(struct wanted *wanted, const int *protocols)
{
	wanted->count = 0;
	for (; protocols && wanted->count < WANTED_MAX; wanted->count++) {
		int *at = &wanted->protocols[wanted->count];

		if (lc_memory_read(at, protocols + wanted->count, sizeof(*at)))
			return WSAEFAULT;
		if (!*at)
			break;
	}
	/* No list and an empty one mean the same. */
	wanted->all = !wanted->count;
	return wanted->count < WANTED_MAX ? 0 : WSAEINVAL;
}

static bool is_wanted(const struct wanted *wanted, int protocol)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->protocols[i] == protocol)
			return true;
	return wanted->all;
}

static void to_wide(void *to, const WSAPROTOCOL_INFOW *info)
{
	memcpy(to, info, sizeof(*info));
}

static void to_narrow(void *to, const WSAPROTOCOL_INFOW *info)
{
	WSAPROTOCOL_INFOA *narrow = to;

	memcpy(narrow, info, offsetof(WSAPROTOCOL_INFOA, szProtocol));
	for (size_t i = 0; i <= WSAPROTOCOL_LEN; i++)
		narrow->szProtocol[i] = (CHAR)info->szProtocol[i];
}

/* Entries of `size` bytes each, made by `convert`; returns as WSAEnumProtocols does. */
static int list(const int *protocols, char *buffer, LPDWORD length, size_t size,
		void (*convert)(void *, const WSAPROTOCOL_INFOW *))
{
	WSAPROTOCOL_INFOW info, entry; /* no WSAPROTOCOL_INFOA is longer */
	struct wanted wanted;
	DWORD needed = 0, room;
	int count = 0, error = read_wanted(&wanted, protocols);

	if (error)
		return lc_front_result(error, 0);
	for (size_t i = 0; leafcast_catalogue_entry(i, &info); i++)
		if (is_wanted(&wanted, info.iProtocol))
			needed += (DWORD)size;
	if (lc_memory_read(&room, length, sizeof(room)))
		return lc_front_result(WSAEFAULT, 0);
	if (!buffer || room < needed) {
		error = lc_memory_write(length, &needed, sizeof(needed)) ? WSAEFAULT : WSAENOBUFS;
		return lc_front_result(error, 0);
	}
	for (size_t i = 0; leafcast_catalogue_entry(i, &info); i++) {
		if (!is_wanted(&wanted, info.iProtocol))
			continue;
		convert(&entry, &info);
		if (lc_memory_write(buffer + (size_t)count++ * size, &entry, size))
			return lc_front_result(WSAEFAULT, 0);
	}
	return count;
}

int WSAEnumProtocolsW(LPINT lpiProtocols, LPWSAPROTOCOL_INFOW lpProtocolBuffer,
		      LPDWORD lpdwBufferLength)
{
	return list(lpiProtocols, (char *)lpProtocolBuffer, lpdwBufferLength,
		    sizeof(WSAPROTOCOL_INFOW), to_wide);
}

int WSAEnumProtocolsA(LPINT lpiProtocols, LPWSAPROTOCOL_INFOA lpProtocolBuffer,
		      LPDWORD lpdwBufferLength)
{
	return list(lpiProtocols, (char *)lpProtocolBuffer, lpdwBufferLength,
		    sizeof(WSAPROTOCOL_INFOA), to_narrow);
}
