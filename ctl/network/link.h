/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Links as they are now, and which of them this program has made. */
#ifndef CTL_NETWORK_LINK_H
#define CTL_NETWORK_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "network/alias.h"
#include "network/netlink.h"

struct lc_link {
	uint32_t ifindex;
	unsigned int flags;  /* IFF_ */
	unsigned short type; /* ARPHRD_ */
	uint32_t mtu;
	uint32_t gso_max_segs;
	uint32_t peer; /* the other end of a veth in this network namespace; 0: none here */
	bool has_mac;
	uint8_t mac[6];
	char name[IFNAMSIZ];
	char alias[LC_ALIAS_BYTES];
	char kind[16]; /* "veth", ...; "": a device of its own */
};

/* Fills *link from RTM_NEWLINK or RTM_DELLINK. -EBADMSG. */
int lc_link_parse(struct nlmsghdr *message, struct lc_link *link);
/* By number, or by name if `ifindex` is 0. -ENODEV. */
int lc_link_get(struct lc_netlink *netlink, uint32_t ifindex, const char *name,
		struct lc_link *link);
int lc_link_each(struct lc_netlink *netlink,
		 void (*each)(const struct lc_link *link, void *context), void *context);
/* IFF_UP and running. */
bool lc_link_is_up(const struct lc_link *link);
/* Has the alias that says: made by us. */
bool lc_link_is_ours(const struct lc_link *link);
/* Whether they are the two ends of one veth. */
bool lc_link_are_ends(const struct lc_link *first, const struct lc_link *second);

/* Those that have been up. All zero: none. */
struct lc_links {
	struct lc_known_link *by_ifindex;
};

/* Whether one that had been up before is up again. */
bool lc_links_note(struct lc_links *links, const struct lc_link *link, bool gone);
void lc_links_forget(struct lc_links *links);

#endif
