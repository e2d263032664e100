/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tool/say.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void lc_say(const char *format, ...)
{
	char line[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	strcat(line, "\n");
	fputs(line, stderr);
}

void lc_say_refused(const char *what, enum leafcast_reason reason, int code)
{
	/* The peer's own answers are the first eight of the list. */
	bool by_peer = reason > LEAFCAST_NO_REASON && reason <= LEAFCAST_NOT_SUPPORTED;

	if (reason == LEAFCAST_NO_REASON)
		lc_say("%s failed: %s %d", what, leafcast_code_name(code), code);
	else
		lc_say("%s %s: %s (%s %d)", what, by_peer ? "refused" : "failed",
		       leafcast_reason_word(reason), leafcast_code_name(code), code);
}

/* Bytes from elsewhere must not steer the reader's terminal. */
void lc_say_data(const char *label, const char *bytes, size_t length)
{
	char text[LEAFCAST_CONNECT_DATA_MAX + 1];

	if (length > LEAFCAST_CONNECT_DATA_MAX)
		length = LEAFCAST_CONNECT_DATA_MAX;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		text[i] = byte < 0x20 || byte == 0x7f ? '?' : bytes[i];
	}
	text[length] = '\0';
	lc_say("%s: %s", label, text);
}
