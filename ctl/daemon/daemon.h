/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * leafcastd: the wiring. What the daemon holds is only what is in flight:
 * clients, their sockets, hosted sessions and memberships with their
 * connections; members' records and counts are in the kernel (plane.h).
 *
 *   client  --< socket --? session --< member (root's ends)
 *                      --? member (a leaf's end, or the root's handle of one)
 *
 * One thread, one loop (sd-event). Modules call each other only downwards:
 *   main -> client, asked -> member -> steps, probe, drain -> socket, session
 */
#ifndef CTL_DAEMON_DAEMON_H
#define CTL_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "core/join.h"
#include "core/local.h"
#include "core/message.h"
#include "network/network.h"
#include "peer/peer.h"
#include "plane/plane.h"

/* Limits on what others can make the daemon hold. */
#define MAX_INTERFACES	       16
#define MAX_CLIENTS	       512
#define MAX_SOCKETS_PER_CLIENT 1024
#define MAX_BACKLOG	       1024
/* Of these one user has at most a part; root and the daemon's own user may have all. */
#define MAX_CLIENTS_OF_USER  128
#define MAX_SOCKETS_OF_USER  2048
#define MAX_SESSIONS_OF_USER 256
/* Connections that have not yet said what they want: of all peers, and of one address (IPv6: one /64). */
#define MAX_ARRIVALS		1024
#define MAX_ARRIVALS_OF_ADDRESS 128
/* Connections whose last word is being read. */
#define MAX_PARTINGS 1024
/* Connections taken from a listener before others get their turn. */
#define ARRIVALS_AT_ONCE 32

/* Times, in microseconds. */
#define SECOND		    1000000ull
#define JOIN_DEADLINE	    (30 * SECOND) /* the whole of a join, unless its caller says otherwise */
#define ASK_DEADLINE	    (30 * SECOND) /* how long an application may leave a request undecided */
#define FIRST_WORD_DEADLINE (5 * SECOND)  /* until a connection says what it wants */
#define PROBE_DEADLINE	    (3 * SECOND)
#define PARTING_DEADLINE    (3 * SECOND) /* until a peer has read the last message */
#define TICK		    (1 * SECOND) /* reports */
#define SILENT_TICKS	    10		 /* a member whose peer is silent that long is lost */
#define SUSPECT_TICKS	    2		 /* ...and that long, may be lost */

/* Lines of the log. */
#define SAY_BURST 1000
#define SAY_RATE  50

struct options {
	const char *runtime_dir;
	const char *bpf_dir;
	struct lc_endpoint control;
	const char
		*interfaces[MAX_INTERFACES]; /* control connections are taken on these; none: all */
	unsigned int interface_count;
	bool insecure;
};

struct daemon {
	struct options options;
	sd_event *event;
	struct lc_plane *plane;
	struct lc_network *network;
	struct lc_peer_listener *listeners[MAX_INTERFACES];
	unsigned int listener_count;
	sd_event_source *listening[MAX_INTERFACES + 1]; /* for peers and for clients */
	unsigned int listening_count;
	sd_event_source *changed_timer;
	uint64_t settle_us; /* until changes of the network are looked at */
	int local_listener;
	int claim; /* keeps other daemons out of this network namespace */
	struct lc_network_devices devices;
	int prober4, prober6;
	uint64_t netns_cookie;
	uint64_t requests; /* the last number given to a REQUEST */
	unsigned int client_count, arrival_count, parting_count;
	bool stopping;
	LIST_HEAD(, client) clients;
	LIST_HEAD(, session) sessions;
	LIST_HEAD(, member) members;
	/* Both with the oldest first. */
	TAILQ_HEAD(, member) arrivals;
	TAILQ_HEAD(, parting) partings;
};

/* An application's process. */
struct client {
	struct daemon *daemon;
	LIST_ENTRY(client) entry;
	int channel;
	pid_t pid;
	uid_t uid;
	bool greeted;
	bool listens; /* some socket does or did */
	sd_event_source *io, *exit;
	unsigned int socket_count;
	unsigned int room; /* bytes of messages that it need not have read */
	LIST_HEAD(, socket) sockets;
};

/* A descriptor an application handed over, and what it is in Leafcast. */
struct socket {
	struct client *client;
	LIST_ENTRY(socket) entry;
	uint64_t number; /* the library's */
	int fd;
	enum lc_local_role role;
	uint8_t family; /* enum lc_family */
	uint32_t admit;
	bool has_flows;
	struct lc_flows flows;
	uint32_t backlog;	 /* 0: does not listen */
	uint32_t waiting;	 /* requests before the application, or about to be */
	struct session *session; /* a root's */
	struct member *member;	 /* a leaf's, or the one this root-side handle stands for */
};

/* A session whose root is on this node. */
struct session {
	LIST_ENTRY(session) entry;
	struct socket *root;
	uint32_t number;
	struct lc_endpoint name, channel;
	bool root_receives;
};

/* One end of one membership; ctl/core/join.h is its life. */
struct member {
	struct daemon *daemon;
	LIST_ENTRY(member) entry;
	TAILQ_ENTRY(member) arrival;
	bool has_end; /* false until a connection that came in has said what it wants */
	bool arrives; /* in the daemon's list of arrivals: from another node, and nothing said yet */
	enum lc_join_end end;
	enum lc_join_state state;
	unsigned int busy; /* depth of lc_join_next() steps being carried out */
	struct lc_peer *peer;
	sd_event_source *io, *deadline, *probe, *drain;

	struct socket *owner;	 /* whose request it is: the joiner's, the root's, the listener's */
	struct socket *socket;	 /* the leaf's own, or the root's handle of it */
	struct session *session; /* root's ends */
	uint32_t leaf;		 /* plane's number; 0: none */

	struct lc_endpoint session_name; /* as the leaf sees it: source of what it receives */
	struct lc_endpoint leaf_name;	 /* where the leaf receives */
	struct lc_endpoint listen_name;	 /* invitations: the name that was invited */
	bool leaf_sends, leaf_receives;
	uint64_t token;
	struct lc_connect_data caller, callee;
	uint16_t capacity;
	bool has_flows;
	struct lc_flows flows;

	bool waits;	      /* counted in owner->waiting */
	uint64_t reply;	      /* id of the JOIN or ACCEPT that waits for an answer; 0: none */
	uint64_t request;     /* number of the REQUEST before the application; 0: none */
	uint64_t deadline_us; /* of this join, in all */

	unsigned int probes;
	enum leafcast_reason left; /* DRAINING: the reason in LEAVE */
	uint64_t expected;	   /* DRAINING: datagrams that went to this leaf */
	uint64_t admitted_before;  /* count of the socket when it became this member's */
	uint64_t last_admitted;
	unsigned int drain_steps, still_steps;
	uint64_t sent, sent_bytes; /* root: copies, when the leaf left */
	uint64_t arrived;	   /* leaf: admitted at its socket, in the end */
	uint64_t arrived_too_many; /* of which its buffer had no room for */
	unsigned int silent_ticks;
	bool heard_last_word; /* the peer waits for nothing more on this connection */
};

/* A connection on which the last word is said but perhaps not read. */
struct parting {
	struct daemon *daemon;
	TAILQ_ENTRY(parting) entry;
	struct lc_peer *peer;
	sd_event_source *io, *deadline;
};

/*
 * One line to standard error, which systemd's journal understands; `level` as
 * in sd-daemon.h's SD_*. Peers and applications can make us say much: beyond
 * SAY_BURST lines, SAY_RATE a second are said and the rest counted. Errors are
 * always said.
 */
__attribute__((format(printf, 2, 3))) void say(const char *level, const char *format, ...);

/* ---- listening.c ---- */
/* Calls `on_connection` with the daemon when there are connections to accept. */
int listening_start(struct daemon *daemon, int descriptor, sd_event_io_handler_t on_connection);
/* Nobody is let in any more. */
void listening_stop(struct daemon *daemon);

/* ---- client.c: the channel to applications ---- */
int client_listen(struct daemon *daemon, pid_t *owner);
void client_free(struct client *client);
void client_send(struct client *client, const struct lc_local_message *message);
/* Room for what its sockets will have to be told, and for requests if it listens. */
void client_make_room(struct client *client, bool listens);
/* Does not read: it is asked nothing more, so that only what it must hear fills its channel. */
bool client_is_behind(const struct client *client);
/* Whether its user has as many sockets, sessions as one may have. */
bool client_has_most_sockets(const struct client *client);
bool client_has_most_sessions(const struct client *client);
/* Answers request `id` about `socket`. */
void client_reply(struct client *client, uint64_t id, uint64_t socket, int error,
		  enum leafcast_reason reason);

/* ---- request.c: what applications ask for ---- */
/* Carries out one message; takes `*descriptor` (sets it to -1) if it keeps it. */
void request_handle(struct client *client, const struct lc_local_message *message, int *descriptor);

/* ---- socket.c ---- */
/*
 * Registers a descriptor: a UDP socket of this network namespace. From then on
 * its filter is locked. Its receive buffer grows to 4 MiB if it had the
 * system's default, so that a burst survives a scheduling delay. -EINVAL, -EXDEV, -EEXIST, -EMFILE, -ENOSPC.
 */
int socket_open(struct client *client, uint64_t number, enum lc_local_role role, int descriptor,
		struct socket **socket);
struct socket *socket_find(struct client *client, uint64_t number);
/* Ends what the socket took part in: in order, or because the process died. */
void socket_close(struct socket *socket, bool died);
/* The name it is bound to; port 0: unbound. */
int socket_name(const struct socket *socket, struct lc_endpoint *name);
/* Binds to an address and a port of the system's choice. */
int socket_bind(const struct socket *socket, const struct lc_endpoint *address);
/* Datagrams that found a leaf's receive buffer full, since it is open; noted in its record too. */
uint64_t socket_full_buffer(const struct socket *socket);

/* ---- session.c ---- */
/* The root's session, opened if it is not yet; binds an unbound root. -EADDRINUSE: another root here has the name. */
int session_of_root(struct daemon *daemon, struct socket *root, struct session **session);
/* The session of that name that takes requests, or NULL. */
struct session *session_find(struct daemon *daemon, const struct lc_endpoint *name);
void session_set_flow(struct daemon *daemon, struct session *session);
void session_free(struct daemon *daemon, struct session *session);

/* ---- member.c: memberships and their connections ---- */
struct member *member_new(struct daemon *daemon);
/* Gives the member a connection and listens to it. */
int member_adopt_peer(struct member *member, struct lc_peer *peer);
/* Feeds one event to the machine and carries out what follows; false: the member is freed. */
bool member_event(struct member *member, enum lc_join_event event, enum leafcast_reason reason);
struct member *member_of_request(struct daemon *daemon, uint64_t request);
/* Asks the network again for every path in use. */
void members_follow_network(struct daemon *daemon);
/* Reports, liveness. */
void members_tick(struct daemon *daemon);
/* Ends those that no application here has a part in: nothing has been decided yet. */
void members_free_strangers(struct daemon *daemon);
/*
 * A connection that came in: waits for its first word. Where too many do, the
 * one that has waited longest makes room, so that whoever speaks at once is
 * heard however many others there are that say nothing.
 */
void member_incoming(struct daemon *daemon, struct lc_peer *peer);
enum leafcast_reason reason_of_errno(int error);

/* ---- steps.c: the actions of lc_join_step, one function each ---- */
/*
 * The first failure ends the step, unless the step ends the member, and is
 * returned. REMOVE gives back everything but the member itself.
 */
enum leafcast_reason steps_run(struct member *member, unsigned int actions,
			       enum leafcast_reason reason);
/* This end's counts of a REPORT or LEAVE. */
void steps_count(const struct member *member, struct lc_message *message);
/* What the leaf's record and filter know about paths, brought up to date. */
void steps_refresh_path(struct member *member);

/* ---- asked.c: first words of connections that came in ---- */
/* Fills the member from a JOIN or INVITE and judges it; feeds ADMISSIBLE or FAILED; false: the member is freed. */
bool asked_judge(struct member *member, const struct lc_message *message);

/* ---- probe.c ---- */
int probe_open(struct daemon *daemon);
void probe_close(struct daemon *daemon);
int probe_start(struct member *member);
void probe_stop(struct member *member);

/* ---- drain.c ---- */
int drain_start(struct member *member);

/* ---- parting.c ---- */
/* Takes the connection over until the peer has closed it or PARTING_DEADLINE has passed. */
void parting_start(struct daemon *daemon, struct lc_peer *peer);
void parting_free(struct parting *parting);

/* ---- options.c ---- */
/* Exits on --help, --version and misuse. */
void options_parse(struct options *options, int argc, char **argv);

#endif
