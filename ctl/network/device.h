/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Our own devices: the veth pair lc0/lc1, and beside it the pair ls0/ls1. */
#ifndef CTL_NETWORK_DEVICE_H
#define CTL_NETWORK_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "network/loopback.h"
#include "network/pair.h"

struct lc_devices {
	struct lc_pair sender; /* lc0 and lc1 */
	struct lc_pair cut;    /* ls0 and ls1 */
	bool configured;       /* addresses and routes are in place: not so after lc0 was down */
	int lo_before[LC_LOOPBACK_SETTINGS]; /* of lo's settings; -1: nothing to put back */
};

#define LC_NO_DEVICES ((struct lc_devices){.lo_before = {-1, -1}})

/* As lc_network_make_devices(); `devices` are LC_NO_DEVICES, or former ones. */
int lc_devices_make(struct lc_devices *devices, struct lc_netlink *netlink, struct lc_error *error);
/* Removes the pairs and puts lo's settings back, whatever of that there is to do. */
void lc_devices_remove(struct lc_devices *devices, struct lc_netlink *netlink);
/*
 * After links changed: MTU as the others', and addresses and routes again
 * after lc0 was down. False: it was made and is gone or down.
 */
bool lc_devices_follow(struct lc_devices *devices, struct lc_netlink *netlink);
/* Whether the interface is lc0, lc1, ls0 or ls1. */
bool lc_devices_have(const struct lc_devices *devices, uint32_t ifindex);

#endif
