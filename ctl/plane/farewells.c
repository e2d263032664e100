// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What other nodes are still to be told: lc_farewells. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "plane/internal.h"

static struct lc_farewell_key key_of(const struct lc_resumption *resumption)
{
	return (struct lc_farewell_key){.number = resumption->number, .end = resumption->end};
}

static int map_of(const struct lc_plane *plane)
{
	return plane->maps.fd[LC_MAP_FAREWELLS];
}

int lc_plane_keep_farewell(struct lc_plane *plane, const struct lc_farewell *farewell)
{
	struct lc_farewell_key key = key_of(&farewell->resumption);

	if (!bpf_map_update_elem(map_of(plane), &key, farewell, BPF_ANY))
		return 0;
	return errno == E2BIG ? -ENOSPC : -errno;
}

void lc_plane_forget_farewell(struct lc_plane *plane, const struct lc_resumption *of)
{
	struct lc_farewell_key key = key_of(of);

	bpf_map_delete_elem(map_of(plane), &key);
}

bool lc_plane_find_farewell(const struct lc_plane *plane, const struct lc_resumption *of,
			    struct lc_farewell *farewell)
{
	struct lc_farewell_key key = key_of(of);
	struct lc_farewell found;

	if (bpf_map_lookup_elem(map_of(plane), &key, &found) ||
	    memcmp(&found.resumption.secret, &of->secret, sizeof(of->secret)) != 0)
		return false;
	*farewell = found;
	return true;
}

struct walk {
	const struct lc_plane *plane;
	int (*each)(void *context, const struct lc_farewell *farewell);
	void *context;
	int stop;
};

static void show(void *context, const void *key)
{
	struct walk *walk = context;
	struct lc_farewell farewell;

	if (!walk->stop && bpf_map_lookup_elem(map_of(walk->plane), key, &farewell) == 0)
		walk->stop = walk->each(walk->context, &farewell);
}

int lc_plane_each_farewell(struct lc_plane *plane,
			   int (*each)(void *context, const struct lc_farewell *farewell),
			   void *context)
{
	struct walk walk = {.plane = plane, .each = each, .context = context};

	lc_maps_each_key(&plane->maps, LC_MAP_FAREWELLS, show, &walk);
	return walk.stop;
}
