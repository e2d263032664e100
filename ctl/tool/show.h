/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * leafcast show: reads the pinned maps (show.c) and hands the records to one
 * of two printers.
 *
 * The keys of the JSON documents are an interface:
 *
 *   sessions  {"sessions": [{"number", "root", "channel", "leaves", "datagrams", "bytes",
 *              "flow": FLOW, "drops": DROPS}]}
 *   leaves    {"leaves": [{"number", "session", "from", "leaf", "state", "interface",
 *              "receives", "flow": FLOW, "datagrams", "bytes", "up_flow": FLOW,
 *              "up_datagrams", "up_bytes", "suspended_for_s", "drops": DROPS}],
 *              "members": [{"number", "kind", "session", "peer", "interface", "datagrams",
 *              "bytes", "probes", "suspended_for_s", "drops": DROPS}]}
 *   drops     {"drops": DROPS}
 *
 * Endpoints are strings "ADDR:PORT"; "state" is "ok", "no-route",
 * "no-neighbour" or "link-down"; "interface" null where there is none; "kind"
 * "nobody", "anchor" (a leaf's own socket) or "leaves" (a root's);
 * "suspended_for_s" for how many seconds the other node's daemon has been away
 * while data goes on, null when it is not, as this node's daemon knew last. DROPS has
 * every reason's word with its count. FLOW is null where nothing is limited,
 * else {"rate_bytes_per_s", "bucket_bytes", "peak_bytes_per_s", "max_bytes",
 * "min_bytes", "service"} with null for what is not specified. "leaves" are
 * copied to by this node; "members" are sockets of this node.
 */
#ifndef CTL_TOOL_SHOW_H
#define CTL_TOOL_SHOW_H

#include <stdint.h>

#include "abi/records.h"

/* Instead of for how many seconds a member has been suspended. */
#define LC_NOT_SUSPENDED (-1)

struct lc_show_printer {
	/* `noun` is sessions, leaves or drops */
	void *(*begin)(const char *noun);
	void (*session)(void *printer, uint32_t number, const struct lc_session *session,
			const struct lc_session_use *use, uint32_t receiving_leaves);
	void (*leaf)(void *printer, uint32_t number, const struct lc_leaf *leaf,
		     const struct lc_leaf_use *use, int64_t suspended_for_s);
	void (*member)(void *printer, uint32_t number, const struct lc_admit *admit,
		       const struct lc_admit_use *use, int64_t suspended_for_s);
	void (*drops)(void *printer, const uint64_t drops[LC_DROP_COUNT]);
	/* Prints and frees; 0 or a negative errno */
	int (*finish)(void *printer);
};

extern const struct lc_show_printer lc_show_text;
extern const struct lc_show_printer lc_show_json;

/* --- show_words.c */

const char *lc_drop_word(enum lc_drop reason);
const char *lc_drop_text(enum lc_drop reason);

/* Why copies to the leaf go nowhere, or "ok"; static storage. */
const char *lc_leaf_state(const struct lc_leaf *leaf);

#define LC_INTERFACE_TEXT 32
/* Name of an interface, its number where it has none any more; NULL for number 0. */
const char *lc_interface_name(char text[LC_INTERFACE_TEXT], uint32_t ifindex);
/* Of the hop in use; 0: none. */
uint32_t lc_leaf_ifindex(const struct lc_leaf *leaf);

#endif
