// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Taking down what is pinned, and looking at it, without opening it. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plane/maps.h"
#include "plane/pins.h"
#include "plane/plane.h"

/* Lost where the configuration cannot be read, or is of a time before anything was recorded. */
static struct lc_host_before read_before(int map)
{
	struct bpf_map_info info = {0};
	struct lc_config config = {0};
	__u32 info_bytes = sizeof(info);
	uint32_t key = 0;

	if (bpf_obj_get_info_by_fd(map, &info, &info_bytes) == 0 &&
	    info.type == BPF_MAP_TYPE_ARRAY && info.value_size == sizeof(config) &&
	    bpf_map_lookup_elem(map, &key, &config) == 0 && config.layout >= LC_LAYOUT_WITH_BEFORE)
		return config.before;
	return (struct lc_host_before)LC_HOST_LOST;
}

static int find_before(const char *bpf_dir, struct lc_host_before *before)
{
	int map = lc_pins_get(bpf_dir, lc_map_name(LC_MAP_CONFIG));

	*before = (struct lc_host_before){0};
	if (map < 0)
		return map;
	*before = read_before(map);
	close(map);
	return 0;
}

static bool is_same_directory(const char *one, const char *other)
{
	struct stat first, second;

	return stat(one, &first) == 0 && stat(other, &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

bool lc_plane_is_elsewhere(const char *bpf_dir, const char *other)
{
	return strcmp(bpf_dir, other) != 0 && !is_same_directory(bpf_dir, other) &&
	       lc_pins_any(other);
}

int lc_plane_find_host_before(const char *bpf_dir, struct lc_host_before *before,
			      struct lc_error *error)
{
	int err = find_before(bpf_dir, before);

	if (err == -ENOENT || err == -ENOTDIR)
		return lc_fail(error, -ENOENT, "nothing is pinned in %s", bpf_dir);
	if (err == -EPERM || err == -EACCES)
		return lc_fail(error, -EPERM, "not permitted to read what is pinned in %s",
			       bpf_dir);
	return err;
}

int lc_plane_purge(const char *bpf_dir, struct lc_host_before *before, struct lc_error *error)
{
	int pins, err;

	*before = (struct lc_host_before){0};
	pins = lc_pins_claim(bpf_dir, false, error);
	if (pins < 0)
		return pins;
	err = lc_plane_find_host_before(bpf_dir, before, error);
	/* Half a plane has no configuration yet, and so no record. */
	if (err == -ENOENT)
		err = 0;
	if (!err)
		lc_pins_remove(bpf_dir);
	close(pins);
	return err;
}
