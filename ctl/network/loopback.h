/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What lo must let in: copies for members on this node enter its ingress with
 * one of this node's own addresses as source, which accept_local allows, and
 * if both members are on 127.0.0.0/8, with addresses that route_localnet lets
 * past the check of packets that did not come over lo's own output.
 */
#ifndef CTL_NETWORK_LOOPBACK_H
#define CTL_NETWORK_LOOPBACK_H

#include "base/error.h"

/* accept_local and route_localnet, in this order in `values`. */
#define LC_LOOPBACK_SETTINGS 2

/* Reads those that are negative in `values`. */
int lc_loopback_read(int values[LC_LOOPBACK_SETTINGS], struct lc_error *error);
int lc_loopback_admit(struct lc_error *error);
/* Negative ones stay as they are. */
void lc_loopback_restore(const int values[LC_LOOPBACK_SETTINGS]);

#endif
