/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Rounds of reports: at most one message of them is unread at any time. */
#ifndef CTL_TRUNK_REPORT_H
#define CTL_TRUNK_REPORT_H

#include "trunk/trunk.h"

/* A round starts, unless one is under way. */
void lc_report_start(struct lc_trunk *trunk);
/* Goes on with it, if the last message has been read. */
void lc_report_on(struct lc_trunk *trunk);

#endif
