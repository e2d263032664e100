/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The kernel's side of Leafcast: programs, pinned maps, and the records in
 * them (include/abi/records.h). The only module that uses libbpf.
 *
 * The daemon opens a struct lc_plane: it makes or adopts the maps, loads the
 * programs, attaches the sender's to lc0 (and the segments' to ls1) and alone writes the maps.
 * Everybody else opens a struct lc_plane_view, which only reads the pins and
 * works without the daemon.
 *
 * The records are the truth. What the plane keeps beside them in its own memory
 * it can make from them again, so one that is handed over, or whose process was
 * killed, is adopted by the next and goes on as if nothing had been.
 *
 * All functions return 0 or a negative errno and leave out-parameters alone on
 * failure, but where it is said. None logs; where a sentence helps an operator it is put into the
 * caller's struct lc_error.
 *
 * Order: table, pins, numbers, extents, grace < maps < programs, members, resumption, farewells, own, view, purge <
 *        receivers, hops, sockets < sessions, leaves, process < books < plane
 */
#ifndef CTL_PLANE_PLANE_H
#define CTL_PLANE_PLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/records.h"
#include "base/error.h"

struct lc_plane;

struct lc_plane_options {
	/* Below a bpffs mount; created with mode 0700; e.g. /sys/fs/bpf/leafcast. */
	const char *bpf_dir;
	uint32_t sessions; /* capacities; 0: the defaults of records.h */
	uint32_t leaves;
	uint32_t admits;
};

/*
 * Opens the maps and loads the programs. Where a whole plane is pinned it is
 * adopted: its members, buckets and counters go on, by the programs that are
 * attached. Else what is left of one is removed, and a plane is made and pinned.
 *
 * -EPERM: not privileged; -ENOENT: bpf_dir is not on a bpffs of this host;
 * -EOPNOTSUPP: the kernel cannot (found by trying); -EPROTO: the plane pinned
 * there has a layout that this program may not go on with, or damaged records;
 * -EADDRINUSE: another process has it open. Each with its sentence in *error.
 * What could not be adopted is left as it is, and runs.
 */
int lc_plane_open(struct lc_plane **plane, const struct lc_plane_options *options,
		  struct lc_error *error);
bool lc_plane_is_adopted(const struct lc_plane *plane);
/*
 * NULL, or the sentence for the log that the capacities asked for are not those
 * in force: what is pinned has members, and keeps its sizes until it is opened without.
 */
const char *lc_plane_notice(const struct lc_plane *plane);

/* Frees, and leaves everything in the kernel as it is for the next to adopt. Accepts NULL. */
void lc_plane_hand_over(struct lc_plane *plane);

struct lc_plane_devices {
	uint32_t sender;   /* ifindex of lc0: its clsact egress gets the sender's program */
	uint32_t cut;	   /* ls0; 0: leaves' super-packets are policed whole */
	uint32_t cut_end;  /* ls1: its clsact ingress gets the segments' program */
	uint32_t loopback; /* lo */
};

/*
 * Puts the programs to work on these devices, each in the place of an earlier
 * plane's without a gap, the admission program of sockets that are locked
 * already too; before the first socket is admitted. The pinned layout is this
 * program's from here on. -ENODEV, -EPERM, -EOPNOTSUPP, each with its sentence; what is
 * attached stays so, and the call may be repeated.
 */
int lc_plane_attach(struct lc_plane *plane, const struct lc_plane_devices *devices,
		    struct lc_error *error);

/* What the host's settings were. Valid as long as the plane. */
const struct lc_host_before *lc_plane_host_before(const struct lc_plane *plane);
/* Before they are changed. Does nothing where there is a record: adoption never records our own settings. */
void lc_plane_record_host(struct lc_plane *plane, const struct lc_host_before *before);

/*
 * Removes the pins and the directory: locked sockets hear nothing any more; copies end with lc0.
 * *before is what was recorded of the host; LC_BEFORE_LOST: what is pinned is of a layout that
 * records nothing, or not to be read. -ENOENT: nothing is pinned there, and *before is LC_BEFORE_NOTHING; -EADDRINUSE: somebody has the plane open; -EPERM; each with
 * its sentence in *error, and nothing is removed.
 */
int lc_plane_purge(const char *bpf_dir, struct lc_host_before *before, struct lc_error *error);
/*
 * The same record and errors, and nothing is removed: for who wants to restore the settings
 * first, so that the record outlives a kill. A plane that is open can be looked at too.
 */
int lc_plane_find_host_before(const char *bpf_dir, struct lc_host_before *before,
			      struct lc_error *error);

/* Whether `other` is another directory than `bpf_dir`, and something of a plane's is pinned there, or may be. */
bool lc_plane_is_elsewhere(const char *bpf_dir, const char *other);

/*
 * CLOCK_MONOTONIC. From then on nothing is copied, probed or admitted, with or without a
 * daemon; 0, as a plane is made: no end.
 */
void lc_plane_set_alive_until(struct lc_plane *plane, uint64_t ns);

/*
 * What the plane has, after an adoption: in this order sessions, leaves,
 * sockets. `each` is shown a copy, and may remove what it is shown (a session
 * only if it has no leaves left). A return other than 0 ends the walk and is returned.
 */
int lc_plane_each_own_session(struct lc_plane *plane,
			      int (*each)(void *context, uint32_t number,
					  const struct lc_session *session),
			      void *context);
int lc_plane_each_own_leaf(struct lc_plane *plane,
			   int (*each)(void *context, uint32_t number, const struct lc_leaf *leaf),
			   void *context);
int lc_plane_each_own_socket(struct lc_plane *plane,
			     int (*each)(void *context, uint32_t admit,
					 const struct lc_admit *record),
			     void *context);

/*
 * Readable when numbers given back may be used again or probes have arrived;
 * then call lc_plane_process(), which calls `probed` once per probe seen.
 */
int lc_plane_fd(const struct lc_plane *plane);
int lc_plane_process(struct lc_plane *plane,
		     void (*probed)(void *context, uint32_t admit, uint64_t token), void *context);

/* ---- sockets ---- */

/*
 * Attaches the admission filter to a member's socket and locks it: from now on
 * the socket receives nothing that no record admits. *admit is its number,
 * with kind LC_ADMIT_NOBODY. `role` is an enum lc_local_role of core/local.h.
 * -ENOSPC: the table is full; -EEXIST: it is admitted already.
 */
int lc_plane_admit_socket(struct lc_plane *plane, int socket, uint32_t uid, uint32_t role,
			  uint32_t *admit);
/* The admission number of the socket with this SO_COOKIE; 0: it is not admitted. */
uint32_t lc_plane_find_socket(struct lc_plane *plane, uint64_t cookie);
/*
 * Of an adopted socket whose descriptor has come again: a plane that was killed
 * between its record and its filter had not attached that yet.
 */
int lc_plane_guard_socket(const struct lc_plane *plane, int socket);
/* Admits leaves of `session` (root's socket). */
void lc_plane_admit_leaves(struct lc_plane *plane, uint32_t admit, uint32_t session);
/* Admits the anchor (leaf's socket); may be called again with another token. */
void lc_plane_admit_anchor(struct lc_plane *plane, uint32_t admit, const struct lc_endpoint *anchor,
			   bool within_node, uint64_t token, bool receives);
/* Nothing passes any more; the record stays. */
void lc_plane_admit_nobody(struct lc_plane *plane, uint32_t admit);
/*
 * How a leaf's membership goes on after its daemon or the root's was away; NULL, or number 0:
 * it does not. `name`, `sends` and `identity` (NULL: zero) are the leaf's and its session's. Of the
 * membership that is recorded already only what changes in its life is stored: admitted_before,
 * expected, handle_cookie and `left`, so that a kill in between loses no membership.
 */
void lc_plane_set_socket_resumption(struct lc_plane *plane, uint32_t admit,
				    const struct lc_endpoint *name, bool sends,
				    const struct lc_identity *identity,
				    const struct lc_resumption *resumption);
/* Its resumption goes first. */
void lc_plane_forget_socket(struct lc_plane *plane, uint32_t admit);
void lc_plane_admit_use(struct lc_plane *plane, uint32_t admit, struct lc_admit_use *use);
/* How many datagrams found the socket's buffer full since it is admitted, which programs cannot see. */
void lc_plane_note_full_buffer(struct lc_plane *plane, uint32_t admit, uint64_t datagrams);

/* The daemon's own probe sockets; a datagram of theirs to a channel is a probe (struct lc_probe). */
int lc_plane_set_probers(struct lc_plane *plane, int socket4, int socket6);

/* ---- sessions ---- */

struct lc_session_spec {
	struct lc_endpoint root;
	int sender;		 /* the root's socket; its cookie is recorded */
	struct lc_flowspec flow; /* the root's sending flow */
	struct lc_policer policer;
	struct lc_identity identity; /* 128 random bits: this session's and no other's */
	uint32_t uid;		     /* whose session it is */
	struct lc_route_keys route_keys;
	bool receives;	       /* the root takes what leaves send... */
	bool directions_fixed; /* ...or not, for good */
	uint64_t now_ns;
};

/*
 * Opens a session without leaves. *number names it and *channel is where the
 * root's socket sends (same family as root, same port). -ENOSPC: full.
 */
int lc_plane_open_session(struct lc_plane *plane, const struct lc_session_spec *spec,
			  uint32_t *number, struct lc_endpoint *channel);
/* Changes the root's sending flow; its bucket goes on from where it is. */
void lc_plane_set_session_flow(struct lc_plane *plane, uint32_t session,
			       const struct lc_flowspec *flow, const struct lc_policer *policer);
/* As in the spec; no program reads them. */
void lc_plane_set_session_directions(struct lc_plane *plane, uint32_t session, bool receives,
				     bool fixed);
void lc_plane_set_session_route_keys(struct lc_plane *plane, uint32_t session,
				     const struct lc_route_keys *keys);
/* Its leaves must have been removed. */
void lc_plane_close_session(struct lc_plane *plane, uint32_t session);
void lc_plane_session_use(struct lc_plane *plane, uint32_t session, struct lc_session_use *use);

/* ---- leaves ---- */

struct lc_leaf_spec {
	uint32_t session;
	struct lc_endpoint from;
	struct lc_endpoint to;
	bool receives;
	bool sends;
	uint8_t hop_limit;
	struct lc_policer down, up;
	struct lc_flowspec down_flow, up_flow;
	uint64_t now_ns;
};

/*
 * Makes a leaf's record: probes reach it, data does not yet. Its hop is
 * LC_HOP_NO_ROUTE. -ENOSPC: full. -EEXIST: the session has a leaf with this
 * endpoint already, and *leaf is that one's number.
 */
int lc_plane_add_leaf(struct lc_plane *plane, const struct lc_leaf_spec *spec, uint32_t *leaf);
/* `hop` is read only when `in_use` is LC_HOP_0 (which then stands for "this hop"); unchanged hops cost nothing. */
void lc_plane_set_hop(struct lc_plane *plane, uint32_t leaf, enum lc_hop_in_use in_use,
		      const struct lc_hop *hop);
/* Sets what the leaf is held to; before it enters. */
void lc_plane_set_leaf_flows(struct lc_plane *plane, uint32_t leaf,
			     const struct lc_flowspec *down_flow, const struct lc_policer *down,
			     const struct lc_flowspec *up_flow, const struct lc_policer *up);
/* Data flows both ways from here on, as spec.receives and spec.sends say. -ENOSPC: no extent. */
int lc_plane_enter_leaf(struct lc_plane *plane, uint32_t leaf);
/*
 * No copy is made any more once this returns and the walks under way end; what
 * is between ls0 and ls1 may still arrive. The record and its counts stay.
 */
void lc_plane_leave_leaf(struct lc_plane *plane, uint32_t leaf);
/* As lc_plane_set_socket_resumption(), of the root's end. */
void lc_plane_set_leaf_resumption(struct lc_plane *plane, uint32_t leaf,
				  const struct lc_resumption *resumption);
/* Its resumption goes first. */
void lc_plane_remove_leaf(struct lc_plane *plane, uint32_t leaf);
void lc_plane_leaf_use(struct lc_plane *plane, uint32_t leaf, struct lc_leaf_use *use);

/* ---- both, for people ---- */

/*
 * Of a leaf (LC_MEMBER_LEAF) or a leaf's socket (LC_MEMBER_SOCKET) whose resumption is
 * recorded: its membership is suspended since then (CLOCK_MONOTONIC), or, with 0, no longer.
 * Stays in lc_members until it is said otherwise or the resumption goes; a plane that is
 * adopted knows of none.
 */
void lc_plane_note_suspended(struct lc_plane *plane, enum lc_member_kind kind, uint32_t number,
			     uint64_t since_ns);

/* ---- farewells ---- */

/* In place of an earlier one of that number and end; none is ever half stored. -ENOSPC: there are too many. */
int lc_plane_keep_farewell(struct lc_plane *plane, const struct lc_farewell *farewell);
/* Does nothing where there is none. Of `of` number and end are read. */
void lc_plane_forget_farewell(struct lc_plane *plane, const struct lc_resumption *of);
/* Of the very membership: same number, end and secret. False: there is none, and *farewell is as before. */
bool lc_plane_find_farewell(const struct lc_plane *plane, const struct lc_resumption *of,
			    struct lc_farewell *farewell);
/* As lc_plane_each_own_session(). */
int lc_plane_each_farewell(struct lc_plane *plane,
			   int (*each)(void *context, const struct lc_farewell *farewell),
			   void *context);

/* ---- reading, for `leafcast show` ---- */

struct lc_plane_view;

/* -ENOENT: no pins there; -EPROTO: another layout; -EPERM. Each with its sentence in *error. */
int lc_plane_view_open(struct lc_plane_view **view, const char *bpf_dir, struct lc_error *error);
void lc_plane_view_close(struct lc_plane_view *view);

/* Calls `each` for every open session, used leaf or admitted socket; a return other than 0 ends the walk and is returned. */
int lc_plane_each_session(const struct lc_plane_view *view,
			  int (*each)(void *context, uint32_t number,
				      const struct lc_session *session,
				      const struct lc_session_use *use, uint32_t receiving_leaves),
			  void *context);
int lc_plane_each_leaf(const struct lc_plane_view *view,
		       int (*each)(void *context, uint32_t number, const struct lc_leaf *leaf,
				   const struct lc_leaf_use *use),
		       void *context);
int lc_plane_each_admit(const struct lc_plane_view *view,
			int (*each)(void *context, uint32_t number, const struct lc_admit *admit,
				    const struct lc_admit_use *use),
			void *context);
/* CLOCK_MONOTONIC, in seconds: since when the member is suspended, as its daemon noted last; 0: it is not. */
uint32_t lc_plane_suspended_since_s(const struct lc_plane_view *view, enum lc_member_kind kind,
				    uint32_t number);
/*
 * Whether a daemon has the plane in that directory open; true also where it cannot be told.
 * One in a PID namespace that this process does not see into is not found.
 */
bool lc_plane_has_daemon(const char *bpf_dir);
/* Datagrams dropped on this node since the plane was opened, all CPUs, by reason. */
int lc_plane_drops(const struct lc_plane_view *view, uint64_t drops[LC_DROP_COUNT]);

#endif
