/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/change.h"

#include <string.h>

#include "core/endpoint.h"

static bool is_same_hop(const struct lc_next_hop *one, const struct lc_next_hop *other)
{
	return one->ifindex == other->ifindex && one->af == other->af &&
	       memcmp(one->address, other->address, sizeof(one->address)) == 0;
}

static bool is_same(const struct lc_change *one, const struct lc_change *other)
{
	return one->kind == other->kind && one->ifindex == other->ifindex &&
	       one->bits == other->bits && one->gone == other->gone &&
	       one->address.family == other->address.family &&
	       lc_address_equal(&one->address, &other->address) &&
	       is_same_hop(&one->next, &other->next);
}

void lc_changes_add(struct lc_changes *changes, const struct lc_change *change)
{
	if (changes->all)
		return;
	for (unsigned int i = 0; i < changes->count; i++)
		if (is_same(&changes->list[i], change))
			return;
	if (changes->count == LC_CHANGES_MOST)
		changes->all = true;
	else
		changes->list[changes->count++] = *change;
}

static bool covers(const struct lc_change *route, const struct lc_endpoint *to)
{
	const uint8_t *prefix = (const uint8_t *)route->address.addr;
	const uint8_t *address = (const uint8_t *)to->addr;
	unsigned int bytes = route->bits / 8, rest = route->bits % 8;

	if (route->address.family != to->family || memcmp(prefix, address, bytes) != 0)
		return false;
	return rest == 0 || (prefix[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

static bool is_about(const struct lc_change *change, const struct lc_endpoint *endpoint)
{
	return change->address.family == endpoint->family &&
	       lc_address_equal(&change->address, endpoint);
}

static bool concerns(const struct lc_change *change, const struct lc_path_facts *facts)
{
	/* The kernel takes routes away with a link or an address and does not say which. */
	switch (change->kind) {
	case LC_CHANGE_LINK:
		return !facts->ifindex || change->ifindex == facts->ifindex ||
		       (facts->query.by.device && change->ifindex == facts->query.by.device);
	case LC_CHANGE_ADDRESS:
		if (change->address.family != facts->query.to.family)
			return false;
		/* Routes that prefer it as their source go with it, too. */
		return change->gone || !facts->ifindex || change->ifindex == facts->ifindex ||
		       is_about(change, &facts->query.from) || is_about(change, &facts->query.to) ||
		       is_about(change, &facts->path.source);
	case LC_CHANGE_ROUTE:
		/* Whether the source is ours is a matter of routes, too. */
		return covers(change, &facts->query.to) || covers(change, &facts->query.from);
	case LC_CHANGE_NEIGHBOUR:
		return is_same_hop(&change->next, &facts->next);
	}
	return true;
}

bool lc_changes_concern(const struct lc_changes *changes, const struct lc_path_facts *facts)
{
	if (changes->all)
		return true;
	for (unsigned int i = 0; i < changes->count; i++)
		if (concerns(&changes->list[i], facts))
			return true;
	return false;
}
