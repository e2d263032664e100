/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Planted for scripts/sanitized --self-test: a leak in a process that has given
 * up its user, its capabilities and its name of a debuggable process.
 */
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY 65534

static void *volatile held;

int main(void)
{
	if (setgid(NOBODY) || setuid(NOBODY) || prctl(PR_SET_DUMPABLE, 0))
		return 0; /* seen as a bug that is not caught */
	held = malloc(1000);
	held = NULL;
	return 0;
}
