/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* For scripts/sanitized --self-test: no bug at all. What Criterion itself leaks must not be taken for one. */
#include <criterion/criterion.h>

Test(planted, nothing)
{
	cr_assert(true);
}
