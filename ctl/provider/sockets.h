/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A socket of the library: what it is made of, what guards it, how long it lives.
 *
 * Each socket has a lock of its own, and its state is guarded by no other. A
 * thread that has locks takes further ones only in this order:
 *   1. the lock of a root or listener, then that of a handle made from it;
 *      otherwise never two sockets' at once
 *   2. one of the table's (table.h), the connection's, the loop's, the upcalls':
 *      each guards its own module only, and nothing of sockets is called with it
 *
 * A socket's memory lives as long as anybody has a reference: the table has one
 * for each way to find it, a call one while it lasts, a request under way one
 * for each socket it concerns. Its descriptor lives until WSPCloseSocket, which
 * waits for the calls that use it (enter.h).
 *
 * Functions return 0 or a Winsock code unless they say otherwise.
 */
#ifndef CTL_PROVIDER_SOCKETS_H
#define CTL_PROVIDER_SOCKETS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/local.h"
#include "provider/catalogue.h"
#include "provider/provider.h"

struct lc_event_object;
struct lc_exchange;
struct lc_request;

enum lc_membership {
	LC_NOT_MEMBER,
	LC_JOINING, /* a c_leaf's own join is under way; of a c_root only `join` tells */
	LC_MEMBER,
	LC_ENDED, /* R66: for good */
};

/* WSPEventSelect's registration and the record it fills; and what outlives a registration. */
struct lc_registration {
	LONG mask;
	struct lc_event_object *event;
	LONG record;
	int codes[FD_MAX_EVENTS];
	bool watched;	       /* known to the loop */
	bool read_recorded;    /* FD_READ waits for a receive call */
	bool accept_recorded;  /* FD_ACCEPT waits for an accept call */
	bool write_blocked;    /* a send was WSAEWOULDBLOCK and no room was seen since */
	bool connect_finished; /* a nonblocking join's outcome that nobody enumerated yet */
	int connect_code;
};

/* What a new socket takes over from the one it comes from; 0: not set, so the system's. */
struct lc_options {
	struct linger linger;
	bool reuse_address; /* never set in the kernel: there it would take the other's datagrams */
	int receive_buffer;
	int send_buffer;
};

struct lc_socket {
	atomic_uint references;
	/* The table's */
	struct lc_socket *next_by_handle, *next_by_number;

	/* Fixed before anybody else can find it */
	SOCKET handle;	 /* what the application knows; usually the descriptor */
	uint64_t number; /* what the daemon and the loop know */
	uint64_t cookie; /* SO_COOKIE: whether the descriptor still is the one we made */
	const struct lc_catalogue_entry *entry;
	enum lc_local_role role;
	uint64_t root; /* a root's handle of one leaf: the root's number; else 0 */

	/* Guarded by it: everything below */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a state, the queue of requests, an answer: look again */

	int fd;		    /* until closed; then -1 */
	unsigned int calls; /* that may use the descriptor: it stays open for them */
	bool closing;
	/*
	 * Which connection to the daemon was told of it; 0: none, or its daemon has
	 * given it up. Not the one that there is: the next will be told (resume.h).
	 */
	uint64_t link;
	bool awaited;	    /* RESUME is under way: nothing else is asked about it yet */
	bool listen_due;    /* LISTEN is to follow */
	uint64_t looked_ns; /* when a data call last asked for the cookie; the coarse clock */

	/* Readable for good once such a call would not block any more; -1 until needed */
	int receive_over; /* closing, ended or shut for receiving */
	int send_over;	  /* closing, ended or shut for sending */
	int accept_ready; /* readable while a request can be accepted; -1 until needed */

	bool nonblocking;
	bool listening;
	uint32_t backlog; /* as the daemon was told last */
	bool unusable;	  /* R31 */
	bool sends;
	bool receives;
	bool directions_fixed; /* a root's, by its first successful join */
	bool shut_send;
	bool shut_receive;
	struct lc_options options;
	enum lc_membership membership;
	bool left;		    /* by WSPShutdown: a later daemon may not have heard */
	struct lc_exchange *join;   /* under way; a reference */
	bool join_blocks;	    /* ...in some thread */
	struct lc_endpoint name;    /* family 0: ask the kernel */
	__be16 name_port;	    /* the name's, where the kernel's is another; 0: it is not */
	struct lc_endpoint peer;    /* where a leaf sends */
	struct lc_endpoint channel; /* where a root sends; family 0: not yet */
	struct lc_endpoint
		addressed;     /* what WSPSendTo may name on a root; family 0: not known yet */
	struct lc_flows flows; /* SIO_SET_QOS */
	struct lc_flows granted;
	bool has_granted;
	enum leafcast_reason reason; /* of the last failed join or the end */
	int error;		     /* SO_ERROR */
	int end_code;		     /* FD_CLOSE's, when ended */
	struct lc_request *requests; /* first come first (backlog.h) */
	struct lc_registration events;
};

/* Of a socket that earlier connections knew, and the one that there is does not. */
#define LC_LINK_LOST UINT64_MAX

/*
 * A new socket around a new UDP descriptor, known to nobody, with one reference
 * for the caller: WSAEMFILE, WSAENOBUFS, or what WPUModifyIFSHandle fails with.
 * Call with nothing locked.
 */
int lc_socket_new(const struct lc_catalogue_entry *entry, enum lc_local_role role,
		  struct lc_socket **socket);
void lc_socket_reference(struct lc_socket *socket);
/* NULL is allowed. The last one closes the descriptor, if nobody has, and frees. */
void lc_socket_release(struct lc_socket *socket);

void lc_socket_lock(struct lc_socket *socket);
void lc_socket_unlock(struct lc_socket *socket);
/* Locked; unlocked meanwhile: until somebody changed something. */
void lc_socket_wait(struct lc_socket *socket);
/* The same, at most until then (CLOCK_MONOTONIC): false. */
bool lc_socket_wait_until(struct lc_socket *socket, uint64_t until_ns);
/* Those who wait look again; and whether it is over is told to those who poll. */
void lc_socket_changed(struct lc_socket *socket);

/* Locked. Whether the descriptor's number still means the socket: the application may have closed it by close(2). */
bool lc_socket_owns_descriptor(const struct lc_socket *socket);
/* Locked. Closes it, unless it is somebody else's by now. */
void lc_socket_close_descriptor(struct lc_socket *socket);

/* Locked. Made if need be; -1: no more descriptors. */
int lc_socket_receive_over_fd(struct lc_socket *socket);
int lc_socket_send_over_fd(struct lc_socket *socket);
int lc_socket_accept_ready_fd(struct lc_socket *socket);

/*
 * Locked. Keeps the code for SO_ERROR, which tells how the last operation on
 * the socket that failed did so: a graceful end is no failure, nor is what says
 * that it is too early or that another operation is under way.
 */
void lc_socket_failed(struct lc_socket *socket, int code);
/* Locked. The kernel's idea of the name; WSAEINVAL: unbound. */
int lc_socket_kernel_name(const struct lc_socket *socket, struct lc_endpoint *name);

#endif
