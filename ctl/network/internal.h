/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What network.c puts together, for the files of its calls; those below know their part only. */
#ifndef CTL_NETWORK_INTERNAL_H
#define CTL_NETWORK_INTERNAL_H

#include "network/device.h"
#include "network/link.h"
#include "network/neighbour.h"
#include "network/netlink.h"
#include "network/network.h"
#include "network/paths.h"

struct lc_network {
	struct lc_netlink netlink;
	int changes; /* see watch.c */
	uint32_t loopback_ifindex;
	struct lc_devices devices;
	struct lc_links links;
	struct lc_neighbours neighbours;
	struct lc_paths paths;
	struct lc_changes pending; /* that lc_network_follow() has not seen yet */
};

/* Asks the kernel. Errors as lc_network_path(); after one the path is not valid. */
int lc_path_look_up(struct lc_network *network, const struct lc_path_query *query,
		    struct lc_path_facts *facts);

/* A netlink socket, nonblocking, that hears what changes. */
int lc_watch_open(int *changes);

#endif
