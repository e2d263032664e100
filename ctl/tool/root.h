/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * leafcast root, in two threads: the first sends standard input, the second
 * attends to the leaves: invitations, joins, departures and what they send.
 */
#ifndef CTL_TOOL_ROOT_H
#define CTL_TOOL_ROOT_H

#include <pthread.h>
#include <stdbool.h>

#include "tool/pace.h"
#include "tool/sockets.h"

struct lc_root_settings {
	struct lc_endpoint name;
	uint32_t size;
	uint64_t rate;
	uint64_t wait;
	struct lc_endpoint_list invite;
	struct lc_prefix_list refuse;
	const char *data;
	struct lc_optional_flowspec qos;
	const char *runtime_dir;
};

struct lc_root_leaf {
	SOCKET socket;
	struct lc_endpoint name;
};

struct lc_root {
	const struct lc_root_settings *settings;
	SOCKET socket;
	WSAEVENT event;
	pthread_t attendant;

	/* The attendant's own. */
	struct lc_root_leaf *leaf;
	size_t leaves;
	size_t invited;	     /* invitations decided; the next one is invite.entry[invited] */
	SOCKET invitation;   /* of the one under way, or INVALID_SOCKET */
	uint64_t retry_ns;   /* when to try it again; 0: not waiting for that */
	uint64_t give_up_ns; /* when not to any more; 0: not tried yet */
	WSABUF answer;	     /* callee data of the one under way */
	char answer_bytes[LEAFCAST_CONNECT_DATA_MAX];

	/* Shared, under `lock`; `changed` is signalled. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t joined; /* leaves that have joined so far, either way */
	bool invitations_decided;
	bool refused; /* an invitation was */
	bool broken;  /* the session ended under us */
	bool ending;  /* the first thread is done */
};

/* Starts the attendant; the root listens already. */
bool lc_root_attend(struct lc_root *root);
/* Ends it; the leaves' sockets stay open for lc_root_forget_leaves(). */
void lc_root_attended(struct lc_root *root);
void lc_root_forget_leaves(struct lc_root *root);

/* The attendant's parts: what to do about invitations, and until when it may sleep. */
DWORD lc_root_invite(struct lc_root *root);
void lc_root_invitation_decided(struct lc_root *root, int code);
void lc_root_add_leaf(struct lc_root *root, SOCKET socket, const struct lc_endpoint *name);

#endif
