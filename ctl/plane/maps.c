// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "plane/maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plane/pins.h"

struct shape {
	const char *name;
	enum bpf_map_type type;
	size_t key_bytes, value_bytes;
};

#define TYPE_RECORDS BPF_MAP_TYPE_ARRAY
#define TYPE_PER_CPU BPF_MAP_TYPE_PERCPU_ARRAY
#define TYPE_HASH    BPF_MAP_TYPE_HASH
#define TYPE_SPARSE  BPF_MAP_TYPE_HASH
#define TYPE_RING    BPF_MAP_TYPE_RINGBUF
#define TYPE_DOORS   BPF_MAP_TYPE_PROG_ARRAY

/* A ring has neither keys nor values. */
#define BYTES_RECORDS(type) sizeof(type)
#define BYTES_PER_CPU(type) sizeof(type)
#define BYTES_HASH(type)    sizeof(type)
#define BYTES_SPARSE(type)  sizeof(type)
#define BYTES_RING(type)    0
#define BYTES_DOORS(type)   sizeof(type)

static const struct shape shapes[] = {
#define SHAPE(id, name, kind, key, value, capacity) \
	{#name, TYPE_##kind, BYTES_##kind(key), BYTES_##kind(value)},
	LC_MAPS(SHAPE)
#undef SHAPE
};

const char *lc_map_name(enum lc_map map)
{
	return shapes[map].name;
}

uint32_t lc_map_capacity(enum lc_map map, const struct lc_capacities *capacities)
{
	uint32_t sessions = capacities->sessions ? capacities->sessions : LC_MAX_SESSIONS;
	uint32_t leaves = capacities->leaves ? capacities->leaves : LC_MAX_LEAVES;
	uint32_t admits = capacities->admits ? capacities->admits : LC_MAX_ADMITS;
	const uint32_t entries[] = {
#define ENTRIES(id, name, kind, key, value, capacity) \
	LC_CAPACITY_##capacity(sessions, leaves, admits),
		LC_MAPS(ENTRIES)
#undef ENTRIES
	};

	return entries[map];
}

void lc_maps_init(struct lc_maps *maps)
{
	*maps = (struct lc_maps){0};
	for (int map = 0; map < LC_MAP_COUNT; map++)
		maps->fd[map] = -1;
}

void lc_maps_close(struct lc_maps *maps)
{
	for (int map = 0; map < LC_MAP_COUNT; map++) {
		lc_table_unmap(&maps->table[map]);
		if (maps->fd[map] >= 0)
			close(maps->fd[map]);
	}
	lc_maps_init(maps);
}

/* ---- what is pinned ---- */

/* By which layout the pinned records are to be read, and which programs may. */
struct layout {
	uint32_t number, readable_by;
	const char *missing; /* a map that should be there; NULL: none */
};

/* Both are fields of the configuration in every layout; 0: none can be read. */
static struct layout pinned_layout(int config, size_t value_bytes)
{
	struct layout layout = {0};
	struct lc_config *value = value_bytes == sizeof(*value) ? malloc(sizeof(*value)) : NULL;
	uint32_t key = 0;

	if (value && bpf_map_lookup_elem(config, &key, value) == 0)
		layout = (struct layout){value->layout, value->readable_by, NULL};
	free(value);
	return layout;
}

/* The first field alone, for the sentence: of a configuration of any size. */
static uint32_t pinned_number(int config, size_t value_bytes)
{
	uint32_t key = 0, number = 0;
	void *value = value_bytes >= sizeof(number) ? malloc(value_bytes) : NULL;

	if (value && bpf_map_lookup_elem(config, &key, value) == 0)
		memcpy(&number, value, sizeof(number));
	free(value);
	return number;
}

/* Not one that is newer and does not say so, nor what is no layout. */
static bool may_go_on_with(const struct layout *layout)
{
	if (layout->number > LC_LAYOUT_VERSION)
		return layout->readable_by && layout->readable_by <= LC_LAYOUT_VERSION;
	return layout->number >= LC_LAYOUT_ADOPTS;
}

static int check_layout(int fd, const struct bpf_map_info *info, struct layout *layout)
{
	*layout = (struct layout){0};
	if (info->type != TYPE_RECORDS)
		return -EPROTO;
	*layout = pinned_layout(fd, info->value_size);
	if (!layout->number)
		layout->number = pinned_number(fd, info->value_size);
	return may_go_on_with(layout) ? 0 : -EPROTO;
}

static int check(struct lc_maps *maps, enum lc_map map, struct layout *layout)
{
	struct bpf_map_info info = {0};
	__u32 info_bytes = sizeof(info);
	int err = 0;

	if (bpf_obj_get_info_by_fd(maps->fd[map], &info, &info_bytes))
		return -errno;
	if (map == LC_MAP_CONFIG)
		err = check_layout(maps->fd[map], &info, layout);
	if (err)
		return err;
	maps->capacity[map] = info.max_entries;
	return info.type == shapes[map].type && info.key_size == shapes[map].key_bytes &&
			       info.value_size == shapes[map].value_bytes
		       ? 0
		       : -EPROTO;
}

/* An older layout does not have the last ones: they are to be made. */
static bool may_be_missing(enum lc_map map, const struct layout *layout)
{
	return layout->number < LC_LAYOUT_VERSION && map >= LC_MAP_COUNT - LC_MAPS_ADDED;
}

static int take_pins(struct lc_maps *maps, const char *bpf_dir, struct layout *layout)
{
	for (enum lc_map map = 0; map < LC_MAP_COUNT; map++) {
		int fd = lc_pins_get(bpf_dir, shapes[map].name), err;

		if (fd == -ENOENT && may_be_missing(map, layout))
			continue;
		if (fd == -ENOENT && map != LC_MAP_CONFIG)
			layout->missing = shapes[map].name;
		if (fd < 0)
			return layout->missing ? -EPROTO : fd;
		maps->fd[map] = fd;
		err = check(maps, map, layout);
		if (err)
			return err;
	}
	return 0;
}

static int cannot_go_on(const char *bpf_dir, const struct layout *layout, struct lc_error *error)
{
	if (layout->missing)
		return lc_fail(error, -EPROTO,
			       "the plane in %s is damaged: %s is not pinned there any "
			       "more; " LC_PURGE_ENDS,
			       bpf_dir, layout->missing, bpf_dir);
	if (may_go_on_with(layout))
		return lc_fail(error, -EPROTO,
			       "the maps in %s are not those of layout %u; " LC_PURGE_ENDS, bpf_dir,
			       layout->number, bpf_dir);
	return lc_fail(error, -EPROTO,
		       "the maps in %s have layout %u and this program reads layout %d: "
		       "they were made by another version of leafcastd, and what it began goes "
		       "on; " LC_PURGE_ENDS,
		       bpf_dir, layout->number, LC_LAYOUT_VERSION, bpf_dir);
}

int lc_maps_take_pins(struct lc_maps *maps, const char *bpf_dir, struct lc_error *error)
{
	struct layout layout = {0};
	int err = take_pins(maps, bpf_dir, &layout);

	switch (err) {
	case 0:
		return 0;
	case -ENOENT:
	case -ENOTDIR:
		return lc_fail(error, -ENOENT,
			       "no Leafcast maps are pinned in %s; is leafcastd running?", bpf_dir);
	case -EPERM:
	case -EACCES:
		return lc_fail(error, -EPERM,
			       "not permitted to read the maps in %s: this needs root, or "
			       "CAP_BPF and access to that directory",
			       bpf_dir);
	case -EPROTO:
		return cannot_go_on(bpf_dir, &layout, error);
	}
	return lc_fail(error, err, "cannot read the maps in %s: %s", bpf_dir, strerror(-err));
}

static bool fits(const struct lc_maps *maps, enum lc_map map,
		 const struct lc_capacities *capacities)
{
	return !maps->capacity[map] || maps->capacity[map] == lc_map_capacity(map, capacities);
}

bool lc_maps_fit(const struct lc_maps *maps, const struct lc_capacities *capacities)
{
	for (enum lc_map map = 0; map < LC_MAP_COUNT; map++)
		if (!fits(maps, map, capacities))
			return false;
	return true;
}

void lc_maps_drop_unfit(struct lc_maps *maps, const struct lc_capacities *capacities)
{
	for (enum lc_map map = 0; map < LC_MAP_COUNT; map++) {
		if (fits(maps, map, capacities))
			continue;
		lc_table_unmap(&maps->table[map]);
		close(maps->fd[map]);
		maps->fd[map] = -1;
		maps->capacity[map] = 0;
	}
}

int lc_maps_pin(const struct lc_maps *maps, const char *bpf_dir)
{
	int err = 0;

	_Static_assert(LC_MAP_CONFIG == 0, "which is pinned last and read first");
	for (int map = LC_MAP_COUNT - 1; map >= 0 && !err; map--)
		if (!maps->capacity[map])
			err = lc_pins_add(bpf_dir, shapes[map].name, maps->fd[map]);
	return err;
}

int lc_maps_map(struct lc_maps *maps, bool writable)
{
	for (int map = 0; map < LC_MAP_COUNT; map++) {
		bool wanted = shapes[map].type == TYPE_RECORDS && maps->fd[map] >= 0 &&
			      !maps->table[map].base;
		int err = wanted ? lc_table_map(&maps->table[map], maps->fd[map],
						shapes[map].value_bytes, writable)
				 : 0;

		if (err)
			return err;
	}
	return 0;
}

void lc_maps_each_key(const struct lc_maps *maps, enum lc_map map,
		      void (*each)(void *context, const void *key), void *context)
{
	_Alignas(8) unsigned char key[64], next[64];
	bool more;

	if (bpf_map_get_next_key(maps->fd[map], NULL, next))
		return;
	do {
		memcpy(key, next, sizeof(key));
		more = bpf_map_get_next_key(maps->fd[map], key, next) == 0;
		each(context, key);
	} while (more);
}
