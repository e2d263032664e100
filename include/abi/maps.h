/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The pinned maps. One list, from which the declarations in bpf/, the daemon's
 * tables, the pins' names, the sizes that are compared and the capacities come.
 *
 *   X(ENUMERATOR, name, KIND, key, value, CAPACITY)
 *
 * KIND: RECORDS is an array that user space maps into its memory. PER_CPU is an
 * array with a value for each possible CPU. HASH is a preallocated hash; SPARSE is
 * one of which only what is there takes memory. RING is a ring buffer of `value`s,
 * whose capacity is in bytes. DOORS is an array of programs, which lives as long as
 * it is pinned or open.
 *
 * CONFIG comes first: it says by which layout the others are to be read.
 */
#ifndef ABI_MAPS_H
#define ABI_MAPS_H

#include "abi/records.h"

/* clang-format off */
#ifdef LC_LAYOUT_NEXT
#define LC_MAPS_NEXT(X) X(NEXT_USE, lc_next_use, RECORDS, __u32, struct lc_next_use, ONE)
#else
#define LC_MAPS_NEXT(X)
#endif

#define LC_MAPS(X)                                                                         \
	X(CONFIG,      lc_config,      RECORDS, __u32, struct lc_config,      ONE)         \
	X(SESSIONS,    lc_sessions,    RECORDS, __u32, struct lc_session,     SESSIONS)    \
	X(SESSION_USE, lc_session_use, RECORDS, __u32, struct lc_session_use, SESSIONS)    \
	/* leaf numbers, by slot */                                                        \
	X(EXTENTS,     lc_extents,     RECORDS, __u32, __u32,                 SLOTS)       \
	X(LEAVES,      lc_leaves,      RECORDS, __u32, struct lc_leaf,        LEAVES)      \
	X(LEAF_USE,    lc_leaf_use,    RECORDS, __u32, struct lc_leaf_use,    LEAVES)      \
	/* leaf numbers */                                                                 \
	X(UPLINKS,     lc_uplinks,     HASH,    struct lc_uplink_key, __u32,  LEAVES)      \
	X(ADMITS,      lc_admits,      RECORDS, __u32, struct lc_admit,       ADMITS)      \
	X(ADMIT_USE,   lc_admit_use,   RECORDS, __u32, struct lc_admit_use,   ADMITS)      \
	/* admission numbers, by socket cookie */                                          \
	X(ADMIT_INDEX, lc_admit_index, HASH,    __u64, __u32,                 ADMITS)      \
	X(MEMBERS,     lc_members,     HASH,    struct lc_member_key, struct lc_member, MEMBERS) \
	/* counted by programs; and by the daemon, to be added */                          \
	X(DROPS,       lc_drops,       PER_CPU, __u32, struct lc_drops,       ONE)         \
	X(NODE_USE,    lc_node_use,    RECORDS, __u32, struct lc_node_use,    ONE)         \
	X(EVENTS,      lc_events,      RING,    void,  struct lc_event,       EVENT_BYTES) \
	/* the admission program, to which the filter on every locked socket leads */      \
	X(DOORS,       lc_doors,       DOORS,   __u32, __u32,                 ONE)         \
	/* what other nodes are still to be told; of no program's concern */               \
	X(FAREWELLS,   lc_farewells,   SPARSE,  struct lc_farewell_key, struct lc_farewell, FAREWELLS) \
	LC_MAPS_NEXT(X)
/* clang-format on */

/* How many at the end of the list the layout before this one does not have. */
#define LC_MAPS_ADDED 1

/* Capacities from those of sessions, leaves and admissions (number 0 included), which are set before the maps are made. */
#define LC_CAPACITY_ONE(sessions, leaves, admits)	  1
#define LC_CAPACITY_SESSIONS(sessions, leaves, admits)	  (sessions)
#define LC_CAPACITY_LEAVES(sessions, leaves, admits)	  (leaves)
#define LC_CAPACITY_ADMITS(sessions, leaves, admits)	  (admits)
#define LC_CAPACITY_SLOTS(sessions, leaves, admits)	  (8 * (leaves))
#define LC_CAPACITY_MEMBERS(sessions, leaves, admits)	  ((sessions) + (leaves) + (admits))
#define LC_CAPACITY_FAREWELLS(sessions, leaves, admits)	  LC_MAX_FAREWELLS
#define LC_CAPACITY_EVENT_BYTES(sessions, leaves, admits) (64 * 1024)

#endif
