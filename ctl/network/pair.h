/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Veth pairs of ours: made, named, set up, silenced, removed. */
#ifndef CTL_NETWORK_PAIR_H
#define CTL_NETWORK_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "network/netlink.h"

/* The numbers of both ends; 0: not made. */
struct lc_pair {
	uint32_t first;
	uint32_t second;
};

/*
 * Makes a pair, down and under names of this process alone ("`kind`0.PID"), of
 * the MTU given. `gso_max_segs` is the first end's; 0: as it comes.
 */
int lc_pair_make(struct lc_netlink *netlink, const char *kind, uint32_t mtu, uint32_t gso_max_segs,
		 struct lc_pair *pair);
/* Deletes it if it is still ours: numbers are used again. */
void lc_pair_remove(struct lc_netlink *netlink, const struct lc_pair *pair, const char *kind);

/* Gives an end its name and alias in one message. */
int lc_pair_name_end(struct lc_netlink *netlink, uint32_t ifindex, const char *name,
		     const char *alias);
/* Sets an end up, with `flags` (IFF_) besides. */
int lc_pair_raise_end(struct lc_netlink *netlink, uint32_t ifindex, unsigned int flags);
/* No IPv6 address of its own accord: no router solicitations, no duplicate detection. */
void lc_pair_silence(struct lc_netlink *netlink, const struct lc_pair *pair);
/* Of both ends, the second first. */
int lc_pair_set_mtu(struct lc_netlink *netlink, const struct lc_pair *pair, uint32_t mtu);
int lc_pair_delete_link(struct lc_netlink *netlink, uint32_t ifindex);

#endif
