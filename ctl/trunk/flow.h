/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a trunk says on its line, and what is acknowledged of it either way. */
#ifndef CTL_TRUNK_FLOW_H
#define CTL_TRUNK_FLOW_H

#include "trunk/trunk.h"

/* Says it, or queues it if no more than `limit` bytes wait then. -ENOBUFS, -ENOMEM. */
int lc_flow_say(struct lc_trunk *trunk, const struct lc_message *message, size_t limit);
/* What waits goes as far as the window allows. */
void lc_flow_pump(struct lc_trunk *trunk);
/* A frame of so many bytes was carried out here; the other side is told so now and then. */
void lc_flow_heard(struct lc_trunk *trunk, size_t bytes);
/* ...and at the latest when nothing more is there. */
void lc_flow_acknowledge(struct lc_trunk *trunk);
/* Says something that nobody waits for, so that a connection that is dead shows. */
void lc_flow_nudge(struct lc_trunk *trunk);
/* The line is of no use any more; it is closed from lc_trunk_run(). */
void lc_flow_break(struct lc_trunk *trunk);

#endif
