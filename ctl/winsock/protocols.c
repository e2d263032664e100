/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSAEnumProtocols: the catalogue, as the provider describes it. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "winsock/front.h"

static bool is_wanted(const int *protocols, int protocol)
{
	if (!protocols || !*protocols)
		return true;
	while (*protocols)
		if (*protocols++ == protocol)
			return true;
	return false;
}

int WSAEnumProtocolsW(LPINT lpiProtocols, LPWSAPROTOCOL_INFOW lpProtocolBuffer,
		      LPDWORD lpdwBufferLength)
{
	WSAPROTOCOL_INFOW info;
	DWORD needed = 0;
	int count = 0;

	if (!lpdwBufferLength)
		return lc_front_result(WSAEFAULT, 0);
	for (size_t i = 0; leafcast_catalogue_entry(i, &info); i++)
		if (is_wanted(lpiProtocols, info.iProtocol))
			needed += sizeof(info);
	if (!lpProtocolBuffer || *lpdwBufferLength < needed) {
		*lpdwBufferLength = needed;
		return lc_front_result(WSAENOBUFS, 0);
	}
	for (size_t i = 0; leafcast_catalogue_entry(i, &info); i++)
		if (is_wanted(lpiProtocols, info.iProtocol))
			lpProtocolBuffer[count++] = info;
	return count;
}

int WSAEnumProtocolsA(LPINT lpiProtocols, LPWSAPROTOCOL_INFOA lpProtocolBuffer,
		      LPDWORD lpdwBufferLength)
{
	WSAPROTOCOL_INFOW info;
	DWORD needed = 0;
	int count = 0;

	if (!lpdwBufferLength)
		return lc_front_result(WSAEFAULT, 0);
	for (size_t i = 0; leafcast_catalogue_entry(i, &info); i++)
		if (is_wanted(lpiProtocols, info.iProtocol))
			needed += sizeof(*lpProtocolBuffer);
	if (!lpProtocolBuffer || *lpdwBufferLength < needed) {
		*lpdwBufferLength = needed;
		return lc_front_result(WSAENOBUFS, 0);
	}
	for (size_t i = 0; leafcast_catalogue_entry(i, &info); i++) {
		if (!is_wanted(lpiProtocols, info.iProtocol))
			continue;
		memcpy(&lpProtocolBuffer[count], &info, offsetof(WSAPROTOCOL_INFOA, szProtocol));
		for (size_t at = 0; at <= WSAPROTOCOL_LEN; at++)
			lpProtocolBuffer[count].szProtocol[at] = (CHAR)info.szProtocol[at];
		count++;
	}
	return count;
}
