/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What went wrong, for a person: one sentence without full stop that says what
 * is missing and, where known, what would mend it. The caller owns it; whoever
 * fails first fills it; who only needs the number passes NULL.
 */
#ifndef CTL_BASE_ERROR_H
#define CTL_BASE_ERROR_H

struct lc_error {
	char text[512];
};

/* Writes the sentence, if anybody wants it, and returns `number`. */
int lc_fail(struct lc_error *error, int number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
