/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast show -j; show.h has the keys. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "core/endpoint.h"
#include "core/flowspec.h"
#include "tool/show.h"

static json_t *endpoint(const struct lc_endpoint *end)
{
	char text[LC_ENDPOINT_TEXT];

	return end->family == LC_FAMILY_NONE ? json_null()
					     : json_string(lc_endpoint_format(text, end));
}

static json_t *interface(uint32_t ifindex)
{
	char text[LC_INTERFACE_TEXT];
	const char *name = lc_interface_name(text, ifindex);

	return name ? json_string(name) : json_null();
}

static json_t *count(uint64_t number)
{
	return json_integer((json_int_t)number);
}

static json_t *suspended(int64_t for_s)
{
	return for_s == LC_NOT_SUSPENDED ? json_null() : json_integer(for_s);
}

/* A member of a flowspec; null for both ways of giving no limit. */
static json_t *limit(uint32_t value)
{
	return value == LC_NOT_SPECIFIED || value == LC_INFINITE_RATE ? json_null() : count(value);
}

static json_t *flow(const struct lc_flowspec *spec)
{
	json_t *object;

	if (lc_flowspec_is_unlimited(spec))
		return json_null();
	object = json_object();
	json_object_set_new(object, "rate_bytes_per_s", limit(spec->token_rate));
	json_object_set_new(object, "bucket_bytes", limit(spec->token_bucket));
	json_object_set_new(object, "peak_bytes_per_s", limit(spec->peak));
	json_object_set_new(object, "max_bytes", limit(spec->max_sdu));
	json_object_set_new(object, "min_bytes", limit(spec->min_policed));
	json_object_set_new(object, "service", json_string(lc_service_word(spec->service)));
	return object;
}

static json_t *drops(const struct lc_drops *counts)
{
	json_t *object = json_object();

	for (enum lc_drop reason = 0; reason < LC_DROP_COUNT; reason++)
		json_object_set_new(object, lc_drop_word(reason),
				    count(lc_drop_count(counts, reason)));
	return object;
}

static void append(json_t *document, const char *list, json_t *object)
{
	json_array_append_new(json_object_get(document, list), object);
}

static void *begin(const char *noun)
{
	json_t *document = json_object();

	if (strcmp(noun, "drops"))
		json_object_set_new(document, noun, json_array());
	if (!strcmp(noun, "leaves"))
		json_object_set_new(document, "members", json_array());
	return document;
}

static void print_session(void *document, uint32_t number, const struct lc_session *session,
			  const struct lc_session_use *use, uint32_t receiving_leaves)
{
	json_t *object = json_object();

	json_object_set_new(object, "number", count(number));
	json_object_set_new(object, "root", endpoint(&session->root));
	json_object_set_new(object, "channel", endpoint(&session->channel));
	json_object_set_new(object, "leaves", count(receiving_leaves));
	json_object_set_new(object, "datagrams", count(use->datagrams));
	json_object_set_new(object, "bytes", count(use->bytes));
	json_object_set_new(object, "flow", flow(&session->flow));
	json_object_set_new(object, "drops", drops(&use->drops));
	append(document, "sessions", object);
}

static void print_leaf(void *document, uint32_t number, const struct lc_leaf *leaf,
		       const struct lc_leaf_use *use, int64_t suspended_for_s)
{
	json_t *object = json_object();

	json_object_set_new(object, "number", count(number));
	json_object_set_new(object, "session", count(leaf->session));
	json_object_set_new(object, "from", endpoint(&leaf->from));
	json_object_set_new(object, "leaf", endpoint(&leaf->to));
	json_object_set_new(object, "state", json_string(lc_leaf_state(leaf)));
	json_object_set_new(object, "interface", interface(lc_leaf_ifindex(leaf)));
	json_object_set_new(object, "receives", json_boolean(leaf->receives));
	json_object_set_new(object, "flow", flow(&leaf->down_flow));
	json_object_set_new(object, "datagrams", count(use->datagrams));
	json_object_set_new(object, "bytes", count(use->bytes));
	json_object_set_new(object, "up_flow", flow(&leaf->up_flow));
	json_object_set_new(object, "up_datagrams", count(use->up_datagrams));
	json_object_set_new(object, "up_bytes", count(use->up_bytes));
	json_object_set_new(object, "suspended_for_s", suspended(suspended_for_s));
	json_object_set_new(object, "drops", drops(&use->drops));
	append(document, "leaves", object);
}

static const char *kind_word(uint32_t kind)
{
	switch ((enum lc_admit_kind)kind) {
	case LC_ADMIT_NOBODY:
		return "nobody";
	case LC_ADMIT_ANCHOR:
		return "anchor";
	case LC_ADMIT_LEAVES:
		return "leaves";
	}
	return "unknown";
}

static void print_member(void *document, uint32_t number, const struct lc_admit *admit,
			 const struct lc_admit_use *use, int64_t suspended_for_s)
{
	json_t *object = json_object();

	json_object_set_new(object, "number", count(number));
	json_object_set_new(object, "kind", json_string(kind_word(admit->rule.kind)));
	json_object_set_new(object, "session", count(admit->rule.session));
	json_object_set_new(object, "peer", endpoint(&admit->rule.peer));
	json_object_set_new(object, "interface", interface(admit->rule.ifindex));
	json_object_set_new(object, "datagrams", count(use->datagrams));
	json_object_set_new(object, "bytes", count(use->bytes));
	json_object_set_new(object, "probes", count(use->probes));
	json_object_set_new(object, "suspended_for_s", suspended(suspended_for_s));
	json_object_set_new(object, "drops", drops(&use->drops));
	append(document, "members", object);
}

static void print_drops(void *document, const uint64_t counts[LC_DROP_COUNT])
{
	struct lc_drops all = {0};

	for (enum lc_drop reason = 0; reason < LC_DROP_COUNT; reason++)
		*lc_drop_counter(&all, reason) = counts[reason];
	json_object_set_new(document, "drops", drops(&all));
}

static int finish(void *document)
{
	int failed = json_dumpf(document, stdout, JSON_INDENT(2));

	json_decref(document);
	if (failed)
		return -EIO;
	putchar('\n');
	return 0;
}

const struct lc_show_printer lc_show_json = {
	.begin = begin,
	.session = print_session,
	.leaf = print_leaf,
	.member = print_member,
	.drops = print_drops,
	.finish = finish,
};
