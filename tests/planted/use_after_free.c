/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Planted for scripts/sanitized --self-test. */
#include <stdlib.h>

int main(void)
{
	char *volatile bytes = calloc(1, 10);
	char *volatile kept = bytes;

	free(bytes);
	return kept[3];
}
