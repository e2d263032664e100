/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Strict option parsing from one table per verb, from which its help comes
 * too. Options may stand before and after the arguments; `--name value` and
 * `--name=value` are the same; names are never abbreviated.
 */
#ifndef CTL_TOOL_OPTIONS_H
#define CTL_TOOL_OPTIONS_H

#include <stddef.h>

/*
 * Reads `text` into `field`; NULL, or why not: a sentence without subject or
 * full stop ("is not a number"), static storage, *field untouched.
 */
typedef const char *lc_option_set(void *field, const char *text);

struct lc_option {
	const char *name;  /* "--size" */
	const char *value; /* "BYTES"; NULL: a switch without a value */
	lc_option_set *set;
	size_t offset; /* of the field in the verb's settings */
	const char *help;
};

/*
 * Reads argv[1..] of the verb argv[0]: options of `table` (ends with a NULL
 * name) into `settings`, the others into argument[0 .. wanted). Returns 0, or
 * -EINVAL after one sentence on standard error; 1 where --help was asked for.
 */
int lc_options_read(int argc, char **argv, const struct lc_option *table, void *settings,
		    const char **argument, size_t wanted, const char *arguments);

/* The table as lines of help on standard output. */
void lc_options_print(const struct lc_option *table);

/* One sentence about bad usage on standard error; returns the exit status 2. */
__attribute__((format(printf, 1, 2))) int lc_usage(const char *format, ...);

#endif
