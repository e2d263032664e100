/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Planted for scripts/sanitized --self-test. */
#include <limits.h>

int main(void)
{
	volatile int most = INT_MAX, more = most + 1;

	return more == 1;
}
