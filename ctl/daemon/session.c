/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/endpoint.h"
#include "daemon/daemon.h"

static bool name_taken(const struct daemon *daemon, const struct lc_endpoint *name)
{
	const struct session *session;

	LIST_FOREACH(session, &daemon->sessions, entry)
		if (lc_endpoint_equal(&session->name, name))
			return true;
	return false;
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
static int lead_to_channel(const struct daemon *daemon, const struct socket *root)
{
	struct ip_mreqn on = {.imr_ifindex = (int)daemon->devices.sender};
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
				   (int)daemon->devices.sender);
	error = error ?: set_int(root->fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
	error = error ?: set_int(root->fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
	return error ?: set_int(root->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
}

int session_of_root(struct daemon *daemon, struct socket *root, struct session **result)
{
	struct lc_session_spec spec = {.sender = root->fd, .now_ns = lc_now_ns()};
	struct lc_endpoint any = {.family = root->family};
	struct session *session;
	int error;

	if (root->session) {
		*result = root->session;
		return 0;
	}
	error = socket_name(root, &spec.root);
	if (!error && spec.root.port == 0) {
		error = socket_bind(root, &any);
		error = error ?: socket_name(root, &spec.root);
	}
	if (!error && !lc_address_is_any(&spec.root) && !lc_address_is_unicast(&spec.root))
		error = -EADDRNOTAVAIL; /* bind(2) takes group and broadcast addresses */
	error = error ?: lead_to_channel(daemon, root);
	if (error)
		return error;
	if (name_taken(daemon, &spec.root))
		return -EADDRINUSE;
	if (client_has_most_sessions(root->client))
		return -ENOSPC;
	session = calloc(1, sizeof(*session));
	if (!session)
		return -ENOMEM;
	spec.flow = root->flows.down;
	spec.policer = lc_policer_make(&root->flows.down, 0);
	session->root = root;
	session->name = spec.root;
	session->root_receives = true;
	error = lc_plane_open_session(daemon->plane, &spec, &session->number, &session->channel);
	if (error) {
		free(session);
		return error;
	}
	lc_plane_admit_leaves(daemon->plane, root->admit, session->number);
	LIST_INSERT_HEAD(&daemon->sessions, session, entry);
	root->session = session;
	*result = session;
	return 0;
}

struct session *session_find(struct daemon *daemon, const struct lc_endpoint *name)
{
	struct session *session, *wildcard = NULL;

	LIST_FOREACH(session, &daemon->sessions, entry) {
		if (session->root->backlog == 0 || session->name.port != name->port ||
		    session->name.family != name->family)
			continue;
		if (lc_address_equal(&session->name, name))
			return session;
		if (lc_address_is_any(&session->name))
			wildcard = session;
	}
	return wildcard;
}

void session_set_flow(struct daemon *daemon, struct session *session)
{
	struct lc_flowspec *flow = &session->root->flows.down;
	struct lc_policer policer = lc_policer_make(flow, 0);

	lc_plane_set_session_flow(daemon->plane, session->number, flow, &policer);
}

void session_free(struct daemon *daemon, struct session *session)
{
	lc_plane_admit_nobody(daemon->plane, session->root->admit);
	lc_plane_close_session(daemon->plane, session->number);
	session->root->session = NULL;
	LIST_REMOVE(session, entry);
	free(session);
}
