/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Veth pairs of ours: found, made, named, set up, silenced, removed. */
#ifndef CTL_NETWORK_PAIR_H
#define CTL_NETWORK_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "network/netlink.h"

/* The numbers of both ends; 0: not made. */
struct lc_pair {
	uint32_t first;
	uint32_t second;
};

/* What its ends are called; before they have these names they are "lc0.PID" and "lc1.PID". */
struct lc_pair_names {
	const char *first, *second;
};

/*
 * The pair that an earlier daemon left under these names. -ENODEV: there is
 * none; what was half of one, or of another kind, is gone now. -EEXIST: a link
 * of that name is not ours, and nothing was touched.
 */
int lc_pair_adopt(struct lc_netlink *netlink, const struct lc_pair_names *names,
		  struct lc_pair *pair, struct lc_error *error);
/* -EEXIST as above. */
int lc_pair_check_names(struct lc_netlink *netlink, const struct lc_pair_names *names,
			struct lc_error *error);
/*
 * Makes a pair, down and under the names of this process alone, of the MTU
 * given. `gso_max_segs` is the first end's; 0: as it comes.
 */
int lc_pair_make(struct lc_netlink *netlink, const struct lc_pair_names *names, uint32_t mtu,
		 uint32_t gso_max_segs, struct lc_pair *pair);
/* Deletes it. */
void lc_pair_remove(struct lc_netlink *netlink, const struct lc_pair *pair);
/*
 * Deletes what daemons that died between two steps left of such pairs before
 * they were named, and if `named_too` every veth that has our alias, whatever it
 * is called now. Returns how many ends, or a negative errno.
 */
int lc_pair_sweep(struct lc_netlink *netlink, const struct lc_pair_names *names, bool named_too);

/* Gives an end its name and alias in one message. */
int lc_pair_name_end(struct lc_netlink *netlink, uint32_t ifindex, const char *name,
		     const char *alias);
/* Both ends say this alias; what says it already is not touched. */
int lc_pair_set_alias(struct lc_netlink *netlink, const struct lc_pair *pair, const char *alias);
/* Sets an end up, with `flags` (IFF_) besides, if it is not. */
int lc_pair_raise_end(struct lc_netlink *netlink, uint32_t ifindex, unsigned int flags);
/* No IPv6 address of its own accord: no router solicitations, no duplicate detection. */
void lc_pair_silence(struct lc_netlink *netlink, const struct lc_pair *pair);
/* Of both ends, the second first; what it is already is not touched. */
int lc_pair_set_mtu(struct lc_netlink *netlink, const struct lc_pair *pair, uint32_t mtu);
int lc_pair_set_gso_max_segs(struct lc_netlink *netlink, uint32_t ifindex, uint32_t gso_max_segs);

#endif
