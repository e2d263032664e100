// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "plane/internal.h"

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

int lc_socket_cookie(int socket, uint64_t *cookie)
{
	socklen_t length = sizeof(*cookie);

	return getsockopt(socket, SOL_SOCKET, SO_COOKIE, cookie, &length) ? -errno : 0;
}

static int index_fd(const struct lc_plane *plane)
{
	return lc_programs_map(plane->programs, "lc_admit_index");
}

/* The filter cannot be taken off again, not even by us: what it lets through is the record's matter alone. */
static int attach_filter(const struct lc_plane *plane, int socket)
{
	int program = lc_programs_admit(plane->programs), on = 1;

	if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)))
		return -errno;
	if (setsockopt(socket, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)))
		return -errno;
	return 0;
}

int lc_plane_admit_socket(struct lc_plane *plane, int socket, uint32_t *admit)
{
	struct lc_admit *record;
	uint64_t cookie;
	uint32_t number;
	int err = lc_socket_cookie(socket, &cookie);

	if (err)
		return err;
	number = lc_numbers_take(&plane->free_admits);
	if (!number)
		return -ENOSPC;
	record = lc_admit_of(plane, number);
	memset(lc_record(&plane->admit_use, number), 0, sizeof(struct lc_admit_use));
	*record = (struct lc_admit){.kind = LC_ADMIT_NOBODY, .cookie = cookie};
	if (bpf_map_update_elem(index_fd(plane), &cookie, &number, BPF_NOEXIST)) {
		err = -errno;
		goto give_number;
	}
	err = attach_filter(plane, socket);
	if (err)
		goto forget_cookie;
	*admit = number;
	return 0;

forget_cookie:
	bpf_map_delete_elem(index_fd(plane), &cookie);
give_number:
	record->cookie = 0;
	lc_grace_retire(plane->grace, (struct lc_retired){LC_RETIRED_ADMIT, number, 0});
	return err == -E2BIG ? -ENOSPC : err;
}

void lc_plane_admit_leaves(struct lc_plane *plane, uint32_t admit, uint32_t session)
{
	struct lc_admit *record = lc_admit_of(plane, admit);

	record->session = session;
	lc_publish(&record->kind, LC_ADMIT_LEAVES);
}

void lc_plane_admit_anchor(struct lc_plane *plane, uint32_t admit, const struct lc_endpoint *anchor,
			   uint32_t ifindex, uint64_t token, bool receives)
{
	struct lc_admit *record = lc_admit_of(plane, admit);

	/* Only another anchor closes the door for a moment; the rest changes field by field. */
	if (record->kind != LC_ADMIT_ANCHOR || memcmp(&record->peer, anchor, sizeof(*anchor))) {
		lc_publish(&record->kind, LC_ADMIT_NOBODY);
		record->peer = *anchor;
	}
	lc_publish(&record->ifindex, ifindex);
	lc_publish(&record->token, token);
	lc_publish(&record->receives, receives);
	lc_publish(&record->kind, LC_ADMIT_ANCHOR);
}

void lc_plane_admit_nobody(struct lc_plane *plane, uint32_t admit)
{
	lc_publish(&lc_admit_of(plane, admit)->kind, LC_ADMIT_NOBODY);
}

void lc_plane_forget_socket(struct lc_plane *plane, uint32_t admit)
{
	struct lc_admit *record = lc_admit_of(plane, admit);

	lc_publish(&record->kind, LC_ADMIT_NOBODY);
	bpf_map_delete_elem(index_fd(plane), &record->cookie);
	record->cookie = 0; /* how a reader knows a free record */
	lc_grace_retire(plane->grace, (struct lc_retired){LC_RETIRED_ADMIT, admit, 0});
}

void lc_plane_admit_use(struct lc_plane *plane, uint32_t admit, struct lc_admit_use *use)
{
	memcpy(use, lc_record(&plane->admit_use, admit), sizeof(*use));
}

/* No program counts this reason, so the sum over CPUs may stand on the first one's. */
static void add_to_node_drops(struct lc_plane *plane, uint32_t reason, uint64_t datagrams)
{
	int fd = lc_programs_map(plane->programs, "lc_drops"), cpus = libbpf_num_possible_cpus();
	uint64_t *counts = cpus > 0 ? calloc((size_t)cpus, sizeof(*counts)) : NULL;

	if (counts && !bpf_map_lookup_elem(fd, &reason, counts)) {
		counts[0] += datagrams;
		bpf_map_update_elem(fd, &reason, counts, BPF_ANY);
	}
	free(counts);
}

void lc_plane_note_full_buffer(struct lc_plane *plane, uint32_t admit, uint64_t datagrams)
{
	struct lc_admit_use *use = lc_record(&plane->admit_use, admit);
	uint64_t before = use->drops[LC_DROP_BUFFER_FULL];

	if (datagrams <= before)
		return;
	lc_publish(&use->drops[LC_DROP_BUFFER_FULL], datagrams);
	add_to_node_drops(plane, LC_DROP_BUFFER_FULL, datagrams - before);
}

int lc_plane_set_probers(struct lc_plane *plane, int socket4, int socket6)
{
	struct lc_config *config = lc_config_of(plane);
	uint64_t cookie4 = 0, cookie6 = 0;
	int err = socket4 < 0 ? 0 : lc_socket_cookie(socket4, &cookie4);

	if (!err && socket6 >= 0)
		err = lc_socket_cookie(socket6, &cookie6);
	if (err)
		return err;
	lc_publish(&config->probe_cookie[0], cookie4);
	lc_publish(&config->probe_cookie[1], cookie6);
	return 0;
}
