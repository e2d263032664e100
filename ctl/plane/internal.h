/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of this module share: the plane and what it knows beyond the records. */
#ifndef CTL_PLANE_INTERNAL_H
#define CTL_PLANE_INTERNAL_H

#include "plane/extents.h"
#include "plane/grace.h"
#include "plane/numbers.h"
#include "plane/plane.h"
#include "plane/programs.h"
#include "plane/table.h"

struct ring_buffer;

/* Where a session's leaves are written; the slots behind the last one are ours to fill. */
struct lc_membership {
	uint32_t offset, capacity;
	uint32_t holes; /* slots of leaves that left */
};

/* What a leaf's record does not say. */
struct lc_leaf_state {
	uint32_t next; /* in its bucket of lc_plane.by_endpoint; 0: the last */
	bool sends;
	bool entered;
	uint8_t hop;	 /* the hop used last */
	bool spare_busy; /* programs may still read the other hop */
	bool hop_waits;	 /* `wanted` is to be set when they cannot */
	struct lc_hop wanted;
};

struct lc_plane {
	struct lc_programs *programs;
	char *bpf_dir;
	uint32_t sender_ifindex, cut_end_ifindex;
	bool attached;
	int pins; /* the claim on bpf_dir; -1: not ours */

	struct lc_table config, sessions, session_use, extents, leaves, leaf_use, admits, admit_use;
	struct lc_numbers free_sessions, free_leaves, free_admits;
	struct lc_extents free_slots;

	struct lc_membership *memberships; /* by session */
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
	return lc_record(&plane->config, 0);
}

static inline struct lc_session *lc_session_of(struct lc_plane *plane, uint32_t number)
{
	return lc_record(&plane->sessions, number);
}

static inline struct lc_leaf *lc_leaf_of(struct lc_plane *plane, uint32_t number)
{
	return lc_record(&plane->leaves, number);
}

static inline struct lc_admit *lc_admit_of(struct lc_plane *plane, uint32_t number)
{
	return lc_record(&plane->admits, number);
}

static inline uint32_t *lc_slot_of(struct lc_plane *plane, uint32_t slot)
{
	return lc_record(&plane->extents, slot);
}

/* SO_COOKIE; 0 or a negative errno. */
int lc_socket_cookie(int socket, uint64_t *cookie);

/* membership.c. -ENOSPC: no extent. */
int lc_membership_add(struct lc_plane *plane, uint32_t session, uint32_t leaf);
/* Cannot fail. */
void lc_membership_remove(struct lc_plane *plane, uint32_t session, uint32_t leaf);

/* hops.c: nobody reads the leaf's unused hop any more. */
void lc_hop_released(struct lc_plane *plane, uint32_t leaf);

#endif
