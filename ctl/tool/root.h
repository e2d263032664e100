/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * leafcast root, in two threads: the first (root.c) sends standard input, the
 * second (attend.c) attends to the leaves: invitations (invite.c), joins,
 * departures (leaves.c) and what they send. This is what these files share.
 */
#ifndef CTL_TOOL_ROOT_H
#define CTL_TOOL_ROOT_H

#include <stdint.h>

#include "leafcast/leafcast.h"
#include "tool/leaves.h"
#include "tool/progress.h"
#include "tool/settings.h"

struct lc_root_settings {
	struct lc_endpoint name;
	uint32_t size;
	uint64_t rate;
	uint64_t wait;
	struct lc_endpoint_list invite;
	struct lc_prefix_list refuse;
	const char *data;
	struct lc_optional_flowspec qos;
	uint64_t absence_ms; /* 0: for ever */
	const char *runtime_dir;
};

/* One after another: a root may have one join outstanding (R34). */
struct lc_root_invitations {
	size_t decided;	     /* the next one is settings->invite.entry[decided] */
	SOCKET under_way;    /* or INVALID_SOCKET */
	uint64_t retry_ns;   /* when to try it again; 0: not waiting for that */
	uint64_t give_up_ns; /* when not to any more; 0: not tried yet */
	WSABUF answer;	     /* callee data of the one under way */
	char answer_bytes[LEAFCAST_CONNECT_DATA_MAX];
};

struct lc_root {
	const struct lc_root_settings *settings;
	SOCKET socket;
	WSAEVENT event;
	struct lc_progress progress;

	/* The attendant's own. */
	struct lc_root_leaves leaves;
	struct lc_root_invitations invitations;
	bool output_is_gone; /* which has been said */
};

#endif
