// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "plane/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "admit.skel.h"
#include "plane/pins.h"
#include "segments.skel.h"
#include "sender.skel.h"

struct lc_programs {
	struct lc_sender_bpf *sender;
	struct lc_segments_bpf *segments;
	struct lc_admit_bpf *admit;
};

/* ---- what libbpf says ---- */

/* The end of what it said since the last load began: there the verifier names what it refused. */
static _Thread_local char said[4096];

static void append_said(const char *text)
{
	size_t have = strlen(said), more = strlen(text), keep;

	if (more >= sizeof(said)) {
		text += more - (sizeof(said) - 1);
		more = sizeof(said) - 1;
	}
	keep = sizeof(said) - 1 - more;
	if (have > keep) {
		memmove(said, said + have - keep, keep);
		have = keep;
	}
	memcpy(said + have, text, more);
	said[have + more] = '\0';
}

static int listen_to_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char *text;

	if (level != LIBBPF_WARN || vasprintf(&text, format, arguments) < 0)
		return 0;
	append_said(text);
	free(text);
	return 0;
}

static bool is_telling(const char *line)
{
	static const char *const noise[] = {"-- BEGIN",		  "-- END",
					    "failed to load",	  "processed ",
					    "failed to create: ", "load bpf program"};

	if (strspn(line, " \t") == strlen(line))
		return false;
	for (size_t i = 0; i < sizeof(noise) / sizeof(*noise); i++)
		if (strstr(line, noise[i]))
			return false;
	return true;
}

/* The last line that says something, or "". Spoils `said`. */
static const char *last_telling_line(void)
{
	char *end;

	while ((end = strrchr(said, '\n')) && !is_telling(end + 1))
		*end = '\0';
	end = strrchr(said, '\n');
	return end ? end + 1 : said;
}

static bool may_load(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	uint64_t have, wanted = 1ull << CAP_NET_ADMIN | 1ull << CAP_BPF | 1ull << CAP_PERFMON;

	if (syscall(SYS_capget, &header, data))
		return true;
	have = (uint64_t)data[1].effective << 32 | data[0].effective;
	return have & 1ull << CAP_SYS_ADMIN || (have & wanted) == wanted;
}

/* Without CAP_PERFMON the verifier refuses with whatever it stumbles over first, so the error alone does not tell. */
static int load_failed(int err, const char *what, struct lc_error *error)
{
	if (err == -EPERM || !may_load())
		return lc_fail(error, -EPERM,
			       "not permitted to load BPF programs: this needs root, or "
			       "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
	if (err == -ENOMEM)
		return lc_fail(error, err, "no memory for the BPF maps");
	return lc_fail(error, -EOPNOTSUPP,
		       "this kernel does not take the %s program (%s; needed is Linux 6.1 or "
		       "later with BPF and BTF): %.200s",
		       what, strerror(-err), last_telling_line());
}

/* ---- loading ---- */

/* Maps whose capacities are not those of records.h. */
static void size_maps(struct lc_sender_bpf *sender, const struct lc_plane_options *options)
{
	if (options->sessions) {
		bpf_map__set_max_entries(sender->maps.lc_sessions, options->sessions);
		bpf_map__set_max_entries(sender->maps.lc_session_use, options->sessions);
	}
	if (options->leaves) {
		bpf_map__set_max_entries(sender->maps.lc_leaves, options->leaves);
		bpf_map__set_max_entries(sender->maps.lc_leaf_use, options->leaves);
		bpf_map__set_max_entries(sender->maps.lc_uplinks, options->leaves);
		bpf_map__set_max_entries(sender->maps.lc_extents,
					 options->leaves * (LC_MAX_EXTENT_SLOTS / LC_MAX_LEAVES));
	}
	if (options->admits) {
		bpf_map__set_max_entries(sender->maps.lc_admits, options->admits);
		bpf_map__set_max_entries(sender->maps.lc_admit_use, options->admits);
		bpf_map__set_max_entries(sender->maps.lc_admit_index, options->admits);
	}
}

/* The other objects take the maps of the first; variables of their own they keep. */
static int share_maps(struct lc_sender_bpf *sender, struct bpf_object *other)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, other)
	{
		int fd = bpf_object__find_map_fd_by_name(sender->obj, bpf_map__name(map));
		int err = bpf_map__is_internal(map) ? 0 : bpf_map__reuse_fd(map, fd);

		if (err)
			return err;
	}
	return 0;
}

int lc_programs_load(struct lc_programs **out, const struct lc_plane_options *options,
		     struct lc_error *error)
{
	struct lc_programs *programs = calloc(1, sizeof(*programs));
	const char *what = "sender's";
	int err;

	if (!programs)
		return -ENOMEM;
	said[0] = '\0';
	libbpf_set_print(listen_to_libbpf);
	programs->sender = lc_sender_bpf__open();
	programs->segments = lc_segments_bpf__open();
	programs->admit = lc_admit_bpf__open();
	if (!programs->sender || !programs->segments || !programs->admit) {
		err = -errno;
		goto free_programs;
	}
	size_maps(programs->sender, options);
	err = lc_sender_bpf__load(programs->sender);
	if (err)
		goto free_programs;
	what = "segments'";
	err = share_maps(programs->sender, programs->segments->obj);
	if (!err)
		err = lc_segments_bpf__load(programs->segments);
	if (err)
		goto free_programs;
	what = "admission";
	err = share_maps(programs->sender, programs->admit->obj);
	if (!err)
		err = lc_admit_bpf__load(programs->admit);
	if (err)
		goto free_programs;
	*out = programs;
	return 0;

free_programs:
	lc_programs_free(programs);
	return load_failed(err, what, error);
}

void lc_programs_free(struct lc_programs *programs)
{
	if (!programs)
		return;
	lc_admit_bpf__destroy(programs->admit);
	lc_segments_bpf__destroy(programs->segments);
	lc_sender_bpf__destroy(programs->sender);
	free(programs);
}

int lc_programs_map(const struct lc_programs *programs, const char *name)
{
	return bpf_object__find_map_fd_by_name(programs->sender->obj, name);
}

int lc_programs_sender(const struct lc_programs *programs)
{
	return bpf_program__fd(programs->sender->progs.lc_sender);
}

int lc_programs_segments(const struct lc_programs *programs)
{
	return bpf_program__fd(programs->segments->progs.lc_segments);
}

int lc_programs_admit(const struct lc_programs *programs)
{
	return bpf_program__fd(programs->admit->progs.lc_admit);
}

/* ---- pinning and attaching ---- */

int lc_programs_pin(const struct lc_programs *programs, const char *bpf_dir, struct lc_error *error)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, programs->sender->obj)
	{
		if (!bpf_map__is_internal(map) && !err)
			err = lc_pins_add(bpf_dir, bpf_map__name(map), bpf_map__fd(map));
	}
	if (!err)
		err = lc_pins_add(bpf_dir, "lc_sender", lc_programs_sender(programs));
	if (!err)
		err = lc_pins_add(bpf_dir, "lc_segments", lc_programs_segments(programs));
	if (!err)
		err = lc_pins_add(bpf_dir, "lc_admit", lc_programs_admit(programs));
	if (err)
		return lc_fail(error, err, "cannot pin below %s: %s", bpf_dir, strerror(-err));
	return 0;
}

static int attach(int program, uint32_t ifindex, enum bpf_tc_attach_point point,
		  struct lc_error *error)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = 1, .priority = 1, .flags = BPF_TC_F_REPLACE,
		    .prog_fd = program);
	char device[IF_NAMESIZE] = "?";
	int err = bpf_tc_hook_create(&hook);

	if (!err || err == -EEXIST)
		err = bpf_tc_attach(&hook, &options);
	if (!err)
		return 0;
	if (!if_indextoname(ifindex, device))
		return lc_fail(error, -ENODEV, "there is no device with number %u", ifindex);
	if (err == -EPERM)
		return lc_fail(error, err,
			       "not permitted to attach to %s: this needs "
			       "CAP_NET_ADMIN",
			       device);
	if (err == -ENOENT || err == -EOPNOTSUPP)
		return lc_fail(error, -EOPNOTSUPP,
			       "this kernel has no tc BPF classifier (clsact, cls_bpf) for %s",
			       device);
	return lc_fail(error, err, "cannot attach to %s: %s", device, strerror(-err));
}

int lc_programs_attach(const struct lc_programs *programs, const struct lc_plane_options *options,
		       struct lc_error *error)
{
	int err = 0;

	/* First where copies go, then where they come from. */
	if (options->cut_end_ifindex)
		err = attach(lc_programs_segments(programs), options->cut_end_ifindex,
			     BPF_TC_INGRESS, error);
	if (!err)
		err = attach(lc_programs_sender(programs), options->sender_ifindex, BPF_TC_EGRESS,
			     error);
	return err;
}

void lc_programs_detach(uint32_t ifindex)
{
	/* Both points: the whole clsact, which on our own device nobody else uses. */
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	bpf_tc_hook_destroy(&hook);
}
