/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What notifications say has changed, gathered until paths are looked up again,
 * and which of them each may have to do with: so that what changes elsewhere on
 * the host costs nothing per member. Pure.
 */
#ifndef CTL_NETWORK_CHANGE_H
#define CTL_NETWORK_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/path.h"

struct lc_next_hop {
	uint32_t ifindex;
	int af; /* of the next hop: may differ from the destination's */
	uint8_t address[16];
};

enum lc_change_kind {
	LC_CHANGE_LINK,	     /* `ifindex`: its state, MTU, MAC address; or it is gone */
	LC_CHANGE_ADDRESS,   /* `address` of the host itself came, or went (`gone`) */
	LC_CHANGE_ROUTE,     /* to `address`/`bits`, in whatever table */
	LC_CHANGE_NEIGHBOUR, /* `next` */
};

struct lc_change {
	enum lc_change_kind kind;
	uint32_t ifindex;
	struct lc_endpoint address;
	unsigned int bits;
	bool gone;
	struct lc_next_hop next;
};

/* More than these, and everything may have changed. */
#define LC_CHANGES_MOST 32

struct lc_changes {
	bool all; /* rules, next hop objects, news that were lost */
	unsigned int count;
	struct lc_change list[LC_CHANGES_MOST];
};

/* One that is in it already is not added again. */
void lc_changes_add(struct lc_changes *changes, const struct lc_change *change);

/* What a path was when it was looked up. */
struct lc_path_facts {
	struct lc_path_query query;
	struct lc_path path;
	uint32_t ifindex;	 /* that its route takes, usable or not; 0: it has none */
	struct lc_next_hop next; /* ifindex 0: it needs no neighbour */
};

/* Whether the path may be another one now. */
bool lc_changes_concern(const struct lc_changes *changes, const struct lc_path_facts *facts);

#endif
