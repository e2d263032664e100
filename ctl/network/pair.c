/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/pair.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "network/link.h"

static int delete_link(struct lc_netlink *netlink, uint32_t ifindex)
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

static int set_alias(struct lc_netlink *netlink, uint32_t ifindex, const char *alias)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *message;
	struct lc_link link;

	if (lc_link_get(netlink, ifindex, NULL, &link) == 0 && strcmp(link.alias, alias) == 0)
		return 0;
	message = lc_netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));
	if (message && nla_put(message, IFLA_IFALIAS, (int)strlen(alias), alias) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	return lc_netlink_request(netlink, message, NULL, NULL);
}

int lc_pair_set_alias(struct lc_netlink *netlink, const struct lc_pair *pair, const char *alias)
{
	int error = set_alias(netlink, pair->second, alias);

	return error ? error : set_alias(netlink, pair->first, alias);
}

int lc_pair_raise_end(struct lc_netlink *netlink, uint32_t ifindex, unsigned int flags)
{
	const struct ifinfomsg header = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = (int)ifindex,
		.ifi_flags = IFF_UP | flags,
		.ifi_change = IFF_UP | flags,
	};
	struct lc_link link;

	if (lc_link_get(netlink, ifindex, NULL, &link) == 0 &&
	    (link.flags & header.ifi_flags) == header.ifi_flags)
		return 0;
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

static int set_number(struct lc_netlink *netlink, uint32_t ifindex, int attribute, uint32_t value)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *message = lc_netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));

	if (message && nla_put_u32(message, attribute, value) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	return lc_netlink_request(netlink, message, NULL, NULL);
}

static int set_mtu(struct lc_netlink *netlink, uint32_t ifindex, uint32_t mtu)
{
	struct lc_link link;

	if (lc_link_get(netlink, ifindex, NULL, &link) == 0 && link.mtu == mtu)
		return 0;
	return set_number(netlink, ifindex, IFLA_MTU, mtu);
}

int lc_pair_set_mtu(struct lc_netlink *netlink, const struct lc_pair *pair, uint32_t mtu)
{
	int error = set_mtu(netlink, pair->second, mtu);

	/* What the first takes has to fit through the second. */
	return error ? error : set_mtu(netlink, pair->first, mtu);
}

int lc_pair_set_gso_max_segs(struct lc_netlink *netlink, uint32_t ifindex, uint32_t gso_max_segs)
{
	struct lc_link link;

	if (lc_link_get(netlink, ifindex, NULL, &link) == 0 && link.gso_max_segs == gso_max_segs)
		return 0;
	return set_number(netlink, ifindex, IFLA_GSO_MAX_SEGS, gso_max_segs);
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

int lc_pair_make(struct lc_netlink *netlink, const struct lc_pair_names *names, uint32_t mtu,
		 uint32_t gso_max_segs, struct lc_pair *pair)
{
	struct lc_link first, second;
	char name[IFNAMSIZ], end_name[IFNAMSIZ];
	int error;

	snprintf(name, sizeof(name), "%s.%d", names->first, (int)getpid());
	snprintf(end_name, sizeof(end_name), "%s.%d", names->second, (int)getpid());
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

void lc_pair_remove(struct lc_netlink *netlink, const struct lc_pair *pair)
{
	if (pair->first)
		delete_link(netlink, pair->first);
}

/* ---- what earlier daemons left ---- */

/* 0 with ifindex 0: there is none of that name. */
static int find_end(struct lc_netlink *netlink, const char *name, struct lc_link *link,
		    struct lc_error *error)
{
	int status;

	*link = (struct lc_link){0};
	status = lc_link_get(netlink, 0, name, link);
	if (status == -ENODEV)
		return 0;
	if (status)
		return lc_fail(error, status, "cannot look for %s: %s", name, strerror(-status));
	if (!lc_link_is_ours(link))
		return lc_fail(error, -EEXIST, "there is an interface %s that is not leafcast's",
			       name);
	return 0;
}

int lc_pair_check_names(struct lc_netlink *netlink, const struct lc_pair_names *names,
			struct lc_error *error)
{
	struct lc_link link;
	int status = find_end(netlink, names->first, &link, error);

	return status ? status : find_end(netlink, names->second, &link, error);
}

static int remove_end(struct lc_netlink *netlink, const struct lc_link *link,
		      struct lc_error *error)
{
	int status = link->ifindex ? delete_link(netlink, link->ifindex) : 0;

	if (status && status != -ENODEV)
		return lc_fail(error, status, "cannot remove the old %s: %s", link->name,
			       strerror(-status));
	return 0;
}

int lc_pair_adopt(struct lc_netlink *netlink, const struct lc_pair_names *names,
		  struct lc_pair *pair, struct lc_error *error)
{
	struct lc_link first, second;
	int status = find_end(netlink, names->first, &first, error);

	if (!status)
		status = find_end(netlink, names->second, &second, error);
	if (status)
		return status;
	if (first.ifindex && second.ifindex && lc_link_are_ends(&first, &second)) {
		*pair = (struct lc_pair){first.ifindex, second.ifindex};
		return 0;
	}
	status = remove_end(netlink, &second, error);
	if (!status)
		status = remove_end(netlink, &first, error);
	return status ? status : -ENODEV;
}

#define FOUND_AT_ONCE 32

struct found {
	const struct lc_pair_names *names;
	bool named_too;
	unsigned int count;
	struct lc_link links[FOUND_AT_ONCE];
};

/* The number that stands after the name an end is to get; 0: it is called otherwise. */
static int number_at_birth(const struct lc_link *link, const char *name)
{
	size_t length = strlen(name);

	return strncmp(link->name, name, length) == 0 && link->name[length] == '.'
		       ? atoi(link->name + length + 1)
		       : 0;
}

static bool is_unnamed(const struct lc_link *link, const struct lc_pair_names *names)
{
	return !link->alias[0] &&
	       (number_at_birth(link, names->first) || number_at_birth(link, names->second));
}

static void note_ours(const struct lc_link *link, void *context)
{
	struct found *found = context;

	if (found->count < FOUND_AT_ONCE && strcmp(link->kind, "veth") == 0 &&
	    (is_unnamed(link, found->names) || (found->named_too && lc_link_is_ours(link))))
		found->links[found->count++] = *link;
}

/* Both ends as they are born, by one process: nobody else makes such a pair. */
static bool is_born(const struct found *found, const struct lc_link *link)
{
	for (unsigned int i = 0; i < found->count; i++) {
		const struct lc_link *other = &found->links[i];
		int first = number_at_birth(link, found->names->first);
		int second = number_at_birth(link, found->names->second);

		if (lc_link_are_ends(link, other) &&
		    (first ? first == number_at_birth(other, found->names->second)
			   : second == number_at_birth(other, found->names->first)))
			return true;
	}
	return false;
}

/* Of so many as fit. */
static int sweep_some(struct lc_netlink *netlink, struct found *found)
{
	int removed = 0, error = lc_link_each(netlink, note_ours, found);

	for (unsigned int i = 0; i < found->count && !error; i++) {
		if (!lc_link_is_ours(&found->links[i]) && !is_born(found, &found->links[i]))
			continue;
		error = delete_link(netlink, found->links[i].ifindex);
		if (!error || error == -ENODEV) /* it went with its other end */
			removed++, error = 0;
	}
	return error ? error : removed;
}

int lc_pair_sweep(struct lc_netlink *netlink, const struct lc_pair_names *names, bool named_too)
{
	int removed = 0, some;

	do {
		struct found found = {.names = names, .named_too = named_too};

		some = sweep_some(netlink, &found);
		if (some < 0)
			return some;
		removed += some;
	} while (some);
	return removed;
}
