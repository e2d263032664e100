/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What lc0 needs to carry the pool: an address that IPv6 senders may use, and
 * routes. Both vanish when lc0 is set down, so this runs again when it is up.
 */
#ifndef CTL_NETWORK_POOL_H
#define CTL_NETWORK_POOL_H

#include <stdint.h>

#include "base/error.h"
#include "network/netlink.h"

/* What is there already stays as it is. `ifindex` is lc0's. A node without IPv6 gets IPv4 only. */
int lc_pool_lead(struct lc_netlink *netlink, uint32_t ifindex, struct lc_error *error);

#endif
