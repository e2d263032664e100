/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A trunk's members: by name, in the order in which they came, and walks over them. */
#ifndef CTL_TRUNK_MEMBERS_H
#define CTL_TRUNK_MEMBERS_H

#include "trunk/trunk.h"

/* As lc_trunk_attach(), and nothing else. */
int lc_members_add(struct lc_trunk *trunk, struct lc_trunk_member *member,
		   const struct lc_trunk_name *name, const struct lc_identity *secret);
/* From the trunk, its lists and the walks. */
void lc_members_remove(struct lc_trunk_member *member);
/* NULL: none. `by_other`: as the other side says that it has drawn the number. */
struct lc_trunk_member *lc_members_find(const struct lc_trunk *trunk, uint64_t number,
					bool by_other);

/* It waits to be told that it may speak; or no longer. */
void lc_members_want(struct lc_trunk_member *member);
void lc_members_want_no_more(struct lc_trunk_member *member);
/* Its LEAVE is read once so much is; or nothing is awaited any more. */
void lc_members_leave(struct lc_trunk_member *member, uint64_t at);
void lc_members_leave_no_more(struct lc_trunk_member *member);

void lc_walk_start(struct lc_trunk_walk *walk, const struct lc_trunk *trunk);
void lc_walk_stop(struct lc_trunk_walk *walk);
/* NULL: it is over. */
struct lc_trunk_member *lc_walk_next(struct lc_trunk_walk *walk);
bool lc_walk_is_over(const struct lc_trunk_walk *walk);

#endif
