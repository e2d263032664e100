// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * lc_members: what `bpftool map dump` shows of the members, a few lines each,
 * where dumping the tables themselves would print every free record. An entry
 * is always made anew from its record, but for what no record says: that its
 * membership is suspended, which the entry before it said. Where one cannot be
 * written, a reader misses it and nobody else does.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>

#include "base/clock.h"
#include "plane/internal.h"

static struct lc_member_end end_of(const struct lc_endpoint *endpoint)
{
	struct lc_member_end end = {
		.port = ntohs(endpoint->port),
		.family = endpoint->family,
	};

	_Static_assert(sizeof(end.address) == sizeof(endpoint->addr), "an address");
	memcpy(end.address, endpoint->addr, sizeof(end.address));
	return end;
}

static void note(struct lc_plane *plane, enum lc_member_kind kind, uint32_t number,
		 const struct lc_member *member)
{
	struct lc_member_key key = {.kind = kind, .number = number};
	int fd = plane->maps.fd[LC_MAP_MEMBERS];

	if (member)
		bpf_map_update_elem(fd, &key, member, BPF_ANY);
	else
		bpf_map_delete_elem(fd, &key);
}

/* As the entry of this membership says until now; one that was none is not suspended. */
static uint32_t suspended_since(const struct lc_plane *plane, enum lc_member_kind kind,
				uint32_t number, const struct lc_resumption *resumption)
{
	struct lc_member_key key = {.kind = kind, .number = number};
	struct lc_member now;

	if (!resumption->number || bpf_map_lookup_elem(plane->maps.fd[LC_MAP_MEMBERS], &key, &now))
		return 0;
	return now.suspended_since_s;
}

void lc_plane_note_suspended(struct lc_plane *plane, enum lc_member_kind kind, uint32_t number,
			     uint64_t since_ns)
{
	struct lc_member_key key = {.kind = kind, .number = number};
	uint32_t since_s = (uint32_t)(since_ns / LC_NS_PER_S);
	struct lc_member member;

	if (bpf_map_lookup_elem(plane->maps.fd[LC_MAP_MEMBERS], &key, &member))
		return;
	member.suspended_since_s = since_ns && !since_s ? 1 : since_s;
	note(plane, kind, number, &member);
}

void lc_note_session(struct lc_plane *plane, uint32_t number)
{
	const struct lc_session *session = lc_session_of(plane, number);
	struct lc_member member = {
		.state = LC_MEMBER_FLOWING,
		.session = number,
		.local = end_of(&session->root),
		.remote = end_of(&session->channel),
		.cookie = session->sender_cookie,
		.since_ns = session->opened_ns,
	};

	note(plane, LC_MEMBER_ROOT, number, session->state == LC_SESSION_OPEN ? &member : NULL);
}

static enum lc_member_state leaf_state(const struct lc_leaf *leaf)
{
	if (!leaf->entered)
		return LC_MEMBER_IDLE;
	switch ((enum lc_hop_in_use)leaf->hop_in_use) {
	case LC_HOP_0:
	case LC_HOP_1:
		return LC_MEMBER_FLOWING;
	case LC_HOP_NO_NEIGHBOUR:
		return LC_MEMBER_NO_NEIGHBOUR;
	case LC_HOP_LINK_DOWN:
		return LC_MEMBER_LINK_DOWN;
	case LC_HOP_NO_ROUTE:
		break;
	}
	return LC_MEMBER_NO_ROUTE;
}

void lc_note_leaf(struct lc_plane *plane, uint32_t number)
{
	const struct lc_leaf *leaf = lc_leaf_of(plane, number);
	struct lc_member member = {
		.state = leaf_state(leaf),
		.session = leaf->session,
		.ifindex = leaf->hop_in_use <= LC_HOP_1 ? leaf->hop[leaf->hop_in_use].ifindex : 0,
		.local = end_of(&leaf->from),
		.remote = end_of(&leaf->to),
		.since_ns = leaf->joined_ns,
		.suspended_since_s = suspended_since(plane, LC_MEMBER_LEAF, number,
						     &leaf->resumption),
	};

	note(plane, LC_MEMBER_LEAF, number, leaf->session ? &member : NULL);
}

void lc_note_socket(struct lc_plane *plane, uint32_t number)
{
	const struct lc_admit *admit = lc_admit_of(plane, number);
	const struct lc_admit_rule *rule = &admit->rule;
	struct lc_member member = {
		.cookie = admit->cookie,
		.suspended_since_s = suspended_since(plane, LC_MEMBER_SOCKET, number,
						     &admit->resumption),
	};

	if (rule->kind == LC_ADMIT_LEAVES) {
		member.state = LC_MEMBER_FLOWING;
		member.session = rule->session;
	} else if (rule->kind == LC_ADMIT_ANCHOR) {
		member.state = rule->receives ? LC_MEMBER_FLOWING : LC_MEMBER_IDLE;
		member.ifindex = rule->ifindex;
		member.remote = end_of(&rule->peer);
	}
	note(plane, LC_MEMBER_SOCKET, number, admit->cookie ? &member : NULL);
}

static void forget(void *context, const void *key)
{
	const struct lc_plane *plane = context;

	bpf_map_delete_elem(plane->maps.fd[LC_MAP_MEMBERS], key);
}

void lc_note_all(struct lc_plane *plane)
{
	lc_maps_each_key(&plane->maps, LC_MAP_MEMBERS, forget, plane);
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_SESSIONS); i++)
		if (lc_session_of(plane, i)->state == LC_SESSION_OPEN)
			lc_note_session(plane, i);
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_LEAVES); i++)
		if (lc_leaf_of(plane, i)->session)
			lc_note_leaf(plane, i);
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_ADMITS); i++)
		if (lc_admit_of(plane, i)->cookie)
			lc_note_socket(plane, i);
}
