/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A table of words, each column as wide as its widest. */
#ifndef CTL_TOOL_TABLE_H
#define CTL_TOOL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct lc_table;

/* Headings end with NULL; a heading that starts with '>' aligns its column to the right. NULL: no memory. */
struct lc_table *lc_table_new(const char *const *headings);
/* The next cell, from left to right, row after row. */
void lc_table_cell(struct lc_table *table, const char *text);
void lc_table_number(struct lc_table *table, uint64_t number);
bool lc_table_is_empty(const struct lc_table *table);
/* Prints the table unless it has no rows, and frees it. 0 or -ENOMEM. */
int lc_table_print(struct lc_table *table);

#endif
