/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The two BPF objects, loaded so that they share one set of maps, and the
 * sender's attachment. Libbpf's messages never reach stderr: what helps of
 * them goes into the caller's error.
 */
#ifndef CTL_PLANE_PROGRAMS_H
#define CTL_PLANE_PROGRAMS_H

#include "plane/plane.h"

struct lc_programs;

int lc_programs_load(struct lc_programs **programs, const struct lc_plane_options *options,
		     struct lc_plane_error *error);
void lc_programs_free(struct lc_programs *programs);

/* The descriptor of a map by its name, or -ENOENT. */
int lc_programs_map(const struct lc_programs *programs, const char *name);
int lc_programs_sender(const struct lc_programs *programs);
int lc_programs_admit(const struct lc_programs *programs);

/* Pins maps and programs below bpf_dir. */
int lc_programs_pin(const struct lc_programs *programs, const char *bpf_dir,
		    struct lc_plane_error *error);

/* At the clsact egress of a device that is ours alone. */
int lc_programs_attach(const struct lc_programs *programs, uint32_t ifindex,
		       struct lc_plane_error *error);
void lc_programs_detach(uint32_t ifindex);

#endif
