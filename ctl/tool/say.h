/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What root and leaf tell people, on standard error. */
#ifndef CTL_TOOL_SAY_H
#define CTL_TOOL_SAY_H

#include <stddef.h>

#include "leafcast/leafcast.h"

/* One line, as one write. */
__attribute__((format(printf, 1, 2))) void lc_say(const char *format, ...);

/* "WHAT refused: WORD (NAME NUMBER)", or "failed" where the peer did not refuse. */
void lc_say_refused(const char *what, enum leafcast_reason reason, int code);

/* "LABEL: BYTES", with what would steer a terminal made visible. */
void lc_say_data(const char *label, const char *bytes, size_t length);

#endif
