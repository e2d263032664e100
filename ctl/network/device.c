/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Our own devices: the veth pair lc0/lc1, and beside it the pair ls0/ls1,
 * on whose way super-packets are cut up.
 *
 * A pair is born under names of this process alone and gets name and alias
 * in one message, so a daemon killed halfway never leaves an lc0 that its
 * successor must take for somebody else's. What lo's settings were before
 * stands in lc1's alias for the same reason.
 */
#include "network/internal.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ALIAS		  "leafcast"
#define END_ALIAS_FORMAT  "leafcast accept_local=%d route_localnet=%d"
#define MTU_WITHOUT_LINKS 1500
#define MTU_LEAST	  1280	/* below, IPv6 stops */
#define MTU_MOST	  65535 /* of a veth */

bool lc_device_is_own(const struct lc_network *network, uint32_t ifindex)
{
	const struct lc_own_devices *own = &network->own;

	return ifindex && (ifindex == own->ifindex || ifindex == own->end_ifindex ||
			   ifindex == own->cut_ifindex || ifindex == own->cut_end_ifindex);
}

static int delete_link(struct lc_network *network, uint32_t ifindex)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};

	return lc_netlink_request(
		network, lc_netlink_message(RTM_DELLINK, 0, &header, sizeof(header)), NULL, NULL);
}

/* Sets a device up, or gives it its name and alias. NULL: leave as it is. */
static int change_link(struct lc_network *network, uint32_t ifindex, unsigned int flags,
		       const char *name, const char *alias)
{
	const struct ifinfomsg header = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = (int)ifindex,
		.ifi_flags = flags,
		.ifi_change = flags,
	};
	struct nl_msg *message = lc_netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));

	if (message && ((name && nla_put_string(message, IFLA_IFNAME, name) < 0) ||
			(alias && nla_put(message, IFLA_IFALIAS, (int)strlen(alias), alias) < 0))) {
		nlmsg_free(message);
		message = NULL;
	}
	return lc_netlink_request(network, message, NULL, NULL);
}

/* No address of its own accord: no router solicitations, no duplicate detection. */
static int quiet_ipv6(struct lc_network *network, uint32_t ifindex)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *message = lc_netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));
	struct nlattr *families = message ? nla_nest_start(message, IFLA_AF_SPEC) : NULL;
	struct nlattr *inet6 = families ? nla_nest_start(message, AF_INET6) : NULL;

	if (!inet6 || nla_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	nla_nest_end(message, inet6);
	nla_nest_end(message, families);
	return lc_netlink_request(network, message, NULL, NULL);
}

static int set_mtu(struct lc_network *network, uint32_t ifindex, uint32_t mtu)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *message = lc_netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));

	if (message && nla_put_u32(message, IFLA_MTU, mtu) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	return lc_netlink_request(network, message, NULL, NULL);
}

static void larger_mtu(const struct lc_link *link, void *context)
{
	uint32_t *mtu = context;

	if (!(link->flags & IFF_UP) || (link->flags & IFF_LOOPBACK) || lc_link_is_ours(link))
		return;
	if (link->mtu > *mtu)
		*mtu = link->mtu;
}

static int largest_mtu(struct lc_network *network, uint32_t *mtu)
{
	uint32_t largest = 0;
	int error = lc_link_each(network, larger_mtu, &largest);

	if (error)
		return error;
	if (!largest)
		largest = MTU_WITHOUT_LINKS;
	if (largest < MTU_LEAST)
		largest = MTU_LEAST;
	*mtu = largest > MTU_MOST ? MTU_MOST : largest;
	return 0;
}

/* Removes what an earlier daemon left; lo_before: what it remembered for us. */
static int remove_ours(struct lc_network *network, const char *name,
		       int lo_before[LC_LOOPBACK_SETTINGS], struct lc_error *error)
{
	struct lc_link link;
	int status = lc_link_get(network, 0, name, &link);

	if (status == -ENODEV)
		return 0;
	if (status)
		return lc_fail(error, status, "cannot look for %s: %s", name, strerror(-status));
	if (!lc_link_is_ours(&link))
		return lc_fail(error, -EEXIST, "there is an interface %s that is not leafcast's",
			       name);
	sscanf(link.alias, END_ALIAS_FORMAT, &lo_before[0], &lo_before[1]);
	status = delete_link(network, link.ifindex);
	if (status && status != -ENODEV)
		return lc_fail(error, status, "cannot remove the old %s: %s", name,
			       strerror(-status));
	return 0;
}

/* gso_max_segs of the first end; 0: as it comes. */
static int add_pair(struct lc_network *network, const char *name, const char *end_name,
		    uint32_t mtu, uint32_t gso_max_segs)
{
	struct rtnl_link *link = rtnl_link_veth_alloc();
	struct rtnl_link *end = link ? rtnl_link_veth_get_peer(link) : NULL;
	struct nl_msg *message = NULL;

	if (!end) {
		rtnl_link_put(link);
		return -ENOMEM;
	}
	rtnl_link_set_name(link, name);
	rtnl_link_set_mtu(link, mtu);
	rtnl_link_set_name(end, end_name);
	rtnl_link_set_mtu(end, mtu);
	if (rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, &message) < 0)
		message = NULL;
	rtnl_link_put(end);
	rtnl_link_put(link);
	if (message && gso_max_segs && nla_put_u32(message, IFLA_GSO_MAX_SEGS, gso_max_segs) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	return lc_netlink_request(network, message, NULL, NULL);
}

/* Makes a pair, still down and nameless, and fills in both numbers. */
static int create_pair(struct lc_network *network, const char *kind, uint32_t gso_max_segs,
		       uint32_t *ifindex, uint32_t *end_ifindex)
{
	struct lc_link link, end;
	char name[IFNAMSIZ], end_name[IFNAMSIZ];
	uint32_t mtu;
	int error;

	snprintf(name, sizeof(name), "%s0.%d", kind, (int)getpid());
	snprintf(end_name, sizeof(end_name), "%s1.%d", kind, (int)getpid());
	error = largest_mtu(network, &mtu);
	if (!error)
		error = add_pair(network, name, end_name, mtu, gso_max_segs);
	if (!error)
		error = lc_link_get(network, 0, name, &link);
	if (!error)
		error = lc_link_get(network, 0, end_name, &end);
	if (error)
		return error;
	*ifindex = link.ifindex;
	*end_ifindex = end.ifindex;
	return 0;
}

/* Nothing but what programs put there is to be on this pair. */
static int raise_cut(struct lc_network *network, const struct lc_own_devices *own)
{
	int error;

	quiet_ipv6(network, own->cut_ifindex);
	quiet_ipv6(network, own->cut_end_ifindex);
	error = change_link(network, own->cut_end_ifindex, 0, LC_CUT_END, ALIAS);
	if (!error)
		error = change_link(network, own->cut_ifindex, 0, LC_CUT_DEVICE, ALIAS);
	if (error)
		return error;
	lc_sysctl_write("ipv6/conf/" LC_CUT_END "/disable_ipv6", 1);
	lc_sysctl_write("ipv6/conf/" LC_CUT_DEVICE "/disable_ipv6", 1);
	error = change_link(network, own->cut_end_ifindex, IFF_UP, NULL, NULL);
	if (!error)
		error = change_link(network, own->cut_ifindex, IFF_UP, NULL, NULL);
	return error;
}

/* Names both ends, sets them up, and keeps IPv6 from talking on them. */
static int raise_sender(struct lc_network *network, const struct lc_own_devices *own)
{
	char alias[64];
	int error;

	/* Not worth failing for: without IPv6 there is nothing to silence. */
	quiet_ipv6(network, own->ifindex);
	quiet_ipv6(network, own->end_ifindex);
	snprintf(alias, sizeof(alias), END_ALIAS_FORMAT, own->lo_before[0], own->lo_before[1]);
	error = change_link(network, own->end_ifindex, 0, LC_SENDER_END, alias);
	if (!error)
		error = change_link(network, own->ifindex, 0, LC_SENDER_DEVICE, ALIAS);
	if (error)
		return error;
	lc_sysctl_write("ipv6/conf/" LC_SENDER_END "/disable_ipv6", 1);
	lc_sysctl_write("ipv6/conf/" LC_SENDER_DEVICE "/accept_ra", 0);
	/* A root on 127.0.0.1 may send by it. */
	lc_sysctl_write("ipv4/conf/" LC_SENDER_DEVICE "/route_localnet", 1);
	error = change_link(network, own->end_ifindex, IFF_UP, NULL, NULL);
	if (!error)
		error = change_link(network, own->ifindex, IFF_UP | IFF_MULTICAST, NULL, NULL);
	return error;
}

static int build(struct lc_network *network, struct lc_error *error)
{
	struct lc_own_devices *own = &network->own;
	int status = create_pair(network, "ls", 1, &own->cut_ifindex, &own->cut_end_ifindex);

	if (!status)
		status = raise_cut(network, own);
	if (status)
		return lc_fail(error, status, "cannot make the veth pair %s and %s: %s",
			       LC_CUT_DEVICE, LC_CUT_END, strerror(-status));
	status = create_pair(network, "lc", 0, &own->ifindex, &own->end_ifindex);
	if (!status)
		status = raise_sender(network, own);
	if (status)
		return lc_fail(error, status, "cannot make the veth pair %s and %s: %s",
			       LC_SENDER_DEVICE, LC_SENDER_END, strerror(-status));
	status = lc_devices_configure(network, error);
	return status ? status : lc_loopback_admit(error);
}

/* Removes what an earlier daemon left. lc1, which remembers lo's settings, goes when nothing stands in the way. */
static int remove_earlier(struct lc_network *network, int lo_before[LC_LOOPBACK_SETTINGS],
			  struct lc_error *error)
{
	static const char *const names[] = {LC_CUT_END, LC_CUT_DEVICE, LC_SENDER_END,
					    LC_SENDER_DEVICE};
	int status = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !status; i++)
		status = remove_ours(network, names[i], lo_before, error);
	return status;
}

int lc_network_make_devices(struct lc_network *network, struct lc_network_devices *devices,
			    struct lc_error *error)
{
	struct lc_own_devices own = network->own;
	int status;

	status = remove_earlier(network, own.lo_before, error);
	if (!status)
		status = lc_loopback_read(own.lo_before, error);
	if (status)
		return status;
	own.ifindex = own.end_ifindex = 0;
	own.cut_ifindex = own.cut_end_ifindex = 0;
	own.configured = false;
	network->own = own;
	status = build(network, error);
	if (status) {
		lc_devices_remove(network);
		return status;
	}
	*devices = (struct lc_network_devices){
		.sender = network->own.ifindex,
		.cut = network->own.cut_ifindex,
		.cut_end = network->own.cut_end_ifindex,
	};
	return 0;
}

static void delete_own(struct lc_network *network, uint32_t ifindex, const char *name_at_birth)
{
	struct lc_link link;

	/* Numbers are used again: what has ours may be another's by now. */
	if (ifindex && lc_link_get(network, ifindex, NULL, &link) == 0 &&
	    (lc_link_is_ours(&link) ||
	     strncmp(link.name, name_at_birth, strlen(name_at_birth)) == 0))
		delete_link(network, ifindex);
}

void lc_devices_remove(struct lc_network *network)
{
	struct lc_own_devices *own = &network->own;

	delete_own(network, own->ifindex, LC_SENDER_DEVICE ".");
	delete_own(network, own->cut_ifindex, LC_CUT_DEVICE ".");
	lc_loopback_restore(own->lo_before);
	*own = (struct lc_own_devices){.lo_before = {-1, -1}};
}

static void follow_mtu(struct lc_network *network, const struct lc_link *link)
{
	struct lc_own_devices *own = &network->own;
	uint32_t mtu;

	if (largest_mtu(network, &mtu) < 0 || mtu == link->mtu)
		return;
	/* lc0 last: what it takes has to fit through the others. */
	set_mtu(network, own->cut_end_ifindex, mtu);
	set_mtu(network, own->cut_ifindex, mtu);
	if (set_mtu(network, own->end_ifindex, mtu) == 0)
		set_mtu(network, own->ifindex, mtu);
}

bool lc_devices_follow(struct lc_network *network)
{
	struct lc_own_devices *own = &network->own;
	struct lc_link link;

	if (!own->ifindex)
		return true;
	if (lc_link_get(network, own->ifindex, NULL, &link) < 0 || !lc_link_is_ours(&link))
		return false;
	follow_mtu(network, &link);
	if (!(link.flags & IFF_UP)) {
		own->configured = false;
		return false;
	}
	if (!own->configured)
		lc_devices_configure(network, NULL);
	return own->configured;
}
