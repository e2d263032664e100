/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The BPF objects, loaded so that they share one set of maps, and their
 * attachments. Libbpf's messages never reach stderr: what helps of them goes
 * into the caller's error.
 */
#ifndef CTL_PLANE_PROGRAMS_H
#define CTL_PLANE_PROGRAMS_H

#include "base/error.h"
#include "plane/maps.h"

struct lc_programs;

/*
 * With the maps that are in `maps`; those that are not are created, with these
 * capacities, and put there.
 */
int lc_programs_load(struct lc_programs **programs, struct lc_maps *maps,
		     const struct lc_capacities *capacities, struct lc_error *error);
void lc_programs_free(struct lc_programs *programs);

int lc_programs_sender(const struct lc_programs *programs);
int lc_programs_segments(const struct lc_programs *programs);
int lc_programs_admit(const struct lc_programs *programs);
/* What is locked onto sockets and leads to the admission program. */
int lc_programs_door(const struct lc_programs *programs);

/* Pins the programs below bpf_dir, in place of those of an earlier plane. */
int lc_programs_pin(const struct lc_programs *programs, const char *bpf_dir);

/* Locked sockets are judged by this admission program from here on; `doors` is lc_doors. */
int lc_programs_open_door(const struct lc_programs *programs, int doors);
/* At the ingress of ls1 and the egress of lc0, devices that are ours alone, in place of an earlier plane's. */
int lc_programs_attach_segments(const struct lc_programs *programs, uint32_t ifindex,
				struct lc_error *error);
int lc_programs_attach_sender(const struct lc_programs *programs, uint32_t ifindex,
			      struct lc_error *error);

#endif
