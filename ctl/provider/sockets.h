/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The library's sockets and the lock that guards them.
 *
 * One mutex guards everything in this header. A call enters by lc_enter(),
 * which finds the socket, counts the call and leaves the mutex locked; system
 * calls that may block are made with it unlocked; lc_leave() ends the call. A
 * socket that is being closed is no longer found, wakes its calls and goes when
 * the last one has left.
 *
 * Functions return 0 or a Winsock code unless they say otherwise.
 */
#ifndef CTL_PROVIDER_SOCKETS_H
#define CTL_PROVIDER_SOCKETS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/local.h"
#include "provider/catalogue.h"
#include "provider/provider.h"

struct lc_join;

/* A peer that asks to join through a listening socket. */
struct lc_request {
	struct lc_request *next;
	struct lc_local_message asked; /* the REQUEST as it came */
	bool deciding;		       /* a condition function has it */
	bool deferred;
	bool withdrawn;
	enum leafcast_reason reason; /* of the withdrawal */
};

enum lc_membership {
	LC_NOT_MEMBER,
	LC_JOINING, /* a c_leaf's own join is under way; of a c_root only `join` tells */
	LC_MEMBER,
	LC_ENDED, /* R66: for good */
};

/* WSPEventSelect's registration and the record it fills. */
struct lc_registration {
	LONG mask;
	WSAEVENT event;
	LONG record;
	int codes[FD_MAX_EVENTS];
	bool watched;	       /* known to epoll */
	bool read_recorded;    /* FD_READ waits for a receive call */
	bool write_blocked;    /* a send was WSAEWOULDBLOCK */
	bool accept_recorded;  /* FD_ACCEPT waits for an accept call */
	bool connect_finished; /* a nonblocking join's outcome that nobody enumerated yet */
	int connect_code;
};

struct lc_socket {
	struct lc_socket *next_by_handle;
	struct lc_socket *next_by_number;
	SOCKET handle;	 /* what the application knows; usually the descriptor */
	uint64_t number; /* what the daemon knows; also epoll's tag */
	int fd;
	int wake;	  /* eventfd, readable once closing, ended or shut; -1 until needed */
	int accept_ready; /* eventfd, readable while a request can be accepted; -1 until needed */
	unsigned int calls;
	bool closing;
	bool listed;		/* findable by number */
	pthread_cond_t changed; /* anything below */

	/* Fixed at creation */
	const struct lc_catalogue_entry *entry;
	enum lc_local_role role;
	uint64_t root; /* a root's handle of one leaf: the root's number; else 0 */
	uint64_t link; /* which connection to the daemon knows it */

	bool nonblocking;
	bool listening;
	bool unusable; /* R31 */
	bool sends;
	bool receives;
	bool directions_fixed; /* a root's, by its first join */
	bool shut_send;
	bool shut_receive;
	struct linger linger;
	enum lc_membership membership;
	struct lc_join *join;
	bool join_blocks;
	struct lc_endpoint name;    /* family 0: ask the kernel */
	struct lc_endpoint peer;    /* where a leaf sends */
	struct lc_endpoint channel; /* where a root sends; family 0: not yet */
	struct lc_flows flows;	    /* SIO_SET_QOS */
	struct lc_flows granted;
	bool has_granted;
	enum leafcast_reason reason; /* of the last failed join or the end */
	int end_code;		     /* FD_CLOSE's, when ended */
	int error;		     /* SO_ERROR */
	struct lc_request *requests; /* first come first */
	struct lc_registration events;
};

void lc_lock(void);
void lc_unlock(void);
/* Waits, the mutex unlocked meanwhile, until `changed`; false: until_ns (CLOCK_MONOTONIC, 0: never) has passed. */
bool lc_wait(pthread_cond_t *changed, uint64_t until_ns);
int lc_condition_init(pthread_cond_t *condition);

/*
 * Finds the socket, counts the call and leaves the mutex locked.
 * WSANOTINITIALISED, WSAENOTSOCK; WSAENOTCONN: not yet usable. On failure the
 * mutex is unlocked.
 */
int lc_enter(SOCKET handle, struct lc_socket **socket);
/* Ends a call: uncounts it and unlocks. */
void lc_leave(struct lc_socket *socket);

/*
 * A new socket around a new UDP descriptor, known to nobody: WSAEMFILE,
 * WSAENOBUFS, or what WPUModifyIFSHandle fails with. Call unlocked.
 */
int lc_socket_new(const struct lc_catalogue_entry *entry, enum lc_local_role role,
		  struct lc_socket **socket);
/* Gives a socket that is listed nowhere back. Mutex locked or not. */
void lc_socket_free(struct lc_socket *socket);
/* Makes it findable by number, for what the daemon says about it. */
void lc_socket_list(struct lc_socket *socket);
/* Makes it findable by handle. */
void lc_socket_publish(struct lc_socket *socket);
/* Makes it unfindable. */
void lc_socket_unlist(struct lc_socket *socket);
struct lc_socket *lc_socket_by_number(uint64_t number);
struct lc_socket *lc_socket_by_handle(SOCKET handle);
/* Any published socket, NULL: none. For cleanup. */
struct lc_socket *lc_socket_any(void);
/* Calls `visit` for each listed handle of one of the root's leaves. */
void lc_socket_each_of_root(uint64_t root, void (*visit)(struct lc_socket *));

/* Ends all that take part in a session by another connection than `link`. */
void lc_socket_end_those_without(uint64_t link);

/* Its wake or accept_ready descriptor, made if need be; -1: no more descriptors. */
int lc_socket_wake_fd(struct lc_socket *socket);
int lc_socket_accept_ready_fd(struct lc_socket *socket);
/* Calls in flight look again, and go on looking: they are not to block any more. */
void lc_socket_wake(struct lc_socket *socket);
/* accept_ready follows the queue of requests; wakes accepts. */
void lc_socket_requests_changed(struct lc_socket *socket);
/* The first request that is neither being decided nor gone; NULL: none. */
struct lc_request *lc_socket_first_request(struct lc_socket *socket);

/* The membership is over: calls end and FD_CLOSE is recorded, unless it is the caller's own doing. Once. */
void lc_socket_ended(struct lc_socket *socket, enum leafcast_reason reason, bool by_caller);
/*
 * Keeps the code for SO_ERROR, which tells how the last operation on the socket
 * that failed did so: a graceful end is no failure, nor is what says that it is
 * too early or that another operation is under way.
 */
void lc_socket_failed(struct lc_socket *socket, int code);
/* Whether sending or receiving data makes sense at all. */
bool lc_socket_is_connected(const struct lc_socket *socket);

/* Takes part in WSPCloseSocket and WSPCleanup: mutex locked; it is unlocked in between. */
void lc_socket_close(struct lc_socket *socket);

/* WSPStartup's count and upcalls (startup.c). */
extern unsigned int lc_startups;
/* Whether there is a WSPStartup in force. Call unlocked. */
bool lc_is_started(void);
extern WSPUPCALLTABLE lc_upcalls;
/* How deep this thread is in condition functions. */
extern _Thread_local unsigned int lc_callback_depth;

#endif
