/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "core/endpoint.h"
#include "daemon/user.h"

static struct session *session_named(struct node *node, const struct lc_endpoint *name)
{
	struct session *session;

	HASH_FIND(by_name, node->sessions_by_name, name, sizeof(*name), session);
	return session;
}

static int set_int(int descriptor, int level, int option, int value)
{
	return setsockopt(descriptor, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/*
 * The routing table alone does not lead a bound socket to lc0. TTL 1 and no
 * loopback keep the datagram from going anywhere else should lc0 be gone; no
 * fragments, since only the first would say whose it is.
 */
static int lead_to_channel(const struct node *node, const struct socket *root)
{
	struct ip_mreqn on = {.imr_ifindex = (int)node->devices.sender};
	int error = 0;

	if (root->family == LC_INET) {
		if (setsockopt(root->fd, IPPROTO_IP, IP_MULTICAST_IF, &on, sizeof(on)) < 0)
			return -errno;
		error = error ?: set_int(root->fd, IPPROTO_IP, IP_MULTICAST_TTL, 1);
		error = error ?: set_int(root->fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
		return error ?: set_int(root->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	}
	error = error
			?: set_int(root->fd, IPPROTO_IPV6, IPV6_MULTICAST_IF,
				   (int)node->devices.sender);
	error = error ?: set_int(root->fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
	error = error ?: set_int(root->fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
	return error ?: set_int(root->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
}

/* The name it will have: what it is bound to, or gets bound to now. */
static int commit_name(const struct socket *root, struct lc_endpoint *name)
{
	struct lc_endpoint any = {.family = root->family};
	int error = socket_name(root, name);

	if (!error && name->port == 0) {
		error = socket_bind(root, &any);
		error = error ?: socket_name(root, name);
	}
	/* bind(2) takes group and broadcast addresses */
	if (!error && !lc_address_is_any(name) && !lc_address_can_be_members(name))
		error = -EADDRNOTAVAIL;
	return error;
}

/* What holds the root's own sending; M left open is the largest that lc0 carries. */
static struct lc_policer policer_of(struct node *node, const struct socket *root)
{
	return lc_policer_make(&root->flows.down,
			       lc_network_mtu(node->network, node->devices.sender));
}

static int open_in_plane(struct node *node, struct session *session)
{
	struct socket *root = session->root;
	const struct lc_session_spec spec = {
		.root = session->name,
		.sender = root->fd,
		.flow = root->flows.down,
		.policer = policer_of(node, root),
		.identity = session->identity,
		.uid = root->application->uid,
		.route_keys = session->route_keys,
		.receives = session->root_receives,
		.now_ns = lc_now_ns(),
	};
	int error = lc_plane_open_session(node->plane, &spec, &session->number, &session->channel);

	if (!error)
		lc_plane_admit_leaves(node->plane, root->admit, session->number);
	return error;
}

static int make(struct node *node, struct socket *root, const struct lc_endpoint *name,
		struct session **result)
{
	struct session *session = calloc(1, sizeof(*session));
	int error;

	if (!session)
		return -ENOMEM;
	*session = (struct session){.root = root,
				    .name = *name,
				    .route_keys = socket_route_keys(root),
				    .root_receives = true};
	if (getrandom(&session->identity, sizeof(session->identity), 0) !=
	    sizeof(session->identity)) {
		free(session);
		return -EIO;
	}
	HASH_ADD(by_name, node->sessions_by_name, name, sizeof(session->name), session);
	error = session_named(node, name) ? open_in_plane(node, session) : -ENOMEM;
	if (error) {
		if (session_named(node, name))
			HASH_DELETE(by_name, node->sessions_by_name, session);
		free(session);
		return error;
	}
	root->session = *result = session;
	return 0;
}

int session_adopt(struct node *node, struct socket *root, uint32_t number,
		  const struct lc_session *record)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return -ENOMEM;
	*session = (struct session){.root = root,
				    .number = number,
				    .name = record->root,
				    .channel = record->channel,
				    .identity = record->identity,
				    .route_keys = record->route_keys,
				    .root_receives = record->root_receives,
				    .directions_fixed = record->directions_fixed};
	/* Of a time when these were not recorded. */
	if (!session->route_keys.uid)
		session->route_keys.uid = record->uid;
	HASH_ADD(by_name, node->sessions_by_name, name, sizeof(session->name), session);
	if (session_named(node, &session->name) != session) {
		free(session);
		return -ENOMEM;
	}
	user_has(node, root->application->uid, HOLDS_SESSION);
	root->session = session;
	root->family = session->name.family;
	root->flows.down = record->flow;
	/* Its last daemon may have been killed before it came to this. */
	lc_plane_admit_leaves(node->plane, root->admit, number);
	return 0;
}

struct session *session_numbered(struct node *node, uint32_t number)
{
	struct session *session, *next;

	HASH_ITER(by_name, node->sessions_by_name, session, next)
	if (session->number == number)
		return session;
	return NULL;
}

void session_lead_again(struct node *node, struct session *session)
{
	int error = lead_to_channel(node, session->root);

	(void)error; /* then it is led where it was led before */
}

bool session_routes_anew(struct node *node, struct session *session)
{
	struct lc_route_keys keys;

	if (session->root->fd < 0)
		return false;
	keys = socket_route_keys(session->root);
	if (memcmp(&keys, &session->route_keys, sizeof(keys)) == 0)
		return false;
	session->route_keys = keys;
	lc_plane_set_session_route_keys(node->plane, session->number, &keys);
	return true;
}

void session_fix_directions(struct node *node, struct session *session, bool receives)
{
	if (session->directions_fixed)
		return;
	session->root_receives = receives;
	session->directions_fixed = true;
	lc_plane_set_session_directions(node->plane, session->number, receives, true);
}

int session_of_root(struct node *node, struct socket *root, struct session **session)
{
	uid_t uid = root->application->uid;
	struct lc_endpoint name;
	int error;

	if (root->session) {
		*session = root->session;
		return 0;
	}
	error = commit_name(root, &name);
	error = error ?: lead_to_channel(node, root);
	if (error)
		return error;
	if (session_named(node, &name))
		return -EADDRINUSE;
	if (!user_takes(node, uid, HOLDS_SESSION))
		return -ENOSPC;
	error = make(node, root, &name, session);
	if (error)
		user_gives(node, uid, HOLDS_SESSION);
	return error;
}

struct session *session_listening_at(struct node *node, const struct lc_endpoint *name)
{
	struct lc_endpoint any = {.port = name->port, .family = name->family};
	struct session *session = session_named(node, name);

	if (session && session->root->backlog)
		return session;
	session = session_named(node, &any);
	return session && session->root->backlog ? session : NULL;
}

void session_follow_flow(struct node *node, struct session *session)
{
	struct lc_policer policer = policer_of(node, session->root);

	lc_plane_set_session_flow(node->plane, session->number, &session->root->flows.down,
				  &policer);
}

void session_free(struct node *node, struct session *session)
{
	struct socket *root = session->root;

	lc_plane_admit_nobody(node->plane, root->admit);
	lc_plane_close_session(node->plane, session->number);
	HASH_DELETE(by_name, node->sessions_by_name, session);
	user_gives(node, root->application->uid, HOLDS_SESSION);
	root->session = NULL;
	free(session);
}
