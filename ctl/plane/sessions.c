// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "plane/internal.h"

static struct lc_endpoint channel_of(struct lc_plane *plane, uint32_t number,
				     const struct lc_endpoint *root)
{
	const struct lc_config *config = lc_config_of(plane);
	struct lc_endpoint channel = {.port = root->port, .family = root->family};

	if (root->family == LC_INET) {
		channel.addr[0] = htonl(ntohl(config->pool4) + number);
	} else {
		memcpy(channel.addr, config->pool6, sizeof(channel.addr));
		channel.addr[3] = htonl(number);
	}
	return channel;
}

int lc_plane_open_session(struct lc_plane *plane, const struct lc_session_spec *spec,
			  uint32_t *number, struct lc_endpoint *channel)
{
	struct lc_session *session;
	uint64_t cookie;
	uint32_t taken;
	int err;

	if (spec->root.family != LC_INET && spec->root.family != LC_INET6)
		return -EAFNOSUPPORT;
	err = lc_socket_cookie(spec->sender, &cookie);
	if (err)
		return err;
	taken = lc_numbers_take(&plane->free_sessions);
	if (!taken)
		return -ENOSPC;
	session = lc_session_of(plane, taken);
	memset(lc_session_use_of(plane, taken), 0, sizeof(struct lc_session_use));
	*session = (struct lc_session){
		.sender_cookie = cookie,
		.root = spec->root,
		.channel = channel_of(plane, taken, &spec->root),
		.policer = spec->policer,
		.flow = spec->flow,
		.opened_ns = spec->now_ns,
		.identity = spec->identity,
		.uid = spec->uid,
		.root_receives = spec->receives,
		.directions_fixed = spec->directions_fixed,
		.route_keys = spec->route_keys,
	};
	lc_publish(&session->state, LC_SESSION_OPEN);
	lc_note_session(plane, taken);
	*channel = session->channel;
	*number = taken;
	return 0;
}

/* Depth 0 first and the new depth last: a datagram judged in between finds too little, not too much. */
static void set_bucket(struct lc_bucket *bucket, const struct lc_bucket *next)
{
	lc_publish(&bucket->burst, 0);
	lc_publish(&bucket->cost_shift, next->cost_shift);
	lc_publish(&bucket->cost, next->cost);
	lc_publish(&bucket->burst, next->burst);
}

void lc_plane_set_session_flow(struct lc_plane *plane, uint32_t number,
			       const struct lc_flowspec *flow, const struct lc_policer *policer)
{
	struct lc_session *session = lc_session_of(plane, number);

	session->flow = *flow;
	if (memcmp(&session->policer.rate, &policer->rate, sizeof(policer->rate)))
		set_bucket(&session->policer.rate, &policer->rate);
	if (memcmp(&session->policer.peak, &policer->peak, sizeof(policer->peak)))
		set_bucket(&session->policer.peak, &policer->peak);
	lc_publish(&session->policer.min_policed_bytes, policer->min_policed_bytes);
	lc_publish(&session->policer.max_sdu_bytes, policer->max_sdu_bytes);
}

/* What is for good is known before it is said to be. */
void lc_plane_set_session_directions(struct lc_plane *plane, uint32_t number, bool receives,
				     bool fixed)
{
	struct lc_session *session = lc_session_of(plane, number);

	lc_publish(&session->root_receives, receives);
	lc_publish(&session->directions_fixed, fixed);
}

void lc_plane_set_session_route_keys(struct lc_plane *plane, uint32_t number,
				     const struct lc_route_keys *keys)
{
	lc_session_of(plane, number)->route_keys = *keys;
}

void lc_plane_close_session(struct lc_plane *plane, uint32_t number)
{
	lc_publish(&lc_session_of(plane, number)->state, LC_SESSION_FREE);
	lc_receivers_release(plane, number);
	lc_note_session(plane, number);
	lc_grace_retire(plane->grace, (struct lc_retired){LC_RETIRED_SESSION, number, 0});
}

void lc_plane_session_use(struct lc_plane *plane, uint32_t session, struct lc_session_use *use)
{
	memcpy(use, lc_session_use_of(plane, session), sizeof(*use));
}
