// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plane/pins.h"
#include "plane/plane.h"
#include "plane/table.h"

struct lc_plane_view {
	struct lc_table config, sessions, session_use, extents, leaves, leaf_use, admits, admit_use;
	int drops;
};

static int map_pin(struct lc_table *table, const char *bpf_dir, const char *name, size_t size)
{
	int fd = lc_pins_get(bpf_dir, name), err;

	if (fd < 0)
		return fd;
	err = lc_table_map(table, fd, size, false);
	close(fd); /* the mapping keeps the map */
	return err;
}

static int map_pins(struct lc_plane_view *view, const char *bpf_dir)
{
	const struct {
		struct lc_table *table;
		const char *map;
		size_t size;
	} tables[] = {
		{&view->config, "lc_config", sizeof(struct lc_config)},
		{&view->sessions, "lc_sessions", sizeof(struct lc_session)},
		{&view->session_use, "lc_session_use", sizeof(struct lc_session_use)},
		{&view->extents, "lc_extents", sizeof(uint32_t)},
		{&view->leaves, "lc_leaves", sizeof(struct lc_leaf)},
		{&view->leaf_use, "lc_leaf_use", sizeof(struct lc_leaf_use)},
		{&view->admits, "lc_admits", sizeof(struct lc_admit)},
		{&view->admit_use, "lc_admit_use", sizeof(struct lc_admit_use)},
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		int err = map_pin(tables[i].table, bpf_dir, tables[i].map, tables[i].size);

		if (err)
			return err;
	}
	view->drops = lc_pins_get(bpf_dir, "lc_drops");
	return view->drops < 0 ? view->drops : 0;
}

static int explain(int err, const char *bpf_dir, struct lc_error *error)
{
	switch (err) {
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
		return lc_fail(error, err,
			       "the maps in %s have another layout than this program's (%d): "
			       "daemon and tool are of different versions",
			       bpf_dir, LC_LAYOUT_VERSION);
	}
	return lc_fail(error, err, "cannot read the maps in %s: %s", bpf_dir, strerror(-err));
}

static int say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

int lc_plane_view_open(struct lc_plane_view **out, const char *bpf_dir, struct lc_error *error)
{
	struct lc_plane_view *view = calloc(1, sizeof(*view));
	const struct lc_config *config;
	int err;

	if (!view)
		return -ENOMEM;
	view->drops = -1;
	libbpf_set_print(say_nothing);
	err = map_pins(view, bpf_dir);
	config = lc_record(&view->config, 0);
	if (!err && lc_observe(&config->layout) != LC_LAYOUT_VERSION)
		err = -EPROTO;
	if (err) {
		lc_plane_view_close(view);
		return explain(err, bpf_dir, error);
	}
	*out = view;
	return 0;
}

void lc_plane_view_close(struct lc_plane_view *view)
{
	if (!view)
		return;
	lc_table_unmap(&view->config);
	lc_table_unmap(&view->sessions);
	lc_table_unmap(&view->session_use);
	lc_table_unmap(&view->extents);
	lc_table_unmap(&view->leaves);
	lc_table_unmap(&view->leaf_use);
	lc_table_unmap(&view->admits);
	lc_table_unmap(&view->admit_use);
	if (view->drops >= 0)
		close(view->drops);
	free(view);
}

static uint32_t count_members(const struct lc_plane_view *view, uint64_t extent)
{
	uint32_t members = 0;

	for (uint32_t i = 0; i < LC_EXTENT_COUNT(extent); i++) {
		uint64_t slot = (uint64_t)LC_EXTENT_OFFSET(extent) + i;

		if (slot < view->extents.entries)
			members += *(uint32_t *)lc_record(&view->extents, (uint32_t)slot) != 0;
	}
	return members;
}

int lc_plane_each_session(const struct lc_plane_view *view,
			  int (*each)(void *context, uint32_t number,
				      const struct lc_session *session,
				      const struct lc_session_use *use, uint32_t receiving_leaves),
			  void *context)
{
	for (uint32_t i = 1; i < view->sessions.entries; i++) {
		const struct lc_session *record = lc_record(&view->sessions, i);
		struct lc_session_use use;
		struct lc_session session;
		int stop;

		if (lc_observe(&record->state) != LC_SESSION_OPEN)
			continue;
		session = *record;
		memcpy(&use, lc_record(&view->session_use, i), sizeof(use));
		stop = each(context, i, &session, &use, count_members(view, session.extent));
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
	for (uint32_t i = 1; i < view->leaves.entries; i++) {
		const struct lc_leaf *record = lc_record(&view->leaves, i);
		struct lc_leaf_use use;
		struct lc_leaf leaf;
		int stop;

		if (lc_observe(&record->session) == 0)
			continue;
		leaf = *record;
		memcpy(&use, lc_record(&view->leaf_use, i), sizeof(use));
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
	for (uint32_t i = 1; i < view->admits.entries; i++) {
		const struct lc_admit *record = lc_record(&view->admits, i);
		struct lc_admit_use use;
		struct lc_admit admit;
		int stop;

		if (lc_observe(&record->cookie) == 0)
			continue;
		admit = *record;
		memcpy(&use, lc_record(&view->admit_use, i), sizeof(use));
		stop = each(context, i, &admit, &use);
		if (stop)
			return stop;
	}
	return 0;
}

int lc_plane_drops(const struct lc_plane_view *view, uint64_t drops[LC_DROP_COUNT])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t totals[LC_DROP_COUNT] = {0};
	uint64_t *by_cpu;
	int err = 0;

	if (cpus < 0)
		return cpus;
	by_cpu = calloc((size_t)cpus, sizeof(*by_cpu));
	if (!by_cpu)
		return -ENOMEM;
	for (uint32_t reason = 0; reason < LC_DROP_COUNT && !err; reason++) {
		err = bpf_map_lookup_elem(view->drops, &reason, by_cpu) ? -errno : 0;
		for (int cpu = 0; cpu < cpus; cpu++)
			totals[reason] += by_cpu[cpu];
	}
	free(by_cpu);
	if (!err)
		memcpy(drops, totals, sizeof(totals));
	return err;
}
