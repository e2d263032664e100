/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/farewell.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/say.h"

/* ---- of this daemon ---- */

static void say_that_it_is_not_kept(int error)
{
	static bool said;

	if (!said)
		say(SD_NOTICE,
		    "cannot keep what other nodes are still to be told of memberships that are "
		    "over (%s): if leafcastd ends before they have read it, they hear that these "
		    "are lost, and not why",
		    error == -ENOSPC ? "there are too many" : strerror(-error));
	said = true;
}

void farewell_keep(struct membership *membership)
{
	const struct lc_membership *member = &membership->member;
	struct lc_farewell farewell = {
		.resumption = membership_resumption(membership),
		.why = member->why,
		.datagrams = member->last_counts.datagrams,
		.bytes = member->last_counts.bytes,
		.buffer_drops = member->last_counts.buffer_drops,
	};
	int error;

	if (!membership->left_ns)
		membership->left_ns = lc_now_ns();
	farewell.left_ns = membership->left_ns;
	error = lc_plane_keep_farewell(membership->node->plane, &farewell);
	if (error)
		say_that_it_is_not_kept(error);
}

void farewell_forget(const struct membership *membership)
{
	struct lc_resumption resumption = membership_resumption(membership);

	lc_plane_forget_farewell(membership->node->plane, &resumption);
}

/* 0: it is over. */
static uint64_t rest_us(const struct node *node, uint64_t left_ns)
{
	uint64_t now_ns = lc_now_ns(), grace_us = node->options.grace_us;
	uint64_t gone_us = now_ns > left_ns ? (now_ns - left_ns) / 1000 : 0;

	return gone_us < grace_us ? grace_us - gone_us : 0;
}

uint64_t farewell_grace_us(const struct membership *membership)
{
	const struct node *node = membership->node;

	if (!membership->left_ns)
		return node->options.grace_us;
	return rest_us(node, membership->left_ns) ?: 1;
}

/* ---- of an earlier one ---- */

/* It was killed before it took the leaf's record away. */
static int settle_leaf(void *context, uint32_t number, const struct lc_leaf *record)
{
	struct node *node = context;
	struct lc_farewell farewell;
	struct lc_leaf_use use;

	if (!record->resumption.number ||
	    !lc_plane_find_farewell(node->plane, &record->resumption, &farewell))
		return 0;
	lc_plane_leave_leaf(node->plane, number);
	lc_plane_leaf_use(node->plane, number, &use);
	farewell.datagrams = use.datagrams;
	farewell.bytes = use.bytes;
	lc_plane_keep_farewell(node->plane, &farewell);
	lc_plane_remove_leaf(node->plane, number);
	return 0;
}

/* ...or before the socket was no member any more. */
static int settle_socket(void *context, uint32_t admit, const struct lc_admit *record)
{
	struct node *node = context;
	struct socket *socket = socket_of_admit(node, admit);
	struct lc_farewell farewell;

	if (!socket || !record->resumption.number ||
	    !lc_plane_find_farewell(node->plane, &record->resumption, &farewell))
		return 0;
	socket->ended = (enum leafcast_reason)farewell.why;
	lc_plane_set_socket_resumption(node->plane, admit, NULL, false, NULL, NULL);
	lc_plane_admit_nobody(node->plane, admit);
	return 0;
}

static bool makes_sense(const struct lc_farewell *farewell)
{
	const struct lc_resumption *resumption = &farewell->resumption;

	return resumption->number && resumption->end >= 1 && resumption->end <= LC_END_COUNT &&
	       farewell->why != LEAFCAST_NO_REASON && farewell->left_ns;
}

static int adopt_farewell(void *context, const struct lc_farewell *farewell)
{
	const struct lc_resumption *from = &farewell->resumption;
	struct node *node = context;
	struct membership *membership;
	struct lc_membership *member;

	if (!makes_sense(farewell) || !rest_us(node, farewell->left_ns)) {
		lc_plane_forget_farewell(node->plane, from);
		return 0;
	}
	membership = membership_new(node, node->world);
	if (!membership)
		return -ENOMEM;
	membership->own = from->own;
	membership->other = from->other;
	membership->left_ns = farewell->left_ns;
	member = &membership->member;
	member->end = (enum lc_join_end)(from->end - 1);
	member->number = from->number;
	member->secret = from->secret;
	member->why = (enum leafcast_reason)farewell->why;
	member->last_counts = (struct lc_membership_counts){farewell->datagrams, farewell->bytes,
							    farewell->buffer_drops};
	lc_membership_adopt(member);
	trunk_take_up(membership);
	return 0;
}

int farewells_adopt(struct node *node)
{
	struct lc_plane *plane = node->plane;
	int error = lc_plane_each_own_leaf(plane, settle_leaf, node);

	error = error ?: lc_plane_each_own_socket(plane, settle_socket, node);
	return error ?: lc_plane_each_farewell(plane, adopt_farewell, node);
}
