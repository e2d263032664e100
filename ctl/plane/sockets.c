// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
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
	return plane->maps.fd[LC_MAP_ADMIT_INDEX];
}

/* The filter cannot be taken off again, not even by us: what it lets through is the record's and the admission program's matter. */
static int attach_filter(const struct lc_plane *plane, int socket)
{
	int program = lc_programs_door(plane->programs), on = 1;

	if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)))
		return -errno;
	if (setsockopt(socket, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)))
		return -errno;
	return 0;
}

int lc_plane_guard_socket(const struct lc_plane *plane, int socket)
{
	int err = attach_filter(plane, socket);

	/* It is locked, as it should be. */
	return err == -EPERM ? 0 : err;
}

int lc_plane_admit_socket(struct lc_plane *plane, int socket, uint32_t uid, uint32_t role,
			  uint32_t *admit)
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
	memset(lc_admit_use_of(plane, number), 0, sizeof(struct lc_admit_use));
	*record = (struct lc_admit){.uid = uid, .role = role};
	lc_publish(&record->cookie, cookie);
	if (bpf_map_update_elem(index_fd(plane), &cookie, &number, BPF_NOEXIST)) {
		err = -errno;
		goto give_number;
	}
	err = attach_filter(plane, socket);
	if (err)
		goto forget_cookie;
	lc_note_socket(plane, number);
	*admit = number;
	return 0;

forget_cookie:
	bpf_map_delete_elem(index_fd(plane), &cookie);
give_number:
	record->cookie = 0;
	lc_grace_retire(plane->grace, (struct lc_retired){LC_RETIRED_ADMIT, number, 0});
	return err == -E2BIG ? -ENOSPC : err;
}

uint32_t lc_plane_find_socket(struct lc_plane *plane, uint64_t cookie)
{
	uint32_t number;

	return bpf_map_lookup_elem(index_fd(plane), &cookie, &number) ? 0 : number;
}

/* Programs read the old rule or the new one, and none while this is between its two stores of the version. */
static void set_rule(struct lc_plane *plane, uint32_t admit, const struct lc_admit_rule *rule)
{
	struct lc_admit *record = lc_admit_of(plane, admit);
	uint32_t version = record->version | 1;

	lc_withdraw(&record->version, version);
	record->rule = *rule;
	lc_publish(&record->version, version + 1);
	lc_note_socket(plane, admit);
}

void lc_plane_admit_leaves(struct lc_plane *plane, uint32_t admit, uint32_t session)
{
	set_rule(plane, admit,
		 &(struct lc_admit_rule){.kind = LC_ADMIT_LEAVES, .session = session});
}

/* Whoever was admitted stays so, without a moment in which nobody is. */
static void change_anchor(struct lc_plane *plane, uint32_t admit, uint32_t ifindex, uint64_t token,
			  bool receives)
{
	struct lc_admit_rule *rule = &lc_admit_of(plane, admit)->rule;

	lc_publish(&rule->ifindex, ifindex);
	lc_publish(&rule->token, token);
	lc_publish(&rule->receives, receives);
	lc_note_socket(plane, admit);
}

void lc_plane_admit_anchor(struct lc_plane *plane, uint32_t admit, const struct lc_endpoint *anchor,
			   bool within_node, uint64_t token, bool receives)
{
	const struct lc_admit_rule *now = &lc_admit_of(plane, admit)->rule;
	const uint32_t ifindex = within_node ? lc_config_of(plane)->loopback_ifindex : 0;

	if (now->kind == LC_ADMIT_ANCHOR && memcmp(&now->peer, anchor, sizeof(*anchor)) == 0)
		change_anchor(plane, admit, ifindex, token, receives);
	else
		set_rule(plane, admit,
			 &(struct lc_admit_rule){
				 .kind = LC_ADMIT_ANCHOR,
				 .peer = *anchor,
				 .ifindex = ifindex,
				 .token = token,
				 .receives = receives,
			 });
}

void lc_plane_admit_nobody(struct lc_plane *plane, uint32_t admit)
{
	set_rule(plane, admit, &(struct lc_admit_rule){.kind = LC_ADMIT_NOBODY});
}

void lc_plane_set_socket_resumption(struct lc_plane *plane, uint32_t admit,
				    const struct lc_endpoint *name, bool sends,
				    const struct lc_identity *identity,
				    const struct lc_resumption *resumption)
{
	struct lc_admit *record = lc_admit_of(plane, admit);

	/* What belongs to a membership is written while none is there. */
	if (!resumption || record->resumption.number != resumption->number) {
		lc_resumption_store(&record->resumption, NULL);
		record->name = name ? *name : (struct lc_endpoint){0};
		record->sends = sends;
		record->identity = identity ? *identity : (struct lc_identity){0};
		/* Nor is what the former one was: suspended. */
		lc_note_socket(plane, admit);
	}
	lc_resumption_store(&record->resumption, resumption);
}

void lc_plane_forget_socket(struct lc_plane *plane, uint32_t admit)
{
	struct lc_admit *record = lc_admit_of(plane, admit);

	lc_resumption_store(&record->resumption, NULL);
	lc_plane_admit_nobody(plane, admit);
	bpf_map_delete_elem(index_fd(plane), &record->cookie);
	lc_publish(&record->cookie, 0); /* how a reader knows a free record */
	lc_note_socket(plane, admit);
	lc_grace_retire(plane->grace, (struct lc_retired){LC_RETIRED_ADMIT, admit, 0});
}

void lc_plane_admit_use(struct lc_plane *plane, uint32_t admit, struct lc_admit_use *use)
{
	memcpy(use, lc_admit_use_of(plane, admit), sizeof(*use));
}

void lc_plane_note_full_buffer(struct lc_plane *plane, uint32_t admit, uint64_t datagrams)
{
	struct lc_node_use *node = lc_map_record(&plane->maps, LC_MAP_NODE_USE, 0);
	struct lc_admit_use *use = lc_admit_use_of(plane, admit);
	uint64_t before = use->drops.buffer_full;

	if (datagrams <= before)
		return;
	lc_publish(&use->drops.buffer_full, datagrams);
	lc_publish(&node->drops.buffer_full, node->drops.buffer_full + datagrams - before);
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

/* ---- from the records ---- */

/* Whether the index leads to this record; one that was about to be made has no entry yet, or another's. */
static bool is_indexed(struct lc_plane *plane, uint32_t number, const struct lc_admit *record)
{
	uint32_t found;

	if (bpf_map_lookup_elem(index_fd(plane), &record->cookie, &found))
		return bpf_map_update_elem(index_fd(plane), &record->cookie, &number, BPF_ANY) == 0;
	return found == number;
}

void lc_sockets_read(struct lc_plane *plane)
{
	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_ADMITS); i++) {
		struct lc_admit *record = lc_admit_of(plane, i);

		if (record->cookie && is_indexed(plane, i, record)) {
			/* Half written is not written. */
			if (record->version & 1)
				lc_plane_admit_nobody(plane, i);
			continue;
		}
		record->cookie = 0;
		lc_numbers_give(&plane->free_admits, i);
	}
}
