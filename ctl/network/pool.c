/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/pool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* The interface part spells "leafcast". */
static const uint8_t link_local[16] = {0xfe, 0x80, [8] = 'l', 'e', 'a', 'f', 'c', 'a', 's', 't'};

struct pool {
	int af;
	const char *text;
	uint8_t prefix[16];
	unsigned char prefix_length;
	unsigned char table;
	unsigned char scope;
};

static const struct pool pool4 = {
	AF_INET, "239.255.0.0/17", {239, 255}, 17, RT_TABLE_MAIN, RT_SCOPE_LINK,
};

/* In table local, where the kernel has ff00::/8 for every device and which it asks first. */
static const struct pool pool6 = {
	AF_INET6, "ff3e::/16", {0xff, 0x3e}, 16, RT_TABLE_LOCAL, RT_SCOPE_UNIVERSE,
};

static int add_route(struct lc_netlink *netlink, uint32_t ifindex, const struct pool *pool)
{
	const struct rtmsg header = {
		.rtm_family = (unsigned char)pool->af,
		.rtm_dst_len = pool->prefix_length,
		.rtm_table = pool->table,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = pool->scope,
		.rtm_type = RTN_MULTICAST,
	};
	struct nl_msg *message = lc_netlink_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
						    &header, sizeof(header));

	if (message && (nla_put(message, RTA_DST, pool->af == AF_INET ? 4 : 16, pool->prefix) < 0 ||
			nla_put_u32(message, RTA_OIF, ifindex) < 0)) {
		nlmsg_free(message);
		message = NULL;
	}
	return lc_netlink_request(netlink, message, NULL, NULL);
}

struct search {
	const struct pool *pool;
	uint32_t ifindex;
	bool found;
};

static void compare_route(struct nlmsghdr *answer, void *context)
{
	struct search *search = context;
	const struct pool *pool = search->pool;
	const struct rtmsg *route = nlmsg_data(answer);
	struct nlattr *attributes[RTA_MAX + 1];
	int size = pool->af == AF_INET ? 4 : 16;

	if (answer->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(answer, sizeof(*route), attributes, RTA_MAX, NULL) < 0)
		return;
	if (route->rtm_family == pool->af && route->rtm_dst_len == pool->prefix_length &&
	    route->rtm_table == pool->table && route->rtm_type == RTN_MULTICAST &&
	    attributes[RTA_DST] && nla_len(attributes[RTA_DST]) == size &&
	    memcmp(nla_data(attributes[RTA_DST]), pool->prefix, (size_t)size) == 0 &&
	    attributes[RTA_OIF] && nla_get_u32(attributes[RTA_OIF]) == search->ifindex)
		search->found = true;
}

/* Whether the route is there already. The kernel is asked for this device's only, which it may not heed. */
static bool is_routed(uint32_t ifindex, const struct pool *pool)
{
	const struct rtmsg header = {.rtm_family = (unsigned char)pool->af,
				     .rtm_table = pool->table};
	struct search search = {.pool = pool, .ifindex = ifindex};
	struct lc_netlink strict;
	struct nl_msg *message;
	int yes = 1;

	if (lc_netlink_open(&strict, NETLINK_ROUTE) < 0)
		return false;
	setsockopt(nl_socket_get_fd(strict.socket), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &yes,
		   sizeof(yes));
	message = lc_netlink_message(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header));
	if (message && nla_put_u32(message, RTA_OIF, ifindex) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	lc_netlink_request(&strict, message, compare_route, &search);
	lc_netlink_close(&strict);
	return search.found;
}

static int lead(struct lc_netlink *netlink, uint32_t ifindex, const struct pool *pool,
		struct lc_error *error)
{
	int status = add_route(netlink, ifindex, pool);

	if (status == -EEXIST && is_routed(ifindex, pool))
		return 0;
	if (status)
		return lc_fail(error, status, "cannot route %s to lc0: %s", pool->text,
			       strerror(-status));
	return 0;
}

/* Without duplicate detection, which would delay it, and without a prefix route, which nobody needs. */
static int add_address(struct lc_netlink *netlink, uint32_t ifindex)
{
	const struct ifaddrmsg header = {
		.ifa_family = AF_INET6,
		.ifa_prefixlen = 64,
		.ifa_scope = RT_SCOPE_LINK,
		.ifa_index = ifindex,
	};
	const uint32_t flags = IFA_F_NODAD | IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE;
	struct nl_msg *message = lc_netlink_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header,
						    sizeof(header));
	int error;

	if (message && (nla_put(message, IFA_LOCAL, sizeof(link_local), link_local) < 0 ||
			nla_put(message, IFA_ADDRESS, sizeof(link_local), link_local) < 0 ||
			nla_put_u32(message, IFA_FLAGS, flags) < 0)) {
		nlmsg_free(message);
		message = NULL;
	}
	error = lc_netlink_request(netlink, message, NULL, NULL);
	return error == -EEXIST ? 0 : error;
}

/* How the kernel says that it was told to do without IPv6. */
static bool means_no_ipv6(int error)
{
	return error == -EOPNOTSUPP || error == -EAFNOSUPPORT || error == -EACCES ||
	       error == -EPERM;
}

int lc_pool_lead(struct lc_netlink *netlink, uint32_t ifindex, struct lc_error *error)
{
	int status = lead(netlink, ifindex, &pool4, error);

	if (status)
		return status;
	status = add_address(netlink, ifindex);
	if (means_no_ipv6(status))
		return 0;
	if (status)
		return lc_fail(error, status, "cannot give lc0 a link-local address: %s",
			       strerror(-status));
	return lead(netlink, ifindex, &pool6, error);
}
