/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <stdlib.h>

#include "provider/fdset.h"
#include "provider/memory.h"

_Static_assert(offsetof(leafcast_fd_set, fd_count) == 0, "the count comes first");

/* No process has more descriptors (the kernel's fs.nr_open, unless raised). */
#define MEMBERS_MAX (1u << 20)

/* Where a caller's members are; its set need not be aligned. */
static char *members_of(leafcast_fd_set *caller)
{
	return (char *)caller + offsetof(leafcast_fd_set, fd_array);
}

/* Up to here a set is the same whatever FD_SETSIZE its program has. */
static size_t bytes_of(size_t count)
{
	return offsetof(leafcast_fd_set, fd_array) + count * sizeof(SOCKET);
}

int lc_fd_set_read(struct lc_fd_set *set, leafcast_fd_set *caller)
{
	unsigned int count;
	SOCKET *members;

	*set = (struct lc_fd_set){0};
	if (!caller)
		return 0;
	if (lc_memory_read(&count, caller, sizeof(count)) || count > MEMBERS_MAX ||
	    lc_memory_check_writable(caller, bytes_of(count)))
		return WSAEFAULT;
	members = malloc((count ? count : 1) * sizeof(*members));
	if (!members)
		return WSAENOBUFS;
	if (lc_memory_read(members, members_of(caller), count * sizeof(*members))) {
		free(members);
		return WSAEFAULT;
	}
	*set = (struct lc_fd_set){caller, members, count};
	return 0;
}

int lc_fd_set_write(const struct lc_fd_set *set)
{
	unsigned int count = (unsigned int)set->count;

	if (!set->caller)
		return 0;
	if (lc_memory_write(members_of(set->caller), set->members, count * sizeof(*set->members)) ||
	    lc_memory_write(set->caller, &count, sizeof(count)))
		return WSAEFAULT;
	return 0;
}

void lc_fd_set_free(struct lc_fd_set *set)
{
	free(set->members);
	*set = (struct lc_fd_set){0};
}
