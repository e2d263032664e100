/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct list {
	void (*each)(const struct lc_link *link, void *context);
	void *context;
};

static void parse_kind(struct nlattr *info, struct lc_link *link)
{
	struct nlattr *attributes[IFLA_INFO_MAX + 1];

	if (nla_parse_nested(attributes, IFLA_INFO_MAX, info, NULL) == 0 &&
	    attributes[IFLA_INFO_KIND])
		nla_strlcpy(link->kind, attributes[IFLA_INFO_KIND], sizeof(link->kind));
}

int lc_link_parse(struct nlmsghdr *message, struct lc_link *link)
{
	const struct ifinfomsg *info = nlmsg_data(message);
	struct nlattr *attributes[IFLA_MAX + 1];

	if (nlmsg_parse(message, sizeof(*info), attributes, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	*link = (struct lc_link){
		.ifindex = (uint32_t)info->ifi_index,
		.flags = info->ifi_flags,
		.type = info->ifi_type,
	};
	if (attributes[IFLA_MTU])
		link->mtu = nla_get_u32(attributes[IFLA_MTU]);
	if (attributes[IFLA_GSO_MAX_SEGS])
		link->gso_max_segs = nla_get_u32(attributes[IFLA_GSO_MAX_SEGS]);
	/* Where it is in another namespace, the number is that one's. */
	if (attributes[IFLA_LINK] && !attributes[IFLA_LINK_NETNSID])
		link->peer = nla_get_u32(attributes[IFLA_LINK]);
	if (attributes[IFLA_LINKINFO])
		parse_kind(attributes[IFLA_LINKINFO], link);
	if (attributes[IFLA_ADDRESS] && nla_len(attributes[IFLA_ADDRESS]) == sizeof(link->mac)) {
		memcpy(link->mac, nla_data(attributes[IFLA_ADDRESS]), sizeof(link->mac));
		link->has_mac = true;
	}
	if (attributes[IFLA_IFNAME])
		nla_strlcpy(link->name, attributes[IFLA_IFNAME], sizeof(link->name));
	if (attributes[IFLA_IFALIAS])
		nla_strlcpy(link->alias, attributes[IFLA_IFALIAS], sizeof(link->alias));
	return 0;
}

static struct nl_msg *get_message(int flags, uint32_t ifindex, const char *name)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *message = lc_netlink_message(RTM_GETLINK, flags, &info, sizeof(info));

	if (!message)
		return NULL;
	/* Statistics are most of the answer and most of its cost. */
	if (nla_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0 ||
	    (name && nla_put_string(message, IFLA_IFNAME, name) < 0)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static void take_one(struct nlmsghdr *answer, void *context)
{
	struct lc_link *link = context;

	if (answer->nlmsg_type == RTM_NEWLINK && lc_link_parse(answer, link) < 0)
		link->ifindex = 0;
}

int lc_link_get(struct lc_netlink *netlink, uint32_t ifindex, const char *name,
		struct lc_link *link)
{
	struct lc_link found = {0};
	struct nl_msg *message = get_message(0, ifindex, ifindex ? NULL : name);
	int error = lc_netlink_request(netlink, message, take_one, &found);

	if (error)
		return error;
	if (!found.ifindex)
		return -ENODEV;
	*link = found;
	return 0;
}

static void take_each(struct nlmsghdr *answer, void *context)
{
	const struct list *list = context;
	struct lc_link link;

	if (answer->nlmsg_type == RTM_NEWLINK && lc_link_parse(answer, &link) == 0)
		list->each(&link, list->context);
}

int lc_link_each(struct lc_netlink *netlink,
		 void (*each)(const struct lc_link *link, void *context), void *context)
{
	struct list list = {each, context};

	return lc_netlink_request(netlink, get_message(NLM_F_DUMP, 0, NULL), take_each, &list);
}

bool lc_link_is_up(const struct lc_link *link)
{
	return (link->flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

bool lc_link_is_ours(const struct lc_link *link)
{
	struct lc_alias ignored;

	return lc_alias_parse(link->alias, &ignored);
}

bool lc_link_are_ends(const struct lc_link *first, const struct lc_link *second)
{
	return strcmp(first->kind, "veth") == 0 && strcmp(second->kind, "veth") == 0 &&
	       first->peer == second->ifindex && second->peer == first->ifindex;
}

/* ---- which have been up ---- */

struct lc_known_link {
	uint32_t ifindex;
	bool is_up;
	UT_hash_handle by_ifindex;
};

static void forget(struct lc_links *links, struct lc_known_link *known)
{
	HASH_DELETE(by_ifindex, links->by_ifindex, known);
	free(known);
}

/* Without memory for it, its return is seen by looking again only. */
static void add(struct lc_links *links, uint32_t ifindex)
{
	struct lc_known_link *known = calloc(1, sizeof(*known)), *added;

	if (!known)
		return;
	known->ifindex = ifindex;
	known->is_up = true;
	HASH_ADD(by_ifindex, links->by_ifindex, ifindex, sizeof(ifindex), known);
	HASH_FIND(by_ifindex, links->by_ifindex, &ifindex, sizeof(ifindex), added);
	if (!added)
		free(known);
}

bool lc_links_note(struct lc_links *links, const struct lc_link *link, bool gone)
{
	struct lc_known_link *known;
	bool is_up = lc_link_is_up(link), was_up;

	HASH_FIND(by_ifindex, links->by_ifindex, &link->ifindex, sizeof(link->ifindex), known);
	if (known && gone)
		forget(links, known);
	else if (!known && !gone && is_up)
		add(links, link->ifindex);
	if (!known || gone)
		return false;
	was_up = known->is_up;
	known->is_up = is_up;
	return is_up && !was_up;
}

void lc_links_forget(struct lc_links *links)
{
	struct lc_known_link *known, *next;

	HASH_ITER(by_ifindex, links->by_ifindex, known, next)
	forget(links, known);
}
