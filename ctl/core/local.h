/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the library and its daemon say to each other on <runtime-dir>/socket
 * (SOCK_SEQPACKET, one message a packet, descriptors by SCM_RIGHTS); the bytes
 * are protocol/local.proto's.
 *
 * The library creates descriptors and passes duplicates; it names each by a
 * number of its own choice, unique for the life of the process. Every request
 * carries a non-zero id and is answered by exactly one REPLY with the same id,
 * in any order; JOIN is answered when the join is decided.
 *
 * At most one descriptor travels with a message, and only where said.
 */
#ifndef CTL_CORE_LOCAL_H
#define CTL_CORE_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/message.h"

#define LC_LOCAL_VERSION     1
#define LC_LOCAL_SOCKET_NAME "socket"

/*
 * A daemon that is well answers within these times, in milliseconds, whatever
 * its peers do; every other request at once. Longer than that, and it hangs.
 */
#define LC_LOCAL_JOIN_MS   30000 /* JOIN without a deadline of its own */
#define LC_LOCAL_ACCEPT_MS 10000 /* ACCEPT: an invited leaf's probe and the root's last word */

enum lc_local_kind {
	/* Requests */
	LC_LOCAL_HELLO = 1, /* first; version. Else -EPROTO */
	/* + descriptor: a new socket: from now on it receives nothing unadmitted */
	LC_LOCAL_OPEN = 2,
	LC_LOCAL_LISTEN = 3, /* a bound socket takes requests; again: changes the backlog */
	/* c_root: + descriptor of the new c_leaf socket `other`, which stays until CLOSE whatever comes of it */
	LC_LOCAL_JOIN = 4,
	LC_LOCAL_CANCEL = 5, /* the socket's pending JOIN is answered CANCELLED */
	/*
	 * a REQUEST is accepted: + descriptor of the new c_leaf socket `other`. One
	 * that cannot be carried out (no descriptor, a limit, data too long, flows
	 * that contradict) rejects the request: its maker is told at once.
	 */
	LC_LOCAL_ACCEPT = 6,
	LC_LOCAL_REJECT = 7, /* a REQUEST is rejected with `reason` (0: REJECTED) */
	/*
	 * the socket's flows, for later joins; a root's `down` also for its sending
	 * from now on. Of a socket that stands for a membership: NOT_SUPPORTED
	 */
	LC_LOCAL_SET_FLOWS = 8,
	/* the socket is no more; reason RESET: abortively. Unknown sockets: -ENOTSOCK */
	LC_LOCAL_CLOSE = 9,
	/*
	 * + descriptor: a socket that was opened on an earlier connection; found by
	 * its cookie. REPLY reason 0: it is what it was; else what it was a member of
	 * has ended so (LOST: nothing is known of it any more), and it is as after
	 * OPEN. What the library does not take for a member, and is one, ends as
	 * reset; what is ending already goes on to. A socket that nobody knows any
	 * more, and that was no member, is opened. Errors: of a shortage (-EMFILE,
	 * -ENFILE, -ENOMEM, -ENOBUFS) it is said again; any other gives the socket
	 * up. LISTEN follows of one that listens, CLOSE of one that was shut down. A
	 * root comes before its handles.
	 */
	LC_LOCAL_RESUME = 10,
	/*
	 * of a socket that was closed while there was no connection: `cookie` and
	 * how, as of CLOSE. Believed of the user's own that are no more; of others it
	 * changes nothing, and reason 0 is answered all the same
	 */
	LC_LOCAL_CLOSED_MEANWHILE = 11,
	LC_LOCAL_PING = 12, /* answered at once */
	/* Answer */
	LC_LOCAL_REPLY = 16,
	/* Events, id 0 */
	LC_LOCAL_REQUEST = 17,	 /* a peer asks to join through a listening socket */
	LC_LOCAL_WITHDRAWN = 18, /* ...and no longer does */
	LC_LOCAL_CLOSED = 19,	 /* the socket's membership ended: all its data has arrived */
};

/* Roles of a socket, given at OPEN; also in lc_admit.role. */
enum lc_local_role {
	LC_ROLE_ROOT = 1, /* c_root, d_root */
	LC_ROLE_LEAF = 2, /* c_leaf, d_leaf */
};

/* Fields a kind does not list are zero. */
struct lc_local_message {
	enum lc_local_kind kind;
	uint64_t id;
	/* HELLO */
	uint32_t version;
	/* all but HELLO, CLOSED_MEANWHILE and PING: the library's number. REPLY: as in the request */
	uint64_t socket;
	/* JOIN of a c_root, ACCEPT: number of the new c_leaf socket. RESUME: of a root's handle, the root's */
	uint64_t other;
	/* OPEN, RESUME */
	enum lc_local_role role;
	/* RESUME: the library takes it for a member; of a root: its session is open */
	bool member;
	/* CLOSED_MEANWHILE: SO_COOKIE, not 0 */
	uint64_t cookie;
	/* LISTEN: at least 1 */
	uint32_t backlog;
	/* REQUEST, WITHDRAWN, ACCEPT, REJECT: the daemon's number of the request */
	uint64_t request;
	/* JOIN: whom. REQUEST: who. REPLY to JOIN and ACCEPT: the other end: where a leaf sends */
	struct lc_endpoint peer;
	/* REPLY to JOIN and ACCEPT: the socket's own name as committed. REQUEST: the name asked for */
	struct lc_endpoint name;
	/* REPLY to LISTEN, RESUME and JOIN of a c_root: where the root sends */
	struct lc_endpoint channel;
	/* JOIN, ACCEPT: directions this socket uses */
	bool sends;
	bool receives;
	/* JOIN, REQUEST: caller data. ACCEPT, REPLY to JOIN: callee data */
	struct lc_connect_data data;
	/* JOIN, REQUEST: most callee data the caller takes */
	uint16_t data_capacity;
	/*
	 * JOIN, SET_FLOWS, RESUME; REQUEST: the joiner's own, as it said them; ACCEPT: the
	 * answer to those; REPLY to JOIN, ACCEPT: granted, all of them merged
	 */
	bool has_flows;
	struct lc_flows flows;
	/* JOIN: milliseconds for the whole join; 0: the default */
	uint32_t deadline_ms;
	/* REPLY: 0 or a negative errno (misuse of the connection) */
	int32_t error;
	/* REPLY: why it was not done, 0: it was. REJECT, CLOSE, CLOSED_MEANWHILE, WITHDRAWN, CLOSED */
	enum leafcast_reason reason;
};

#endif
