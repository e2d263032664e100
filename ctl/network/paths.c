/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct lc_kept_path {
	struct lc_path_facts facts; /* its query is the key */
	int error;		    /* of the last look-up; then the path is unusable */
	LIST_HEAD(, lc_path_use) users;
	TAILQ_ENTRY(lc_kept_path) in_turn, due;
	bool is_due;
	bool is_fresh;	/* its users are just being told */
	bool is_untold; /* came out differently for one user, and the others do not know */
	UT_hash_handle by_query;
};

void lc_paths_open(struct lc_paths *paths)
{
	*paths = (struct lc_paths){0};
	TAILQ_INIT(&paths->in_turn);
	TAILQ_INIT(&paths->due);
}

static void be_due(struct lc_paths *paths, struct lc_kept_path *kept, bool due)
{
	if (due && !kept->is_due)
		TAILQ_INSERT_TAIL(&paths->due, kept, due);
	else if (!due && kept->is_due)
		TAILQ_REMOVE(&paths->due, kept, due);
	kept->is_due = due;
}

static void forget(struct lc_paths *paths, struct lc_kept_path *kept)
{
	be_due(paths, kept, false);
	HASH_DELETE(by_query, paths->by_query, kept);
	TAILQ_REMOVE(&paths->in_turn, kept, in_turn);
	paths->count--;
	free(kept);
}

static void leave(struct lc_paths *paths, struct lc_path_use *use)
{
	struct lc_kept_path *kept = use->path;

	if (!kept)
		return;
	LIST_REMOVE(use, entry);
	use->path = NULL;
	if (LIST_EMPTY(&kept->users))
		forget(paths, kept);
}

void lc_paths_close(struct lc_paths *paths)
{
	struct lc_kept_path *kept, *next;

	HASH_ITER(by_query, paths->by_query, kept, next)
	{
		struct lc_path_use *use;

		while ((use = LIST_FIRST(&kept->users))) {
			LIST_REMOVE(use, entry);
			use->path = NULL;
		}
		forget(paths, kept);
	}
}

/* Whether it came out differently. */
static bool look_up(struct lc_network *network, struct lc_kept_path *kept)
{
	struct lc_paths *paths = &network->paths;
	const struct lc_path before = kept->facts.path;
	const struct lc_path_query query = kept->facts.query;
	int error_before = kept->error;

	kept->error = lc_path_look_up(network, &query, &kept->facts);
	if (kept->error)
		kept->facts.path = (struct lc_path){.usable = LC_HOP_NO_ROUTE};
	TAILQ_REMOVE(&paths->in_turn, kept, in_turn);
	TAILQ_INSERT_TAIL(&paths->in_turn, kept, in_turn);
	return kept->error != error_before ||
	       memcmp(&kept->facts.path, &before, sizeof(before)) != 0;
}

static struct lc_kept_path *keep(struct lc_network *network, const struct lc_path_query *query)
{
	struct lc_paths *paths = &network->paths;
	struct lc_kept_path *kept = calloc(1, sizeof(*kept)), *added;

	if (!kept)
		return NULL;
	kept->facts.query = *query;
	LIST_INIT(&kept->users);
	HASH_ADD(by_query, paths->by_query, facts.query, sizeof(*query), kept);
	HASH_FIND(by_query, paths->by_query, query, sizeof(*query), added);
	if (added != kept) {
		free(kept);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&paths->in_turn, kept, in_turn);
	paths->count++;
	look_up(network, kept);
	return kept;
}

int lc_network_use_path(struct lc_network *network, struct lc_path_use *use,
			const struct lc_path_query *query, struct lc_path *path)
{
	struct lc_kept_path *kept;

	HASH_FIND(by_query, network->paths.by_query, query, sizeof(*query), kept);
	if (!kept)
		kept = keep(network, query);
	if (!kept)
		return -ENOMEM;
	/* Whoever asks again for what was of no use wants to know now, and it may have failed for once. */
	if (kept == use->path && !kept->is_fresh && kept->facts.path.usable != LC_HOP_0 &&
	    look_up(network, kept)) {
		kept->is_untold = true;
		be_due(&network->paths, kept, true);
	}
	if (kept != use->path) {
		leave(&network->paths, use);
		LIST_INSERT_HEAD(&kept->users, use, entry);
		use->path = kept;
	}
	*path = kept->facts.path;
	return kept->error;
}

void lc_network_leave_path(struct lc_network *network, struct lc_path_use *use)
{
	leave(&network->paths, use);
}

/* ---- looking again ---- */

/* Users may leave, or take another path, while they are told; who comes meanwhile knows already. */
static void tell(struct lc_network *network, struct lc_kept_path *kept,
		 void (*moved)(void *context, struct lc_path_use *use), void *context)
{
	struct lc_path_use place = {.path = kept}, *use;

	LIST_INSERT_HEAD(&kept->users, &place, entry);
	kept->is_fresh = true;
	while ((use = LIST_NEXT(&place, entry))) {
		LIST_REMOVE(&place, entry);
		LIST_INSERT_AFTER(use, &place, entry);
		moved(context, use);
	}
	kept->is_fresh = false;
	leave(&network->paths, &place);
}

static void look_again(struct lc_network *network, struct lc_kept_path *kept,
		       void (*moved)(void *context, struct lc_path_use *use), void *context)
{
	bool differs = look_up(network, kept) || kept->is_untold;

	be_due(&network->paths, kept, false);
	kept->is_untold = false;
	if (differs)
		tell(network, kept, moved, context);
}

bool lc_network_follow(struct lc_network *network, unsigned int most,
		       void (*moved)(void *context, struct lc_path_use *use), void *context)
{
	struct lc_paths *paths = &network->paths;
	struct lc_kept_path *kept;

	TAILQ_FOREACH(kept, &paths->in_turn, in_turn)
		if (lc_changes_concern(&network->pending, &kept->facts))
			be_due(paths, kept, true);
	network->pending = (struct lc_changes){0};
	while (most-- && (kept = TAILQ_FIRST(&paths->due)))
		look_again(network, kept, moved, context);
	return !TAILQ_EMPTY(&paths->due);
}

void lc_network_look_again(struct lc_network *network, unsigned int most,
			   void (*moved)(void *context, struct lc_path_use *use), void *context)
{
	struct lc_kept_path *kept;

	struct lc_paths *paths = &network->paths;

	if (most > paths->count)
		most = paths->count;
	while (most-- && (kept = TAILQ_FIRST(&paths->due) ?: TAILQ_FIRST(&paths->in_turn)))
		look_again(network, kept, moved, context);
}
