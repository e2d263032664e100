/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Waiting until no program can still be reading what was taken out of the
 * maps: an RCU grace period, 10 to 40 ms, spent in a helper thread so that the
 * caller's event loop never waits. One grace period serves all that came in
 * before it began.
 */
#ifndef CTL_PLANE_GRACE_H
#define CTL_PLANE_GRACE_H

#include <stdint.h>

struct lc_grace;

enum lc_retired_kind {
	LC_RETIRED_SESSION,
	LC_RETIRED_LEAF,
	LC_RETIRED_ADMIT,
	LC_RETIRED_HOP,	   /* number: the leaf whose unused hop nobody reads any more */
	LC_RETIRED_EXTENT, /* number: offset; count: slots */
};

struct lc_retired {
	enum lc_retired_kind kind;
	uint32_t number;
	uint32_t count;
};

/* Waits for one here and now; for who starts, and has no loop yet. */
void lc_grace_wait(void);

int lc_grace_start(struct lc_grace **grace);
/* Ends the thread; what still waits is forgotten. Accepts NULL. */
void lc_grace_stop(struct lc_grace *grace);
/* Readable when lc_grace_collect() has something. */
int lc_grace_fd(const struct lc_grace *grace);
/* After a grace period from now, lc_grace_collect() hands it out again. */
void lc_grace_retire(struct lc_grace *grace, struct lc_retired retired);
/* Calls `ended` for each whose grace period is over, in the order of lc_grace_retire(). Never waits. */
void lc_grace_collect(struct lc_grace *grace,
		      void (*ended)(void *context, const struct lc_retired *retired),
		      void *context);

#endif
