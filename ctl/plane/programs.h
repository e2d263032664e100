/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The BPF objects, loaded so that they share one set of maps, and their
 * attachments. Libbpf's messages never reach stderr: what helps of
 * them goes into the caller's error.
 */
#ifndef CTL_PLANE_PROGRAMS_H
#define CTL_PLANE_PROGRAMS_H

#include "plane/plane.h"

struct lc_programs;

int lc_programs_load(struct lc_programs **programs, const struct lc_plane_options *options,
		     struct lc_error *error);
void lc_programs_free(struct lc_programs *programs);

/* The descriptor of a map by its name, or -ENOENT. */
int lc_programs_map(const struct lc_programs *programs, const char *name);
int lc_programs_sender(const struct lc_programs *programs);
int lc_programs_segments(const struct lc_programs *programs);
int lc_programs_admit(const struct lc_programs *programs);

/* Pins maps and programs below bpf_dir. */
int lc_programs_pin(const struct lc_programs *programs, const char *bpf_dir,
		    struct lc_error *error);

/* At the clsact of lc0 and, if given, ls1: devices that are ours alone. What fails leaves the rest attached. */
int lc_programs_attach(const struct lc_programs *programs, const struct lc_plane_options *options,
		       struct lc_error *error);
void lc_programs_detach(uint32_t ifindex);

#endif
