/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/pair.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "network/link.h"

int lc_pair_delete_link(struct lc_netlink *netlink, uint32_t ifindex)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};

	return lc_netlink_request(
		netlink, lc_netlink_message(RTM_DELLINK, 0, &header, sizeof(header)), NULL, NULL);
}

int lc_pair_name_end(struct lc_netlink *netlink, uint32_t ifindex, const char *name,
		     const char *alias)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *message = lc_netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));

	if (message && (nla_put_string(message, IFLA_IFNAME, name) < 0 ||
			nla_put(message, IFLA_IFALIAS, (int)strlen(alias), alias) < 0)) {
		nlmsg_free(message);
		message = NULL;
	}
	return lc_netlink_request(netlink, message, NULL, NULL);
}

int lc_pair_raise_end(struct lc_netlink *netlink, uint32_t ifindex, unsigned int flags)
{
	const struct ifinfomsg header = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = (int)ifindex,
		.ifi_flags = IFF_UP | flags,
		.ifi_change = IFF_UP | flags,
	};

	return lc_netlink_request(
		netlink, lc_netlink_message(RTM_NEWLINK, 0, &header, sizeof(header)), NULL, NULL);
}

/* Not worth failing for: without IPv6 there is nothing to silence. */
static void silence_end(struct lc_netlink *netlink, uint32_t ifindex)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *message = lc_netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));
	struct nlattr *families = message ? nla_nest_start(message, IFLA_AF_SPEC) : NULL;
	struct nlattr *inet6 = families ? nla_nest_start(message, AF_INET6) : NULL;

	if (!inet6 || nla_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0) {
		nlmsg_free(message);
		return;
	}
	nla_nest_end(message, inet6);
	nla_nest_end(message, families);
	lc_netlink_request(netlink, message, NULL, NULL);
}

void lc_pair_silence(struct lc_netlink *netlink, const struct lc_pair *pair)
{
	silence_end(netlink, pair->first);
	silence_end(netlink, pair->second);
}

static int set_mtu(struct lc_netlink *netlink, uint32_t ifindex, uint32_t mtu)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *message = lc_netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));

	if (message && nla_put_u32(message, IFLA_MTU, mtu) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	return lc_netlink_request(netlink, message, NULL, NULL);
}

int lc_pair_set_mtu(struct lc_netlink *netlink, const struct lc_pair *pair, uint32_t mtu)
{
	int error = set_mtu(netlink, pair->second, mtu);

	/* What the first takes has to fit through the second. */
	return error ? error : set_mtu(netlink, pair->first, mtu);
}

static int add(struct lc_netlink *netlink, const char *first, const char *second, uint32_t mtu,
	       uint32_t gso_max_segs)
{
	struct rtnl_link *link = rtnl_link_veth_alloc();
	struct rtnl_link *end = link ? rtnl_link_veth_get_peer(link) : NULL;
	struct nl_msg *message = NULL;

	if (!end) {
		rtnl_link_put(link);
		return -ENOMEM;
	}
	rtnl_link_set_name(link, first);
	rtnl_link_set_mtu(link, mtu);
	rtnl_link_set_name(end, second);
	rtnl_link_set_mtu(end, mtu);
	if (rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, &message) < 0)
		message = NULL;
	rtnl_link_put(end);
	rtnl_link_put(link);
	if (message && gso_max_segs && nla_put_u32(message, IFLA_GSO_MAX_SEGS, gso_max_segs) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	return lc_netlink_request(netlink, message, NULL, NULL);
}

int lc_pair_make(struct lc_netlink *netlink, const char *kind, uint32_t mtu, uint32_t gso_max_segs,
		 struct lc_pair *pair)
{
	struct lc_link first, second;
	char name[IFNAMSIZ], end_name[IFNAMSIZ];
	int error;

	snprintf(name, sizeof(name), "%s0.%d", kind, (int)getpid());
	snprintf(end_name, sizeof(end_name), "%s1.%d", kind, (int)getpid());
	error = add(netlink, name, end_name, mtu, gso_max_segs);
	if (!error)
		error = lc_link_get(netlink, 0, name, &first);
	if (!error)
		error = lc_link_get(netlink, 0, end_name, &second);
	if (error)
		return error;
	*pair = (struct lc_pair){first.ifindex, second.ifindex};
	return 0;
}

void lc_pair_remove(struct lc_netlink *netlink, const struct lc_pair *pair, const char *kind)
{
	char name_at_birth[IFNAMSIZ];
	struct lc_link link;

	snprintf(name_at_birth, sizeof(name_at_birth), "%s0.", kind);
	if (pair->first && lc_link_get(netlink, pair->first, NULL, &link) == 0 &&
	    (lc_link_is_ours(&link) ||
	     strncmp(link.name, name_at_birth, strlen(name_at_birth)) == 0))
		lc_pair_delete_link(netlink, pair->first);
}
