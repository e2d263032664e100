/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A plane whose devices are here and whose pins are in another directory than ours. */
#ifndef CTL_DAEMON_ELSEWHERE_H
#define CTL_DAEMON_ELSEWHERE_H

#include "network/network.h"

/*
 * The directory that devices of this network namespace name, if it is not `bpf_dir`
 * and something is pinned there still: its streams wait for their daemon. To be
 * freed; NULL: there is none. A negative errno after having said why.
 */
int find_elsewhere(struct lc_network *network, const char *bpf_dir, char **elsewhere);

#endif
