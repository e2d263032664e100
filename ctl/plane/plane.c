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

static void write_config(struct lc_plane *plane, const struct lc_plane_options *options)
{
	struct lc_config *config = lc_config_of(plane);

	config->loopback_ifindex = options->loopback_ifindex;
	config->cut_ifindex = options->cut_ifindex;
	config->pool4 = htonl(POOL4);
	config->pool6[0] = htonl(POOL6);
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

static int claim_pins(struct lc_plane *plane, const struct lc_plane_options *options,
		      struct lc_error *error)
{
	plane->pins = lc_pins_claim(options->bpf_dir, !options->adopt, error);
	if (plane->pins < 0)
		return plane->pins;
	if (options->adopt)
		return lc_maps_take_pins(&plane->maps, options->bpf_dir, error);
	lc_pins_clear(options->bpf_dir);
	return 0;
}

/* Numbers that the earlier plane had taken out of use are free in the records, but programs may still read them. */
static int read_records(struct lc_plane *plane, const struct lc_plane_options *options)
{
	int err = lc_maps_map(&plane->maps, true);

	if (!err)
		err = lc_books_make(plane);
	if (!err)
		err = lc_process_start(plane);
	if (err)
		return err;
	if (options->adopt)
		lc_grace_wait();
	return lc_books_read(plane);
}

static int set_up(struct lc_plane *plane, const struct lc_plane_options *options,
		  struct lc_error *error)
{
	struct lc_capacities capacities = {options->sessions, options->leaves, options->admits};
	int err = claim_pins(plane, options, error);

	if (!err)
		err = lc_programs_load(&plane->programs, &plane->maps, &capacities, error);
	if (err)
		return err;
	err = read_records(plane, options);
	if (err == -EPROTO)
		return lc_fail(error, err, "the records in %s contradict each other",
			       options->bpf_dir);
	if (err)
		return lc_fail(error, err, "cannot use the BPF maps: %s", strerror(-err));
	write_config(plane, options);
	err = lc_programs_pin(plane->programs, options->bpf_dir);
	if (!err && !options->adopt)
		err = lc_maps_pin(&plane->maps, options->bpf_dir);
	if (err)
		return lc_fail(error, err, "cannot pin below %s: %s", options->bpf_dir,
			       strerror(-err));
	plane->attached = true;
	return lc_programs_attach(plane->programs, options->sender_ifindex,
				  options->cut_end_ifindex, error);
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
	plane->sender_ifindex = options->sender_ifindex;
	plane->cut_end_ifindex = options->cut_end_ifindex;
	plane->bpf_dir = strdup(options->bpf_dir);
	err = plane->bpf_dir ? set_up(plane, options, error) : -ENOMEM;
	if (!err)
		*out = plane;
	else if (options->adopt)
		lc_plane_hand_over(plane);
	else
		lc_plane_close(plane);
	return err;
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

void lc_plane_close(struct lc_plane *plane)
{
	if (!plane)
		return;
	if (plane->attached) {
		lc_programs_detach(plane->sender_ifindex);
		lc_programs_detach(plane->cut_end_ifindex);
	}
	if (plane->pins >= 0)
		lc_pins_remove(plane->bpf_dir);
	lc_plane_hand_over(plane);
}
