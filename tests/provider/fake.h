/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The provider under test between the two things it talks to: a fake daemon on
 * a real SOCK_SEQPACKET socket, and plain UDP sockets that stand for the other
 * ends of the data path.
 */
#ifndef TESTS_PROVIDER_FAKE_H
#define TESTS_PROVIDER_FAKE_H

#define LEAFCAST_KEEP_SOCKET_NAMES
#include <criterion/criterion.h>

#include "core/local.h"
#include "leafcast/leafcast.h"
#include "ws2spi.h"

/* Of the names that Winsock and the C library share, the set's are Winsock's here. */
#undef FD_ZERO
#undef FD_SET
#undef FD_ISSET
#define fd_set		 leafcast_fd_set
#define FD_ZERO(set)	 leafcast_fd_zero(set)
#define FD_SET(s, set)	 leafcast_fd_add((SOCKET)(s), set)
#define FD_ISSET(s, set) leafcast_fd_holds((SOCKET)(s), set)

#define ROOT_FLAGS (WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT)
#define LEAF_FLAGS (WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF)

/* What it does with the requests that have an outcome; the others succeed. */
struct fake_behaviour {
	bool hold_joins;	   /* answered by fake_answer_join() */
	enum leafcast_reason join; /* else at once */
	enum leafcast_reason accept;
	bool close_accepted_at_once; /* CLOSED right behind the REPLY */
	enum leafcast_reason listen;
	bool cancels_too_late; /* the join's answer is on its way already */
	bool silent;	       /* answers nothing at all */
	bool deaf;	       /* does not even read */
	int join_error;	       /* negative errno, instead of a reason */
	int accept_error;
	int hello_error;
	enum leafcast_reason resume;
	int resume_error;
	uint64_t resume_of;		/* both only of this socket; 0: of all */
	enum lc_local_kind deaf_at;	/* answers and is deaf from then on; once */
	enum lc_local_kind dies_at;	/* ends the connection instead of the answer; once */
	const struct sockaddr_in *peer; /* instead of other_end */
	struct lc_connect_data callee;
	bool grants;
	struct lc_flows granted;
};

extern struct fake_behaviour fake;
/* WSPStartup's table, ready after setup(). */
extern WSPPROC_TABLE wsp;
/* Where roots send and whom leaves reach: a UDP socket of the test's. */
extern int other_end;
extern struct sockaddr_in other_end_name;

/* .init and .fini: with a daemon and WSPStartup. */
void setup(void);
void teardown(void);
/* What teardown() does, for a test to do itself: how many descriptors are left open (Criterion forgets what .fini finds). */
int clean_up(void);
void fake_start(void);
void fake_stop(void);
/* Ends the connection; the next one is taken. */
void fake_drop(void);

/* The n-th message of the kind (from 1), waited for; fails the test after 2 s. */
struct lc_local_message fake_wait(enum lc_local_kind kind, int n);
int fake_count(enum lc_local_kind kind);
/* Which message of all it is, waited for. */
int fake_position(enum lc_local_kind kind, int n);
/* The descriptor that came with the n-th OPEN, JOIN or ACCEPT; -1: none. */
int fake_descriptor(enum lc_local_kind kind, int n);
void fake_answer_join(enum leafcast_reason reason);
/* From now on it reads again. */
void fake_hear(void);
/* Sends an event. */
void fake_event(struct lc_local_message event);
/* REQUEST number `request` of a peer at 127.0.0.1:9 for the socket of the n-th OPEN. */
struct lc_local_message fake_request(int n, uint64_t request);
/* CLOSED for the socket with that number. */
void fake_close(uint64_t socket, enum leafcast_reason reason);

/* Nonblocking, or blocking again. */
void set_nonblocking(SOCKET s, bool on);
/* From the other end to a socket of ours. */
void feed(SOCKET s, const void *bytes, size_t length);
int get_option(SOCKET s, int option);
void set_option(SOCKET s, int option, int value);
/* WSPAccept without a condition function or an address. */
SOCKET accept_any(SOCKET s, int *code);
/* CLOCK_MONOTONIC. */
double seconds(void);

/* Sockets of the two kinds; they fail the test if they cannot be had. */
SOCKET new_root(void);
SOCKET new_leaf(void);
/* Bound to loopback and listening. */
SOCKET new_listening(DWORD flags);
/* Joined to other_end. */
SOCKET new_joined_leaf(void);
struct sockaddr_in loopback(uint16_t port);
/* WSPJoinLeaf with all four pointers NULL; *code is 0 or what it failed with. */
SOCKET join(SOCKET s, int *code);
SOCKET join_giving(SOCKET s, LPWSABUF caller, LPWSABUF callee, LPQOS qos, DWORD flags, int *code);
/* A thread that calls join() and what it came to. */
struct joining {
	pthread_t thread;
	SOCKET s, result;
	int code;
};
void join_in_thread(struct joining *joining, SOCKET s);

WSAEVENT new_event(void);
bool is_set(WSAEVENT event);
/* Waits for the event, at most 2 s. */
bool wait_set(WSAEVENT event);
/* Enumerates until the bit has come, at most 2 s; its code, or -1. */
int wait_network_event(SOCKET s, WSAEVENT event, int bit);
void close_event(WSAEVENT event);

/* Calls with one buffer; the number of bytes or minus the code. */
int send_text(SOCKET s, const char *text);
int receive_text(SOCKET s, char *buffer, ULONG size);
int close_handle(SOCKET s);

#define assert_code(expected, actual)                                                           \
	do {                                                                                    \
		int actual_ = (actual);                                                         \
		cr_assert_eq(actual_, (expected), "code %d instead of %s", actual_, #expected); \
	} while (0)

#endif
