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

static void link_leaf(struct lc_plane *plane, uint32_t number)
{
	const struct lc_leaf *leaf = lc_leaf_of(plane, number);
	uint32_t *bucket = bucket_of(plane, leaf->session, &leaf->to);

	plane->leaf_states[number] = (struct lc_leaf_state){.next = *bucket, .slot = LC_NO_SLOT};
	*bucket = number;
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
		.sends = spec->sends,
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
	uint32_t number;

	/* A copy keeps its IP version: only addresses are rewritten. */
	if (spec->to.family != family || spec->from.family != family)
		return -EAFNOSUPPORT;
	number = find_leaf(plane, spec->session, &spec->to);
	if (number) {
		*leaf = number;
		return -EEXIST;
	}
	number = lc_numbers_take(&plane->free_leaves);
	if (!number)
		return -ENOSPC;
	memset(lc_leaf_use_of(plane, number), 0, sizeof(struct lc_leaf_use));
	write_leaf(lc_leaf_of(plane, number), spec);
	link_leaf(plane, number);
	lc_note_leaf(plane, number);
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

void lc_plane_set_leaf_resumption(struct lc_plane *plane, uint32_t number,
				  const struct lc_resumption *resumption)
{
	lc_resumption_store(&lc_leaf_of(plane, number)->resumption, resumption);
}

/* ---- data flows, or not ---- */

static struct lc_uplink_key uplink_key(const struct lc_leaf *leaf)
{
	return (struct lc_uplink_key){.session = leaf->session, .leaf = leaf->to};
}

static int add_uplink(struct lc_plane *plane, uint32_t number)
{
	struct lc_uplink_key key = uplink_key(lc_leaf_of(plane, number));

	if (bpf_map_update_elem(plane->maps.fd[LC_MAP_UPLINKS], &key, &number, BPF_ANY) == 0)
		return 0;
	return errno == E2BIG ? -ENOSPC : -errno;
}

static void remove_uplink(struct lc_plane *plane, const struct lc_leaf *leaf)
{
	struct lc_uplink_key key = uplink_key(leaf);

	bpf_map_delete_elem(plane->maps.fd[LC_MAP_UPLINKS], &key);
}

int lc_plane_enter_leaf(struct lc_plane *plane, uint32_t number)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);
	int err;

	if (leaf->entered)
		return 0;
	err = leaf->sends ? add_uplink(plane, number) : 0;
	if (err)
		return err;
	err = leaf->receives ? lc_receivers_add(plane, leaf->session, number) : 0;
	if (err) {
		if (leaf->sends)
			remove_uplink(plane, leaf);
		return err;
	}
	lc_publish(&leaf->entered, 1);
	lc_note_leaf(plane, number);
	return 0;
}

static void take_out(struct lc_plane *plane, uint32_t number)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);

	lc_withdraw(&leaf->entered, 0);
	if (leaf->sends)
		remove_uplink(plane, leaf);
	lc_receivers_remove(plane, leaf->session, number);
}

void lc_plane_leave_leaf(struct lc_plane *plane, uint32_t number)
{
	if (!lc_leaf_of(plane, number)->entered)
		return;
	take_out(plane, number);
	lc_note_leaf(plane, number);
}

void lc_plane_remove_leaf(struct lc_plane *plane, uint32_t number)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);

	lc_resumption_store(&leaf->resumption, NULL);
	if (leaf->entered)
		take_out(plane, number);
	unlink_leaf(plane, number);
	lc_publish(&leaf->hop_waits, 0);
	lc_publish(&leaf->session, 0);
	lc_note_leaf(plane, number);
	lc_grace_retire(plane->grace, (struct lc_retired){LC_RETIRED_LEAF, number, 0});
}

void lc_plane_leaf_use(struct lc_plane *plane, uint32_t leaf, struct lc_leaf_use *use)
{
	memcpy(use, lc_leaf_use_of(plane, leaf), sizeof(*use));
}

/* ---- from the records ---- */

static void read_leaf(struct lc_plane *plane, uint32_t number)
{
	struct lc_leaf *leaf = lc_leaf_of(plane, number);

	if (leaf->session && (leaf->session >= lc_map_entries(&plane->maps, LC_MAP_SESSIONS) ||
			      lc_session_of(plane, leaf->session)->state != LC_SESSION_OPEN))
		leaf->session = 0;
	if (!leaf->session) {
		lc_numbers_give(&plane->free_leaves, number);
		return;
	}
	/* Between two stores of a change of hops: what programs use counts. */
	if (leaf->hop_in_use <= LC_HOP_1)
		leaf->hop_last = leaf->hop_in_use;
	leaf->hop_last &= 1;
	link_leaf(plane, number);
}

void lc_leaves_read(struct lc_plane *plane)
{
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_LEAVES); i++)
		read_leaf(plane, i);
}

static void remove_stale_uplink(void *context, const void *key)
{
	struct lc_plane *plane = context;
	const struct lc_uplink_key *uplink = key;
	uint32_t number = find_leaf(plane, uplink->session, &uplink->leaf);
	const struct lc_leaf *leaf = lc_leaf_of(plane, number);

	if (!number || !leaf->entered || !leaf->sends)
		bpf_map_delete_elem(plane->maps.fd[LC_MAP_UPLINKS], uplink);
}

void lc_leaves_settle(struct lc_plane *plane)
{
	lc_maps_each_key(&plane->maps, LC_MAP_UPLINKS, remove_stale_uplink, plane);
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_LEAVES); i++) {
		struct lc_leaf *leaf = lc_leaf_of(plane, i);

		if (!leaf->session)
			continue;
		if (leaf->entered && leaf->receives && plane->leaf_states[i].slot == LC_NO_SLOT)
			leaf->entered = 0;
		if (leaf->entered && leaf->sends)
			add_uplink(plane, i);
		if (leaf->hop_waits)
			lc_hop_released(plane, i);
	}
}
