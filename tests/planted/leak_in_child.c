/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Planted for scripts/sanitized --self-test: a leak in a process that the test has started and asks nothing. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile held;

int main(void)
{
	if (fork() == 0) {
		held = malloc(1000);
		held = NULL;
		exit(0);
	}
	wait(NULL);
	return 0;
}
