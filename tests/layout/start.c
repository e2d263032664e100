// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * start BPF_DIR SENDER CUT CUT_END LOOPBACK: a start of this build's plane on
 * these devices, which then goes and leaves all. Says "adopted" or "created", or why not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "plane/plane.h"

int main(int argc, char **argv)
{
	struct lc_plane_options options = {.bpf_dir = argv[1]};
	struct lc_error error = {""};
	struct lc_plane *plane;
	int err;

	if (argc != 6)
		return 2;
	err = lc_plane_open(&plane, &options, &error);
	if (err) {
		puts(error.text);
		return 1;
	}
	puts(lc_plane_is_adopted(plane) ? "adopted" : "created");
	err = lc_plane_attach(plane,
			      &(struct lc_plane_devices){
				      .sender = (uint32_t)atoi(argv[2]),
				      .cut = (uint32_t)atoi(argv[3]),
				      .cut_end = (uint32_t)atoi(argv[4]),
				      .loopback = (uint32_t)atoi(argv[5]),
			      },
			      &error);
	if (err)
		puts(error.text);
	lc_plane_hand_over(plane);
	return err ? 1 : 0;
}
