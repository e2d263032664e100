/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which UDP sockets there are, as ss(8) asks. */
#include "network/internal.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

struct walk {
	void (*each)(void *context, uint64_t cookie);
	void *context;
};

static void on_socket(struct nlmsghdr *answer, void *context)
{
	const struct inet_diag_msg *socket = nlmsg_data(answer);
	const struct walk *walk = context;

	if (answer->nlmsg_type != SOCK_DIAG_BY_FAMILY || !nlmsg_valid_hdr(answer, sizeof(*socket)))
		return;
	walk->each(walk->context,
		   (uint64_t)socket->id.idiag_cookie[1] << 32 | socket->id.idiag_cookie[0]);
}

static int dump(struct lc_netlink *netlink, uint8_t family, struct walk *walk)
{
	const struct inet_diag_req_v2 request = {
		.sdiag_family = family, .sdiag_protocol = IPPROTO_UDP, .idiag_states = UINT32_MAX};

	return lc_netlink_request(
		netlink,
		lc_netlink_message(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request, sizeof(request)),
		on_socket, walk);
}

int lc_network_each_udp_socket(void (*each)(void *context, uint64_t cookie), void *context)
{
	struct walk walk = {each, context};
	struct lc_netlink netlink;
	int error = lc_netlink_open(&netlink, NETLINK_SOCK_DIAG);

	if (error)
		return error;
	error = dump(&netlink, AF_INET, &walk);
	error = error ?: dump(&netlink, AF_INET6, &walk);
	lc_netlink_close(&netlink);
	return error;
}
