/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What one user may hold of what all share, so that none can take it all from
 * the others; root and the daemon's own user may have all.
 */
#ifndef CTL_DAEMON_USER_H
#define CTL_DAEMON_USER_H

#include <sys/types.h>

#include "daemon/daemon.h"

enum holding {
	HOLDS_APPLICATION,
	HOLDS_SOCKET,
	HOLDS_SESSION,
	HOLDINGS,
};

struct user {
	uid_t uid;
	unsigned int count[HOLDINGS];
	UT_hash_handle hh;
};

/* Counts one more of the user's; false: has as many as one may have, or there is no memory to count by. */
bool user_takes(struct node *node, uid_t uid, enum holding what);
/* The same of what is there already, however much that is. */
void user_has(struct node *node, uid_t uid, enum holding what);
void user_gives(struct node *node, uid_t uid, enum holding what);

#endif
