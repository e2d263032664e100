/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Planted for scripts/sanitized --self-test: one byte beyond. */
#include <stdlib.h>

int main(void)
{
	volatile size_t at = 10;
	char *volatile bytes = calloc(1, 10);
	char beyond = bytes[at];

	free(bytes);
	return beyond == 1;
}
