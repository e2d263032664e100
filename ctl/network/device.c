/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A pair is born under names of this process alone and gets name and alias
 * in one message, so a daemon killed halfway never leaves an lc0 that its
 * successor must take for somebody else's. What lo's settings were before
 * stands in lc1's alias for the same reason.
 */
#include "network/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "network/link.h"
#include "network/pool.h"
#include "network/sysctl.h"

#define SENDER	   "lc0"
#define SENDER_END "lc1"
#define CUT	   "ls0" /* on the way from here, super-packets are cut up */
#define CUT_END	   "ls1"

#define SENDER_KIND "lc"
#define CUT_KIND    "ls"

#define END_ALIAS_FORMAT  LC_LINK_ALIAS " accept_local=%d route_localnet=%d"
#define MTU_WITHOUT_LINKS 1500
#define MTU_LEAST	  1280	/* below, IPv6 stops */
#define MTU_MOST	  65535 /* of a veth */

bool lc_devices_have(const struct lc_devices *devices, uint32_t ifindex)
{
	return ifindex && (ifindex == devices->sender.first || ifindex == devices->sender.second ||
			   ifindex == devices->cut.first || ifindex == devices->cut.second);
}

static void larger_mtu(const struct lc_link *link, void *context)
{
	uint32_t *mtu = context;

	if (!(link->flags & IFF_UP) || (link->flags & IFF_LOOPBACK) || lc_link_is_ours(link))
		return;
	if (link->mtu > *mtu)
		*mtu = link->mtu;
}

static int largest_mtu(struct lc_netlink *netlink, uint32_t *mtu)
{
	uint32_t largest = 0;
	int error = lc_link_each(netlink, larger_mtu, &largest);

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
static int remove_earlier_link(struct lc_netlink *netlink, const char *name,
			       int lo_before[LC_LOOPBACK_SETTINGS], struct lc_error *error)
{
	struct lc_link link;
	int status = lc_link_get(netlink, 0, name, &link);

	if (status == -ENODEV)
		return 0;
	if (status)
		return lc_fail(error, status, "cannot look for %s: %s", name, strerror(-status));
	if (!lc_link_is_ours(&link))
		return lc_fail(error, -EEXIST, "there is an interface %s that is not leafcast's",
			       name);
	sscanf(link.alias, END_ALIAS_FORMAT, &lo_before[0], &lo_before[1]);
	status = lc_pair_delete_link(netlink, link.ifindex);
	if (status && status != -ENODEV)
		return lc_fail(error, status, "cannot remove the old %s: %s", name,
			       strerror(-status));
	return 0;
}

/* lc1, which remembers lo's settings, goes when nothing stands in the way. */
static int remove_earlier(struct lc_netlink *netlink, int lo_before[LC_LOOPBACK_SETTINGS],
			  struct lc_error *error)
{
	static const char *const names[] = {CUT_END, CUT, SENDER_END, SENDER};
	int status = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !status; i++)
		status = remove_earlier_link(netlink, names[i], lo_before, error);
	return status;
}

/* Nothing but what programs put there is to be on this pair. */
static int raise_cut(struct lc_netlink *netlink, const struct lc_pair *pair)
{
	int error;

	lc_pair_silence(netlink, pair);
	error = lc_pair_name_end(netlink, pair->second, CUT_END, LC_LINK_ALIAS);
	if (!error)
		error = lc_pair_name_end(netlink, pair->first, CUT, LC_LINK_ALIAS);
	if (error)
		return error;
	lc_sysctl_write("ipv6/conf/" CUT_END "/disable_ipv6", 1);
	lc_sysctl_write("ipv6/conf/" CUT "/disable_ipv6", 1);
	error = lc_pair_raise_end(netlink, pair->second, 0);
	return error ? error : lc_pair_raise_end(netlink, pair->first, 0);
}

/* Names both ends, sets them up, and keeps IPv6 from talking on them. */
static int raise_sender(struct lc_netlink *netlink, const struct lc_pair *pair,
			const int lo_before[LC_LOOPBACK_SETTINGS])
{
	char alias[64];
	int error;

	lc_pair_silence(netlink, pair);
	snprintf(alias, sizeof(alias), END_ALIAS_FORMAT, lo_before[0], lo_before[1]);
	error = lc_pair_name_end(netlink, pair->second, SENDER_END, alias);
	if (!error)
		error = lc_pair_name_end(netlink, pair->first, SENDER, LC_LINK_ALIAS);
	if (error)
		return error;
	lc_sysctl_write("ipv6/conf/" SENDER_END "/disable_ipv6", 1);
	lc_sysctl_write("ipv6/conf/" SENDER "/accept_ra", 0);
	/* A root on 127.0.0.1 may send by it. */
	lc_sysctl_write("ipv4/conf/" SENDER "/route_localnet", 1);
	error = lc_pair_raise_end(netlink, pair->second, 0);
	return error ? error : lc_pair_raise_end(netlink, pair->first, IFF_MULTICAST);
}

static int make_pairs(struct lc_devices *devices, struct lc_netlink *netlink,
		      struct lc_error *error)
{
	uint32_t mtu = 0;
	int status = largest_mtu(netlink, &mtu);

	if (status)
		return lc_fail(error, status, "cannot list the interfaces: %s", strerror(-status));
	status = lc_pair_make(netlink, CUT_KIND, mtu, 1, &devices->cut);
	if (!status)
		status = raise_cut(netlink, &devices->cut);
	if (status)
		return lc_fail(error, status, "cannot make the veth pair %s and %s: %s", CUT,
			       CUT_END, strerror(-status));
	status = lc_pair_make(netlink, SENDER_KIND, mtu, 0, &devices->sender);
	if (!status)
		status = raise_sender(netlink, &devices->sender, devices->lo_before);
	if (status)
		return lc_fail(error, status, "cannot make the veth pair %s and %s: %s", SENDER,
			       SENDER_END, strerror(-status));
	return 0;
}

int lc_devices_make(struct lc_devices *devices, struct lc_netlink *netlink, struct lc_error *error)
{
	struct lc_devices made = LC_NO_DEVICES;
	int status;

	/* Where others have deleted the former ones, lo is still as we made it. */
	memcpy(made.lo_before, devices->lo_before, sizeof(made.lo_before));
	status = remove_earlier(netlink, made.lo_before, error);
	if (!status)
		status = lc_loopback_read(made.lo_before, error);
	if (status)
		return status;
	status = make_pairs(&made, netlink, error);
	if (!status)
		status = lc_pool_lead(netlink, made.sender.first, error);
	if (!status)
		status = lc_loopback_admit(error);
	if (status)
		lc_devices_remove(&made, netlink);
	else
		made.configured = true;
	*devices = made;
	return status;
}

void lc_devices_remove(struct lc_devices *devices, struct lc_netlink *netlink)
{
	lc_pair_remove(netlink, &devices->sender, SENDER_KIND);
	lc_pair_remove(netlink, &devices->cut, CUT_KIND);
	lc_loopback_restore(devices->lo_before);
	*devices = LC_NO_DEVICES;
}

static void follow_mtu(struct lc_devices *devices, struct lc_netlink *netlink, uint32_t current)
{
	uint32_t mtu = 0;

	if (largest_mtu(netlink, &mtu) < 0 || mtu == current)
		return;
	/* lc0 last: what it takes has to fit through the others. */
	lc_pair_set_mtu(netlink, &devices->cut, mtu);
	lc_pair_set_mtu(netlink, &devices->sender, mtu);
}

bool lc_devices_follow(struct lc_devices *devices, struct lc_netlink *netlink)
{
	struct lc_link link;

	if (!devices->sender.first)
		return true;
	if (lc_link_get(netlink, devices->sender.first, NULL, &link) < 0 || !lc_link_is_ours(&link))
		return false;
	follow_mtu(devices, netlink, link.mtu);
	if (!(link.flags & IFF_UP)) {
		devices->configured = false;
		return false;
	}
	if (!devices->configured)
		devices->configured = lc_pool_lead(netlink, devices->sender.first, NULL) == 0;
	return devices->configured;
}
