/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Planted for scripts/sanitized --self-test: a test that passes and leaks, which Criterion takes for well. */
#include <criterion/criterion.h>
#include <stdlib.h>

static void *volatile held;

Test(planted, leak)
{
	held = malloc(1000);
	held = NULL;
	cr_assert_null(held);
}
