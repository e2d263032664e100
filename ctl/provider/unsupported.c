/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Entries of later issues: they answer WSAEOPNOTSUPP and do nothing. */
#include "provider/errors.h"

static int refuse(const char *call, SOCKET s, LPINT lpErrno)
{
	return lc_finish(call, s, WSAEOPNOTSUPP, lpErrno);
}

static INT address_to_string(struct sockaddr *address, DWORD length, LPWSAPROTOCOL_INFOW info,
			     LPWSTR text, LPDWORD text_length, LPINT lpErrno)
{
	return refuse("WSPAddressToString", INVALID_SOCKET, lpErrno);
}

static int async_select(SOCKET s, HWND window, UINT message, LONG mask, LPINT lpErrno)
{
	return refuse("WSPAsyncSelect", s, lpErrno);
}

static int cancel_blocking_call(LPINT lpErrno)
{
	return refuse("WSPCancelBlockingCall", INVALID_SOCKET, lpErrno);
}

static int connect_(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller,
		    LPWSABUF callee, LPQOS sqos, LPQOS gqos, LPINT lpErrno)
{
	return refuse("WSPConnect", s, lpErrno);
}

static int duplicate_socket(SOCKET s, DWORD process, LPWSAPROTOCOL_INFOW info, LPINT lpErrno)
{
	return refuse("WSPDuplicateSocket", s, lpErrno);
}

static BOOL get_overlapped_result(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD bytes, BOOL wait,
				  LPDWORD flags, LPINT lpErrno)
{
	refuse("WSPGetOverlappedResult", s, lpErrno);
	return FALSE;
}

static BOOL get_qos_by_name(SOCKET s, LPWSABUF name, LPQOS qos, LPINT lpErrno)
{
	refuse("WSPGetQOSByName", s, lpErrno);
	return FALSE;
}

static int recv_disconnect(SOCKET s, LPWSABUF data, LPINT lpErrno)
{
	return refuse("WSPRecvDisconnect", s, lpErrno);
}

static int send_disconnect(SOCKET s, LPWSABUF data, LPINT lpErrno)
{
	return refuse("WSPSendDisconnect", s, lpErrno);
}

static INT string_to_address(LPWSTR text, INT family, LPWSAPROTOCOL_INFOW info,
			     struct sockaddr *address, LPINT length, LPINT lpErrno)
{
	return refuse("WSPStringToAddress", INVALID_SOCKET, lpErrno);
}

void lc_unsupported_entries(LPWSPPROC_TABLE table)
{
	table->lpWSPAddressToString = address_to_string;
	table->lpWSPAsyncSelect = async_select;
	table->lpWSPCancelBlockingCall = cancel_blocking_call;
	table->lpWSPConnect = connect_;
	table->lpWSPDuplicateSocket = duplicate_socket;
	table->lpWSPGetOverlappedResult = get_overlapped_result;
	table->lpWSPGetQOSByName = get_qos_by_name;
	table->lpWSPRecvDisconnect = recv_disconnect;
	table->lpWSPSendDisconnect = send_disconnect;
	table->lpWSPStringToAddress = string_to_address;
}
