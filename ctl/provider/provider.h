/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The entries of WSPPROC_TABLE, for startup.c which puts them together; their
 * parameters are those of winsock/ws2spi.h. Locks and lifetimes: sockets.h.
 *
 * Order: asked, backlog, catalogue, code_name, hello, loop, memory, outbox, upcalls
 *   < address, event_object, fdset, qos, trace < errors
 *   < condition, connection, join_parameters, sockets, unsupported
 *   < exchange, farewell, table < events < membership < absence, resume, retire
 *   < dispatch < enter, open
 *   < accept, close, data, event_calls, ioctl, join, listen, names, select
 *   < startup
 *
 * Decided here, because the documents leave it open:
 *
 *   dwFlags of WSPJoinLeaf outside {1, 2, 4}    WSAEINVAL
 *   a pointer to no memory, or to such as       WSAEFAULT, before anything is done: nothing is sent,
 *   cannot be written, or too little of it      received, joined or cleared. Of receive buffers the
 *                                               whole counts, whatever comes
 *   an IPv4-mapped or link-local IPv6 name,     WSAEADDRNOTAVAIL, to join and to bind: our IPv6 sockets
 *   the broadcast address of one's own network  carry no IPv4, scopes are not carried between nodes, and
 *                                               a broadcast is no member. Broadcast addresses of other
 *                                               networks cannot be told: what the path says (R23, R28)
 *   an lpErrno that is no memory                the code is told nowhere; the call does what it does
 *   a descriptor not yet usable (R31)           every call but WSPCloseSocket is WSAENOTCONN; so
 *                                               it stays if the join fails or is cancelled
 *   after a cancel (R32)                        FD_CONNECT follows on s, with WSAEINTR: only then
 *                                               may s join again
 *   FD_CONNECT after a blocking join            never; after a nonblocking one it stays recordable
 *                                               until WSPEnumNetworkEvents has delivered it
 *   a nonblocking c_leaf's descriptor           is s itself: data calls on it are WSAENOTCONN until
 *                                               FD_CONNECT; closing it cancels, nothing follows
 *   send on a receiver-only socket and
 *   receive on a sender-only one                WSAEOPNOTSUPP
 *   the root's c_leaf handles                   report events; send and receive are WSAEOPNOTSUPP
 *   WSPSendTo with an address                   NULL or the other end's address (of a root: its
 *                                               session's name), else WSAEISCONN
 *   lpCallerData {0, NULL}                      empty data is sent, which is not the same as none
 *   callee data longer than its capacity,
 *   or *g changed, by a condition function      WSPAccept is WSAEINVAL, as for a return value that is
 *                                               not CF_*; the request is rejected, since asking the
 *                                               same function again would not end
 *   a condition function's impossible flow      WSPAccept is WSAEOPNOTSUPP; refused as bad-flowspec
 *   calls from within a condition function      WSPJoinLeaf, WSPAccept, WSPCloseSocket and WSPSelect
 *                                               are WSAEINPROGRESS, the others work
 *   an offer withdrawn before WSPAccept         if at the head of the queue, WSPAccept reports it once:
 *                                               WSAEACCES (cancelled, timed out), else WSAECONNRESET
 *   NULL lpSQOS                                 what SIO_SET_QOS set, if anything
 *   SIO_SET_QOS                                 on a leaf that is joined or joining, and on a root's handle
 *                                               of one, WSAEOPNOTSUPP: what the join agreed on holds. On a
 *                                               root: its own sending from now on, and what later joins
 *                                               are offered. Else: what the join asks for
 *   TokenRate 0 of a sender that need not       none is named
 *   name a rate (BESTEFFORT, ...)
 *   QOS_OBJECT_SD_MODE                          DISCARD is what happens; others are WSAEOPNOTSUPP,
 *                                               as are objects nobody knows; RSVP_* are ignored
 *   SO_ERROR                                    how the last bind, listen, join, accept, send, receive or
 *                                               shutdown that failed did so, or the session broke; reading
 *                                               clears it, nothing else. WSAEDISCON, WSAEWOULDBLOCK,
 *                                               WSATRY_AGAIN and what an operation under way turns away
 *                                               do not count
 *   options a socket does not have              WSAENOPROTOOPT; levels that nothing has: WSAEINVAL
 *   SIO_UDP_CONNRESET                           taken: an unreachable port is never reported
 *   SIO_GET_QOS                                 any time; after a join what was granted
 *   WSPShutdown                                 sending on a root, or SD_BOTH anywhere, ends the
 *                                               membership; other directions only end here
 *   WSPShutdown, and what is still asked        WSPSelect calls a socket readable (writable) once a
 *                                               receive (send) would not block: shutting down one
 *                                               direction changes nothing in the other; WSPAccept on
 *                                               a root that was shut down is WSAEINVAL
 *   dwFlags of a join that is refused           changes nothing; a root's first successful join
 *                                               decides, and until then it sends and receives
 *   FD_CONNECT, FD_WRITE                        a new join forgets the last one's outcome; that a
 *                                               send was WSAEWOULDBLOCK outlives a registration
 *   listening again with a smaller backlog      requests beyond it are reset, the last first
 *   SO_REUSEADDR                                is the library's: WSPBind to a name in use gives the
 *                                               socket that name and a port of its own on the wire.
 *                                               Such a socket cannot listen: WSAEADDRINUSE
 *   accepted sockets and handles of leaves      have SO_LINGER, SO_RCVBUF, SO_SNDBUF, SO_REUSEADDR
 *                                               as set on the socket they come from
 *   an event object closed while registered     goes on existing for the registration alone
 *   close(2) of a socket's descriptor           later calls, and WSPCloseSocket, are WSAENOTSOCK and
 *                                               leave the number alone, whose ever it is (enter.h)
 *   WSPCloseSocket while a condition function
 *   runs in another thread                      does not wait for it; that WSPAccept is WSAEINTR
 *   at a limit, here or of the daemon           WSAEMFILE or WSAENOBUFS, reason limit; who asked to
 *                                               join is rejected at once with that reason
 *   the daemon hangs                            a call that needs it is WSAENETDOWN after what it may
 *                                               take for the answer and 2 s (connection.h). A join or
 *                                               accept that it completes later is taken back; a leaf
 *                                               whose join ended so is given up: WSAENETDOWN for good.
 *                                               Memberships go on
 *   the daemon goes away                        memberships and data go on, until another one comes, which
 *                                               is told of every socket (resume.h). What it says has ended
 *                                               meanwhile ends like any other membership. Joins and accepts
 *                                               under way are WSAENETDOWN at once and are taken back;
 *                                               requests that wait are withdrawn, as by a reset
 *   calls that need a daemon while it is away   wait 2 s for one that knows their socket, also if the
 *                                               socket is nonblocking, then WSAENETDOWN; a later call may
 *                                               find it. What it answers at once is said again if it goes
 *                                               before its answer. WSPAccept waits no longer than 2 s after
 *                                               it went; a nonblocking one is WSAEWOULDBLOCK until then
 *   closed while it is away                     the next one is told how; WSPCleanup waits 2 s for one
 *   how long without a daemon                   for ever, unless leafcast_set_absence() or LEAFCAST_ABSENCE
 *                                               says otherwise: then memberships and listening end with
 *                                               WSAENETDOWN when none, gone or stopped, has answered for so
 *                                               long; one that comes back is told that they broke off
 *   the next daemon cannot take a socket        a shortage: told again every second, data flows on. It
 *                                               refuses, or is of another version: WSAENETDOWN, or as away
 *   after fork                                  the child's handles are WSAENOTSOCK; the descriptors
 *                                               stay open in it
 *   upcalls                                     WPUSetEvent and WPUResetEvent are called with the
 *                                               socket locked: they must not call back
 */
#ifndef CTL_PROVIDER_PROVIDER_H
#define CTL_PROVIDER_PROVIDER_H

#define LEAFCAST_KEEP_SOCKET_NAMES
#include "ws2spi.h"

SOCKET lc_wsp_accept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC condition,
		     DWORD_PTR callback_data, LPINT lpErrno);
int lc_wsp_bind(SOCKET s, const struct sockaddr *name, int namelen, LPINT lpErrno);
int lc_wsp_close_socket(SOCKET s, LPINT lpErrno);
int lc_wsp_enum_network_events(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS events, LPINT lpErrno);
int lc_wsp_event_select(SOCKET s, WSAEVENT event, LONG mask, LPINT lpErrno);
int lc_wsp_get_peer_name(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno);
int lc_wsp_get_sock_name(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno);
int lc_wsp_get_sock_opt(SOCKET s, int level, int option, char *value, LPINT length, LPINT lpErrno);
int lc_wsp_ioctl(SOCKET s, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes,
		 LPDWORD returned, LPWSAOVERLAPPED overlapped,
		 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT lpErrno);
SOCKET lc_wsp_join_leaf(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller,
			LPWSABUF callee, LPQOS sqos, LPQOS gqos, DWORD flags, LPINT lpErrno);
int lc_wsp_listen(SOCKET s, int backlog, LPINT lpErrno);
int lc_wsp_recv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
		LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
		LPWSATHREADID thread, LPINT lpErrno);
int lc_wsp_recv_from(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
		     struct sockaddr *from, LPINT fromlen, LPWSAOVERLAPPED overlapped,
		     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
		     LPINT lpErrno);
int lc_wsp_select(int nfds, leafcast_fd_set *readfds, leafcast_fd_set *writefds,
		  leafcast_fd_set *exceptfds, const struct timeval *timeout, LPINT lpErrno);
int lc_wsp_send(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
		LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
		LPWSATHREADID thread, LPINT lpErrno);
int lc_wsp_send_to(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
		   const struct sockaddr *to, int tolen, LPWSAOVERLAPPED overlapped,
		   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT lpErrno);
int lc_wsp_set_sock_opt(SOCKET s, int level, int option, const char *value, int length,
			LPINT lpErrno);
int lc_wsp_shutdown(SOCKET s, int how, LPINT lpErrno);
SOCKET lc_wsp_socket(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags,
		     LPINT lpErrno);

/* Fills in the entries that later issues bring; each answers WSAEOPNOTSUPP. */
void lc_unsupported_entries(LPWSPPROC_TABLE table);

#endif
