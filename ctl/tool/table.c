/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/table.h"

struct lc_table {
	size_t columns;
	size_t cells, room;
	char **cell;
	bool failed; /* no memory for a cell */
};

struct lc_table *lc_table_new(const char *const *headings)
{
	struct lc_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	while (headings[table->columns])
		lc_table_cell(table, headings[table->columns++]);
	return table;
}

void lc_table_cell(struct lc_table *table, const char *text)
{
	if (table->cells == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		char **larger = reallocarray(table->cell, room, sizeof(*larger));

		if (!larger) {
			table->failed = true;
			return;
		}
		table->cell = larger;
		table->room = room;
	}
	table->cell[table->cells] = strdup(text);
	if (table->cell[table->cells])
		table->cells++;
	else
		table->failed = true;
}

void lc_table_number(struct lc_table *table, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	lc_table_cell(table, text);
}

/* The first row is the headings, whose mark of alignment is not shown. */
static const char *shown(const struct lc_table *table, size_t at)
{
	return table->cell[at] + (at < table->columns && *table->cell[at] == '>');
}

static int width(const struct lc_table *table, size_t column)
{
	size_t widest = 0;

	for (size_t at = column; at < table->cells; at += table->columns)
		if (strlen(shown(table, at)) > widest)
			widest = strlen(shown(table, at));
	return (int)widest;
}

static void print_column(const struct lc_table *table, size_t at, const int *widths)
{
	size_t column = at % table->columns;
	bool right = *table->cell[column] == '>', last = column + 1 == table->columns;

	if (right)
		printf("%*s", widths[column], shown(table, at));
	else
		printf("%-*s", last ? 0 : widths[column], shown(table, at));
	fputs(last ? "\n" : "  ", stdout);
}

bool lc_table_is_empty(const struct lc_table *table)
{
	return table->cells <= table->columns;
}

int lc_table_print(struct lc_table *table)
{
	int *widths = calloc(table->columns, sizeof(*widths));
	bool failed = table->failed || !widths;

	if (!failed && !lc_table_is_empty(table)) {
		for (size_t column = 0; column < table->columns; column++)
			widths[column] = width(table, column);
		for (size_t at = 0; at < table->cells; at++)
			print_column(table, at, widths);
	}
	free(widths);
	for (size_t at = 0; at < table->cells; at++)
		free(table->cell[at]);
	free(table->cell);
	free(table);
	return failed ? -ENOMEM : 0;
}
