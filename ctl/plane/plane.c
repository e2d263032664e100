// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plane/internal.h"
#include "plane/pins.h"

#define POOL4	   0xefff0000u /* 239.255.0.0/17 */
#define POOL4_SIZE (1u << 15)
#define POOL6	   0xff3e0000u /* ff3e::/16 */

/* Before it is pinned: a pinned configuration says by which layout the rest is to be read. */
static void write_config(struct lc_plane *plane)
{
	struct lc_config *config = lc_config_of(plane);

	config->pool4 = htonl(POOL4);
	config->pool6[0] = htonl(POOL6);
	config->readable_by = LC_LAYOUT_READABLE_BY;
	lc_publish(&config->layout, LC_LAYOUT_VERSION);
}

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

/* Adopts what is pinned if it is whole: which it is once the configuration is there, the last pin of all. */
static int find_pins(struct lc_plane *plane, struct lc_error *error)
{
	int err;

	plane->pins = lc_pins_claim(plane->bpf_dir, true, error);
	if (plane->pins < 0)
		return plane->pins;
	err = lc_maps_take_pins(&plane->maps, plane->bpf_dir, error);
	plane->adopted = err != -ENOENT;
	if (plane->adopted)
		return err;
	lc_pins_clear(plane->bpf_dir);
	return 0;
}

static bool has_members(struct lc_plane *plane)
{
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_SESSIONS); i++)
		if (lc_session_of(plane, i)->state == LC_SESSION_OPEN)
			return true;
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_ADMITS); i++)
		if (lc_admit_of(plane, i)->cookie)
			return true;
	return false;
}

/* Tables of another size than is asked for are made anew, if nobody is in them. */
static int fit_capacities(struct lc_plane *plane, const struct lc_capacities *capacities)
{
	int err = lc_maps_map(&plane->maps, true);

	if (err || lc_maps_fit(&plane->maps, capacities))
		return err;
	if (!has_members(plane)) {
		lc_maps_drop_unfit(&plane->maps, capacities);
		return 0;
	}
	lc_fail(&plane->notice, 0,
		"there are members, so the limits stay at %u sessions, %u leaves and %u sockets; "
		"others take effect at a start without members",
		lc_map_entries(&plane->maps, LC_MAP_SESSIONS) - 1,
		lc_map_entries(&plane->maps, LC_MAP_LEAVES) - 1,
		lc_map_entries(&plane->maps, LC_MAP_ADMITS) - 1);
	return 0;
}

/* Numbers that the earlier plane had taken out of use are free in the records, but programs may still read them. */
static int read_records(struct lc_plane *plane)
{
	int err = lc_maps_map(&plane->maps, true);

	if (!err)
		err = lc_books_make(plane);
	if (!err)
		err = lc_process_start(plane);
	if (err)
		return err;
	if (plane->adopted)
		lc_grace_wait();
	return lc_books_read(plane);
}

static int set_up(struct lc_plane *plane, const struct lc_plane_options *options,
		  struct lc_error *error)
{
	struct lc_capacities capacities = {options->sessions, options->leaves, options->admits};
	int err = find_pins(plane, error);

	if (!err && plane->adopted && fit_capacities(plane, &capacities))
		return lc_fail(error, -EPROTO,
			       "cannot map the records pinned in %s; " LC_PURGE_ENDS,
			       plane->bpf_dir, plane->bpf_dir);
	if (!err)
		err = lc_programs_load(&plane->programs, &plane->maps, &capacities, error);
	if (err)
		return err;
	err = read_records(plane);
	if (err == -EPROTO)
		return lc_fail(error, err,
			       "the records in %s contradict each other; " LC_PURGE_ENDS,
			       plane->bpf_dir, plane->bpf_dir);
	if (err)
		return lc_fail(error, err, "cannot use the BPF maps: %s", strerror(-err));
	if (!plane->adopted)
		write_config(plane);
	err = lc_maps_pin(&plane->maps, plane->bpf_dir);
	if (err)
		return lc_fail(error, err, "cannot pin below %s: %s", plane->bpf_dir,
			       strerror(-err));
	return 0;
}

/* What could not be made is taken away again; what could not be adopted stays. */
static void give_up(struct lc_plane *plane)
{
	if (plane->pins >= 0 && !plane->adopted)
		lc_pins_remove(plane->bpf_dir);
	lc_plane_hand_over(plane);
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
	lc_maps_init(&plane->maps);
	plane->bpf_dir = strdup(options->bpf_dir);
	err = plane->bpf_dir ? set_up(plane, options, error) : -ENOMEM;
	if (err)
		give_up(plane);
	else
		*out = plane;
	return err;
}

bool lc_plane_is_adopted(const struct lc_plane *plane)
{
	return plane->adopted;
}

const char *lc_plane_notice(const struct lc_plane *plane)
{
	return plane->notice.text[0] ? plane->notice.text : NULL;
}

void lc_plane_hand_over(struct lc_plane *plane)
{
	if (!plane)
		return;
	lc_process_stop(plane);
	lc_books_free(plane);
	lc_maps_close(&plane->maps);
	lc_programs_free(plane->programs);
	if (plane->pins >= 0)
		close(plane->pins);
	free(plane->bpf_dir);
	free(plane);
}

/* First where copies go, then where they come from; what is to be cut goes to ls0 when ls1 is ready. */
static int attach_to_devices(struct lc_plane *plane, const struct lc_plane_devices *devices,
			     struct lc_error *error)
{
	struct lc_config *config = lc_config_of(plane);
	int err = devices->cut_end
			  ? lc_programs_attach_segments(plane->programs, devices->cut_end, error)
			  : 0;

	if (err)
		return err;
	lc_publish(&config->loopback_ifindex, devices->loopback);
	lc_publish(&config->cut_ifindex, devices->cut);
	return lc_programs_attach_sender(plane->programs, devices->sender, error);
}

int lc_plane_attach(struct lc_plane *plane, const struct lc_plane_devices *devices,
		    struct lc_error *error)
{
	struct lc_config *config = lc_config_of(plane);
	int err = lc_programs_open_door(plane->programs, plane->maps.fd[LC_MAP_DOORS]);

	if (err)
		return lc_fail(error, err, "cannot put the admission program in its place: %s",
			       strerror(-err));
	err = attach_to_devices(plane, devices, error);
	if (err)
		return err;
	err = lc_programs_pin(plane->programs, plane->bpf_dir);
	if (err)
		return lc_fail(error, err, "cannot pin below %s: %s", plane->bpf_dir,
			       strerror(-err));
	lc_publish(&config->readable_by, LC_LAYOUT_READABLE_BY);
	lc_publish(&config->layout, LC_LAYOUT_VERSION);
	return 0;
}

const struct lc_host_before *lc_plane_host_before(const struct lc_plane *plane)
{
	const struct lc_config *config = lc_map_record(&plane->maps, LC_MAP_CONFIG, 0);

	return &config->before;
}

void lc_plane_record_host(struct lc_plane *plane, const struct lc_host_before *before)
{
	struct lc_host_before *record = &lc_config_of(plane)->before;

	if (record->recorded)
		return;
	record->accept_local = before->accept_local;
	record->route_localnet = before->route_localnet;
	lc_publish(&record->recorded, before->recorded);
}

void lc_plane_set_alive_until(struct lc_plane *plane, uint64_t ns)
{
	lc_publish(&lc_config_of(plane)->alive_until_ns, ns);
}
