/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Where a datagram goes: route, link, neighbour, each asked of the kernel anew. */
#include "network/internal.h"
#include "network/link.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "core/endpoint.h"

struct route {
	int type; /* RTN_ */
	uint32_t ifindex;
	uint32_t mtu; /* 0: none of its own */
	bool encapsulates;
	bool has_gateway;
	struct lc_next_hop gateway;
	struct lc_endpoint source; /* LC_FAMILY_NONE: not said */
};

static unsigned int address_length(const struct lc_endpoint *endpoint)
{
	return endpoint->family == LC_INET ? 4 : 16;
}

static bool is_any(const struct lc_endpoint *endpoint)
{
	return endpoint->family == LC_FAMILY_NONE || lc_address_is_any(endpoint);
}

static uint32_t mtu_metric(struct nlattr *metrics)
{
	struct nlattr *each[RTAX_MAX + 1];

	if (!metrics || nla_parse_nested(each, RTAX_MAX, metrics, NULL) < 0 || !each[RTAX_MTU])
		return 0;
	return nla_get_u32(each[RTAX_MTU]);
}

/* RTA_GATEWAY holds an address of the route's own family, RTA_VIA one of any. */
static void parse_gateway(struct route *route, int af, struct nlattr **attributes)
{
	struct lc_next_hop *gateway = &route->gateway;
	const uint8_t *address = NULL;
	int length = 0;

	if (attributes[RTA_GATEWAY]) {
		gateway->af = af;
		address = nla_data(attributes[RTA_GATEWAY]);
		length = nla_len(attributes[RTA_GATEWAY]);
	} else if (attributes[RTA_VIA]) {
		const struct rtvia *via = nla_data(attributes[RTA_VIA]);

		gateway->af = via->rtvia_family;
		address = via->rtvia_addr;
		length = nla_len(attributes[RTA_VIA]) - (int)sizeof(*via);
	}
	if (length != (gateway->af == AF_INET ? 4 : 16))
		return;
	memcpy(gateway->address, address, (size_t)length);
	route->has_gateway = true;
}

static void take_route(struct nlmsghdr *answer, void *context)
{
	struct route *route = context;
	const struct rtmsg *header = nlmsg_data(answer);
	struct nlattr *attributes[RTA_MAX + 1];
	struct nlattr *source;

	if (answer->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(answer, sizeof(*header), attributes, RTA_MAX, NULL) < 0)
		return;
	route->type = header->rtm_type;
	if (attributes[RTA_OIF])
		route->ifindex = nla_get_u32(attributes[RTA_OIF]);
	route->mtu = mtu_metric(attributes[RTA_METRICS]);
	route->encapsulates = attributes[RTA_ENCAP] != NULL;
	parse_gateway(route, header->rtm_family, attributes);
	source = attributes[RTA_PREFSRC];
	if (source && nla_len(source) == (header->rtm_family == AF_INET ? 4 : 16)) {
		route->source.family = header->rtm_family == AF_INET ? LC_INET : LC_INET6;
		memcpy(route->source.addr, nla_data(source), (size_t)nla_len(source));
	}
}

static int put_port(struct nl_msg *message, int attribute, __be16 port)
{
	return port ? nla_put(message, attribute, sizeof(port), &port) : 0;
}

static int put_query(struct nl_msg *message, const struct lc_path_query *query)
{
	int length = (int)address_length(&query->to), error;

	error = nla_put(message, RTA_DST, length, query->to.addr);
	if (!error && !is_any(&query->from))
		error = nla_put(message, RTA_SRC, length, query->from.addr);
	if (!error && query->by.device)
		error = nla_put_u32(message, RTA_OIF, query->by.device);
	if (!error)
		error = nla_put_u32(message, RTA_UID, query->by.uid);
	if (!error)
		error = nla_put_u32(message, RTA_MARK, query->by.mark);
	if (!error)
		error = nla_put_u8(message, RTA_IP_PROTO, IPPROTO_UDP);
	if (!error)
		error = put_port(message, RTA_SPORT, query->from.port);
	return error ? error : put_port(message, RTA_DPORT, query->to.port);
}

/* The kernel's own answer for that very datagram, whatever rules ask about it. */
static int look_up(struct lc_network *network, const struct lc_path_query *query,
		   struct route *route)
{
	int length = 8 * (int)address_length(&query->to);
	struct rtmsg header = {
		.rtm_family = (unsigned char)lc_endpoint_af(&query->to),
		.rtm_dst_len = (unsigned char)length,
		.rtm_tos = (unsigned char)query->by.tos,
		.rtm_src_len = is_any(&query->from) ? 0 : (unsigned char)length,
	};
	struct nl_msg *message = lc_netlink_message(RTM_GETROUTE, 0, &header, sizeof(header));

	*route = (struct route){.type = RTN_UNSPEC};
	if (message && put_query(message, query) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	return lc_netlink_request(&network->netlink, message, take_route, route);
}

static bool is_local(struct lc_network *network, const struct lc_endpoint *endpoint,
		     uint32_t device)
{
	struct lc_path_query query = {.to = *endpoint, .by.device = device};
	struct route route;

	query.to.port = 0;
	return lc_address_is_unicast(endpoint) && look_up(network, &query, &route) == 0 &&
	       route.type == RTN_LOCAL;
}

bool lc_network_is_local(struct lc_network *network, const struct lc_endpoint *endpoint)
{
	return is_local(network, endpoint, 0);
}

bool lc_network_is_up(struct lc_network *network, uint32_t ifindex)
{
	struct lc_link link;

	return ifindex && lc_link_get(&network->netlink, ifindex, NULL, &link) == 0 &&
	       lc_link_is_up(&link);
}

uint32_t lc_network_mtu(struct lc_network *network, uint32_t ifindex)
{
	struct lc_link link;

	return ifindex && lc_link_get(&network->netlink, ifindex, NULL, &link) == 0 ? link.mtu : 0;
}

/* How the kernel says that there is no route. */
static bool means_no_route(int error)
{
	switch (error) {
	case -ENETUNREACH:
	case -EHOSTUNREACH: /* unreachable */
	case -EACCES:	    /* prohibit */
	case -EINVAL:	    /* blackhole */
	case -ENETDOWN:
	case -ENODEV:
	case -EAGAIN: /* throw */
	case -EAFNOSUPPORT:
	case -EOPNOTSUPP: /* no IPv6 here */
		return true;
	}
	return false;
}

/* Devices that send bare IP packets. */
static bool is_bare(const struct lc_link *link)
{
	switch (link->type) {
	case ARPHRD_NONE: /* tun, WireGuard */
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return true;
	}
	return false;
}

static int fill_ethernet(struct lc_network *network, const struct route *route,
			 const struct lc_link *link, struct lc_path_facts *facts)
{
	const struct lc_endpoint *to = &facts->query.to;
	struct lc_next_hop *next = &facts->next;
	struct lc_hop *hop = &facts->path.hop;
	int error;

	memcpy(hop->source, link->mac, sizeof(link->mac));
	if (link->flags & IFF_NOARP) {
		/* As the kernel does: there is one other end, and it takes everything. */
		memcpy(hop->destination, link->mac, sizeof(link->mac));
		return 0;
	}
	next->af = lc_endpoint_af(to);
	memcpy(next->address, to->addr, address_length(to));
	if (route->has_gateway)
		*next = route->gateway;
	next->ifindex = link->ifindex;
	error = lc_neighbours_find(&network->neighbours, &network->netlink, next, hop->destination);
	if (error == -ENOENT)
		facts->path.usable = LC_HOP_NO_NEIGHBOUR;
	return error == -ENOENT ? 0 : error;
}

static int fill_hop(struct lc_network *network, const struct route *route,
		    struct lc_path_facts *facts)
{
	bool local = route->type == RTN_LOCAL;
	struct lc_path *path = &facts->path;
	struct lc_link link;
	int error = lc_link_get(&network->netlink,
				local ? network->loopback_ifindex : route->ifindex, NULL, &link);

	if (error == -ENODEV) { /* gone between the two lookups */
		path->usable = LC_HOP_LINK_DOWN;
		return 0;
	}
	if (error)
		return error;
	facts->ifindex = path->hop.ifindex = link.ifindex;
	path->hop.mtu = link.mtu;
	path->hop.local = local;
	if (!local && route->mtu && route->mtu < link.mtu)
		path->hop.mtu = route->mtu;
	if (!lc_link_is_up(&link))
		path->usable = LC_HOP_LINK_DOWN;
	else if (!local && link.type == ARPHRD_ETHER)
		return fill_ethernet(network, route, &link, facts);
	else if (!local && !is_bare(&link))
		path->usable = LC_HOP_NO_ROUTE;
	return 0;
}

static bool is_vrf(struct lc_network *network, uint32_t ifindex)
{
	struct lc_link link;

	return lc_link_get(&network->netlink, ifindex, NULL, &link) == 0 &&
	       strcmp(link.kind, "vrf") == 0;
}

/*
 * IPv6 holds a socket to its device, and a question that names a source only prefers
 * it. Without one that is held to it, too.
 */
static int look_up_by_device(struct lc_network *network, const struct lc_path_query *query,
			     struct route *route)
{
	struct lc_path_query sourceless = *query;
	int error = look_up(network, query, route);

	if (error || query->to.family != LC_INET6 || !query->by.device ||
	    route->type != RTN_UNICAST || route->ifindex == query->by.device ||
	    is_vrf(network, query->by.device))
		return error;
	sourceless.from = (struct lc_endpoint){.port = query->from.port};
	error = look_up(network, &sourceless, route);
	return error ? error : route->ifindex == query->by.device ? 0 : -ENETUNREACH;
}

static int find_path(struct lc_network *network, struct lc_path_facts *facts)
{
	const struct lc_path_query *query = &facts->query;
	struct route route;
	int error = look_up_by_device(network, query, &route);

	if (error && !means_no_route(error))
		return error;
	facts->path.source = is_any(&query->from) ? route.source : query->from;
	facts->path.source.port = 0;
	if (error || (route.type != RTN_UNICAST && route.type != RTN_LOCAL) || route.encapsulates ||
	    lc_devices_have(&network->devices, route.ifindex)) {
		facts->path.usable = LC_HOP_NO_ROUTE;
		return 0;
	}
	return fill_hop(network, &route, facts);
}

/* An endpoint has no scope, so a link-local address of another node leads nowhere. */
static bool needs_scope(const struct lc_endpoint *to)
{
	return to->family == LC_INET6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)to->addr);
}

int lc_path_look_up(struct lc_network *network, const struct lc_path_query *query,
		    struct lc_path_facts *facts)
{
	const struct lc_endpoint *from = &query->from, *to = &query->to;
	int error = 0;

	*facts = (struct lc_path_facts){.query = *query, .path.usable = LC_HOP_0};
	if (!lc_address_is_unicast(to))
		return -EINVAL;
	if (from->family != LC_FAMILY_NONE && from->family != to->family)
		return -EAFNOSUPPORT;
	/* The device may have a table of its own (VRF). */
	if (!is_any(from) && !is_local(network, from, 0) &&
	    !(query->by.device && is_local(network, from, query->by.device)))
		return -EADDRNOTAVAIL;
	if (needs_scope(to) && !lc_network_is_local(network, to))
		facts->path.usable = LC_HOP_NO_ROUTE;
	else
		error = find_path(network, facts);
	if (error || facts->path.usable != LC_HOP_0)
		memset(&facts->path.hop, 0, sizeof(facts->path.hop));
	return error;
}

int lc_network_path(struct lc_network *network, const struct lc_path_query *query,
		    struct lc_path *path)
{
	struct lc_path_facts facts;
	int error = lc_path_look_up(network, query, &facts);

	if (!error)
		*path = facts.path;
	return error;
}
