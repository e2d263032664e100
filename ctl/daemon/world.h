/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* struct lc_membership_world as it really is: links, applications, the plane, the network. */
#ifndef CTL_DAEMON_WORLD_H
#define CTL_DAEMON_WORLD_H

#include "daemon/membership.h"

extern const struct lc_membership_world daemon_world;

#endif
