// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "books.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST 512 /* of numbers of each kind, and 8 times as many slots */

struct books {
	bool session_free[MOST], leaf_free[MOST], admit_free[MOST];
	bool is_hole[8 * MOST];
	struct lc_run runs[4 * MOST];
	uint32_t run_count;
	uint32_t holes[MOST];	    /* by session */
	uint32_t slot[MOST];	    /* by leaf */
	uint32_t by_endpoint[MOST]; /* by leaf: what is found at its endpoint */
};

void take_over(struct net *net)
{
	struct lc_error error = {""};

	net_kill(net);
	cr_assert_eq(net_start(net, &error), 0, "%s", error.text);
	cr_assert(lc_plane_is_adopted(net->plane));
}

uint32_t count_entries(const struct net *net, enum lc_map map)
{
	unsigned char key[64], next[64];
	int fd = net->plane->maps.fd[map];
	uint32_t count = 0;

	for (int err = bpf_map_get_next_key(fd, NULL, next); !err; count++) {
		memcpy(key, next, sizeof(key));
		err = bpf_map_get_next_key(fd, key, next);
	}
	return count;
}

bool find_member(const struct net *net, enum lc_member_kind kind, uint32_t number,
		 struct lc_member *member)
{
	struct lc_member_key key = {.kind = kind, .number = number};

	return bpf_map_lookup_elem(net->plane->maps.fd[LC_MAP_MEMBERS], &key, member) == 0;
}

/* ---- until all is settled ---- */

static uint32_t count_used(const struct net *net)
{
	uint32_t used = 0;

	for (uint32_t i = 1; i < lc_map_entries(&net->plane->maps, LC_MAP_SESSIONS); i++)
		used += lc_session_of(net->plane, i)->state == LC_SESSION_OPEN;
	for (uint32_t i = 1; i < lc_map_entries(&net->plane->maps, LC_MAP_LEAVES); i++)
		used += lc_leaf_of(net->plane, i)->session != 0;
	for (uint32_t i = 1; i < lc_map_entries(&net->plane->maps, LC_MAP_ADMITS); i++)
		used += lc_admit_of(net->plane, i)->cookie != 0;
	return used;
}

static uint32_t slots_in_use(const struct net *net)
{
	uint32_t slots = 0;

	for (uint32_t i = 1; i < lc_map_entries(&net->plane->maps, LC_MAP_SESSIONS); i++)
		slots += lc_session_of(net->plane, i)->extent_capacity;
	return slots;
}

static bool is_settled(const struct net *net)
{
	const struct lc_plane *plane = net->plane;
	const struct lc_maps *maps = &plane->maps;
	uint32_t numbers = lc_map_entries(maps, LC_MAP_SESSIONS) +
			   lc_map_entries(maps, LC_MAP_LEAVES) +
			   lc_map_entries(maps, LC_MAP_ADMITS) - 3;
	uint32_t slots = slots_in_use(net);

	for (uint32_t i = 1; i < lc_map_entries(maps, LC_MAP_LEAVES); i++)
		if (plane->leaf_states[i].spare_busy)
			return false;
	for (uint32_t i = 0; i < plane->free_slots.runs; i++)
		slots += plane->free_slots.free[i].count;
	return count_used(net) + plane->free_sessions.count + plane->free_leaves.count +
			       plane->free_admits.count ==
		       numbers &&
	       slots == lc_map_entries(maps, LC_MAP_EXTENTS);
}

void books_settle(struct net *net)
{
	while (!is_settled(net))
		cr_assert(net_process(net, NULL, NULL), "something is lost");
}

/* ---- what is in them ---- */

static void copy_numbers(bool *is_free, const struct lc_numbers *numbers)
{
	for (uint32_t i = 0; i < numbers->count; i++) {
		uint32_t number = numbers->free[(numbers->first + i) % numbers->entries];

		cr_assert_lt(number, MOST);
		cr_assert_not(is_free[number], "%u is free twice", number);
		is_free[number] = true;
	}
}

static void copy_holes(struct books *books, const struct lc_plane *plane, uint32_t session)
{
	uint32_t slot = plane->receivers[session].first_hole;

	books->holes[session] = plane->receivers[session].holes;
	for (uint32_t i = 0; i < books->holes[session]; i++) {
		cr_assert_not(books->is_hole[slot]);
		books->is_hole[slot] = true;
		slot = plane->next_hole[slot];
	}
}

static void copy_leaf(struct books *books, struct lc_plane *plane, uint32_t number)
{
	const struct lc_leaf *leaf = lc_leaf_of(plane, number);
	struct lc_leaf_spec spec = {.session = leaf->session, .from = leaf->from, .to = leaf->to};

	if (!leaf->session)
		return;
	books->slot[number] = plane->leaf_states[number].slot;
	cr_assert_eq(lc_plane_add_leaf(plane, &spec, &books->by_endpoint[number]), -EEXIST);
	cr_assert_eq(books->by_endpoint[number], number);
}

struct books *books_copy(const struct net *net)
{
	struct lc_plane *plane = net->plane;
	struct books *books = calloc(1, sizeof(*books));

	cr_assert_not_null(books);
	copy_numbers(books->session_free, &plane->free_sessions);
	copy_numbers(books->leaf_free, &plane->free_leaves);
	copy_numbers(books->admit_free, &plane->free_admits);
	books->run_count = plane->free_slots.runs;
	memcpy(books->runs, plane->free_slots.free, books->run_count * sizeof(*books->runs));
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_SESSIONS); i++)
		copy_holes(books, plane, i);
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_LEAVES); i++)
		copy_leaf(books, plane, i);
	return books;
}

#define EXPECT_SAME(field) \
	cr_expect_arr_eq(before->field, after->field, sizeof(before->field), #field)

void books_expect_same(struct books *before, struct books *after)
{
	EXPECT_SAME(session_free);
	EXPECT_SAME(leaf_free);
	EXPECT_SAME(admit_free);
	EXPECT_SAME(is_hole);
	EXPECT_SAME(runs);
	EXPECT_SAME(holes);
	EXPECT_SAME(slot);
	EXPECT_SAME(by_endpoint);
	cr_expect_eq(before->run_count, after->run_count);
	free(before);
	free(after);
}
