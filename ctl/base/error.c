/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

int lc_fail(struct lc_error *error, int number, const char *format, ...)
{
	va_list arguments;

	if (!error)
		return number;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return number;
}
