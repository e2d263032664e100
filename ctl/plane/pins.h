/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The directory of pins: <bpf_dir>/lc_<map or program>. */
#ifndef CTL_PLANE_PINS_H
#define CTL_PLANE_PINS_H

#include "plane/plane.h"

/*
 * Makes the directory, or takes one that is there, and empties it of our pins.
 * Returns a descriptor that keeps others out until it is closed. -ENOENT: not
 * on a bpffs; -EPERM; -EADDRINUSE: another daemon is at work there.
 */
int lc_pins_prepare(const char *bpf_dir, struct lc_error *error);
int lc_pins_add(const char *bpf_dir, const char *name, int fd);
/* A new descriptor of the pinned map. Not a read-only one: the kernel maps none of those into memory. */
int lc_pins_get(const char *bpf_dir, const char *name);
/* Removes our pins, and the directory if nothing else is in it. */
void lc_pins_remove(const char *bpf_dir);

#endif
