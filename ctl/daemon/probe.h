/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The daemon's own sockets, whose datagrams to a session's channel are probes (struct lc_probe). */
#ifndef CTL_DAEMON_PROBE_H
#define CTL_DAEMON_PROBE_H

#include "daemon/daemon.h"

int probe_open(struct node *node);
void probe_close(struct node *node);
/* One probe to one leaf of a session. A probe that cannot be sent is a probe lost: the next one follows. */
void probe_send(const struct node *node, const struct lc_endpoint *channel, uint32_t leaf,
		uint64_t token);

#endif
