/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast leaf: how it becomes a member, either way, within --timeout. leaf.c takes part then. */
#ifndef CTL_TOOL_JOIN_H
#define CTL_TOOL_JOIN_H

#include <stdbool.h>
#include <stdint.h>

#include "leafcast/leafcast.h"
#include "tool/settings.h"
#include "tool/winsock.h"

struct lc_leaf_settings {
	struct lc_endpoint name;
	struct lc_endpoint bind; /* family LC_FAMILY_NONE: not given */
	bool listen;
	bool send;
	const char *data;
	struct lc_optional_flowspec qos;
	uint64_t count; /* 0: no limit */
	uint64_t timeout_ms;
	uint64_t absence_ms; /* 0: for ever */
	const char *runtime_dir;
};

struct lc_leaf_tool {
	const struct lc_leaf_settings *settings;
	struct lc_endpoint session;
	WSAEVENT event;
	SOCKET socket; /* joins or listens */
	SOCKET member; /* takes part: the same, or the accepted one */
	WSABUF peer_data;
	char peer_bytes[LEAFCAST_CONNECT_DATA_MAX];
	bool send_failed;
};

/* Until joined, refused, out of time (both said) or asked to stop. On success leaf->member takes part. */
bool lc_join(struct lc_leaf_tool *leaf);
bool lc_join_by_invitation(struct lc_leaf_tool *leaf);

#endif
