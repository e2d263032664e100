/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Winsock 2 for programs on Linux that use multipoint sessions.
 *
 * It stands on the system's own headers: struct sockaddr, AF_*, SOL_SOCKET,
 * SO_* and struct timeval are Linux's. A SOCKET is a file descriptor of
 * this process, never 0, and a WSAEVENT is an eventfd: both may be given to
 * poll(2). Numbers that Winsock programs compare (errors, FD_*, SIO_*, FIONBIO)
 * are Winsock's.
 *
 * The calls whose names the C library also has (bind, recv, select, ...) are
 * exported as leafcast_bind and so on; macros at the end of this header map the
 * names, and those of fd_set. A program that wants the C library's defines
 * LEAFCAST_KEEP_SOCKET_NAMES first.
 *
 * FD_SETSIZE, how many sockets an fd_set holds, is what the program defined
 * before it included this header, else 1024; <stdlib.h> and others that come
 * first also make it 1024.
 */
#ifndef WINSOCK_WINSOCK2_H
#define WINSOCK_WINSOCK2_H

/* The system's headers define it anew: what the program said must stay. */
#pragma push_macro("FD_SETSIZE")
#undef FD_SETSIZE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#pragma pop_macro("FD_SETSIZE")
#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif

#include "qos.h"
#include "windef.h"
#include "wsaerror.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef UINT_PTR SOCKET;
typedef unsigned int GROUP;
typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct sockaddr_in6 SOCKADDR_IN6, *PSOCKADDR_IN6, *LPSOCKADDR_IN6;
typedef struct sockaddr_storage SOCKADDR_STORAGE, *PSOCKADDR_STORAGE, *LPSOCKADDR_STORAGE;
typedef struct linger LINGER, *PLINGER, *LPLINGER;

typedef struct timeval TIMEVAL, *PTIMEVAL, *LPTIMEVAL;

#define INVALID_SOCKET	   ((SOCKET)(~(SOCKET)0))
#define SOCKET_ERROR	   (-1)
#define FROM_PROTOCOL_INFO (-1)

#undef SOMAXCONN
#define SOMAXCONN 0x7fffffff

#define SD_RECEIVE 0
#define SD_SEND	   1
#define SD_BOTH	   2

#define SG_UNCONSTRAINED_GROUP 1
#define SG_CONSTRAINED_GROUP   2

#define MSG_PARTIAL 0x8000

/* JL_BOTH is a value of its own, not the two others ORed. */
#define JL_SENDER_ONLY	 0x01
#define JL_RECEIVER_ONLY 0x02
#define JL_BOTH		 0x04

#define WSA_FLAG_OVERLAPPED		0x01
#define WSA_FLAG_MULTIPOINT_C_ROOT	0x02
#define WSA_FLAG_MULTIPOINT_C_LEAF	0x04
#define WSA_FLAG_MULTIPOINT_D_ROOT	0x08
#define WSA_FLAG_MULTIPOINT_D_LEAF	0x10
#define WSA_FLAG_ACCESS_SYSTEM_SECURITY 0x40
#define WSA_FLAG_NO_HANDLE_INHERIT	0x80
#define WSA_FLAG_REGISTERED_IO		0x100

#define FD_READ_BIT			0
#define FD_WRITE_BIT			1
#define FD_OOB_BIT			2
#define FD_ACCEPT_BIT			3
#define FD_CONNECT_BIT			4
#define FD_CLOSE_BIT			5
#define FD_QOS_BIT			6
#define FD_GROUP_QOS_BIT		7
#define FD_ROUTING_INTERFACE_CHANGE_BIT 8
#define FD_ADDRESS_LIST_CHANGE_BIT	9
#define FD_READ				(1 << FD_READ_BIT)
#define FD_WRITE			(1 << FD_WRITE_BIT)
#define FD_OOB				(1 << FD_OOB_BIT)
#define FD_ACCEPT			(1 << FD_ACCEPT_BIT)
#define FD_CONNECT			(1 << FD_CONNECT_BIT)
#define FD_CLOSE			(1 << FD_CLOSE_BIT)
#define FD_QOS				(1 << FD_QOS_BIT)
#define FD_GROUP_QOS			(1 << FD_GROUP_QOS_BIT)
#define FD_ROUTING_INTERFACE_CHANGE	(1 << FD_ROUTING_INTERFACE_CHANGE_BIT)
#define FD_ADDRESS_LIST_CHANGE		(1 << FD_ADDRESS_LIST_CHANGE_BIT)
#define FD_MAX_EVENTS			10
#define FD_ALL_EVENTS			((1 << FD_MAX_EVENTS) - 1)

#define CF_ACCEPT 0
#define CF_REJECT 1
#define CF_DEFER  2

/* The C library's ioctl numbers of the same names are others. */
#undef FIONREAD
#undef FIONBIO
#undef SIOCATMARK
#define FIONREAD   0x4004667FU
#define FIONBIO	   0x8004667EU
#define SIOCATMARK 0x40047307U

/* How WSAIoctl's codes are made; the C library's macros of some of these names are others. */
#undef IOC_IN
#undef IOC_OUT
#undef IOC_INOUT
#define IOC_UNIX     0x00000000U
#define IOC_WS2	     0x08000000U
#define IOC_PROTOCOL 0x10000000U
#define IOC_VENDOR   0x18000000U
#define IOC_VOID     0x20000000U
#define IOC_OUT	     0x40000000U
#define IOC_IN	     0x80000000U
#define IOC_INOUT    (IOC_IN | IOC_OUT)

#define _WSAIO(x, y)   (IOC_VOID | (x) | (y))
#define _WSAIOR(x, y)  (IOC_OUT | (x) | (y))
#define _WSAIOW(x, y)  (IOC_IN | (x) | (y))
#define _WSAIORW(x, y) (IOC_INOUT | (x) | (y))

#define SIO_FLUSH			   0x28000004U
#define SIO_GET_BROADCAST_ADDRESS	   0x48000005U
#define SIO_GET_EXTENSION_FUNCTION_POINTER 0xC8000006U
#define SIO_GET_QOS			   0xC8000007U
#define SIO_GET_GROUP_QOS		   0xC8000008U
#define SIO_MULTIPOINT_LOOPBACK		   0x88000009U
#define SIO_MULTICAST_SCOPE		   0x8800000AU
#define SIO_SET_QOS			   0x8800000BU
#define SIO_SET_GROUP_QOS		   0x8800000CU
#define SIO_TRANSLATE_HANDLE		   0xC800000DU
#define SIO_ROUTING_INTERFACE_QUERY	   0xC8000014U
#define SIO_ROUTING_INTERFACE_CHANGE	   0x88000015U
#define SIO_ADDRESS_LIST_QUERY		   0x48000016U
#define SIO_ADDRESS_LIST_CHANGE		   0x28000017U

#define XP1_CONNECTIONLESS	     0x00000001
#define XP1_GUARANTEED_DELIVERY	     0x00000002
#define XP1_GUARANTEED_ORDER	     0x00000004
#define XP1_MESSAGE_ORIENTED	     0x00000008
#define XP1_PSEUDO_STREAM	     0x00000010
#define XP1_GRACEFUL_CLOSE	     0x00000020
#define XP1_EXPEDITED_DATA	     0x00000040
#define XP1_CONNECT_DATA	     0x00000080
#define XP1_DISCONNECT_DATA	     0x00000100
#define XP1_SUPPORT_BROADCAST	     0x00000200
#define XP1_SUPPORT_MULTIPOINT	     0x00000400
#define XP1_MULTIPOINT_CONTROL_PLANE 0x00000800
#define XP1_MULTIPOINT_DATA_PLANE    0x00001000
#define XP1_QOS_SUPPORTED	     0x00002000
#define XP1_INTERRUPT		     0x00004000
#define XP1_UNI_SEND		     0x00008000
#define XP1_UNI_RECV		     0x00010000
#define XP1_IFS_HANDLES		     0x00020000
#define XP1_PARTIAL_MESSAGE	     0x00040000
#define XP1_SAN_SUPPORT_SDP	     0x00080000

#define PFL_MULTIPLE_PROTO_ENTRIES  0x00000001
#define PFL_RECOMMENDED_PROTO_ENTRY 0x00000002
#define PFL_HIDDEN		    0x00000004
#define PFL_MATCHES_PROTOCOL_ZERO   0x00000008

#define MAX_PROTOCOL_CHAIN     7
#define BASE_PROTOCOL	       1
#define LAYERED_PROTOCOL       0
#define WSAPROTOCOL_LEN	       255
#define WSADESCRIPTION_LEN     256
#define WSASYS_STATUS_LEN      128
#define BIGENDIAN	       0x0000
#define LITTLEENDIAN	       0x0001
#define SECURITY_PROTOCOL_NONE 0x0000

/*
 * iProtocol of the catalogue entry "rooted control, rooted data", for either
 * address family. A leaf of such a session names it (a root need not: its
 * flags say it).
 */
#define LEAFCAST_IPPROTO_ROOTED 0x4C01

/* Winsock's WSABUF.len is 32 bits everywhere. */
typedef struct _WSABUF {
	ULONG len;
	CHAR *buf;
} WSABUF, *LPWSABUF;

/* See qos.h; here because it holds a WSABUF. */
typedef struct _QualityOfService {
	FLOWSPEC SendingFlowspec;
	FLOWSPEC ReceivingFlowspec;
	WSABUF ProviderSpecific;
} QOS, *LPQOS;

/* An eventfd; the all-zero one is invalid. */
typedef HANDLE WSAEVENT, *LPWSAEVENT;
#define WSA_INVALID_EVENT	((WSAEVENT)0)
#define WSA_MAXIMUM_WAIT_EVENTS 64
#define WSA_WAIT_EVENT_0	0
#define WSA_WAIT_TIMEOUT	258
#define WSA_WAIT_IO_COMPLETION	0xC0
#define WSA_WAIT_FAILED		0xFFFFFFFFU
#define WSA_INFINITE		0xFFFFFFFFU

typedef struct _WSANETWORKEVENTS {
	LONG lNetworkEvents;
	int iErrorCode[FD_MAX_EVENTS];
} WSANETWORKEVENTS, *LPWSANETWORKEVENTS;

typedef struct _WSAOVERLAPPED {
	ULONG_PTR Internal;
	ULONG_PTR InternalHigh;
	DWORD Offset;
	DWORD OffsetHigh;
	WSAEVENT hEvent;
} WSAOVERLAPPED, *LPWSAOVERLAPPED;

typedef void(CALLBACK *LPWSAOVERLAPPED_COMPLETION_ROUTINE)(DWORD dwError, DWORD cbTransferred,
							   LPWSAOVERLAPPED lpOverlapped,
							   DWORD dwFlags);
typedef int(CALLBACK *LPCONDITIONPROC)(LPWSABUF lpCallerId, LPWSABUF lpCallerData, LPQOS lpSQOS,
				       LPQOS lpGQOS, LPWSABUF lpCalleeId, LPWSABUF lpCalleeData,
				       GROUP *g, DWORD_PTR dwCallbackData);

typedef struct _WSAPROTOCOLCHAIN {
	int ChainLen;
	DWORD ChainEntries[MAX_PROTOCOL_CHAIN];
} WSAPROTOCOLCHAIN, *LPWSAPROTOCOLCHAIN;

#define WSAPROTOCOL_INFO_MEMBERS        \
	DWORD dwServiceFlags1;          \
	DWORD dwServiceFlags2;          \
	DWORD dwServiceFlags3;          \
	DWORD dwServiceFlags4;          \
	DWORD dwProviderFlags;          \
	GUID ProviderId;                \
	DWORD dwCatalogEntryId;         \
	WSAPROTOCOLCHAIN ProtocolChain; \
	int iVersion;                   \
	int iAddressFamily;             \
	int iMaxSockAddr;               \
	int iMinSockAddr;               \
	int iSocketType;                \
	int iProtocol;                  \
	int iProtocolMaxOffset;         \
	int iNetworkByteOrder;          \
	int iSecurityScheme;            \
	DWORD dwMessageSize;            \
	DWORD dwProviderReserved;
typedef struct _WSAPROTOCOL_INFOA {
	WSAPROTOCOL_INFO_MEMBERS
	CHAR szProtocol[WSAPROTOCOL_LEN + 1];
} WSAPROTOCOL_INFOA, *LPWSAPROTOCOL_INFOA;
typedef struct _WSAPROTOCOL_INFOW {
	WSAPROTOCOL_INFO_MEMBERS
	WCHAR szProtocol[WSAPROTOCOL_LEN + 1];
} WSAPROTOCOL_INFOW, *LPWSAPROTOCOL_INFOW;
#undef WSAPROTOCOL_INFO_MEMBERS

/*
 * Winsock's fd_set: a list, so that any SOCKET fits in. Programs use FD_ZERO,
 * FD_SET (which does nothing if the set is full), FD_CLR and FD_ISSET, or the
 * members. Its length is the program's affair: the library looks at fd_count.
 */
typedef struct leafcast_fd_set {
	unsigned int fd_count;
	SOCKET fd_array[FD_SETSIZE];
} leafcast_fd_set, *PFD_SET, *LPFD_SET;

static inline void leafcast_fd_zero(leafcast_fd_set *set)
{
	set->fd_count = 0;
}

static inline int leafcast_fd_holds(SOCKET s, const leafcast_fd_set *set)
{
	for (unsigned int i = 0; i < set->fd_count; i++)
		if (set->fd_array[i] == s)
			return 1;
	return 0;
}

static inline void leafcast_fd_add(SOCKET s, leafcast_fd_set *set)
{
	if (set->fd_count < sizeof(set->fd_array) / sizeof(set->fd_array[0]) &&
	    !leafcast_fd_holds(s, set))
		set->fd_array[set->fd_count++] = s;
}

static inline void leafcast_fd_remove(SOCKET s, leafcast_fd_set *set)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < set->fd_count; i++)
		if (set->fd_array[i] != s)
			set->fd_array[kept++] = set->fd_array[i];
	set->fd_count = kept;
}

typedef struct WSAData {
	WORD wVersion;
	WORD wHighVersion;
	char szDescription[WSADESCRIPTION_LEN + 1];
	char szSystemStatus[WSASYS_STATUS_LEN + 1];
	unsigned short iMaxSockets;
	unsigned short iMaxUdpDg;
	char *lpVendorInfo;
} WSADATA, *LPWSADATA;

#pragma GCC visibility push(default)
/* Of WSAStartup the error is the result; everywhere else WSAGetLastError has it, per thread. */
int WSAStartup(WORD wVersionRequested, LPWSADATA lpWSAData);
int WSACleanup(void);
int WSAGetLastError(void);
void WSASetLastError(int iError);

SOCKET WSASocketA(int af, int type, int protocol, LPWSAPROTOCOL_INFOA lpProtocolInfo, GROUP g,
		  DWORD dwFlags);
SOCKET WSASocketW(int af, int type, int protocol, LPWSAPROTOCOL_INFOW lpProtocolInfo, GROUP g,
		  DWORD dwFlags);
/* lpiProtocols: zero-terminated, or NULL for all. Returns the number of entries. */
int WSAEnumProtocolsA(LPINT lpiProtocols, LPWSAPROTOCOL_INFOA lpProtocolBuffer,
		      LPDWORD lpdwBufferLength);
int WSAEnumProtocolsW(LPINT lpiProtocols, LPWSAPROTOCOL_INFOW lpProtocolBuffer,
		      LPDWORD lpdwBufferLength);

SOCKET WSAAccept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC lpfnCondition,
		 DWORD_PTR dwCallbackData);
SOCKET WSAJoinLeaf(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF lpCallerData,
		   LPWSABUF lpCalleeData, LPQOS lpSQOS, LPQOS lpGQOS, DWORD dwFlags);
int WSASend(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent,
	    DWORD dwFlags, LPWSAOVERLAPPED lpOverlapped,
	    LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine);
int WSASendTo(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent,
	      DWORD dwFlags, const struct sockaddr *lpTo, int iTolen, LPWSAOVERLAPPED lpOverlapped,
	      LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine);
int WSARecv(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd,
	    LPDWORD lpFlags, LPWSAOVERLAPPED lpOverlapped,
	    LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine);
int WSARecvFrom(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd,
		LPDWORD lpFlags, struct sockaddr *lpFrom, LPINT lpFromlen,
		LPWSAOVERLAPPED lpOverlapped,
		LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine);
int WSAIoctl(SOCKET s, DWORD dwIoControlCode, LPVOID lpvInBuffer, DWORD cbInBuffer,
	     LPVOID lpvOutBuffer, DWORD cbOutBuffer, LPDWORD lpcbBytesReturned,
	     LPWSAOVERLAPPED lpOverlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine);

int WSAEventSelect(SOCKET s, WSAEVENT hEventObject, LONG lNetworkEvents);
int WSAEnumNetworkEvents(SOCKET s, WSAEVENT hEventObject, LPWSANETWORKEVENTS lpNetworkEvents);
WSAEVENT WSACreateEvent(void);
BOOL WSACloseEvent(WSAEVENT hEvent);
BOOL WSASetEvent(WSAEVENT hEvent);
BOOL WSAResetEvent(WSAEVENT hEvent);
/* dwTimeout in milliseconds or WSA_INFINITE; fAlertable has no effect yet. */
DWORD WSAWaitForMultipleEvents(DWORD cEvents, const WSAEVENT *lphEvents, BOOL fWaitAll,
			       DWORD dwTimeout, BOOL fAlertable);

int closesocket(SOCKET s);
/* *argp is 32 bits wide, whatever its declared type: ULONG is the one to use. */
int ioctlsocket(SOCKET s, LONG cmd, void *argp);

SOCKET leafcast_socket(int af, int type, int protocol);
int leafcast_bind(SOCKET s, const struct sockaddr *name, int namelen);
int leafcast_listen(SOCKET s, int backlog);
SOCKET leafcast_accept(SOCKET s, struct sockaddr *addr, int *addrlen);
int leafcast_connect(SOCKET s, const struct sockaddr *name, int namelen);
int leafcast_send(SOCKET s, const void *buf, int len, int flags);
int leafcast_sendto(SOCKET s, const void *buf, int len, int flags, const struct sockaddr *to,
		    int tolen);
/* The graceful end of the session is 0 bytes (WSARecv: WSAEDISCON). */
int leafcast_recv(SOCKET s, void *buf, int len, int flags);
int leafcast_recvfrom(SOCKET s, void *buf, int len, int flags, struct sockaddr *from, int *fromlen);
/* nfds is not looked at. */
int leafcast_select(int nfds, leafcast_fd_set *readfds, leafcast_fd_set *writefds,
		    leafcast_fd_set *exceptfds, const struct timeval *timeout);
int leafcast_shutdown(SOCKET s, int how);
int leafcast_getsockname(SOCKET s, struct sockaddr *name, int *namelen);
int leafcast_getpeername(SOCKET s, struct sockaddr *name, int *namelen);
int leafcast_getsockopt(SOCKET s, int level, int optname, void *optval, int *optlen);
int leafcast_setsockopt(SOCKET s, int level, int optname, const void *optval, int optlen);
#pragma GCC visibility pop

#ifdef UNICODE
#define WSASocket	 WSASocketW
#define WSAEnumProtocols WSAEnumProtocolsW
typedef WSAPROTOCOL_INFOW WSAPROTOCOL_INFO, *LPWSAPROTOCOL_INFO;
#else
#define WSASocket	 WSASocketA
#define WSAEnumProtocols WSAEnumProtocolsA
typedef WSAPROTOCOL_INFOA WSAPROTOCOL_INFO, *LPWSAPROTOCOL_INFO;
#endif

#ifndef LEAFCAST_KEEP_SOCKET_NAMES
#define socket	    leafcast_socket
#define bind	    leafcast_bind
#define listen	    leafcast_listen
#define accept	    leafcast_accept
#define connect	    leafcast_connect
#define send	    leafcast_send
#define sendto	    leafcast_sendto
#define recv	    leafcast_recv
#define recvfrom    leafcast_recvfrom
#define select	    leafcast_select
#define shutdown    leafcast_shutdown
#define getsockname leafcast_getsockname
#define getpeername leafcast_getpeername
#define getsockopt  leafcast_getsockopt
#define setsockopt  leafcast_setsockopt

#undef FD_ZERO
#undef FD_SET
#undef FD_CLR
#undef FD_ISSET
#define fd_set		 leafcast_fd_set
#define FD_ZERO(set)	 leafcast_fd_zero(set)
#define FD_SET(s, set)	 leafcast_fd_add(s, set)
#define FD_CLR(s, set)	 leafcast_fd_remove(s, set)
#define FD_ISSET(s, set) leafcast_fd_holds(s, set)
#endif

#ifdef __cplusplus
}
#endif
#endif
