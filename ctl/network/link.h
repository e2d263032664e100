/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Links as they are now, and which of them this program has made. */
#ifndef CTL_NETWORK_LINK_H
#define CTL_NETWORK_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "network/netlink.h"

/* The alias of every device we make; after a space more may follow. */
#define LC_LINK_ALIAS "leafcast"

struct lc_link {
	uint32_t ifindex;
	unsigned int flags;  /* IFF_ */
	unsigned short type; /* ARPHRD_ */
	uint32_t mtu;
	bool has_mac;
	uint8_t mac[6];
	char name[IFNAMSIZ];
	char alias[64];
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

#endif
