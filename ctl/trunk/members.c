/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "trunk/members.h"

#include <errno.h>

static struct lc_trunk_member *find(const struct lc_trunk *trunk, const struct lc_trunk_name *name)
{
	struct lc_trunk_member *member;

	HASH_FIND(by_name, trunk->by_name, name, sizeof(*name), member);
	return member;
}

struct lc_trunk_member *lc_members_find(const struct lc_trunk *trunk, uint64_t number,
					bool by_other)
{
	const struct lc_trunk_name name = {number, !by_other};

	return find(trunk, &name);
}

int lc_members_add(struct lc_trunk *trunk, struct lc_trunk_member *member,
		   const struct lc_trunk_name *name, const struct lc_identity *secret)
{
	if (find(trunk, name))
		return -EEXIST;
	*member = (struct lc_trunk_member){.name = *name, .secret = *secret};
	HASH_ADD(by_name, trunk->by_name, name, sizeof(member->name), member);
	if (find(trunk, name) != member)
		return -ENOMEM;
	member->trunk = trunk;
	member->settled_in = trunk->serial;
	TAILQ_INSERT_TAIL(&trunk->members, member, entry);
	trunk->drawn_here += name->numbered_here == 1;
	return 0;
}

static void leave_walk(struct lc_trunk_walk *walk, struct lc_trunk_member *member)
{
	if (walk->next == member && walk->last == member)
		lc_walk_stop(walk);
	else if (walk->next == member)
		walk->next = TAILQ_NEXT(member, entry);
	else if (walk->last == member)
		walk->last = TAILQ_PREV(member, lc_trunk_members, entry);
}

void lc_members_remove(struct lc_trunk_member *member)
{
	struct lc_trunk *trunk = member->trunk;

	leave_walk(&trunk->walk, member);
	leave_walk(&trunk->reporting, member);
	lc_members_want_no_more(member);
	lc_members_leave_no_more(member);
	TAILQ_REMOVE(&trunk->members, member, entry);
	HASH_DELETE(by_name, trunk->by_name, member);
	trunk->drawn_here -= member->name.numbered_here == 1;
	member->trunk = NULL;
}

void lc_members_want(struct lc_trunk_member *member)
{
	if (!member->wants)
		TAILQ_INSERT_TAIL(&member->trunk->wanting, member, wanting);
	member->wants = true;
}

void lc_members_want_no_more(struct lc_trunk_member *member)
{
	if (member->wants)
		TAILQ_REMOVE(&member->trunk->wanting, member, wanting);
	member->wants = false;
}

void lc_members_leave(struct lc_trunk_member *member, uint64_t at)
{
	lc_members_leave_no_more(member);
	TAILQ_INSERT_TAIL(&member->trunk->leaving, member, leaving);
	member->leaves = true;
	member->leave_at = at;
}

void lc_members_leave_no_more(struct lc_trunk_member *member)
{
	if (member->leaves)
		TAILQ_REMOVE(&member->trunk->leaving, member, leaving);
	member->leaves = false;
}

void lc_walk_start(struct lc_trunk_walk *walk, const struct lc_trunk *trunk)
{
	walk->next = TAILQ_FIRST(&trunk->members);
	walk->last = TAILQ_LAST(&trunk->members, lc_trunk_members);
}

void lc_walk_stop(struct lc_trunk_walk *walk)
{
	*walk = (struct lc_trunk_walk){NULL, NULL};
}

struct lc_trunk_member *lc_walk_next(struct lc_trunk_walk *walk)
{
	struct lc_trunk_member *member = walk->next;

	if (!member)
		return NULL;
	if (member == walk->last)
		lc_walk_stop(walk);
	else
		walk->next = TAILQ_NEXT(member, entry);
	return member;
}

bool lc_walk_is_over(const struct lc_trunk_walk *walk)
{
	return !walk->next;
}
