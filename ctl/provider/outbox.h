/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the daemon is told and nobody waits for, in order: so a daemon that does
 * not read holds no thread up, and misses nothing when it goes on. The caller
 * locks.
 */
#ifndef CTL_PROVIDER_OUTBOX_H
#define CTL_PROVIDER_OUTBOX_H

#include <stdbool.h>

#include "core/local.h"

struct lc_outbox {
	struct lc_told *first, *last;
};

bool lc_outbox_is_empty(const struct lc_outbox *outbox);
/*
 * Only the kind, the id, the numbers and the reason are kept. False: there is
 * no memory. The daemon sees the end of the process in the end.
 */
bool lc_outbox_append(struct lc_outbox *outbox, const struct lc_local_message *message);
/* As much as there is room for; -EAGAIN: not all. What fails otherwise is dropped. */
int lc_outbox_send(struct lc_outbox *outbox, int connection);
void lc_outbox_empty(struct lc_outbox *outbox);

#endif
