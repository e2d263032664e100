/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/elsewhere.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/say.h"
#include "plane/plane.h"

struct search {
	const char *bpf_dir;
	char *found;
	int error;
};

static void look(void *context, const char *bpf_dir)
{
	struct search *search = context;

	if (search->found || !lc_plane_is_elsewhere(search->bpf_dir, bpf_dir))
		return;
	search->found = strdup(bpf_dir);
	if (!search->found)
		search->error = -ENOMEM;
}

int find_elsewhere(struct lc_network *network, const char *bpf_dir, char **elsewhere)
{
	struct search search = {.bpf_dir = bpf_dir};
	int error = lc_network_each_plane(network, look, &search);

	error = error ?: search.error;
	if (error) {
		say(SD_ERR, "cannot look whose devices there are: %s", strerror(-error));
		free(search.found);
		return error;
	}
	*elsewhere = search.found;
	return 0;
}
