// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "plane/internal.h"
#include "plane/pins.h"

#define POOL4	   0xefff0000u /* 239.255.0.0/17 */
#define POOL4_SIZE (1u << 15)
#define POOL6	   0xff3e0000u /* ff3e::/16 */

static int map_tables(struct lc_plane *plane)
{
	const struct {
		struct lc_table *table;
		const char *map;
		size_t size;
	} tables[] = {
		{&plane->config, "lc_config", sizeof(struct lc_config)},
		{&plane->sessions, "lc_sessions", sizeof(struct lc_session)},
		{&plane->session_use, "lc_session_use", sizeof(struct lc_session_use)},
		{&plane->extents, "lc_extents", sizeof(uint32_t)},
		{&plane->leaves, "lc_leaves", sizeof(struct lc_leaf)},
		{&plane->leaf_use, "lc_leaf_use", sizeof(struct lc_leaf_use)},
		{&plane->admits, "lc_admits", sizeof(struct lc_admit)},
		{&plane->admit_use, "lc_admit_use", sizeof(struct lc_admit_use)},
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		int err = lc_table_map(tables[i].table,
				       lc_programs_map(plane->programs, tables[i].map),
				       tables[i].size, true);

		if (err)
			return err;
	}
	return 0;
}

static uint32_t power_of_two_above(uint32_t number)
{
	uint32_t power = 1;

	while (power < number)
		power *= 2;
	return power;
}

static int make_books(struct lc_plane *plane)
{
	int err = lc_numbers_init(&plane->free_sessions, plane->sessions.entries);

	if (!err)
		err = lc_numbers_init(&plane->free_leaves, plane->leaves.entries);
	if (!err)
		err = lc_numbers_init(&plane->free_admits, plane->admits.entries);
	if (!err)
		err = lc_extents_init(&plane->free_slots, plane->extents.entries);
	if (err)
		return err;
	plane->buckets = power_of_two_above(plane->leaves.entries);
	plane->by_endpoint = calloc(plane->buckets, sizeof(*plane->by_endpoint));
	plane->leaf_states = calloc(plane->leaves.entries, sizeof(*plane->leaf_states));
	plane->memberships = calloc(plane->sessions.entries, sizeof(*plane->memberships));
	if (!plane->by_endpoint || !plane->leaf_states || !plane->memberships)
		return -ENOMEM;
	return 0;
}

static void write_config(struct lc_plane *plane, const struct lc_plane_options *options)
{
	struct lc_config *config = lc_config_of(plane);

	config->loopback_ifindex = options->loopback_ifindex;
	config->cut_ifindex = options->cut_ifindex;
	config->pool4 = htonl(POOL4);
	config->pool6[0] = htonl(POOL6);
	lc_publish(&config->layout, LC_LAYOUT_VERSION);
}

/* ---- the descriptor to wait on ---- */

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

static int start_watching(struct lc_plane *plane)
{
	int err;

	plane->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (plane->epoll < 0)
		return -errno;
	plane->events = ring_buffer__new(lc_programs_map(plane->programs, "lc_events"), on_event,
					 plane, NULL);
	if (!plane->events)
		return -errno;
	err = lc_grace_start(&plane->grace);
	if (!err)
		err = watch(plane->epoll, lc_grace_fd(plane->grace));
	if (!err)
		err = watch(plane->epoll, ring_buffer__epoll_fd(plane->events));
	return err;
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

/* ---- open and close ---- */

static int check_options(const struct lc_plane_options *options, struct lc_error *error)
{
	if (options->sessions > POOL4_SIZE)
		return lc_fail(error, -EINVAL,
			       "at most %u sessions: the channels' pool has "
			       "no more addresses",
			       POOL4_SIZE);
	if (options->sessions == 1 || options->leaves == 1 || options->admits == 1 ||
	    options->leaves > 1u << 20 || options->admits > 1u << 20)
		return lc_fail(error, -EINVAL, "capacities are 2 to %u", 1u << 20);
	return 0;
}

static int set_up(struct lc_plane *plane, const struct lc_plane_options *options,
		  struct lc_error *error)
{
	int err;

	plane->pins = lc_pins_prepare(options->bpf_dir, error);
	if (plane->pins < 0)
		return plane->pins;
	err = lc_programs_load(&plane->programs, options, error);
	if (err)
		return err;
	err = map_tables(plane);
	if (!err)
		err = make_books(plane);
	if (!err)
		err = start_watching(plane);
	if (err)
		return lc_fail(error, err, "cannot use the BPF maps: %s", strerror(-err));
	write_config(plane, options);
	err = lc_programs_pin(plane->programs, options->bpf_dir, error);
	if (err)
		return err;
	plane->attached = true;
	return lc_programs_attach(plane->programs, options, error);
}

int lc_plane_open(struct lc_plane **out, const struct lc_plane_options *options,
		  struct lc_error *error)
{
	struct lc_plane *plane;
	int err = check_options(options, error);

	if (err)
		return err;
	plane = calloc(1, sizeof(*plane));
	if (!plane)
		return -ENOMEM;
	plane->epoll = plane->pins = -1;
	plane->sender_ifindex = options->sender_ifindex;
	plane->cut_end_ifindex = options->cut_end_ifindex;
	plane->bpf_dir = strdup(options->bpf_dir);
	err = plane->bpf_dir ? set_up(plane, options, error) : -ENOMEM;
	if (err) {
		lc_plane_close(plane);
		return err;
	}
	*out = plane;
	return 0;
}

void lc_plane_close(struct lc_plane *plane)
{
	if (!plane)
		return;
	if (plane->attached) {
		lc_programs_detach(plane->sender_ifindex);
		lc_programs_detach(plane->cut_end_ifindex);
	}
	if (plane->pins >= 0) {
		lc_pins_remove(plane->bpf_dir);
		close(plane->pins);
	}
	lc_grace_stop(plane->grace);
	ring_buffer__free(plane->events);
	if (plane->epoll >= 0)
		close(plane->epoll);
	lc_table_unmap(&plane->config);
	lc_table_unmap(&plane->sessions);
	lc_table_unmap(&plane->session_use);
	lc_table_unmap(&plane->extents);
	lc_table_unmap(&plane->leaves);
	lc_table_unmap(&plane->leaf_use);
	lc_table_unmap(&plane->admits);
	lc_table_unmap(&plane->admit_use);
	lc_numbers_fini(&plane->free_sessions);
	lc_numbers_fini(&plane->free_leaves);
	lc_numbers_fini(&plane->free_admits);
	lc_extents_fini(&plane->free_slots);
	lc_programs_free(plane->programs);
	free(plane->memberships);
	free(plane->leaf_states);
	free(plane->by_endpoint);
	free(plane->bpf_dir);
	free(plane);
}
