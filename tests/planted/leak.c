/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Planted for scripts/sanitized --self-test: memory that nobody has any more, and all is said to be well. */
#include <stdlib.h>

static void *volatile held;

int main(void)
{
	held = malloc(1000);
	held = NULL;
	return 0;
}
