/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/endpoint.h"
#include "daemon/daemon.h"

/* Again after 50, 100, 200 ... ms: a first probe often only starts neighbour resolution. */
#define FIRST_PAUSE_US 50000ull
#define MOST_DOUBLINGS 6

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

int probe_open(struct daemon *daemon)
{
	daemon->prober4 = prober(AF_INET, daemon->devices.sender);
	if (daemon->prober4 < 0)
		return daemon->prober4;
	/* A host may have no IPv6: then no IPv6 session opens either. */
	daemon->prober6 = prober(AF_INET6, daemon->devices.sender);
	if (daemon->prober6 < 0)
		daemon->prober6 = -1;
	return lc_plane_set_probers(daemon->plane, daemon->prober4, daemon->prober6);
}

void probe_close(struct daemon *daemon)
{
	if (daemon->prober4 >= 0)
		close(daemon->prober4);
	if (daemon->prober6 >= 0)
		close(daemon->prober6);
}

static void send_probe(const struct member *member)
{
	const struct lc_endpoint *channel = &member->session->channel;
	struct lc_probe probe = {.magic = htobe64(LC_PROBE_MAGIC),
				 .token = htobe64(member->token),
				 .leaf = htobe32(member->leaf)};
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(channel, &address);
	int descriptor = channel->family == LC_INET ? member->daemon->prober4
						    : member->daemon->prober6;

	/* A probe that cannot be sent is a probe lost: the next one follows. */
	(void)!sendto(descriptor, &probe, sizeof(probe), 0, (struct sockaddr *)&address, length);
}

static int on_pause_over(sd_event_source *source, uint64_t now, void *context)
{
	struct member *member = context;

	(void)now;
	steps_refresh_path(member);
	send_probe(member);
	sd_event_source_set_time_relative(source, FIRST_PAUSE_US << member->probes);
	if (member->probes < MOST_DOUBLINGS)
		member->probes++;
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int probe_start(struct member *member)
{
	member->probes = 0;
	return sd_event_add_time_relative(member->daemon->event, &member->probe, CLOCK_MONOTONIC, 0,
					  1, on_pause_over, member);
}

void probe_stop(struct member *member)
{
	member->probe = sd_event_source_disable_unref(member->probe);
}
