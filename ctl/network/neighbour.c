/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/neighbour.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "abi/records.h"

/* Above the number of leaves: only then are watched ones forgotten. */
#define MAX_WATCHED (4 * LC_MAX_LEAVES)

#define USABLE (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

struct neighbour {
	struct lc_next_hop hop; /* the key; no padding: see by_hop() */
	uint16_t state;		/* NUD_ */
	bool usable;
	uint8_t mac[6]; /* zero unless usable */
};

static size_t address_length(int af)
{
	return af == AF_INET ? 4 : 16;
}

static int by_hop(const void *a, const void *b)
{
	const struct neighbour *one = a, *two = b;

	_Static_assert(sizeof(one->hop) == sizeof(uint32_t) + sizeof(int) + 16, "padding");
	return memcmp(&one->hop, &two->hop, sizeof(one->hop));
}

/* False: about something else than a neighbour's link-layer address. */
static bool parse(struct nlmsghdr *message, struct neighbour *neighbour)
{
	const struct ndmsg *header = nlmsg_data(message);
	struct nlattr *attributes[NDA_MAX + 1];
	struct nlattr *mac;
	size_t length;

	if (nlmsg_parse(message, sizeof(*header), attributes, NDA_MAX, NULL) < 0)
		return false;
	if (header->ndm_family != AF_INET && header->ndm_family != AF_INET6)
		return false;
	length = address_length(header->ndm_family);
	if (!attributes[NDA_DST] || nla_len(attributes[NDA_DST]) != (int)length)
		return false;
	memset(neighbour, 0, sizeof(*neighbour));
	neighbour->hop.ifindex = (uint32_t)header->ndm_ifindex;
	neighbour->hop.af = header->ndm_family;
	memcpy(neighbour->hop.address, nla_data(attributes[NDA_DST]), length);
	neighbour->state = header->ndm_state;
	mac = attributes[NDA_LLADDR];
	if (message->nlmsg_type == RTM_NEWNEIGH && (header->ndm_state & USABLE) && mac &&
	    nla_len(mac) == sizeof(neighbour->mac)) {
		neighbour->usable = true;
		memcpy(neighbour->mac, nla_data(mac), sizeof(neighbour->mac));
	}
	return true;
}

static struct nl_msg *message_about(int type, int flags, const struct lc_next_hop *hop,
				    struct ndmsg header)
{
	struct nl_msg *message;

	header.ndm_family = (unsigned char)hop->af;
	header.ndm_ifindex = (int)hop->ifindex;
	message = lc_netlink_message(type, flags, &header, sizeof(header));
	if (message && nla_put(message, NDA_DST, (int)address_length(hop->af), hop->address) < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

/* Makes the kernel resolve or verify it. Failing is no news: the neighbour just stays unusable. */
static void ask(struct lc_netlink *netlink, const struct lc_next_hop *hop)
{
	const struct ndmsg header = {.ndm_state = NUD_NONE, .ndm_flags = NTF_USE};

	lc_netlink_request(netlink,
			   message_about(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, hop, header),
			   NULL, NULL);
}

/* Remembers what was given out, to judge notifications by. */
static void watch(struct lc_neighbours *neighbours, const struct neighbour *neighbour)
{
	struct neighbour *copy = malloc(sizeof(*copy));
	struct neighbour **entry;

	if (!copy)
		return;
	*copy = *neighbour;
	entry = tsearch(copy, &neighbours->tree, by_hop);
	/* One that is watched stays as it was: its notification is under way, and others look for the change in that. */
	if (entry && *entry == copy)
		neighbours->count++;
	else
		free(copy);
}

static void take_one(struct nlmsghdr *answer, void *context)
{
	struct neighbour parsed, *found = context;

	if (answer->nlmsg_type == RTM_NEWNEIGH && parse(answer, &parsed) &&
	    by_hop(&parsed, found) == 0)
		*found = parsed;
}

int lc_neighbours_find(struct lc_neighbours *neighbours, struct lc_netlink *netlink,
		       const struct lc_next_hop *hop, uint8_t mac[6])
{
	const struct ndmsg header = {0};
	struct neighbour found = {.hop = *hop};
	int error = lc_netlink_request(netlink, message_about(RTM_GETNEIGH, 0, hop, header),
				       take_one, &found);

	if (error && error != -ENOENT)
		return error;
	if (neighbours->count <= MAX_WATCHED)
		watch(neighbours, &found);
	if (!found.usable || found.state == NUD_STALE)
		ask(netlink, hop);
	if (!found.usable)
		return -ENOENT;
	memcpy(mac, found.mac, sizeof(found.mac));
	return 0;
}

void lc_neighbours_judge(struct lc_neighbours *neighbours, struct lc_netlink *netlink,
			 struct nlmsghdr *message, struct lc_changes *changes)
{
	struct lc_change change = {.kind = LC_CHANGE_NEIGHBOUR};
	struct neighbour now, **entry;
	bool changed;

	if (!parse(message, &now))
		return;
	change.next = now.hop;
	entry = tfind(&now, &neighbours->tree, by_hop);
	if (!entry) {
		/* Paths were given out that are not watched: every notification counts. */
		if (neighbours->count > MAX_WATCHED)
			lc_changes_add(changes, &change);
		return;
	}
	changed = (*entry)->usable != now.usable ||
		  memcmp((*entry)->mac, now.mac, sizeof(now.mac)) != 0;
	**entry = now;
	if (now.usable && now.state == NUD_STALE)
		ask(netlink, &now.hop);
	/* The kernel has given up: whoever still wants the path must ask again. */
	if (changed || now.state == NUD_FAILED)
		lc_changes_add(changes, &change);
}

bool lc_neighbours_limit(struct lc_neighbours *neighbours)
{
	if (neighbours->count <= MAX_WATCHED)
		return false;
	lc_neighbours_forget(neighbours);
	return true;
}

void lc_neighbours_forget(struct lc_neighbours *neighbours)
{
	tdestroy(neighbours->tree, free);
	neighbours->tree = NULL;
	neighbours->count = 0;
}
