/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The maps of abi/maps.h as user space holds them: descriptors, and those of
 * kind RECORDS in our memory. They come from the programs' object, which has
 * just created them, or from the pins of an earlier plane.
 */
#ifndef CTL_PLANE_MAPS_H
#define CTL_PLANE_MAPS_H

#include "abi/maps.h"
#include "base/error.h"
#include "plane/table.h"

enum lc_map {
#define LC_MAP_ENUM(id, name, kind, key, value, capacity) LC_MAP_##id,
	LC_MAPS(LC_MAP_ENUM)
#undef LC_MAP_ENUM
	LC_MAP_COUNT,
};

struct lc_maps {
	int fd[LC_MAP_COUNT];		     /* ours; -1: none */
	struct lc_table table[LC_MAP_COUNT]; /* of kind RECORDS */
	uint32_t capacity[LC_MAP_COUNT];     /* of what was pinned; 0: it was not */
};

/* How many sessions, leaves and admissions; 0: the defaults of records.h. */
struct lc_capacities {
	uint32_t sessions, leaves, admits;
};

const char *lc_map_name(enum lc_map map);
uint32_t lc_map_capacity(enum lc_map map, const struct lc_capacities *capacities);

/* Holds nothing. */
void lc_maps_init(struct lc_maps *maps);
/* The pins and what is in them stay. */
void lc_maps_close(struct lc_maps *maps);

/* What ends a plane that cannot be adopted; takes the directory. */
#define LC_PURGE_ENDS "`leafcastd --purge --bpf-dir %s` ends it"

/*
 * Takes what is pinned below bpf_dir, after a look at layout and types; maps
 * that an older layout does not have are not held then. -ENOENT: none, or not
 * all of a plane that was never whole; -EPROTO: a layout that this program may not go on with,
 * or a map is missing; -EPERM; each with its sentence in *error. On failure `maps` holds
 * some or none.
 */
int lc_maps_take_pins(struct lc_maps *maps, const char *bpf_dir, struct lc_error *error);
/* Whether each that was pinned has the capacity that it would be made with. */
bool lc_maps_fit(const struct lc_maps *maps, const struct lc_capacities *capacities);
/* Holds those no more that have not. */
void lc_maps_drop_unfit(struct lc_maps *maps, const struct lc_capacities *capacities);
/* Pins those that were not, the one that says the layout last: where that is, all are. */
int lc_maps_pin(const struct lc_maps *maps, const char *bpf_dir);
/* Maps the records of those that are held into memory; again after more of them are. */
int lc_maps_map(struct lc_maps *maps, bool writable);

/* Calls `each` for every key of a hash; it may delete that key. */
void lc_maps_each_key(const struct lc_maps *maps, enum lc_map map,
		      void (*each)(void *context, const void *key), void *context);

static inline void *lc_map_record(const struct lc_maps *maps, enum lc_map map, uint32_t number)
{
	return lc_record(&maps->table[map], number);
}

static inline uint32_t lc_map_entries(const struct lc_maps *maps, enum lc_map map)
{
	return maps->table[map].entries;
}

#endif
