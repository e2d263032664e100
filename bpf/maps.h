/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of include/abi/records.h. Every program declares them all; user
 * space creates them once and hands the same ones to each object.
 */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include "abi/records.h"
#include <bpf/bpf_helpers.h>

/* Arrays that user space maps into its memory. */
#define LC_ARRAY(name, record, entries)            \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, entries);      \
		__type(key, __u32);                \
		__type(value, record);             \
	} name SEC(".maps")

LC_ARRAY(lc_config, struct lc_config, 1);
LC_ARRAY(lc_sessions, struct lc_session, LC_MAX_SESSIONS);
LC_ARRAY(lc_session_use, struct lc_session_use, LC_MAX_SESSIONS);
LC_ARRAY(lc_extents, __u32, LC_MAX_EXTENT_SLOTS);
LC_ARRAY(lc_leaves, struct lc_leaf, LC_MAX_LEAVES);
LC_ARRAY(lc_leaf_use, struct lc_leaf_use, LC_MAX_LEAVES);
LC_ARRAY(lc_admits, struct lc_admit, LC_MAX_ADMITS);
LC_ARRAY(lc_admit_use, struct lc_admit_use, LC_MAX_ADMITS);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LC_MAX_ADMITS);
	__type(key, __u64);
	__type(value, __u32);
} lc_admit_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LC_MAX_LEAVES);
	__type(key, struct lc_uplink_key);
	__type(value, __u32);
} lc_uplinks SEC(".maps");

/* The key is an enum lc_drop, but the kernel accepts BTF of an array only if its key is a plain integer. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LC_DROP_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} lc_drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} lc_events SEC(".maps");

#define LC_LOOKUP(type, map, number)                              \
	({                                                        \
		__u32 lookup_key = (number);                      \
		(type *)bpf_map_lookup_elem(&(map), &lookup_key); \
	})

/* A field that user space changes under us: read once, by one load. */
#define LC_READ_ONCE(field) (*(const volatile typeof(field) *)&(field))

/* A counter that several CPUs may move. */
#define LC_COUNT(counter, by) ((void)__sync_fetch_and_add(&(counter), (__u64)(by)))

#endif
