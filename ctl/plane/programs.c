// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "plane/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "admit.skel.h"
#include "door.skel.h"
#include "plane/pins.h"
#include "segments.skel.h"
#include "sender.skel.h"

struct lc_programs {
	int sender, segments, admit, door; /* -1: none */
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

/* Takes the map that there is, or has it made in the right size. */
static int choose_map(struct bpf_object *object, enum lc_map map, const struct lc_maps *maps,
		      const struct lc_capacities *capacities)
{
	struct bpf_map *declared = bpf_object__find_map_by_name(object, lc_map_name(map));

	if (!declared)
		return -ENOENT;
	if (maps->fd[map] >= 0)
		return bpf_map__reuse_fd(declared, maps->fd[map]);
	return bpf_map__set_max_entries(declared, lc_map_capacity(map, capacities));
}

static int keep_map(const struct bpf_object *object, enum lc_map map, struct lc_maps *maps)
{
	if (maps->fd[map] < 0)
		maps->fd[map] = fcntl(bpf_object__find_map_fd_by_name(object, lc_map_name(map)),
				      F_DUPFD_CLOEXEC, 0);
	return maps->fd[map] < 0 ? -errno : 0;
}

/* Variables of its own each object keeps for itself. *program is that of the object's only program, to be closed. */
static int load_object(struct bpf_object_skeleton *skeleton, struct lc_maps *maps,
		       const struct lc_capacities *capacities, int *program)
{
	struct bpf_object *object = *skeleton->obj;
	int err = 0;

	for (enum lc_map map = 0; map < LC_MAP_COUNT && !err; map++)
		err = choose_map(object, map, maps, capacities);
	if (!err)
		err = bpf_object__load_skeleton(skeleton);
	for (enum lc_map map = 0; map < LC_MAP_COUNT && !err; map++)
		err = keep_map(object, map, maps);
	if (err)
		return err;
	*program = fcntl(bpf_program__fd(bpf_object__next_program(object, NULL)), F_DUPFD_CLOEXEC,
			 0);
	return *program < 0 ? -errno : 0;
}

/* Each object has a descriptor of every map: none is kept longer than it takes to load it. */
#define LOAD_OBJECT(name, maps, capacities, program)                                           \
	({                                                                                     \
		struct lc_##name##_bpf *object = lc_##name##_bpf__open();                      \
		int failed = object ? load_object(object->skeleton, maps, capacities, program) \
				    : -errno;                                                  \
                                                                                               \
		lc_##name##_bpf__destroy(object);                                              \
		failed;                                                                        \
	})

int lc_programs_load(struct lc_programs **out, struct lc_maps *maps,
		     const struct lc_capacities *capacities, struct lc_error *error)
{
	struct lc_programs *programs = malloc(sizeof(*programs));
	const char *what = "sender's";
	int err;

	if (!programs)
		return -ENOMEM;
	*programs = (struct lc_programs){-1, -1, -1, -1};
	said[0] = '\0';
	libbpf_set_print(listen_to_libbpf);
	err = LOAD_OBJECT(sender, maps, capacities, &programs->sender);
	if (!err) {
		what = "segments'";
		err = LOAD_OBJECT(segments, maps, capacities, &programs->segments);
	}
	if (!err) {
		what = "admission";
		err = LOAD_OBJECT(admit, maps, capacities, &programs->admit);
	}
	if (!err) {
		what = "sockets'";
		err = LOAD_OBJECT(door, maps, capacities, &programs->door);
	}
	if (err) {
		lc_programs_free(programs);
		return load_failed(err, what, error);
	}
	*out = programs;
	return 0;
}

static void close_program(int program)
{
	if (program >= 0)
		close(program);
}

void lc_programs_free(struct lc_programs *programs)
{
	if (!programs)
		return;
	close_program(programs->door);
	close_program(programs->admit);
	close_program(programs->segments);
	close_program(programs->sender);
	free(programs);
}

int lc_programs_sender(const struct lc_programs *programs)
{
	return programs->sender;
}

int lc_programs_segments(const struct lc_programs *programs)
{
	return programs->segments;
}

int lc_programs_admit(const struct lc_programs *programs)
{
	return programs->admit;
}

int lc_programs_door(const struct lc_programs *programs)
{
	return programs->door;
}

/* ---- pinning and attaching ---- */

int lc_programs_pin(const struct lc_programs *programs, const char *bpf_dir)
{
	int err = lc_pins_add(bpf_dir, "lc_sender", lc_programs_sender(programs));

	if (!err)
		err = lc_pins_add(bpf_dir, "lc_segments", lc_programs_segments(programs));
	if (!err)
		err = lc_pins_add(bpf_dir, "lc_admit", lc_programs_admit(programs));
	if (!err)
		err = lc_pins_add(bpf_dir, "lc_door", lc_programs_door(programs));
	return err;
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

int lc_programs_open_door(const struct lc_programs *programs, int doors)
{
	uint32_t slot = 0, program = (uint32_t)programs->admit;

	return bpf_map_update_elem(doors, &slot, &program, BPF_ANY) ? -errno : 0;
}

int lc_programs_attach_segments(const struct lc_programs *programs, uint32_t ifindex,
				struct lc_error *error)
{
	return attach(lc_programs_segments(programs), ifindex, BPF_TC_INGRESS, error);
}

int lc_programs_attach_sender(const struct lc_programs *programs, uint32_t ifindex,
			      struct lc_error *error)
{
	return attach(lc_programs_sender(programs), ifindex, BPF_TC_EGRESS, error);
}
