/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast show as tables. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/endpoint.h"
#include "core/flowspec.h"
#include "tool/show.h"
#include "tool/table.h"

struct tables {
	struct lc_table *first;
	struct lc_table *members; /* only with leaves */
};

static const char *const session_headings[] = {
	">SESSION", "ROOT", "CHANNEL", ">LEAVES", ">DATAGRAMS", ">BYTES", "FLOW", "DROPS", NULL};
static const char *const leaf_headings[] = {">SESSION", "LEAF", "INTERFACE", "STATE", ">DATAGRAMS",
					    ">BYTES",	">UP",	"FLOW",	     "DROPS", NULL};
static const char *const member_headings[] = {"MEMBER OF", "INTERFACE", "STATE", ">DATAGRAMS",
					      ">BYTES",	   "DROPS",	NULL};
static const char *const drop_headings[] = {"REASON", ">DATAGRAMS", "MEANING", NULL};

static void *begin(const char *noun)
{
	const char *const *headings = !strcmp(noun, "sessions") ? session_headings
				      : !strcmp(noun, "leaves") ? leaf_headings
								: drop_headings;
	struct tables *tables = calloc(1, sizeof(*tables));

	if (!tables)
		return NULL;
	tables->first = lc_table_new(headings);
	tables->members = lc_table_new(member_headings);
	if (tables->first && tables->members)
		return tables;
	if (tables->first)
		lc_table_print(tables->first);
	if (tables->members)
		lc_table_print(tables->members);
	free(tables);
	return NULL;
}

static void endpoint(struct lc_table *table, const struct lc_endpoint *end)
{
	char text[LC_ENDPOINT_TEXT];

	lc_table_cell(table, end->family == LC_FAMILY_NONE ? "-" : lc_endpoint_format(text, end));
}

/* "suspended 12 s", or "-". */
static void suspended(struct lc_table *table, int64_t for_s)
{
	char text[40];

	snprintf(text, sizeof(text), "suspended %" PRId64 " s", for_s);
	lc_table_cell(table, for_s == LC_NOT_SUSPENDED ? "-" : text);
}

static void flow(struct lc_table *table, const struct lc_flowspec *spec)
{
	char text[LC_FLOWSPEC_TEXT];

	lc_table_cell(table, lc_flowspec_is_unlimited(spec) ? "-" : lc_flowspec_format(text, spec));
}

static bool any(const struct lc_drops *counts)
{
	for (enum lc_drop reason = 0; reason < LC_DROP_COUNT; reason++)
		if (lc_drop_count(counts, reason))
			return true;
	return false;
}

/* "over-rate 123, too-big 4", or "-". */
static void drops(struct lc_table *table, const struct lc_drops *counts)
{
	char text[LC_DROP_COUNT * 48] = "";
	size_t used = 0;

	for (enum lc_drop reason = 0; reason < LC_DROP_COUNT; reason++)
		if (lc_drop_count(counts, reason))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %" PRIu64,
						 used ? ", " : "", lc_drop_word(reason),
						 (uint64_t)lc_drop_count(counts, reason));
	lc_table_cell(table, used ? text : "-");
}

static void print_session(void *printer, uint32_t number, const struct lc_session *session,
			  const struct lc_session_use *use, uint32_t receiving_leaves)
{
	struct lc_table *table = ((struct tables *)printer)->first;

	lc_table_number(table, number);
	endpoint(table, &session->root);
	endpoint(table, &session->channel);
	lc_table_number(table, receiving_leaves);
	lc_table_number(table, use->datagrams);
	lc_table_number(table, use->bytes);
	flow(table, &session->flow);
	drops(table, &use->drops);
}

static void print_leaf(void *printer, uint32_t number, const struct lc_leaf *leaf,
		       const struct lc_leaf_use *use, int64_t suspended_for_s)
{
	struct lc_table *table = ((struct tables *)printer)->first;
	char text[LC_INTERFACE_TEXT];
	const char *interface = lc_interface_name(text, lc_leaf_ifindex(leaf));

	lc_table_number(table, leaf->session);
	endpoint(table, &leaf->to);
	lc_table_cell(table, interface ? interface : lc_leaf_state(leaf));
	suspended(table, suspended_for_s);
	lc_table_number(table, use->datagrams);
	lc_table_number(table, use->bytes);
	lc_table_number(table, use->up_datagrams);
	flow(table, &leaf->down_flow);
	drops(table, &use->drops);
}

static void print_member(void *printer, uint32_t number, const struct lc_admit *admit,
			 const struct lc_admit_use *use, int64_t suspended_for_s)
{
	struct lc_table *table = ((struct tables *)printer)->members;
	char text[LC_INTERFACE_TEXT], session[32];
	const char *interface = lc_interface_name(text, admit->rule.ifindex);

	/* Sockets that listen, join or are handles of a root: nothing shall come to them. */
	if (admit->rule.kind == LC_ADMIT_NOBODY && !any(&use->drops))
		return;
	if (admit->rule.kind == LC_ADMIT_LEAVES) {
		snprintf(session, sizeof(session), "session %u (root)", admit->rule.session);
		lc_table_cell(table, session);
	} else {
		endpoint(table, &admit->rule.peer);
	}
	lc_table_cell(table, interface ? interface : "-");
	suspended(table, suspended_for_s);
	lc_table_number(table, use->datagrams);
	lc_table_number(table, use->bytes);
	drops(table, &use->drops);
}

static void print_drops(void *printer, const uint64_t counts[LC_DROP_COUNT])
{
	struct lc_table *table = ((struct tables *)printer)->first;

	for (enum lc_drop reason = 0; reason < LC_DROP_COUNT; reason++) {
		lc_table_cell(table, lc_drop_word(reason));
		lc_table_number(table, counts[reason]);
		lc_table_cell(table, lc_drop_text(reason));
	}
}

static int finish(void *printer)
{
	struct tables *tables = printer;
	bool both = !lc_table_is_empty(tables->first) && !lc_table_is_empty(tables->members);
	int error = lc_table_print(tables->first), second;

	if (both)
		putchar('\n');
	second = lc_table_print(tables->members);

	free(tables);
	return error ? error : second;
}

const struct lc_show_printer lc_show_text = {
	.begin = begin,
	.session = print_session,
	.leaf = print_leaf,
	.member = print_member,
	.drops = print_drops,
	.finish = finish,
};
