// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The descriptor to wait on: grace periods that are over, and probes seen. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "plane/internal.h"

static int on_event(void *context, void *data, size_t bytes)
{
	struct lc_plane *plane = context;
	const struct lc_event *event = data;

	if (bytes >= sizeof(*event) && event->kind == LC_EVENT_PROBED && plane->probed)
		plane->probed(plane->probed_context, event->admit, event->token);
	return 0;
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int lc_process_start(struct lc_plane *plane)
{
	int err;

	plane->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (plane->epoll < 0)
		return -errno;
	plane->events = ring_buffer__new(plane->maps.fd[LC_MAP_EVENTS], on_event, plane, NULL);
	if (!plane->events)
		return -errno;
	err = lc_grace_start(&plane->grace);
	if (!err)
		err = watch(plane->epoll, lc_grace_fd(plane->grace));
	if (!err)
		err = watch(plane->epoll, ring_buffer__epoll_fd(plane->events));
	return err;
}

void lc_process_stop(struct lc_plane *plane)
{
	lc_grace_stop(plane->grace);
	ring_buffer__free(plane->events);
	if (plane->epoll >= 0)
		close(plane->epoll);
}

int lc_plane_fd(const struct lc_plane *plane)
{
	return plane->epoll;
}

static void on_grace_ended(void *context, const struct lc_retired *retired)
{
	struct lc_plane *plane = context;

	switch (retired->kind) {
	case LC_RETIRED_SESSION:
		lc_numbers_give(&plane->free_sessions, retired->number);
		break;
	case LC_RETIRED_LEAF:
		lc_numbers_give(&plane->free_leaves, retired->number);
		break;
	case LC_RETIRED_ADMIT:
		lc_numbers_give(&plane->free_admits, retired->number);
		break;
	case LC_RETIRED_HOP:
		lc_hop_released(plane, retired->number);
		break;
	case LC_RETIRED_EXTENT:
		lc_extents_give(&plane->free_slots, retired->number, retired->count);
		break;
	}
}

int lc_plane_process(struct lc_plane *plane,
		     void (*probed)(void *context, uint32_t admit, uint64_t token), void *context)
{
	int seen;

	lc_grace_collect(plane->grace, on_grace_ended, plane);
	plane->probed = probed;
	plane->probed_context = context;
	seen = ring_buffer__consume(plane->events);
	plane->probed = NULL;
	return seen < 0 ? seen : 0;
}
