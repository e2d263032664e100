/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/membership.h"

#include <errno.h>
#include <stdlib.h>

/* Looked up in one turn of the loop. */
#define PATHS_AT_ONCE 256
/* Each is some 50 us of netlink: what nobody tells of may cost half a percent of a CPU. */
#define PATHS_A_SECOND 100

/* ---- birth and burial ---- */

struct membership *membership_new(struct node *node, const struct lc_membership_world *world)
{
	struct membership *membership = calloc(1, sizeof(*membership));

	if (!membership)
		return NULL;
	lc_membership_init(&membership->member, world);
	membership->node = node;
	LIST_INSERT_HEAD(&node->memberships, membership, entry);
	return membership;
}

static void free_gone(struct node *node)
{
	struct membership *membership;

	while ((membership = LIST_FIRST(&node->gone))) {
		LIST_REMOVE(membership, entry);
		free(membership);
	}
}

static int on_burial(sd_event_source *source, void *context)
{
	(void)source;
	free_gone(context);
	return 0;
}

void membership_bury(struct membership *membership)
{
	struct node *node = membership->node;
	int error;

	membership_detach(membership);
	membership_forget_request(membership);
	membership_forget_leaf(membership);
	lc_network_leave_path(node->network, &membership->path);
	for (int timer = 0; timer < LC_TIMER_COUNT; timer++)
		timer_free(&membership->timers[timer]);
	lc_trunk_detach(&membership->trunk);
	LIST_REMOVE(membership, entry);
	LIST_INSERT_HEAD(&node->gone, membership, entry);
	/* Where even that is not to be had, they wait for the next one. */
	if (node->burial)
		error = sd_event_source_set_enabled(node->burial, SD_EVENT_ONESHOT);
	else
		error = sd_event_add_defer(node->event, &node->burial, on_burial, node);
	(void)error;
}

void memberships_end(struct node *node)
{
	struct membership *membership;

	while ((membership = LIST_FIRST(&node->memberships)))
		membership_bury(membership);
	node->burial = sd_event_source_disable_unref(node->burial);
	free_gone(node);
}

/* ---- what outlives the daemon ---- */

struct lc_resumption membership_resumption(const struct membership *membership)
{
	const struct lc_membership *member = &membership->member;
	struct lc_resumption resumption = {
		.number = member->number,
		.end = 1 + member->end,
		.secret = member->secret,
		.own = membership->own,
		.other = membership->other,
	};

	resumption.own.port = resumption.other.port = 0;
	return resumption;
}

/* ---- what it belongs to ---- */

void membership_set_owner(struct membership *membership, struct socket *owner)
{
	if (membership->owner)
		LIST_REMOVE(membership, of_owner);
	membership->owner = owner;
	if (owner)
		LIST_INSERT_HEAD(&owner->requested, membership, of_owner);
}

void membership_detach(struct membership *membership)
{
	struct socket *socket = membership->socket, *owner = membership->owner;

	if (socket && socket->member == membership)
		socket->member = NULL;
	if (owner && owner->joining == membership)
		owner->joining = NULL;
	membership->socket = NULL;
	membership_set_owner(membership, NULL);
	membership->session = NULL;
}

/* ---- tables ---- */

uint64_t membership_number_request(struct membership *membership)
{
	static uint64_t last;
	struct node *node = membership->node;

	membership->asked_as = ++last;
	HASH_ADD(by_request, node->asked, asked_as, sizeof(membership->asked_as), membership);
	if (membership_of_request(node, last))
		return last;
	return membership->asked_as = 0;
}

void membership_forget_request(struct membership *membership)
{
	if (membership->asked_as)
		HASH_DELETE(by_request, membership->node->asked, membership);
	membership->asked_as = 0;
}

struct membership *membership_of_request(struct node *node, uint64_t request)
{
	struct membership *membership;

	HASH_FIND(by_request, node->asked, &request, sizeof(request), membership);
	return membership;
}

int membership_set_leaf(struct membership *membership, uint32_t leaf)
{
	struct node *node = membership->node;

	membership->leaf = leaf;
	HASH_ADD(by_leaf, node->by_leaf, leaf, sizeof(membership->leaf), membership);
	if (membership_of_leaf(node, leaf))
		return 0;
	membership->leaf = 0;
	return -ENOMEM;
}

void membership_forget_leaf(struct membership *membership)
{
	if (membership->leaf)
		HASH_DELETE(by_leaf, membership->node->by_leaf, membership);
	membership->leaf = 0;
}

struct membership *membership_of_leaf(struct node *node, uint32_t leaf)
{
	struct membership *membership;

	HASH_FIND(by_leaf, node->by_leaf, &leaf, sizeof(leaf), membership);
	return membership;
}

/* ---- all of them ---- */

/*
 * Those of a root's session are among those it was asked for, or asked. One
 * that ends leaves the list, so the next is taken first; it alone ends.
 */
void memberships_of_socket_end(struct socket *socket, bool died)
{
	enum lc_join_event event = died ? LC_ON_APP_DIES : LC_ON_APP_CLOSES;
	struct membership *membership, *next;

	for (membership = LIST_FIRST(&socket->requested); membership; membership = next) {
		next = LIST_NEXT(membership, of_owner);
		lc_membership_event(&membership->member, event, LEAFCAST_NO_REASON);
	}
	if (socket->member)
		lc_membership_event(&socket->member->member, event, LEAFCAST_NO_REASON);
}

static void give_up(struct membership *membership)
{
	if (lc_join_is_pending(membership->member.state))
		lc_membership_event(&membership->member, LC_ON_APP_DIES, LEAFCAST_NO_REASON);
}

void memberships_of_socket_give_up(struct socket *socket)
{
	struct membership *membership, *next;

	for (membership = LIST_FIRST(&socket->requested); membership; membership = next) {
		next = LIST_NEXT(membership, of_owner);
		give_up(membership);
	}
	if (socket->member)
		give_up(socket->member);
}

void membership_part(struct socket *socket, bool died)
{
	memberships_of_socket_end(socket, died);
	if (socket->session)
		session_free(socket->application->node, socket->session);
}

void membership_end_socket(struct socket *socket, bool died)
{
	membership_part(socket, died);
	socket_free(socket);
}

static void on_moved(void *context, struct lc_path_use *use)
{
	struct membership *membership =
		(struct membership *)((char *)use - offsetof(struct membership, path));

	(void)context;
	lc_membership_follow_path(&membership->member);
}

bool memberships_follow_network(struct node *node)
{
	return lc_network_follow(node->network, PATHS_AT_ONCE, on_moved, NULL);
}

static void route_anew(struct session *session)
{
	struct membership *membership;

	LIST_FOREACH(membership, &session->root->requested, of_owner)
		if (membership->session == session)
			lc_membership_follow_path(&membership->member);
}

void memberships_look_again(struct node *node)
{
	struct session *session, *next;

	HASH_ITER(by_name, node->sessions_by_name, session, next)
	if (session_routes_anew(node, session))
		route_anew(session);
	lc_network_look_again(node->network, PATHS_A_SECOND, on_moved, NULL);
}
