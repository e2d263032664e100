/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/daemon.h"

void say(const char *level, const char *format, ...)
{
	/* The journal reads and strips the level; a person at a terminal need not see it. */
	static int to_journal = -1;
	char line[1024];
	va_list arguments;

	if (to_journal < 0)
		to_journal = getenv("JOURNAL_STREAM") != NULL;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	fprintf(stderr, "%sleafcastd: %s\n", to_journal ? level : "", line);
}
