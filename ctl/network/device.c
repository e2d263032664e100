/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A pair is born under names of this process alone and gets name and alias
 * in one message, so a daemon killed halfway never leaves an lc0 that its
 * successor must take for somebody else's. Each later step is taken only where
 * it is not done yet, so that what is whole goes on undisturbed and what is not
 * becomes so.
 */
#include "network/device.h"

#include <errno.h>
#include <string.h>

#include "network/alias.h"
#include "network/link.h"
#include "network/loopback.h"
#include "network/pool.h"
#include "network/sysctl.h"

#define SENDER	   "lc0"
#define SENDER_END "lc1"
#define CUT	   "ls0" /* on the way from here, super-packets are cut up */
#define CUT_END	   "ls1"

static const struct lc_pair_names sender_names = {SENDER, SENDER_END};
static const struct lc_pair_names cut_names = {CUT, CUT_END};

#define MTU_WITHOUT_LINKS 1500
#define MTU_LEAST	  1280	/* below, IPv6 stops */
#define MTU_MOST	  65535 /* of a veth */
#define CUT_SEGMENTS	  1

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

/* What they are already is not touched. lc0 last: what it takes has to fit through the others. */
static void set_mtu(const struct lc_devices *devices, struct lc_netlink *netlink, uint32_t mtu)
{
	lc_pair_set_mtu(netlink, &devices->cut, mtu);
	lc_pair_set_mtu(netlink, &devices->sender, mtu);
}

static int name_cut(struct lc_netlink *netlink, const struct lc_pair *pair, const char *alias)
{
	int error;

	lc_pair_silence(netlink, pair);
	error = lc_pair_name_end(netlink, pair->second, CUT_END, alias);
	return error ? error : lc_pair_name_end(netlink, pair->first, CUT, alias);
}

/* Nothing but what programs put there is to be on this pair. */
static int raise_cut(struct lc_netlink *netlink, const struct lc_pair *pair)
{
	int error = lc_pair_set_gso_max_segs(netlink, pair->first, CUT_SEGMENTS);

	if (error)
		return error;
	lc_sysctl_set("ipv6/conf/" CUT_END "/disable_ipv6", 1);
	lc_sysctl_set("ipv6/conf/" CUT "/disable_ipv6", 1);
	error = lc_pair_raise_end(netlink, pair->second, 0);
	return error ? error : lc_pair_raise_end(netlink, pair->first, 0);
}

/* Keeps IPv6 from talking on both ends by itself. */
static int name_sender(struct lc_netlink *netlink, const struct lc_pair *pair, const char *alias)
{
	int error;

	lc_pair_silence(netlink, pair);
	error = lc_pair_name_end(netlink, pair->second, SENDER_END, alias);
	return error ? error : lc_pair_name_end(netlink, pair->first, SENDER, alias);
}

static int raise_sender(struct lc_netlink *netlink, const struct lc_pair *pair)
{
	int error;

	lc_sysctl_set("ipv6/conf/" SENDER_END "/disable_ipv6", 1);
	lc_sysctl_set("ipv6/conf/" SENDER "/accept_ra", 0);
	/* A root on 127.0.0.1 may send by it. */
	lc_sysctl_set("ipv4/conf/" SENDER "/route_localnet", 1);
	error = lc_pair_raise_end(netlink, pair->second, 0);
	return error ? error : lc_pair_raise_end(netlink, pair->first, IFF_MULTICAST);
}

static int cannot_make(struct lc_error *error, int status, const struct lc_pair_names *names)
{
	return lc_fail(error, status, "cannot make the veth pair %s and %s: %s", names->first,
		       names->second, strerror(-status));
}

/* Sets numbers in `made` of what is new, for who has to remove it again. */
static int find_or_make_cut(struct lc_pair *cut, struct lc_pair *made, struct lc_netlink *netlink,
			    uint32_t mtu, const char *alias, struct lc_error *error)
{
	int status = lc_pair_adopt(netlink, &cut_names, cut, error);

	if (status && status != -ENODEV)
		return status;
	if (!status) {
		status = lc_pair_set_alias(netlink, cut, alias);
	} else {
		status = lc_pair_make(netlink, &cut_names, mtu, CUT_SEGMENTS, made);
		*cut = *made;
		if (!status)
			status = name_cut(netlink, cut, alias);
	}
	if (!status)
		status = raise_cut(netlink, cut);
	return status ? cannot_make(error, status, &cut_names) : 0;
}

static int find_or_make_sender(struct lc_pair *sender, struct lc_pair *made,
			       struct lc_netlink *netlink, uint32_t mtu, const char *alias,
			       struct lc_error *error)
{
	int status = lc_pair_adopt(netlink, &sender_names, sender, error);

	if (status && status != -ENODEV)
		return status;
	if (!status) {
		status = lc_pair_set_alias(netlink, sender, alias);
	} else {
		status = lc_pair_make(netlink, &sender_names, mtu, 0, made);
		*sender = *made;
		if (!status)
			status = name_sender(netlink, sender, alias);
	}
	if (!status)
		status = raise_sender(netlink, sender);
	return status ? cannot_make(error, status, &sender_names) : 0;
}

/* Looks for what is somebody else's before anything is touched. */
static int clear_names(struct lc_netlink *netlink, struct lc_error *error)
{
	int status = lc_pair_check_names(netlink, &sender_names, error);

	if (!status)
		status = lc_pair_check_names(netlink, &cut_names, error);
	if (status)
		return status;
	status = lc_pair_sweep(netlink, &sender_names, false);
	if (status >= 0)
		status = lc_pair_sweep(netlink, &cut_names, false);
	return status >= 0 ? 0
			   : lc_fail(error, status, "cannot remove half-made interfaces: %s",
				     strerror(-status));
}

static int find_or_make(struct lc_devices *devices, struct lc_netlink *netlink, uint32_t mtu,
			const char *alias, struct lc_error *error)
{
	int status = find_or_make_cut(&devices->cut, &devices->made_cut, netlink, mtu, alias,
				      error);

	if (!status)
		status = find_or_make_sender(&devices->sender, &devices->made_sender, netlink, mtu,
					     alias, error);
	if (!status)
		status = lc_pool_lead(netlink, devices->sender.first, error);
	return status ? status : lc_loopback_admit(error);
}

int lc_devices_make(struct lc_devices *devices, struct lc_netlink *netlink,
		    const struct lc_host_before *before, const char *bpf_dir,
		    struct lc_error *error)
{
	struct lc_devices found = {0};
	char alias[LC_ALIAS_BYTES];
	uint32_t mtu = 0;
	int status = lc_alias_format(alias, before, bpf_dir);

	if (status)
		return lc_fail(error, status,
			       "the name of the directory of the pins is %s for the alias of an "
			       "interface",
			       status == -ENAMETOOLONG ? "too long" : "not fit");
	status = clear_names(netlink, error);
	if (status)
		return status;
	status = largest_mtu(netlink, &mtu);
	if (status)
		return lc_fail(error, status, "cannot list the interfaces: %s", strerror(-status));
	status = find_or_make(&found, netlink, mtu, alias, error);
	if (status) {
		lc_devices_unmake(&found, netlink);
		return status;
	}
	found.configured = true;
	*devices = found;
	set_mtu(devices, netlink, mtu);
	return 0;
}

void lc_devices_unmake(struct lc_devices *devices, struct lc_netlink *netlink)
{
	lc_pair_remove(netlink, &devices->made_sender);
	lc_pair_remove(netlink, &devices->made_cut);
	*devices = (struct lc_devices){0};
}

int lc_devices_remove(struct lc_netlink *netlink, struct lc_error *error)
{
	int cut = lc_pair_sweep(netlink, &cut_names, true);
	int sender = cut < 0 ? cut : lc_pair_sweep(netlink, &sender_names, true);

	if (sender < 0)
		return lc_fail(error, sender, "cannot remove interfaces: %s", strerror(-sender));
	return cut + sender;
}

struct list {
	void (*each)(void *context, const struct lc_alias *alias);
	void *context;
};

static void read_alias(const struct lc_link *link, void *context)
{
	const struct list *list = context;
	struct lc_alias alias;

	if (strcmp(link->kind, "veth") == 0 && lc_alias_parse(link->alias, &alias))
		list->each(list->context, &alias);
}

int lc_devices_each_alias(struct lc_netlink *netlink,
			  void (*each)(void *context, const struct lc_alias *alias), void *context)
{
	struct list list = {each, context};

	return lc_link_each(netlink, read_alias, &list);
}

static void follow_mtu(struct lc_devices *devices, struct lc_netlink *netlink)
{
	uint32_t mtu = 0;

	if (largest_mtu(netlink, &mtu) == 0)
		set_mtu(devices, netlink, mtu);
}

bool lc_devices_follow(struct lc_devices *devices, struct lc_netlink *netlink)
{
	struct lc_link link;

	if (!devices->sender.first)
		return true;
	if (lc_link_get(netlink, devices->sender.first, NULL, &link) < 0 || !lc_link_is_ours(&link))
		return false;
	follow_mtu(devices, netlink);
	if (!(link.flags & IFF_UP)) {
		devices->configured = false;
		return false;
	}
	if (!devices->configured)
		devices->configured = lc_pool_lead(netlink, devices->sender.first, NULL) == 0;
	return devices->configured;
}
