/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The calls that go straight through, and those that pack plain buffers into WSABUFs. */
#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "winsock/front.h"

SOCKET WSASocketW(int af, int type, int protocol, LPWSAPROTOCOL_INFOW lpProtocolInfo, GROUP g,
		  DWORD dwFlags)
{
	return FRONT_CALL_SOCKET(Socket, af, type, protocol, lpProtocolInfo, g, dwFlags);
}

SOCKET WSASocketA(int af, int type, int protocol, LPWSAPROTOCOL_INFOA lpProtocolInfo, GROUP g,
		  DWORD dwFlags)
{
	WSAPROTOCOL_INFOA narrow;
	WSAPROTOCOL_INFOW wide;

	if (!lpProtocolInfo)
		return WSASocketW(af, type, protocol, NULL, g, dwFlags);
	if (lc_memory_read(&narrow, lpProtocolInfo, sizeof(narrow)))
		return lc_front_socket(WSAEFAULT, INVALID_SOCKET);
	/* The two differ in the name at the end alone. */
	memcpy(&wide, &narrow, offsetof(WSAPROTOCOL_INFOA, szProtocol));
	for (size_t i = 0; i <= WSAPROTOCOL_LEN; i++)
		wide.szProtocol[i] = (unsigned char)narrow.szProtocol[i];
	return WSASocketW(af, type, protocol, &wide, g, dwFlags);
}

SOCKET WSAAccept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC lpfnCondition,
		 DWORD_PTR dwCallbackData)
{
	return FRONT_CALL_SOCKET(Accept, s, addr, addrlen, lpfnCondition, dwCallbackData);
}

SOCKET WSAJoinLeaf(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF lpCallerData,
		   LPWSABUF lpCalleeData, LPQOS lpSQOS, LPQOS lpGQOS, DWORD dwFlags)
{
	return FRONT_CALL_SOCKET(JoinLeaf, s, name, namelen, lpCallerData, lpCalleeData, lpSQOS,
				 lpGQOS, dwFlags);
}

int WSASendTo(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent,
	      DWORD dwFlags, const struct sockaddr *lpTo, int iTolen, LPWSAOVERLAPPED lpOverlapped,
	      LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
{
	return FRONT_CALL(SendTo, s, lpBuffers, dwBufferCount, lpNumberOfBytesSent, dwFlags, lpTo,
			  iTolen, lpOverlapped, lpCompletionRoutine, NULL);
}

int WSASend(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent,
	    DWORD dwFlags, LPWSAOVERLAPPED lpOverlapped,
	    LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
{
	return FRONT_CALL(Send, s, lpBuffers, dwBufferCount, lpNumberOfBytesSent, dwFlags,
			  lpOverlapped, lpCompletionRoutine, NULL);
}

int WSARecvFrom(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd,
		LPDWORD lpFlags, struct sockaddr *lpFrom, LPINT lpFromlen,
		LPWSAOVERLAPPED lpOverlapped,
		LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
{
	return FRONT_CALL(RecvFrom, s, lpBuffers, dwBufferCount, lpNumberOfBytesRecvd, lpFlags,
			  lpFrom, lpFromlen, lpOverlapped, lpCompletionRoutine, NULL);
}

int WSARecv(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd,
	    LPDWORD lpFlags, LPWSAOVERLAPPED lpOverlapped,
	    LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
{
	return FRONT_CALL(Recv, s, lpBuffers, dwBufferCount, lpNumberOfBytesRecvd, lpFlags,
			  lpOverlapped, lpCompletionRoutine, NULL);
}

int WSAIoctl(SOCKET s, DWORD dwIoControlCode, LPVOID lpvInBuffer, DWORD cbInBuffer,
	     LPVOID lpvOutBuffer, DWORD cbOutBuffer, LPDWORD lpcbBytesReturned,
	     LPWSAOVERLAPPED lpOverlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
{
	return FRONT_CALL(Ioctl, s, dwIoControlCode, lpvInBuffer, cbInBuffer, lpvOutBuffer,
			  cbOutBuffer, lpcbBytesReturned, lpOverlapped, lpCompletionRoutine, NULL);
}

int ioctlsocket(SOCKET s, LONG cmd, void *argp)
{
	DWORD returned;

	return WSAIoctl(s, (DWORD)cmd, argp, sizeof(ULONG), argp, sizeof(ULONG), &returned, NULL,
			NULL);
}

int closesocket(SOCKET s)
{
	return FRONT_CALL(CloseSocket, s);
}

SOCKET leafcast_socket(int af, int type, int protocol)
{
	return WSASocketW(af, type, protocol, NULL, 0, WSA_FLAG_OVERLAPPED);
}

int leafcast_bind(SOCKET s, const struct sockaddr *name, int namelen)
{
	return FRONT_CALL(Bind, s, name, namelen);
}

int leafcast_listen(SOCKET s, int backlog)
{
	return FRONT_CALL(Listen, s, backlog);
}

SOCKET leafcast_accept(SOCKET s, struct sockaddr *addr, int *addrlen)
{
	return WSAAccept(s, addr, addrlen, NULL, 0);
}

int leafcast_connect(SOCKET s, const struct sockaddr *name, int namelen)
{
	return FRONT_CALL(Connect, s, name, namelen, NULL, NULL, NULL, NULL);
}

int leafcast_sendto(SOCKET s, const void *buf, int len, int flags, const struct sockaddr *to,
		    int tolen)
{
	WSABUF buffer = {(ULONG)len, (CHAR *)(uintptr_t)buf};
	DWORD sent = 0;

	if (len < 0)
		return lc_front_result(WSAEFAULT, 0);
	if (WSASendTo(s, &buffer, 1, &sent, (DWORD)flags, to, tolen, NULL, NULL))
		return SOCKET_ERROR;
	return (int)sent;
}

int leafcast_send(SOCKET s, const void *buf, int len, int flags)
{
	return leafcast_sendto(s, buf, len, flags, NULL, 0);
}

int leafcast_recvfrom(SOCKET s, void *buf, int len, int flags, struct sockaddr *from, int *fromlen)
{
	WSABUF buffer = {(ULONG)len, buf};
	DWORD received = 0, recv_flags = (DWORD)flags;

	if (len < 0)
		return lc_front_result(WSAEFAULT, 0);
	if (!WSARecvFrom(s, &buffer, 1, &received, &recv_flags, from, fromlen, NULL, NULL))
		return (int)received;
	/* The old calls know the graceful end as 0 bytes. */
	return WSAGetLastError() == WSAEDISCON ? 0 : SOCKET_ERROR;
}

int leafcast_recv(SOCKET s, void *buf, int len, int flags)
{
	return leafcast_recvfrom(s, buf, len, flags, NULL, NULL);
}

int leafcast_select(int nfds, leafcast_fd_set *readfds, leafcast_fd_set *writefds,
		    leafcast_fd_set *exceptfds, const struct timeval *timeout)
{
	return FRONT_CALL(Select, nfds, readfds, writefds, exceptfds, timeout);
}

int leafcast_shutdown(SOCKET s, int how)
{
	return FRONT_CALL(Shutdown, s, how);
}

int leafcast_getsockname(SOCKET s, struct sockaddr *name, int *namelen)
{
	return FRONT_CALL(GetSockName, s, name, namelen);
}

int leafcast_getpeername(SOCKET s, struct sockaddr *name, int *namelen)
{
	return FRONT_CALL(GetPeerName, s, name, namelen);
}

int leafcast_getsockopt(SOCKET s, int level, int optname, void *optval, int *optlen)
{
	return FRONT_CALL(GetSockOpt, s, level, optname, optval, optlen);
}

int leafcast_setsockopt(SOCKET s, int level, int optname, const void *optval, int optlen)
{
	return FRONT_CALL(SetSockOpt, s, level, optname, optval, optlen);
}
