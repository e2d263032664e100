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
#define TYPE_RING    BPF_MAP_TYPE_RINGBUF

/* A ring has neither keys nor values. */
#define BYTES_RECORDS(type) sizeof(type)
#define BYTES_PER_CPU(type) sizeof(type)
#define BYTES_HASH(type)    sizeof(type)
#define BYTES_RING(type)    0

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

/* The first field of the configuration in every layout; 0: none can be read. */
static uint32_t pinned_layout(int config, size_t value_bytes)
{
	uint32_t key = 0, layout = 0;
	void *value = value_bytes >= sizeof(layout) ? malloc(value_bytes) : NULL;

	if (value && bpf_map_lookup_elem(config, &key, value) == 0)
		memcpy(&layout, value, sizeof(layout));
	free(value);
	return layout;
}

static int check_shape(enum lc_map map, int fd, uint32_t *layout)
{
	struct bpf_map_info info = {0};
	__u32 info_bytes = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes))
		return -errno;
	if (map == LC_MAP_CONFIG) {
		*layout = info.type == shapes[map].type ? pinned_layout(fd, info.value_size) : 0;
		if (*layout != LC_LAYOUT_VERSION)
			return -EPROTO;
	}
	return info.type == shapes[map].type && info.key_size == shapes[map].key_bytes &&
			       info.value_size == shapes[map].value_bytes
		       ? 0
		       : -EPROTO;
}

static int take_pins(struct lc_maps *maps, const char *bpf_dir, uint32_t *layout)
{
	for (int map = 0; map < LC_MAP_COUNT; map++) {
		int fd = lc_pins_get(bpf_dir, shapes[map].name), err;

		if (fd < 0)
			return fd;
		maps->fd[map] = fd;
		err = check_shape(map, fd, layout);
		if (err)
			return err;
	}
	return 0;
}

int lc_maps_take_pins(struct lc_maps *maps, const char *bpf_dir, struct lc_error *error)
{
	uint32_t layout = LC_LAYOUT_VERSION;
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
		if (layout == LC_LAYOUT_VERSION)
			return lc_fail(error, err, "the maps in %s are not those of layout %d",
				       bpf_dir, LC_LAYOUT_VERSION);
		return lc_fail(error, err,
			       "the maps in %s have layout %u and this program reads layout %d: "
			       "they were made by another version of leafcastd",
			       bpf_dir, layout, LC_LAYOUT_VERSION);
	}
	return lc_fail(error, err, "cannot read the maps in %s: %s", bpf_dir, strerror(-err));
}

int lc_maps_pin(const struct lc_maps *maps, const char *bpf_dir)
{
	int err = 0;

	_Static_assert(LC_MAP_CONFIG == 0, "which is pinned last and read first");
	for (int map = LC_MAP_COUNT - 1; map >= 0 && !err; map--)
		err = lc_pins_add(bpf_dir, shapes[map].name, maps->fd[map]);
	return err;
}

int lc_maps_map(struct lc_maps *maps, bool writable)
{
	for (int map = 0; map < LC_MAP_COUNT; map++) {
		int err = shapes[map].type == TYPE_RECORDS
				  ? lc_table_map(&maps->table[map], maps->fd[map],
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
