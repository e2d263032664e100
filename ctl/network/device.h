/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Our own devices: the veth pair lc0/lc1, and beside it the pair ls0/ls1. */
#ifndef CTL_NETWORK_DEVICE_H
#define CTL_NETWORK_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/records.h"
#include "base/error.h"
#include "network/alias.h"
#include "network/pair.h"

struct lc_devices {
	struct lc_pair sender;		      /* lc0 and lc1 */
	struct lc_pair cut;		      /* ls0 and ls1 */
	struct lc_pair made_sender, made_cut; /* those of them that were not found */
	bool configured; /* addresses and routes are in place: not so after lc0 was down */
};

/* As lc_network_make_devices(). */
int lc_devices_make(struct lc_devices *devices, struct lc_netlink *netlink,
		    const struct lc_host_before *before, const char *bpf_dir,
		    struct lc_error *error);
/* Removes the pairs that lc_devices_make() made, and not those that it found. */
void lc_devices_unmake(struct lc_devices *devices, struct lc_netlink *netlink);
/* As lc_network_remove_devices(). */
int lc_devices_remove(struct lc_netlink *netlink, struct lc_error *error);
/* The aliases of all devices that daemons in this network namespace have named, whatever they are called now. */
int lc_devices_each_alias(struct lc_netlink *netlink,
			  void (*each)(void *context, const struct lc_alias *alias), void *context);
/*
 * After links changed: MTU as the others', and addresses and routes again
 * after lc0 was down. False: it was made and is gone or down.
 */
bool lc_devices_follow(struct lc_devices *devices, struct lc_netlink *netlink);
/* Whether the interface is lc0, lc1, ls0 or ls1. */
bool lc_devices_have(const struct lc_devices *devices, uint32_t ifindex);

#endif
