/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * One request to the kernel and its answer. libnl folds the kernel's errors into
 * its own, fewer ones; here they are kept, since a route lookup answers by them.
 */
#ifndef CTL_NETWORK_NETLINK_H
#define CTL_NETWORK_NETLINK_H

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stddef.h>

struct lc_netlink {
	struct nl_sock *socket; /* blocking, with a timeout */
	int protocol;
};

/* `protocol` as of netlink(7): NETLINK_ROUTE. */
int lc_netlink_open(struct lc_netlink *netlink, int protocol);
void lc_netlink_close(struct lc_netlink *netlink);

/* A message with its fixed header; NULL: no memory. */
struct nl_msg *lc_netlink_message(int type, int flags, const void *header, size_t length);
/*
 * Sends `message` (consumed; NULL is -ENOMEM) and hands each answer to
 * `on_answer` (may be NULL). Returns 0, the kernel's negative errno, or
 * -ETIMEDOUT after a second.
 */
int lc_netlink_request(struct lc_netlink *netlink, struct nl_msg *message,
		       void (*on_answer)(struct nlmsghdr *answer, void *context), void *context);

#endif
