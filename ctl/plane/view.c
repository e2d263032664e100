// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plane/maps.h"
#include "plane/pins.h"
#include "plane/plane.h"

struct lc_plane_view {
	struct lc_maps maps;
};

static int say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

int lc_plane_view_open(struct lc_plane_view **out, const char *bpf_dir, struct lc_error *error)
{
	struct lc_plane_view *view = calloc(1, sizeof(*view));
	int err;

	if (!view)
		return -ENOMEM;
	lc_maps_init(&view->maps);
	libbpf_set_print(say_nothing);
	err = lc_maps_take_pins(&view->maps, bpf_dir, error);
	if (!err) {
		err = lc_maps_map(&view->maps, false);
		if (err)
			lc_fail(error, err, "cannot map the records pinned in %s: %s", bpf_dir,
				strerror(-err));
	}
	if (err) {
		lc_plane_view_close(view);
		return err;
	}
	*out = view;
	return 0;
}

void lc_plane_view_close(struct lc_plane_view *view)
{
	if (!view)
		return;
	lc_maps_close(&view->maps);
	free(view);
}

static const void *record_of(const struct lc_plane_view *view, enum lc_map map, uint32_t number)
{
	return lc_map_record(&view->maps, map, number);
}

/* A plane is being made with other capacities where a table and its counters differ. */
static uint32_t entries_of(const struct lc_plane_view *view, enum lc_map map, enum lc_map use)
{
	uint32_t records = lc_map_entries(&view->maps, map);
	uint32_t uses = lc_map_entries(&view->maps, use);

	return records < uses ? records : uses;
}

static uint32_t count_receivers(const struct lc_plane_view *view, uint64_t extent)
{
	uint32_t receivers = 0, slots = lc_map_entries(&view->maps, LC_MAP_EXTENTS);

	for (uint32_t i = 0; i < LC_EXTENT_COUNT(extent); i++) {
		uint64_t slot = (uint64_t)LC_EXTENT_OFFSET(extent) + i;

		if (slot < slots)
			receivers += *(const uint32_t *)record_of(view, LC_MAP_EXTENTS,
								  (uint32_t)slot) != 0;
	}
	return receivers;
}

int lc_plane_each_session(const struct lc_plane_view *view,
			  int (*each)(void *context, uint32_t number,
				      const struct lc_session *session,
				      const struct lc_session_use *use, uint32_t receiving_leaves),
			  void *context)
{
	for (uint32_t i = 1; i < entries_of(view, LC_MAP_SESSIONS, LC_MAP_SESSION_USE); i++) {
		const struct lc_session *record = record_of(view, LC_MAP_SESSIONS, i);
		struct lc_session_use use;
		struct lc_session session;
		int stop;

		if (lc_observe(&record->state) != LC_SESSION_OPEN)
			continue;
		session = *record;
		memcpy(&use, record_of(view, LC_MAP_SESSION_USE, i), sizeof(use));
		stop = each(context, i, &session, &use, count_receivers(view, session.extent));
		if (stop)
			return stop;
	}
	return 0;
}

int lc_plane_each_leaf(const struct lc_plane_view *view,
		       int (*each)(void *context, uint32_t number, const struct lc_leaf *leaf,
				   const struct lc_leaf_use *use),
		       void *context)
{
	for (uint32_t i = 1; i < entries_of(view, LC_MAP_LEAVES, LC_MAP_LEAF_USE); i++) {
		const struct lc_leaf *record = record_of(view, LC_MAP_LEAVES, i);
		struct lc_leaf_use use;
		struct lc_leaf leaf;
		int stop;

		if (lc_observe(&record->session) == 0)
			continue;
		leaf = *record;
		memcpy(&use, record_of(view, LC_MAP_LEAF_USE, i), sizeof(use));
		stop = each(context, i, &leaf, &use);
		if (stop)
			return stop;
	}
	return 0;
}

int lc_plane_each_admit(const struct lc_plane_view *view,
			int (*each)(void *context, uint32_t number, const struct lc_admit *admit,
				    const struct lc_admit_use *use),
			void *context)
{
	for (uint32_t i = 1; i < entries_of(view, LC_MAP_ADMITS, LC_MAP_ADMIT_USE); i++) {
		const struct lc_admit *record = record_of(view, LC_MAP_ADMITS, i);
		struct lc_admit_use use;
		struct lc_admit admit;
		int stop;

		if (lc_observe(&record->cookie) == 0)
			continue;
		admit = *record;
		memcpy(&use, record_of(view, LC_MAP_ADMIT_USE, i), sizeof(use));
		stop = each(context, i, &admit, &use);
		if (stop)
			return stop;
	}
	return 0;
}

uint32_t lc_plane_suspended_since_s(const struct lc_plane_view *view, enum lc_member_kind kind,
				    uint32_t number)
{
	struct lc_member_key key = {.kind = kind, .number = number};
	struct lc_member member;

	if (bpf_map_lookup_elem(view->maps.fd[LC_MAP_MEMBERS], &key, &member))
		return 0;
	return member.suspended_since_s;
}

bool lc_plane_has_daemon(const char *bpf_dir)
{
	return lc_pins_are_claimed(bpf_dir);
}

int lc_plane_drops(const struct lc_plane_view *view, uint64_t drops[LC_DROP_COUNT])
{
	const struct lc_node_use *node = record_of(view, LC_MAP_NODE_USE, 0);
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct lc_drops *by_cpu;
	uint32_t key = 0;

	if (cpus < 0)
		return cpus;
	by_cpu = calloc((size_t)cpus, sizeof(*by_cpu));
	if (!by_cpu)
		return -ENOMEM;
	if (bpf_map_lookup_elem(view->maps.fd[LC_MAP_DROPS], &key, by_cpu))
		err = -errno;
	for (uint32_t reason = 0; reason < LC_DROP_COUNT && !err; reason++) {
		drops[reason] = lc_drop_count(&node->drops, reason);
		for (int cpu = 0; cpu < cpus; cpu++)
			drops[reason] += lc_drop_count(&by_cpu[cpu], reason);
	}
	free(by_cpu);
	return err;
}
