/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the files of this module share: the plane and its books. The books say
 * nothing that the records do not: lc_books_read() makes them from the records.
 */
#ifndef CTL_PLANE_INTERNAL_H
#define CTL_PLANE_INTERNAL_H

#include "plane/extents.h"
#include "plane/grace.h"
#include "plane/maps.h"
#include "plane/numbers.h"
#include "plane/plane.h"
#include "plane/programs.h"

struct ring_buffer;

#define LC_NO_SLOT UINT32_MAX

/* The holes of one session's extent. */
struct lc_receivers {
	uint32_t holes;
	uint32_t first_hole; /* a slot of lc_extents, if there are holes */
};

struct lc_leaf_state {
	uint32_t next;	 /* in its bucket of lc_plane.by_endpoint; 0: the last */
	uint32_t slot;	 /* where in lc_extents it stands; LC_NO_SLOT: nowhere */
	bool spare_busy; /* programs may still read the hop not in use */
};

struct lc_plane {
	struct lc_programs *programs;
	struct lc_maps maps;
	char *bpf_dir;
	bool adopted;
	struct lc_error notice; /* of lc_plane_notice() */
	int pins;		/* the claim on bpf_dir; -1: not ours */

	struct lc_numbers free_sessions, free_leaves, free_admits;
	struct lc_extents free_slots;
	struct lc_receivers *receivers;	   /* by session */
	uint32_t *next_hole;		   /* by slot that is a hole */
	struct lc_leaf_state *leaf_states; /* by leaf */
	uint32_t *by_endpoint;		   /* first leaf of each bucket */
	uint32_t buckets;

	struct lc_grace *grace;
	struct ring_buffer *events;
	int epoll;
	void (*probed)(void *context, uint32_t admit,
		       uint64_t token); /* during lc_plane_process() */
	void *probed_context;
};

static inline struct lc_config *lc_config_of(struct lc_plane *plane)
{
	return lc_map_record(&plane->maps, LC_MAP_CONFIG, 0);
}

static inline struct lc_session *lc_session_of(struct lc_plane *plane, uint32_t number)
{
	return lc_map_record(&plane->maps, LC_MAP_SESSIONS, number);
}

static inline struct lc_session_use *lc_session_use_of(struct lc_plane *plane, uint32_t number)
{
	return lc_map_record(&plane->maps, LC_MAP_SESSION_USE, number);
}

static inline struct lc_leaf *lc_leaf_of(struct lc_plane *plane, uint32_t number)
{
	return lc_map_record(&plane->maps, LC_MAP_LEAVES, number);
}

static inline struct lc_leaf_use *lc_leaf_use_of(struct lc_plane *plane, uint32_t number)
{
	return lc_map_record(&plane->maps, LC_MAP_LEAF_USE, number);
}

static inline struct lc_admit *lc_admit_of(struct lc_plane *plane, uint32_t number)
{
	return lc_map_record(&plane->maps, LC_MAP_ADMITS, number);
}

static inline struct lc_admit_use *lc_admit_use_of(struct lc_plane *plane, uint32_t number)
{
	return lc_map_record(&plane->maps, LC_MAP_ADMIT_USE, number);
}

static inline uint32_t *lc_slot_of(struct lc_plane *plane, uint32_t slot)
{
	return lc_map_record(&plane->maps, LC_MAP_EXTENTS, slot);
}

/* ---- resumption.c ---- */

/*
 * Stores what is to be resumed, so that a kill leaves the former, none, or this one; NULL or
 * number 0: none. Of the one that is there already only what changes in its life.
 */
void lc_resumption_store(struct lc_resumption *to, const struct lc_resumption *from);

/* ---- members.c: lc_members, for people ---- */

/* After the record changed; one that is free has no entry. */
void lc_note_session(struct lc_plane *plane, uint32_t session);
void lc_note_leaf(struct lc_plane *plane, uint32_t leaf);
void lc_note_socket(struct lc_plane *plane, uint32_t admit);
/* Makes all of lc_members from the records. */
void lc_note_all(struct lc_plane *plane);

/* ---- receivers.c ---- */

/* -ENOSPC: no extent. */
int lc_receivers_add(struct lc_plane *plane, uint32_t session, uint32_t leaf);
/* Cannot fail, and does nothing where the leaf is not. */
void lc_receivers_remove(struct lc_plane *plane, uint32_t session, uint32_t leaf);
/* The session is closed: gives its extent back. */
void lc_receivers_release(struct lc_plane *plane, uint32_t session);
/* Reads the extent: claims its slots, finds leaves' slots and holes. -EPROTO: the slots are another session's. */
int lc_receivers_read(struct lc_plane *plane, uint32_t session);

/* ---- hops.c ---- */

/* Nobody reads the leaf's unused hop any more. */
void lc_hop_released(struct lc_plane *plane, uint32_t leaf);

/* ---- sockets.c ---- */

/* SO_COOKIE; 0 or a negative errno. */
int lc_socket_cookie(int socket, uint64_t *cookie);
/* Reads the records; an admission whose cookie is another's is none. */
void lc_sockets_read(struct lc_plane *plane);

/* ---- leaves.c ---- */

/*
 * Reads the records, of which those of sessions that are closed are none. Then
 * receivers are read, and then lc_uplinks is made right and hops that wait are used.
 */
void lc_leaves_read(struct lc_plane *plane);
void lc_leaves_settle(struct lc_plane *plane);

/* ---- books.c ---- */

/* -ENOMEM. */
int lc_books_make(struct lc_plane *plane);
void lc_books_free(struct lc_plane *plane);
/*
 * From the records, in which what a killed daemon left half done is completed
 * or undone. Nothing may be waiting for a grace period. -EPROTO: they
 * contradict each other.
 */
int lc_books_read(struct lc_plane *plane);

/* ---- process.c ---- */

int lc_process_start(struct lc_plane *plane);
void lc_process_stop(struct lc_plane *plane);

#endif
