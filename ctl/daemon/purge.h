/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Taking down what daemons leave in the kernel. */
#ifndef CTL_DAEMON_PURGE_H
#define CTL_DAEMON_PURGE_H

#include "daemon/options.h"
#include "network/network.h"

/*
 * After a start that failed and had found no plane: removes the pins, and of the
 * devices those that this process has made. Only where none are left is the host
 * set as it was. Nobody has the pins open. What fails is said.
 */
void take_back(const char *bpf_dir, struct lc_network *network);

/*
 * leafcastd --purge: removes pins, devices and routes, and sets the host as it was
 * before the first daemon. The devices and settings of a plane that is pinned
 * elsewhere stay, and that is said. Killed at any point, it can be done again.
 * Returns 0, or a negative errno after having said why.
 */
int purge(const struct options *options);

#endif
