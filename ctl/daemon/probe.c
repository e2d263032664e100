/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/probe.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/endpoint.h"

static int prober(int family, uint32_t ifindex)
{
	struct ip_mreqn on = {.imr_ifindex = (int)ifindex};
	int index = (int)ifindex, none = 0, error = 0;
	int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (descriptor < 0)
		return -errno;
	if (family == AF_INET)
		error = setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &on, sizeof(on))
				?: setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_LOOP, &none,
					      sizeof(none));
	else
		error = setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index,
				   sizeof(index))
				?: setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &none,
					      sizeof(none));
	if (error) {
		error = -errno;
		close(descriptor);
		return error;
	}
	return descriptor;
}

int probe_open(struct node *node)
{
	node->prober4 = prober(AF_INET, node->devices.sender);
	if (node->prober4 < 0)
		return node->prober4;
	/* A host may have no IPv6: then no IPv6 session opens either. */
	node->prober6 = prober(AF_INET6, node->devices.sender);
	if (node->prober6 < 0)
		node->prober6 = -1;
	return lc_plane_set_probers(node->plane, node->prober4, node->prober6);
}

void probe_close(struct node *node)
{
	if (node->prober4 >= 0)
		close(node->prober4);
	if (node->prober6 >= 0)
		close(node->prober6);
}

void probe_send(const struct node *node, const struct lc_endpoint *channel, uint32_t leaf,
		uint64_t token)
{
	struct lc_probe probe = {
		.magic = htobe64(LC_PROBE_MAGIC), .token = htobe64(token), .leaf = htobe32(leaf)};
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(channel, &address);
	int descriptor = channel->family == LC_INET ? node->prober4 : node->prober6;

	(void)!sendto(descriptor, &probe, sizeof(probe), 0, (struct sockaddr *)&address, length);
}
