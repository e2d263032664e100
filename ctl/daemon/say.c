/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/say.h"

static void put(const char *level, const char *line)
{
	/* The journal reads and strips the level; a person at a terminal need not see it. */
	static int to_journal = -1;

	if (to_journal < 0)
		to_journal = getenv("JOURNAL_STREAM") != NULL;
	fprintf(stderr, "%sleafcastd: %s\n", to_journal ? level : "", line);
}

/* Whether there is room for one more line, and how many found none before it. */
static bool may_say(unsigned long *left_out)
{
	static unsigned int lines = SAY_BURST;
	static unsigned long missing;
	static uint64_t last_s;
	uint64_t now_s = lc_now_ns() / LC_NS_PER_S, passed = now_s - last_s;

	last_s = now_s;
	if (passed >= SAY_BURST / SAY_RATE)
		lines = SAY_BURST;
	else
		lines += (unsigned int)passed * SAY_RATE;
	if (lines > SAY_BURST)
		lines = SAY_BURST;
	*left_out = missing;
	if (lines == 0) {
		missing++;
		return false;
	}
	missing = 0;
	lines--;
	return true;
}

void say(const char *level, const char *format, ...)
{
	bool always = strcmp(level, SD_ERR) <= 0; /* "<0>" to "<7>", the gravest first */
	unsigned long left_out = 0;
	char line[1024];
	va_list arguments;

	if (!always && !may_say(&left_out))
		return;
	if (left_out) {
		snprintf(line, sizeof(line), "%lu lines left out: too many at once", left_out);
		put(SD_WARNING, line);
	}
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	put(level, line);
}

const char *remedy(int error)
{
	if (geteuid() == 0 || (error != -EPERM && error != -EACCES))
		return "";
	return "; run leafcastd as root, or with CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON and a "
	       "--runtime-dir that it may write";
}
