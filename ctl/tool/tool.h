/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The verbs of the `leafcast` program; main.c has the table.
 *
 * Order: options, say, show_words, stop, table
 *        < pace, progress, settings, show_json, show_text, stream
 *        < sockets < join, leaves < invite < attend < leaf, root, show < main
 */
#ifndef CTL_TOOL_TOOL_H
#define CTL_TOOL_TOOL_H

/* Exit statuses, the same for all verbs. */
enum lc_exit {
	LC_EXIT_SUCCESS = 0,
	LC_EXIT_FAILURE = 1, /* refused or broken */
	LC_EXIT_USAGE = 2,
};

struct lc_verb {
	const char *name;
	const char *summary;
	/* argv[0] is the verb's name */
	enum lc_exit (*run)(int argc, char **argv);
};

enum lc_exit lc_tool_root(int argc, char **argv);
enum lc_exit lc_tool_leaf(int argc, char **argv);
enum lc_exit lc_tool_show(int argc, char **argv);

#endif
