/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The real daemon among bad neighbours. Each test has its own, in the private
 * namespaces of tests/edges/edges.h:
 *
 *   here: leafcastd, applications             there: other hosts, played by the test
 *   192.0.2.1, 192.0.2.3, 2001:db8::1 ------- 192.0.2.2, 192.0.2.10 to .25
 *
 * After each test the daemon must hold what it held at the start, and end well
 * when it is told to.
 */
#ifndef TESTS_HOSTILE_HOSTILE_H
#define TESTS_HOSTILE_HOSTILE_H

#include <criterion/criterion.h>
#include <sys/types.h>

#include "../edges/edges.h"
#include "core/local.h"
#include "peer/peer.h"

#define CONTROL_PORT 19750
#define SESSION	     "192.0.2.1:5000"

/*
 * A test with a daemon of its own. Not .init and .fini of the suite: a failed
 * assertion in .fini does not fail the test.
 */
#define Behaves(suite, name) Hostile(suite, name, daemon_starts(), daemon_ends())
#define Hostile(suite, name, begin, end)  \
	static void suite##_##name(void); \
	Test(suite, name)                 \
	{                                 \
		begin;                    \
		suite##_##name();         \
		end;                      \
	}                                 \
	static void suite##_##name(void)

void daemon_starts(void);
void daemon_ends(void);
/* It has been told to: waits for that, and leaves nothing behind. */
void daemon_exits(long deadline_ms);
/* The same, with at most so many descriptors. */
void daemon_starts_with(unsigned int descriptors);
/* SIGKILL: all that it has made stays. */
void daemon_is_killed(void);
/* The next one, which keeps what nobody claims for so many seconds. */
void daemon_starts_again(const char *grace);
/* The same where the kernel does not say what sockets there are. */
void daemon_starts_blind(const char *grace);

/* In how many lines of its log. */
unsigned int daemon_has_said(const char *text);

extern pid_t daemon_pid;
/* Where it pins. */
extern char bpf_dir[96];

/* What the daemon holds: descriptors, memory, records in the kernel. */
struct holding {
	unsigned int descriptors, sessions, leaves, admits;
	unsigned int anchors; /* of the admits those that let an anchor in */
	unsigned long memory_kb;
};
struct holding holding(void);
/* Waits for so many leaves: the last word to a peer is sent before its record is given back. */
void has_leaves(unsigned int count);
/* How much more memory than at the start its allocator may keep. */
extern unsigned long memory_slack_kb;
/* How many descriptors of trunks that nobody uses any more it may hold; none after the test. */
extern unsigned int idle_descriptors;
/* Waits for the daemon to hold no more than at the start of the test. */
void holds_nothing(unsigned int seconds);
/* CPU time it has used. */
unsigned long cpu_ms(void);

/* The times, of now_ms(), at which it is about to look at what sockets there are. */
struct watch {
	pid_t process;
	int looks;
};
#define NO_LOOK (-1)
struct watch watch_looks(void);
/* The next one that there is or comes in that time. */
long next_look(const struct watch *watch, int ms);
void watch_no_more(struct watch *watch);

long now_ms(void);
void pause_ms(long ms);
/* "192.0.2.1:5000" */
struct lc_endpoint at(const char *text);
/* A UDP socket bound to "192.0.2.1:5000", here or there. */
int udp_here(const char *name);
int udp_there(const char *name);

/* ---- an application here ---- */

struct app {
	int connection;
	uint64_t last_id;
	unsigned int events;
	struct lc_local_message event[64];
};

/* Connected and greeted. */
struct app app_new(void);
void app_free(struct app *app);
/* Sends, and takes its own copy of `descriptor` back. Returns the id. */
uint64_t app_tell(struct app *app, struct lc_local_message message, int descriptor);
/* The answer; events that come before it are kept. */
struct lc_local_message app_answer(struct app *app, uint64_t id);
struct lc_local_message app_ask(struct app *app, struct lc_local_message message, int descriptor);
/* The same for requests of which only the error or the reason matters. */
void app_must(struct app *app, struct lc_local_message message, int descriptor);
/* The next event, which must be of that kind. */
struct lc_local_message app_event(struct app *app, enum lc_local_kind kind);
/* Whether the daemon has hung up, or does so before long. */
bool app_is_cut(struct app *app);
/* Whether the daemon answers anything before it hangs up. */
bool app_is_answered(struct app *app);
/* Whatever comes next; false: nothing does in that time. */
bool app_next(struct app *app, struct lc_local_message *message, int ms);
bool app_hears_nothing(struct app *app, int ms);

/* RESUME of a socket as that number, which its library takes for a member (a root: for open) or not. */
struct lc_local_message resume_as(uint64_t number, enum lc_local_role role, bool member);
/* CLOSED_MEANWHILE, in order, of the socket of that descriptor. */
struct lc_local_message closed(int descriptor);

/* With a root, number 1, that listens on `name`. */
struct app app_with_root(const char *name, unsigned int backlog);
/* With a leaf, number 1; listening if `backlog`. */
struct app app_with_leaf(const char *name, unsigned int backlog);
/* Accepts the next request for the new socket `other`. */
void app_accepts(struct app *app, uint64_t other);

/* ---- another host, there ---- */

#define NOTHING_HEARD (-1)
#define HUNG_UP	      0

/* A connection to the daemon's control port from that address, on which nothing was said yet. */
struct lc_peer *knock_from(const char *from);
/* Bytes of a stranger: a plain TCP connection. */
int call_raw(const char *from);
/* The daemon hangs up on a plain connection within that time, whatever it says before. */
bool is_hung_up(int connection, int ms);
void say(struct lc_peer *connection, struct lc_message message);
/* The kind of the next message, whatever it is; nothing is acknowledged. */
int listen_to(struct lc_peer *connection, struct lc_message *message, int ms);
struct lc_message hello(void);

/*
 * A trunk of which the test is the other node. It acknowledges what it hears, and
 * takes the lists of both sides for empty unless told otherwise.
 */
struct trunk;
/* One membership's end of a trunk; all that are on the same share it. */
struct peer {
	struct trunk *trunk;
	uint64_t number; /* 0: the next that the daemon asks for */
	bool numbered_by_daemon;
	struct lc_identity secret;
};

/* On the trunk from that address, which is opened if there is none. With a number of its own. */
struct peer *call(const char *from);
/* Another on the same trunk: the next that the daemon asks for. */
struct peer *asked_beside(const struct peer *peer);
/* Says LEAVE; with the last of them the connection ends. Accepts NULL. */
void peer_free(struct peer *peer);
/* Ends the connection without a word, for all that are on it; peer_free() is still to be called. */
void cut(struct peer *peer);
/* About that membership. */
void tell(struct peer *peer, struct lc_message message);
/* The kind of the next message about it that is no REPORT. */
int hear(struct peer *peer, struct lc_message *message, int ms);
/* The next message must be of that kind and reason. */
void hear_refusal(struct peer *peer, enum lc_message_kind kind, enum leafcast_reason reason);
/* Waits until the daemon has carried out all that was told on the trunk. */
void has_been_read(struct peer *peer);
/* Nothing was said about it in answer to all that was told. */
bool hears_nothing(struct peer *peer);

/* After cut(): connects again, proves what is listed, and goes on. */
struct proofs {
	unsigned int count;
	struct peer *peers[4]; /* what each is of */
	bool wrong;	       /* by other secrets */
};
void call_again(struct peer *peer, const struct proofs *proofs);

/* A leaf there whose node the test is. */
struct leaf {
	struct peer *peer;
	int udp;
	struct lc_endpoint name;
	uint64_t token;
};

struct lc_message join_of(const struct leaf *leaf, const char *session);
/* Has a socket "ADDR:PORT" and a place on its host's trunk, has asked for nothing. */
struct leaf leaf_new(const char *name);
void leaf_free(struct leaf *leaf);
/* JOIN; takes the probe; SEEN. */
void leaf_asks(struct leaf *leaf, const char *session);
void leaf_sees_probe(struct leaf *leaf);
void leaf_proves(struct leaf *leaf);
/* The whole of an honest join to the root `app`, which must take less than that. */
struct leaf leaf_joins(struct app *app, const char *name, uint64_t other, long within_ms);

/* The daemon of another node, listening there; the one connection made to it. */
struct lc_peer_listener *other_daemon(void);
struct peer *answer_call(struct lc_peer_listener *listener);
/* A probe from `from` there to a leaf here. */
void send_probe(int from, const struct lc_endpoint *to, uint64_t token);

#endif
