/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/adopt.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "core/endpoint.h"
#include "daemon/farewell.h"
#include "daemon/say.h"
#include "daemon/trunk.h"

/* How long nobody is told that a session is not there. */
#define HOLD_US (1 * SECOND)
/* Applications try to connect every second, so two of these are time enough to say goodbye in. */
#define LOOK_US	    (600 * 1000)
#define SOON_US	    (20 * 1000)
#define MOST_MISSES 2
/* As many looks that fail in a row mean that the kernel does not tell (any more). */
#define MOST_FAILURES 3
/* Who has not come in the grace time may never: looks become rarer, until they are so far apart. */
#define MOST_LOOK_US (15 * SECOND)
/* Between looks for one that is in another's way, whoever asks for them. */
#define CLASH_NS (50 * 1000 * 1000)
/* Looks that others bring about take no more than one part in so many of the daemon's time. */
#define LOOK_SHARE 8

/* What the timers need, for as long as the daemon runs. */
static struct adoption {
	struct node *node;
	const struct application_handler *handler;
	void (*over)(void *context); /* NULL: it is */
	void *context;
	struct timer hold, look;
	uint64_t look_us;      /* between this look and the next */
	bool soon;	       /* the next look is */
	bool lapsed;	       /* somebody's grace time is over */
	unsigned int failures; /* looks that failed, one after the other */
	bool sees;	       /* a look has succeeded, and not too many have failed since */
	bool blind;	   /* the kernel does not tell what sockets there are, and that was said */
	uint64_t clash_ns; /* when the last one in another's way was looked for */
	uint64_t cost_ns;  /* of the last look */
} adoption;

/* ---- records ---- */

static int adopt_socket(void *context, uint32_t admit, const struct lc_admit *record)
{
	struct node *node = context;
	struct application *application = application_adopted(node, record->uid, adoption.handler);
	struct socket *socket;

	return application ? socket_adopt(application, admit, record, &socket) : -ENOMEM;
}

static struct socket *socket_of_cookie(struct node *node, uint64_t cookie)
{
	return cookie ? socket_of_admit(node, lc_plane_find_socket(node->plane, cookie)) : NULL;
}

static int adopt_session(void *context, uint32_t number, const struct lc_session *record)
{
	struct node *node = context;
	struct socket *root = socket_of_cookie(node, record->sender_cookie);

	if (!root || root->role != LC_ROLE_ROOT || root->session)
		return 0; /* see close_session() */
	return session_adopt(node, root, number, record);
}

/* What both ends have in their records. */
static struct membership *make_member(struct node *node, const struct lc_resumption *from)
{
	struct membership *membership = membership_new(node, &daemon_world);
	struct lc_membership *member;

	if (!membership)
		return NULL;
	membership->own = from->own;
	membership->other = from->other;
	member = &membership->member;
	member->end = (enum lc_join_end)(from->end - 1);
	member->number = from->number;
	member->secret = from->secret;
	member->admitted_before = from->admitted_before;
	member->expected = from->expected;
	member->left = (enum leafcast_reason)from->left;
	return membership;
}

static bool is_end(const struct lc_resumption *resumption, bool root)
{
	return resumption->number && resumption->end >= 1 && resumption->end <= LC_END_COUNT &&
	       lc_join_end_is_root((enum lc_join_end)(resumption->end - 1)) == root;
}

static void take_leaf(struct membership *membership, uint32_t number, const struct lc_leaf *record)
{
	struct lc_membership *member = &membership->member;
	struct session *session = membership->session;

	member->identity = session->identity;
	member->session_name = record->from;
	member->leaf_name = record->to;
	member->leaf_receives = record->receives;
	member->leaf_sends = record->sends;
	member->root_receives = session->root_receives;
	member->flows.down = record->down_flow;
	member->flows.up = record->up_flow;
	member->leaf = number;
}

static int adopt_entered(struct session *session, uint32_t number, const struct lc_leaf *record)
{
	struct node *node = session->root->application->node;
	struct socket *handle = socket_of_cookie(node, record->resumption.handle_cookie);
	struct membership *membership = make_member(node, &record->resumption);

	if (!membership)
		return -ENOMEM;
	if (membership_set_leaf(membership, number) < 0) {
		membership_bury(membership);
		return -ENOMEM;
	}
	membership->session = session;
	membership_set_owner(membership, session->root);
	take_leaf(membership, number, record);
	if (handle && handle->role == LC_ROLE_LEAF && !handle->member) {
		membership->socket = handle;
		handle->member = membership;
	}
	lc_membership_adopt(&membership->member);
	lc_membership_follow_path(&membership->member);
	trunk_take_up(membership);
	/* The root closed what stands for this leaf, and its daemon was killed over that. */
	if (!membership->socket)
		lc_membership_event(&membership->member, LC_ON_APP_DIES, LEAFCAST_NO_REASON);
	return 0;
}

/* One that had not entered, or leaves, is nobody's member any more. */
static int adopt_leaf(void *context, uint32_t number, const struct lc_leaf *record)
{
	struct node *node = context;
	struct session *session = session_numbered(node, record->session);

	if (session && record->entered && is_end(&record->resumption, true))
		return adopt_entered(session, number, record);
	lc_plane_leave_leaf(node->plane, number);
	lc_plane_remove_leaf(node->plane, number);
	return 0;
}

/* Its root is no more, and now its leaves are not either. */
static int close_session(void *context, uint32_t number, const struct lc_session *record)
{
	struct node *node = context;

	(void)record;
	if (!session_numbered(node, number))
		lc_plane_close_session(node->plane, number);
	return 0;
}

static int adopt_joined(struct socket *socket, const struct lc_admit *record)
{
	struct membership *membership = make_member(socket->application->node, &record->resumption);
	struct lc_membership *member;

	if (!membership)
		return -ENOMEM;
	member = &membership->member;
	member->identity = record->identity;
	member->session_name = record->rule.peer;
	member->leaf_name = record->name;
	member->leaf_sends = record->sends;
	member->leaf_receives = record->rule.receives;
	member->token = record->rule.token;
	membership->socket = socket;
	socket->member = membership;
	membership_set_owner(membership, socket);
	lc_membership_adopt(member);
	trunk_take_up(membership);
	return 0;
}

/* A root's is what its session made it; a leaf's that is no member admits nobody. */
static int adopt_member(void *context, uint32_t admit, const struct lc_admit *record)
{
	struct node *node = context;
	struct socket *socket = socket_of_admit(node, admit);

	if (!socket || socket->session)
		return 0;
	if (record->rule.kind == LC_ADMIT_ANCHOR && is_end(&record->resumption, false))
		return adopt_joined(socket, record);
	if (record->resumption.number) {
		socket->ended = (enum leafcast_reason)record->resumption.left;
		lc_plane_set_socket_resumption(node->plane, admit, NULL, false, NULL, NULL);
	}
	if (record->rule.kind != LC_ADMIT_NOBODY)
		lc_plane_admit_nobody(node->plane, admit);
	return 0;
}

/* What is a leaf's own, or has a session, was bound for that. */
static void find_bound(struct node *node)
{
	struct socket *socket, *next;

	HASH_ITER(by_admit, node->sockets_by_admit, socket, next)
	socket->bound = socket->session ||
			(socket->member && !lc_join_end_is_root(socket->member->member.end));
}

static int adopt_all(struct node *node)
{
	struct lc_plane *plane = node->plane;
	int error = lc_plane_each_own_socket(plane, adopt_socket, node);

	error = error ?: farewells_adopt(node);
	error = error ?: lc_plane_each_own_session(plane, adopt_session, node);
	error = error ?: lc_plane_each_own_leaf(plane, adopt_leaf, node);
	error = error ?: lc_plane_each_own_session(plane, close_session, node);
	error = error ?: lc_plane_each_own_socket(plane, adopt_member, node);
	if (!error)
		find_bound(node);
	return error;
}

/* ---- sockets that are no more ---- */

static void on_seen(void *context, uint64_t cookie)
{
	struct socket *socket = socket_of_cookie(context, cookie);

	if (!socket)
		return;
	socket->bound = true;
	socket->absent = false;
	socket->missed = 0;
}

/* Nothing is known of any. One that failed for once is no reason to believe less than before. */
static void look_in_vain(struct node *node, int error)
{
	struct socket *socket, *next;

	HASH_ITER(by_admit, node->sockets_by_admit, socket, next)
	{
		socket->absent = false;
		socket->missed = 0;
	}
	if (++adoption.failures >= MOST_FAILURES)
		adoption.sees = false;
	if (adoption.sees || adoption.blind)
		return;
	say(SD_NOTICE,
	    "sockets that are no more end after the grace time only: the kernel "
	    "does not say which there are (%s)",
	    strerror(-error));
	adoption.blind = true;
}

/* Every one is absent until it is seen. */
static void look(struct node *node)
{
	uint64_t start_ns = lc_now_ns();
	struct socket *socket, *next;
	int error;

	HASH_ITER(by_admit, node->sockets_by_admit, socket, next)
	socket->absent = socket->fd < 0;
	error = lc_network_each_udp_socket(on_seen, node);
	adoption.cost_ns = lc_now_ns() - start_ns;
	if (error) {
		look_in_vain(node, error);
		return;
	}
	adoption.failures = 0;
	adoption.sees = true;
	adoption.blind = false;
}

static bool is_no_more(const struct socket *socket)
{
	if (socket->fd >= 0)
		return false;
	if (socket->closing)
		return socket->absent || adoption.blind;
	return socket->bound && socket->missed >= MOST_MISSES;
}

/* Its process is no more, so the handles of its leaves are not either; the next look ends them. */
static void take_handles_along(struct socket *root)
{
	struct membership *membership;

	LIST_FOREACH(membership, &root->requested, of_owner) {
		struct socket *handle = membership->socket;

		if (handle && handle != root && handle->fd < 0 && !handle->closing)
			handle->closing = handle->reset = true;
	}
}

static void end(struct socket *socket)
{
	struct application *application = socket->application;

	if (!socket->closing)
		take_handles_along(socket);
	membership_end_socket(socket, !socket->closing || socket->reset);
	application_forget_if_idle(application);
}

/* Whether one is missed that another look may find, or find to be no more. */
static bool sweep(struct node *node)
{
	struct socket *socket, *next;
	bool doubted = false;

	HASH_ITER(by_admit, node->sockets_by_admit, socket, next)
	{
		socket->missed += socket->absent;
		if (is_no_more(socket))
			end(socket);
		else
			doubted |= socket->bound && socket->absent;
	}
	return doubted;
}

static void look_soon(struct node *node);

static void on_look(void *context)
{
	struct node *node = context;
	bool doubted;

	adoption.soon = false;
	look(node);
	doubted = sweep(node);
	adopt_progress(node);
	if (!node->unclaimed) {
		adoption.look_us = LOOK_US;
		adoption.lapsed = false;
		return;
	}
	if (adoption.lapsed)
		adoption.look_us = 2 * adoption.look_us < MOST_LOOK_US ? 2 * adoption.look_us
								       : MOST_LOOK_US;
	/* The time to say goodbye is over. */
	if (adoption.lapsed && doubted)
		look_soon(node);
	else
		timer_set_deadline(&adoption.look, node->event, adoption.look_us, on_look, node);
}

static void look_soon(struct node *node)
{
	uint64_t in_us = SOON_US + adoption.cost_ns * LOOK_SHARE / 1000;

	if (!adoption.soon)
		adoption.soon = timer_set(&adoption.look, node->event, in_us, on_look, node) == 0;
}

void adopt_lapse(struct socket *socket)
{
	bool process_lives = socket->application->exit;
	bool seen = socket->fd < 0 && socket->bound && !socket->absent && !adoption.blind;

	adoption.lapsed = true;
	if (!process_lives && !seen) {
		membership_end_socket(socket, true);
		return;
	}
	memberships_of_socket_end(socket, true);
	if (socket->fd < 0)
		return;
	socket_let_go(socket);
	look_soon(socket->application->node);
}

void adopt_closed(const struct application *teller, uint64_t cookie, bool reset)
{
	struct node *node = teller->node;
	struct socket *socket = socket_of_cookie(node, cookie);
	struct application *application = socket ? socket->application : NULL;

	if (!socket || !application_is_away(application) || application->uid != teller->uid)
		return;
	/* Our own duplicate keeps it alive: whether it is no more its process must know. */
	if (socket->fd >= 0) {
		if (application->pid != teller->pid)
			return;
		membership_end_socket(socket, reset);
		application_forget_if_idle(application);
		return;
	}
	/* No look would tell either, nor of one that is not bound; whose process an adopted one is nobody knows. */
	if ((adoption.blind || !socket->bound) && !application->adopted &&
	    application->pid != teller->pid)
		return;
	socket->closing = true;
	socket->reset = reset;
	look_soon(node);
}

/* ---- names that are wanted again ---- */

/* NULL: none that anybody could find taken. */
static const struct lc_endpoint *name_of(const struct socket *socket)
{
	const struct membership *membership = socket->member;

	if (socket->session)
		return &socket->session->name;
	if (membership && !lc_join_end_is_root(membership->member.end))
		return &membership->member.leaf_name;
	return NULL;
}

static bool is_in_the_way(const struct socket *socket, const struct lc_endpoint *name)
{
	const struct lc_endpoint *had = socket->fd < 0 ? name_of(socket) : NULL;

	/* Bound to all addresses, it gets one of them. */
	return had && had->family == name->family && had->port == name->port &&
	       (lc_address_equal(had, name) || lc_address_is_any(name));
}

static struct socket *find_in_the_way(struct node *node, const struct lc_endpoint *name)
{
	struct application *application;
	struct socket *socket, *next;

	LIST_FOREACH(application, &node->applications, entry) {
		if (!application_is_away(application))
			continue;
		HASH_ITER(by_number, application->sockets, socket, next)
		if (is_in_the_way(socket, name))
			return socket;
	}
	return NULL;
}

/* Anybody may want any name as often as it likes, and the name of one that lives. */
static bool is_gone(struct node *node, const struct socket *socket)
{
	uint64_t now = lc_now_ns(), pause_ns = CLASH_NS + adoption.cost_ns * LOOK_SHARE;

	if (!socket->absent && (!adoption.clash_ns || now - adoption.clash_ns >= pause_ns)) {
		adoption.clash_ns = now;
		look(node);
	}
	return socket->absent;
}

void adopt_make_way(const struct socket *socket)
{
	struct node *node = socket->application->node;
	struct socket *other;
	struct lc_endpoint name;

	if (!node->unclaimed || socket_name(socket, &name) || name.port == 0)
		return;
	while ((other = find_in_the_way(node, &name)) && is_gone(node, other))
		end(other);
	adopt_progress(node);
}

/* ---- until others are told what there is not ---- */

static void be_over(void *context)
{
	void (*over)(void *context) = adoption.over;

	(void)context;
	adoption.over = NULL;
	adoption.node->adopting = false;
	timer_stop(&adoption.hold);
	if (over)
		over(adoption.context);
}

void adopt_progress(struct node *node)
{
	if (!node->unclaimed)
		be_over(node);
}

int adopt(struct node *node, const struct application_handler *handler, void (*over)(void *context),
	  void *context)
{
	int error;

	adoption.node = node;
	adoption.handler = handler;
	node->adopting = true;
	adoption.over = over;
	adoption.context = context;
	adoption.look_us = LOOK_US;
	error = adopt_all(node);
	if (!error && node->unclaimed) {
		say(SD_INFO, "%u sockets of an earlier leafcastd go on", node->unclaimed);
		error = timer_set_deadline(&adoption.look, node->event, LOOK_US, on_look, node);
		if (!error)
			error = timer_set_deadline(&adoption.hold, node->event, HOLD_US, be_over,
						   node);
	}
	if (!error)
		adopt_progress(node);
	return error;
}

void adopt_end(void)
{
	timer_free(&adoption.hold);
	timer_free(&adoption.look);
}
