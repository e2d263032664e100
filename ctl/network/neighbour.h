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

#include "network/change.h"
#include "network/netlink.h"

/* Those that are watched. All zero: none. */
struct lc_neighbours {
	void *tree; /* of tsearch(): struct neighbour */
	unsigned int count;
};

/*
 * The neighbour's MAC address. -ENOENT: not known; it is being asked for. The
 * neighbour is watched from now on: see lc_neighbours_judge().
 */
int lc_neighbours_find(struct lc_neighbours *neighbours, struct lc_netlink *netlink,
		       const struct lc_next_hop *hop, uint8_t mac[6]);
/* Judges RTM_NEWNEIGH and RTM_DELNEIGH: adds what means anything to paths given out. */
void lc_neighbours_judge(struct lc_neighbours *neighbours, struct lc_netlink *netlink,
			 struct nlmsghdr *message, struct lc_changes *changes);
/* If too many are watched, forgets them: true, and all paths are to be asked for anew. */
bool lc_neighbours_limit(struct lc_neighbours *neighbours);
void lc_neighbours_forget(struct lc_neighbours *neighbours);

#endif
