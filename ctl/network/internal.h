/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of this module share. */
#ifndef CTL_NETWORK_INTERNAL_H
#define CTL_NETWORK_INTERNAL_H

#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include "network/network.h"

#define LC_SENDER_DEVICE "lc0"
#define LC_SENDER_END	 "lc1"
#define LC_CUT_DEVICE	 "ls0"
#define LC_CUT_END	 "ls1"

/* accept_local, route_localnet: see loopback.c. */
#define LC_LOOPBACK_SETTINGS 2

struct lc_own_devices {
	uint32_t ifindex;	  /* lc0; 0: not made */
	uint32_t end_ifindex;	  /* lc1 */
	uint32_t cut_ifindex;	  /* ls0 */
	uint32_t cut_end_ifindex; /* ls1 */
	bool configured;	  /* addresses and routes are in place: not so after lc0 was down */
	int lo_before[LC_LOOPBACK_SETTINGS]; /* of lo's settings; -1: nothing to put back */
};

struct lc_network {
	struct nl_sock *requests; /* blocking, with a timeout */
	int changes;		  /* nonblocking, subscribed */
	uint32_t loopback_ifindex;
	struct lc_own_devices own;
	void *neighbours; /* tsearch() tree of struct neighbour */
	unsigned int neighbour_count;
};

/* --- request.c: one request and its answer */

/*
 * Sends `message` (consumed) and hands each answer to `on_answer` (may be
 * NULL). Returns 0, the kernel's negative errno, or -ETIMEDOUT after a second.
 */
int lc_netlink_request(struct lc_network *network, struct nl_msg *message,
		       void (*on_answer)(struct nlmsghdr *answer, void *context), void *context);
/* A message with its fixed header; NULL: no memory. */
struct nl_msg *lc_netlink_message(int type, int flags, const void *header, size_t length);
int lc_netlink_open_requests(struct nl_sock **requests);

/* --- link.c */

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
int lc_link_get(struct lc_network *network, uint32_t ifindex, const char *name,
		struct lc_link *link);
int lc_link_each(struct lc_network *network,
		 void (*each)(const struct lc_link *link, void *context), void *context);
/* IFF_UP and running. */
bool lc_link_is_up(const struct lc_link *link);
/* Has the alias that says: made by us. */
bool lc_link_is_ours(const struct lc_link *link);

/* --- device.c */

/* Removes the pairs and puts lo's settings back, whatever of that there is to do. */
void lc_devices_remove(struct lc_network *network);
/*
 * After links changed: MTU as the others', and addresses and routes again
 * after lc0 was down. False: it was made and is gone or down.
 */
bool lc_devices_follow(struct lc_network *network);
/* Whether the interface is lc0, lc1, ls0 or ls1. */
bool lc_device_is_own(const struct lc_network *network, uint32_t ifindex);

/* --- address.c: what lc0 needs to carry the pool */

int lc_devices_configure(struct lc_network *network, struct lc_error *error);

/* --- sysctl.c: /proc/sys/net as this process sees it. `path` is relative to it. */

int lc_sysctl_read(const char *path, int *value);
int lc_sysctl_write(const char *path, int value);

/* --- neighbour.c */

struct lc_next_hop {
	uint32_t ifindex;
	int af; /* of the next hop: may differ from the destination's */
	uint8_t address[16];
};

/*
 * The neighbour's MAC address. -ENOENT: not known; it is being asked for. The
 * neighbour is watched from now on: see lc_neighbour_changed().
 */
int lc_neighbour_find(struct lc_network *network, const struct lc_next_hop *hop, uint8_t mac[6]);
/* Judges RTM_NEWNEIGH and RTM_DELNEIGH: whether they mean anything to paths given out. */
bool lc_neighbour_changed(struct lc_network *network, struct nlmsghdr *message);
/* Before all paths are asked for anew: if too many are watched, starts afresh with those. */
void lc_neighbours_limit(struct lc_network *network);
void lc_neighbours_forget(struct lc_network *network);

/* --- watch.c */

int lc_watch_open(int *changes);

/* loopback.c. Reads what is negative in `values`. */
int lc_loopback_read(int values[LC_LOOPBACK_SETTINGS], struct lc_error *error);
int lc_loopback_admit(struct lc_error *error);
/* Negative ones stay as they are. */
void lc_loopback_restore(const int values[LC_LOOPBACK_SETTINGS]);

#endif
