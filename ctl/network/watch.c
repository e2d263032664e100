/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Notifications, and which of them mean anything to paths. */
#include "network/internal.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network/link.h"

#define RECEIVE_BUFFER (4 * 1024 * 1024)
#define BATCH	       16384
/* Of one call: the event loop has others to serve, and the descriptor stays readable. */
#define MAX_BATCHES 256

/* In one call. */
struct heard {
	struct lc_changes changes;
	bool links;
};

static int subscribe(int changes)
{
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	static const int groups[] = {
		RTNLGRP_LINK,	     RTNLGRP_NEIGH,	 RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,	 RTNLGRP_NEXTHOP,
	};

	/* Not bound, a socket has the kernel's own number and hears nothing of it. */
	if (bind(changes, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (setsockopt(changes, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			return -errno;
	}
	return 0;
}

int lc_watch_open(int *changes)
{
	const int size = RECEIVE_BUFFER;
	int error, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	/* The first is for daemons with CAP_NET_ADMIN; a smaller buffer only means more ENOBUFS. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	error = subscribe(fd);
	if (error) {
		close(fd);
		return error;
	}
	*changes = fd;
	return 0;
}

/* ---- what notifications mean ---- */

static void judge_link(struct lc_network *network, struct nlmsghdr *message, struct heard *heard)
{
	struct lc_change change = {.kind = LC_CHANGE_LINK};
	struct lc_link link;

	if (lc_link_parse(message, &link) < 0)
		return;
	heard->links = true;
	/* Of our own devices only what they are now counts, see lc_devices_follow(): this may be history of ours. */
	if (lc_devices_have(&network->devices, link.ifindex))
		return;
	change.ifindex = link.ifindex;
	lc_changes_add(&heard->changes, &change);
	/* The kernel uses routes by it again, and says nothing of that. */
	if (lc_links_note(&network->links, &link, message->nlmsg_type == RTM_DELLINK))
		heard->changes.all = true;
}

static bool take_address(struct lc_endpoint *endpoint, int af, struct nlattr *attribute)
{
	int length = af == AF_INET ? 4 : 16;

	if (!attribute || nla_len(attribute) != length)
		return false;
	endpoint->family = af == AF_INET ? LC_INET : LC_INET6;
	memcpy(endpoint->addr, nla_data(attribute), (size_t)length);
	return true;
}

static void judge_route(struct lc_network *network, struct nlmsghdr *message, struct heard *heard)
{
	const struct rtmsg *header = nlmsg_data(message);
	struct lc_change change = {.kind = LC_CHANGE_ROUTE};
	struct nlattr *attributes[RTA_MAX + 1];

	if (nlmsg_parse(message, sizeof(*header), attributes, RTA_MAX, NULL) < 0 ||
	    (header->rtm_family != AF_INET && header->rtm_family != AF_INET6))
		return;
	if (attributes[RTA_OIF] &&
	    lc_devices_have(&network->devices, nla_get_u32(attributes[RTA_OIF])))
		return;
	change.address.family = header->rtm_family == AF_INET ? LC_INET : LC_INET6;
	if (take_address(&change.address, header->rtm_family, attributes[RTA_DST]))
		change.bits = header->rtm_dst_len;
	lc_changes_add(&heard->changes, &change);
}

static void judge_neighbour(struct lc_network *network, struct nlmsghdr *message,
			    struct heard *heard)
{
	const struct ndmsg *header = nlmsg_data(message);

	if (nlmsg_valid_hdr(message, sizeof(*header)) &&
	    !lc_devices_have(&network->devices, (uint32_t)header->ndm_ifindex))
		lc_neighbours_judge(&network->neighbours, &network->netlink, message,
				    &heard->changes);
}

static void judge_address(struct lc_network *network, struct nlmsghdr *message, struct heard *heard)
{
	const struct ifaddrmsg *header = nlmsg_data(message);
	struct lc_change change = {.kind = LC_CHANGE_ADDRESS};
	struct nlattr *attributes[IFA_MAX + 1];

	if (nlmsg_parse(message, sizeof(*header), attributes, IFA_MAX, NULL) < 0 ||
	    lc_devices_have(&network->devices, header->ifa_index))
		return;
	change.ifindex = header->ifa_index;
	change.gone = message->nlmsg_type == RTM_DELADDR;
	if (take_address(&change.address, header->ifa_family,
			 attributes[IFA_LOCAL] ?: attributes[IFA_ADDRESS]))
		lc_changes_add(&heard->changes, &change);
}

static void judge(struct lc_network *network, struct nlmsghdr *message, struct heard *heard)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		judge_link(network, message, heard);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		judge_neighbour(network, message, heard);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		judge_route(network, message, heard);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		judge_address(network, message, heard);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		heard->changes.all = true;
		break;
	}
}

/* Judges one batch. Returns 0, -EAGAIN when there is none, or another negative errno. */
static int take_batch(struct lc_network *network, struct heard *heard)
{
	_Alignas(struct nlmsghdr) char bytes[BATCH];
	struct sockaddr_nl from = {0};
	socklen_t length = sizeof(from);
	ssize_t received = recvfrom(network->changes, bytes, sizeof(bytes),
				    MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &length);
	int left = (int)received;

	if (received > (ssize_t)sizeof(bytes) || (received < 0 && errno == ENOBUFS)) {
		/* Lost some: nothing remembered can be trusted. */
		lc_neighbours_forget(&network->neighbours);
		heard->changes.all = heard->links = true;
		return 0;
	}
	if (received < 0)
		return errno == EINTR ? 0 : -errno;
	if (from.nl_pid != 0) /* not the kernel */
		return 0;
	for (struct nlmsghdr *message = (struct nlmsghdr *)bytes; nlmsg_ok(message, left);
	     message = nlmsg_next(message, &left))
		judge(network, message, heard);
	return 0;
}

static void note(struct lc_changes *pending, const struct lc_changes *heard)
{
	pending->all |= heard->all;
	for (unsigned int i = 0; i < heard->count; i++)
		lc_changes_add(pending, &heard->list[i]);
}

int lc_network_process(struct lc_network *network, void (*changed)(void *context), void *context)
{
	struct heard heard = {0};
	int error = 0;

	for (int batches = 0; batches < MAX_BATCHES && !error; batches++)
		error = take_batch(network, &heard);
	if (heard.links && !lc_devices_follow(&network->devices, &network->netlink))
		heard.changes.all = true;
	if (lc_neighbours_limit(&network->neighbours))
		heard.changes.all = true;
	if (heard.changes.all || heard.changes.count) {
		note(&network->pending, &heard.changes);
		changed(context);
	}
	return error == -EAGAIN ? 0 : error;
}

int lc_network_fd(const struct lc_network *network)
{
	return network->changes;
}
