/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#define FD_SETSIZE 3
#include <winsock2.h>

/* Behind it, as programs do: what these define must not win. */
#include <stdlib.h>
#include <sys/select.h>
#include <sys/types.h>

#include "setsize.h"

#if FD_SETSIZE != SMALL_SETSIZE
#error "FD_SETSIZE is not what the program said"
#endif

static struct fd_set *as_set(struct small_set *set)
{
	_Static_assert(sizeof(fd_set) == offsetof(struct small_set, behind), "one layout");
	return (fd_set *)(void *)set;
}

int small_setsize(void)
{
	return FD_SETSIZE;
}

size_t small_set_bytes(void)
{
	return sizeof(fd_set);
}

void small_zero(struct small_set *set)
{
	FD_ZERO(as_set(set));
}

void small_set(struct small_set *set, uintptr_t s)
{
	FD_SET(s, as_set(set));
}

void small_clear(struct small_set *set, uintptr_t s)
{
	FD_CLR(s, as_set(set));
}

int small_is_set(struct small_set *set, uintptr_t s)
{
	return FD_ISSET(s, as_set(set));
}

int small_select(struct small_set *set)
{
	struct timeval now = {0, 0};
	int ready = select(0, as_set(set), NULL, NULL, &now);

	return ready < 0 ? -WSAGetLastError() : ready;
}
