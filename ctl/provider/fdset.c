/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <stdlib.h>

#include "provider/fdset.h"
#include "provider/memory.h"

/* No process has more descriptors (the kernel's fs.nr_open, unless raised). */
#define MEMBERS_MAX (1u << 20)

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
	if (lc_memory_read(&count, &caller->fd_count, sizeof(count)) || count > MEMBERS_MAX ||
	    lc_memory_check_writable(caller, bytes_of(count)))
		return WSAEFAULT;
	members = malloc((count ? count : 1) * sizeof(*members));
	if (!members)
		return WSAENOBUFS;
	if (lc_memory_read(members, caller->fd_array, count * sizeof(*members))) {
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
	if (lc_memory_write(set->caller->fd_array, set->members, count * sizeof(*set->members)) ||
	    lc_memory_write(&set->caller->fd_count, &count, sizeof(count)))
		return WSAEFAULT;
	return 0;
}

void lc_fd_set_free(struct lc_fd_set *set)
{
	free(set->members);
	*set = (struct lc_fd_set){0};
}
