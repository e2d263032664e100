// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "plane/internal.h"

/* ---- by endpoint: a session has each leaf once ---- */

static uint32_t *bucket_of(struct lc_plane *plane, uint32_t session, const struct lc_endpoint *to)
{
	uint32_t hash = session;

	for (int i = 0; i < 4; i++)
		hash = (hash ^ to->addr[i]) * 0x9e3779b1u;
	hash = (hash ^ to->port) * 0x9e3779b1u;
	return &plane->by_endpoint[(hash ^ hash >> 16) & (plane->buckets - 1)];
}

static uint32_t find_leaf(struct lc_plane *plane, uint32_t session, const struct lc_endpoint *to)
{
	uint32_t number = *bucket_of(plane, session, to);

	while (number) {
		const struct lc_leaf *leaf = lc_leaf_of(plane, number);

		if (leaf->session == session && memcmp(&leaf->to, to, sizeof(*to)) == 0)
			return number;
		number = plane->leaf_states[number].next;
	}
	return 0;
}

static void unlink_leaf(struct lc_plane *plane, uint32_t number)
{
	const struct lc_leaf *leaf = lc_leaf_of(plane, number);
	uint32_t *link = bucket_of(plane, leaf->session, &leaf->to);

	while (*link && *link != number)
		link = &plane->leaf_states[*link].next;
	if (*link)
		*link = plane->leaf_states[number].next;
}

/* ---- records ---- */

/* Of 16-bit words as they lie in memory: RFC 1071 2 (B) makes that right in either byte order. */
static uint32_t sum_words(const void *words, size_t bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes; i += 2) {
		uint16_t word;

		memcpy(&word, (const char *)words + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static void write_leaf(struct lc_leaf *leaf, const struct lc_leaf_spec *spec)
{
	*leaf = (struct lc_leaf){
		.hop_in_use = LC_HOP_NO_ROUTE,
		.from = spec->from,
		.to = spec->to,
		.address_sum = sum_words(spec->from.addr, sizeof(spec->from.addr)) +
			       sum_words(spec->to.addr, sizeof(spec->to.addr)),
		.port_sum = (uint32_t)spec->from.port + spec->to.port,
		.hop_limit = spec->hop_limit,
		.receives = spec->receives,
		.down = spec->down,
		.up = spec->up,
		.down_flow = spec->down_flow,
		.up_flow = spec->up_flow,
		.joined_ns = spec->now_ns,
	};
	lc_publish(&leaf->session, spec->session);
}

int lc_plane_add_leaf(struct lc_plane *plane, const struct lc_leaf_spec *spec, uint32_t *leaf)
{
	uint8_t family = lc_session_of(plane, spec->session)->channel.family;
	uint32_t number, *bucket;

	/* A copy keeps its IP version: only addresses are rewritten. */
	if (spec->to.family != family || spec->from.family != family)
		return -EAFNOSUPPORT;
	if (find_leaf(plane, spec->session, &spec->to))
		return -EEXIST;
	number = lc_numbers_take(&plane->free_leaves);
	if (!number)
		return -ENOSPC;
	bucket = bucket_of(plane, spec->session, &spec->to);
	plane->leaf_states[number] = (struct lc_leaf_state){
		.next = *bucket,
		.sends = spec->sends,
	};
	*bucket = number;
	memset(lc_record(&plane->leaf_use, number), 0, sizeof(struct lc_leaf_use));
	write_leaf(lc_leaf_of(plane, number), spec);
	*leaf = number;
	return 0;
}

void lc_plane_set_leaf_flows(struct lc_plane *plane, uint32_t number,
			     const struct lc_flowspec *down_flow, const struct lc_policer *down,
			     const struct lc_flowspec *up_flow, const struct lc_policer *up)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);

	leaf->down_flow = *down_flow;
	leaf->down = *down;
	leaf->up_flow = *up_flow;
	leaf->up = *up;
}

static int uplinks_fd(const struct lc_plane *plane)
{
	return lc_programs_map(plane->programs, "lc_uplinks");
}

static struct lc_uplink_key uplink_key(const struct lc_leaf *leaf)
{
	return (struct lc_uplink_key){.session = leaf->session, .leaf = leaf->to};
}

int lc_plane_enter_leaf(struct lc_plane *plane, uint32_t number)
{
	const struct lc_leaf *leaf = lc_leaf_of(plane, number);
	struct lc_leaf_state *state = &plane->leaf_states[number];
	struct lc_uplink_key key = uplink_key(leaf);
	int err = 0;

	if (state->entered)
		return 0;
	if (state->sends && bpf_map_update_elem(uplinks_fd(plane), &key, &number, BPF_ANY))
		return errno == E2BIG ? -ENOSPC : -errno;
	if (leaf->receives)
		err = lc_membership_add(plane, leaf->session, number);
	if (err && state->sends)
		bpf_map_delete_elem(uplinks_fd(plane), &key);
	state->entered = !err;
	return err;
}

void lc_plane_leave_leaf(struct lc_plane *plane, uint32_t number)
{
	const struct lc_leaf *leaf = lc_leaf_of(plane, number);
	struct lc_leaf_state *state = &plane->leaf_states[number];
	struct lc_uplink_key key = uplink_key(leaf);

	if (!state->entered)
		return;
	if (state->sends)
		bpf_map_delete_elem(uplinks_fd(plane), &key);
	if (leaf->receives)
		lc_membership_remove(plane, leaf->session, number);
	state->entered = false;
}

void lc_plane_remove_leaf(struct lc_plane *plane, uint32_t number)
{
	lc_plane_leave_leaf(plane, number);
	unlink_leaf(plane, number);
	plane->leaf_states[number].hop_waits = false;
	lc_publish(&lc_leaf_of(plane, number)->session, 0);
	lc_grace_retire(plane->grace, (struct lc_retired){LC_RETIRED_LEAF, number, 0});
}

void lc_plane_leaf_use(struct lc_plane *plane, uint32_t leaf, struct lc_leaf_use *use)
{
	memcpy(use, lc_record(&plane->leaf_use, leaf), sizeof(*use));
}
