/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of include/abi/maps.h. Every program declares them all; user space
 * creates them once and hands the same ones to each object.
 */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include "abi/maps.h"
#include <bpf/bpf_helpers.h>

#define LC_DECLARE(map_type, flags, key_type, value_type, entries) \
	struct {                                                   \
		__uint(type, map_type);                            \
		__uint(map_flags, flags);                          \
		__uint(max_entries, entries);                      \
		__type(key, key_type);                             \
		__type(value, value_type);                         \
	}

#define LC_DECLARE_RECORDS(key, value, entries) \
	LC_DECLARE(BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, key, value, entries)
#define LC_DECLARE_PER_CPU(key, value, entries) \
	LC_DECLARE(BPF_MAP_TYPE_PERCPU_ARRAY, 0, key, value, entries)
#define LC_DECLARE_HASH(key, value, entries) LC_DECLARE(BPF_MAP_TYPE_HASH, 0, key, value, entries)
#define LC_DECLARE_SPARSE(key, value, entries) \
	LC_DECLARE(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, key, value, entries)
/* A ring has no keys, and its events no type. */
#define LC_DECLARE_RING(key, value, entries)        \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, entries);       \
	}

#define LC_DECLARE_DOORS(key, value, entries) \
	LC_DECLARE(BPF_MAP_TYPE_PROG_ARRAY, 0, key, value, entries)

#define LC_DECLARE_MAP(id, name, kind, key, value, capacity)                                     \
	LC_DECLARE_##kind(key, value,                                                            \
			  LC_CAPACITY_##capacity(LC_MAX_SESSIONS, LC_MAX_LEAVES, LC_MAX_ADMITS)) \
		name SEC(".maps");
LC_MAPS(LC_DECLARE_MAP)

#define LC_LOOKUP(type, map, number)                              \
	({                                                        \
		__u32 lookup_key = (number);                      \
		(type *)bpf_map_lookup_elem(&(map), &lookup_key); \
	})

/* A counter that several CPUs may move. */
#define LC_COUNT(counter, by) ((void)__sync_fetch_and_add(&(counter), (__u64)(by)))

#endif
