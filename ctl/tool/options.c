/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tool/options.h"

int lc_usage(const char *format, ...)
{
	va_list arguments;

	fputs("leafcast: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return 2;
}

static const struct lc_option *find(const struct lc_option *table, const char *word, size_t length)
{
	for (; table->name; table++)
		if (strlen(table->name) == length && !memcmp(table->name, word, length))
			return table;
	return NULL;
}

/* One option at argv[*at]; *at is left on its last word. */
static int read_option(int argc, char **argv, int *at, const struct lc_option *table,
		       void *settings)
{
	const char *verb = argv[0], *word = argv[*at];
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct lc_option *option = find(table, word, length);
	const char *value = equals ? equals + 1 : NULL;
	const char *why;

	if (!option) {
		lc_usage("%s has no option %.*s; see leafcast %s --help", verb, (int)length, word,
			 verb);
		return -EINVAL;
	}
	if (!option->value && value) {
		lc_usage("%s takes no value", option->name);
		return -EINVAL;
	}
	if (option->value && !value) {
		if (*at + 1 >= argc) {
			lc_usage("%s needs a value: %s %s", option->name, option->name,
				 option->value);
			return -EINVAL;
		}
		value = argv[++*at];
	}
	why = option->set((char *)settings + option->offset, value);
	if (why) {
		lc_usage("%s %s: %s", option->name, value ? value : "", why);
		return -EINVAL;
	}
	return 0;
}

int lc_options_read(int argc, char **argv, const struct lc_option *table, void *settings,
		    const char **argument, size_t wanted, const char *arguments)
{
	bool only_arguments = false;
	size_t found = 0;
	int error;

	for (int i = 1; i < argc; i++) {
		if (!only_arguments && !strcmp(argv[i], "--")) {
			only_arguments = true;
		} else if (!only_arguments &&
			   (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))) {
			return 1;
		} else if (!only_arguments && argv[i][0] == '-') {
			error = read_option(argc, argv, &i, table, settings);
			if (error)
				return error;
		} else if (found < wanted) {
			argument[found++] = argv[i];
		} else {
			lc_usage("%s: one argument too many: %s; see leafcast %s --help", argv[0],
				 argv[i], argv[0]);
			return -EINVAL;
		}
	}
	if (found < wanted) {
		lc_usage("%s needs %s; see leafcast %s --help", argv[0], arguments, argv[0]);
		return -EINVAL;
	}
	return 0;
}

void lc_options_print(const struct lc_option *table)
{
	char left[64];

	for (; table->name; table++) {
		snprintf(left, sizeof(left), "%s%s%s", table->name, table->value ? " " : "",
			 table->value ? table->value : "");
		printf("  %-26s %s\n", left, table->help);
	}
}
