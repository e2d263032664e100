/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Neighbours. Copies bypass the neighbour subsystem, so nothing but us makes
 * the kernel verify the addresses they are sent to: each neighbour once asked
 * for is watched, and probed again whenever it becomes stale.
 */
#ifndef CTL_NETWORK_NEIGHBOUR_H
#define CTL_NETWORK_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "network/netlink.h"

/* Those that are watched. All zero: none. */
struct lc_neighbours {
	void *tree; /* of tsearch(): struct neighbour */
	unsigned int count;
};

struct lc_next_hop {
	uint32_t ifindex;
	int af; /* of the next hop: may differ from the destination's */
	uint8_t address[16];
};

/*
 * The neighbour's MAC address. -ENOENT: not known; it is being asked for. The
 * neighbour is watched from now on: see lc_neighbours_changed().
 */
int lc_neighbours_find(struct lc_neighbours *neighbours, struct lc_netlink *netlink,
		       const struct lc_next_hop *hop, uint8_t mac[6]);
/* Judges RTM_NEWNEIGH and RTM_DELNEIGH: whether they mean anything to paths given out. */
bool lc_neighbours_changed(struct lc_neighbours *neighbours, struct lc_netlink *netlink,
			   struct nlmsghdr *message);
/* Before all paths are asked for anew: if too many are watched, starts afresh with those. */
void lc_neighbours_limit(struct lc_neighbours *neighbours);
void lc_neighbours_forget(struct lc_neighbours *neighbours);

#endif
