/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Taking down what daemons leave in the kernel. */
#ifndef CTL_DAEMON_PURGE_H
#define CTL_DAEMON_PURGE_H

#include <stdbool.h>

#include "daemon/options.h"
#include "network/network.h"

/*
 * Removes pins, devices and routes, and sets the host as it was before the first
 * daemon; *found (may be NULL) says whether there was anything. Nobody has the
 * pins open. Killed at any point, it can be done again. What fails is said.
 */
int take_down(const char *bpf_dir, struct lc_network *network, bool *found);

/* leafcastd --purge. Returns 0, or a negative errno after having said why. */
int purge(const struct options *options);

#endif
