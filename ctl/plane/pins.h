/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The directory of pins: <bpf_dir>/lc_<map or program>. */
#ifndef CTL_PLANE_PINS_H
#define CTL_PLANE_PINS_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Takes the directory, which is made if `make`, and returns a descriptor that
 * keeps others out until it is closed. What is pinned there stays. -ENOENT: no
 * such directory, or not on a bpffs that this host has too; -EPERM; -EADDRINUSE: another daemon is at
 * work there.
 */
int lc_pins_claim(const char *bpf_dir, bool make, struct lc_error *error);
/*
 * Whether somebody has taken the directory, as the kernel lists locks: trying to take it
 * could keep a daemon out that starts at that moment. True also where the list cannot be
 * read; it has no locks of processes in PID namespaces that this one does not see into.
 */
bool lc_pins_are_claimed(const char *bpf_dir);
/* Pins `fd`, in place of what has the name until then. */
int lc_pins_add(const char *bpf_dir, const char *name, int fd);
/* A new descriptor of the pinned map. Not a read-only one: the kernel maps none of those into memory. */
int lc_pins_get(const char *bpf_dir, const char *name);
/* Whether there is a pin of ours, or may be: the directory cannot be looked into. */
bool lc_pins_any(const char *bpf_dir);
/* Removes all pins of ours. */
void lc_pins_clear(const char *bpf_dir);
/* The directory too, if nothing else is in it. */
void lc_pins_remove(const char *bpf_dir);

#endif
