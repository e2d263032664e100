/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* LEAFCAST_TRACE=1: each call, event and code, a line each on stderr. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "leafcast/leafcast.h"
#include "provider/errors.h"

static _Atomic bool tracing;

void lc_trace_start(void)
{
	const char *value = secure_getenv("LEAFCAST_TRACE");

	tracing = value && strcmp(value, "0") != 0 && value[0];
}

void lc_trace(const char *what, SOCKET s, const char *detail, int code)
{
	char line[160];
	int length;

	if (!tracing)
		return;
	length = snprintf(line, sizeof(line), "leafcast[%ld] %s(%ld)%s%s -> %s%s",
			  syscall(SYS_gettid), what, (long)s, detail ? " " : "",
			  detail ? detail : "", leafcast_code_name(code), "\n");
	if (length >= (int)sizeof(line))
		length = sizeof(line) - 1;
	/* One write, so that threads' lines do not mix; nobody to tell if it fails. */
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		return;
}
