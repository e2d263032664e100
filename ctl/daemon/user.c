/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/user.h"

#include <stdlib.h>
#include <unistd.h>

static const unsigned int most[HOLDINGS] = {
	[HOLDS_APPLICATION] = 128,
	[HOLDS_SOCKET] = 2048,
	[HOLDS_SESSION] = 256,
};

static struct user *find(struct node *node, uid_t uid)
{
	struct user *user;

	HASH_FIND(hh, node->users, &uid, sizeof(uid), user);
	return user;
}

static struct user *make(struct node *node, uid_t uid)
{
	struct user *user = calloc(1, sizeof(*user));

	if (!user)
		return NULL;
	user->uid = uid;
	HASH_ADD(hh, node->users, uid, sizeof(uid), user);
	if (find(node, uid))
		return user;
	free(user);
	return NULL;
}

static void forget_if_idle(struct node *node, struct user *user)
{
	for (int what = 0; what < HOLDINGS; what++)
		if (user->count[what])
			return;
	HASH_DELETE(hh, node->users, user);
	free(user);
}

bool user_takes(struct node *node, uid_t uid, enum holding what)
{
	struct user *user = find(node, uid);
	bool may_have_all = uid == 0 || uid == geteuid();

	if (!user)
		user = make(node, uid);
	if (!user)
		return false;
	if (user->count[what] >= most[what] && !may_have_all)
		return false;
	user->count[what]++;
	return true;
}

void user_has(struct node *node, uid_t uid, enum holding what)
{
	struct user *user = find(node, uid) ?: make(node, uid);

	/* Where there is no memory it goes uncounted. */
	if (user)
		user->count[what]++;
}

void user_gives(struct node *node, uid_t uid, enum holding what)
{
	struct user *user = find(node, uid);

	if (!user || user->count[what] == 0)
		return;
	user->count[what]--;
	forget_if_idle(node, user);
}
