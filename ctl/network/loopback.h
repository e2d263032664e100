/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What lo must let in: copies for members on this node enter its ingress with
 * one of this node's own addresses as source, which accept_local allows, and
 * if both members are on 127.0.0.0/8, with addresses that route_localnet lets
 * past the check of packets that did not come over lo's own output.
 */
#ifndef CTL_NETWORK_LOOPBACK_H
#define CTL_NETWORK_LOOPBACK_H

#include "abi/records.h"
#include "base/error.h"

/* How lo is set now, as recorded. */
int lc_loopback_read(struct lc_host_before *before, struct lc_error *error);
int lc_loopback_admit(struct lc_error *error);
/* As `before` has it, which is recorded. */
int lc_loopback_restore(const struct lc_host_before *before, struct lc_error *error);

#endif
