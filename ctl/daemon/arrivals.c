/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/arrivals.h"

#include "core/endpoint.h"

/* Until a connection says what it wants. */
#define FIRST_WORD_DEADLINE (5 * SECOND)

/* From now on it is a member like any other. */
static void has_arrived(struct membership *membership)
{
	struct node *node = membership->node;

	membership->has_spoken = true;
	if (!membership->arrives)
		return;
	TAILQ_REMOVE(&node->arrivals, membership, arrival);
	node->arrival_count--;
	membership->arrives = false;
}

static void turn_away(struct membership *membership)
{
	has_arrived(membership);
	membership_bury(membership);
}

/* ---- what its connection says ---- */

static void on_connected(void *context)
{
	struct membership *membership = context;

	if (membership->has_spoken)
		lc_membership_event(&membership->member, LC_ON_CONNECTED, LEAFCAST_NO_REASON);
}

static void on_message(void *context, const struct lc_message *message)
{
	struct membership *membership = context;

	if (membership->has_spoken) {
		lc_membership_message(&membership->member, message);
	} else if (message->kind == LC_MESSAGE_JOIN || message->kind == LC_MESSAGE_INVITE) {
		has_arrived(membership);
		timer_stop(&membership->timers[LC_TIMER_DEADLINE]);
		membership->member.number = message->number;
		lc_membership_first_word(&membership->member, message);
	} else {
		turn_away(membership);
	}
}

static void on_garbage(void *context)
{
	struct membership *membership = context;

	if (membership->has_spoken)
		lc_membership_garbage(&membership->member);
	else
		turn_away(membership);
}

static void on_ended(void *context, int error)
{
	struct membership *membership = context;

	if (membership->has_spoken)
		lc_membership_hung_up(&membership->member, error);
	else
		turn_away(membership);
}

const struct link_handler membership_link = {
	.connected = on_connected,
	.message = on_message,
	.garbage = on_garbage,
	.ended = on_ended,
};

/* ---- room ---- */

static bool is_of_address(const struct lc_peer *peer, const struct lc_endpoint *address)
{
	return lc_prefix_holds(address, address->family == LC_INET6 ? 64 : 32, lc_peer_other(peer));
}

static void make_room(struct node *node, const struct lc_endpoint *address)
{
	struct membership *membership, *oldest = NULL;
	unsigned int count = 0;

	TAILQ_FOREACH(membership, &node->arrivals, arrival)
		if (is_of_address(membership->link.peer, address) && count++ == 0)
			oldest = membership;
	if (count < MAX_ARRIVALS_OF_ADDRESS)
		oldest = NULL;
	if (!oldest && node->arrival_count >= MAX_ARRIVALS)
		oldest = TAILQ_FIRST(&node->arrivals);
	if (oldest)
		turn_away(oldest);
}

static void on_deadline(void *context)
{
	turn_away(context);
}

void arrivals_add(struct node *node, struct lc_peer *peer, const struct lc_membership_world *world)
{
	struct membership *membership = membership_new(node, world);

	if (!membership || link_open(&membership->link, node, peer, &membership_link, membership)) {
		lc_peer_free(peer);
		if (membership)
			membership_bury(membership);
		return;
	}
	/* The other end of a pair is a socket of this node, and bounded with those. */
	if (!lc_peer_is_pair(peer)) {
		make_room(node, lc_peer_other(peer));
		TAILQ_INSERT_TAIL(&node->arrivals, membership, arrival);
		node->arrival_count++;
		membership->arrives = true;
	}
	if (timer_set(&membership->timers[LC_TIMER_DEADLINE], node->event, FIRST_WORD_DEADLINE,
		      on_deadline, membership) < 0)
		turn_away(membership);
}

void arrivals_end(struct node *node)
{
	struct membership *membership, *next;

	for (membership = LIST_FIRST(&node->memberships); membership; membership = next) {
		next = LIST_NEXT(membership, entry);
		if (!membership->has_spoken)
			turn_away(membership);
	}
}
