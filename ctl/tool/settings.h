/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the values of options may be: the type of each field of a verb's settings, and what reads it. */
#ifndef CTL_TOOL_SETTINGS_H
#define CTL_TOOL_SETTINGS_H

#include <stddef.h>

#include "abi/endpoint.h"
#include "abi/records.h"
#include "tool/options.h"

/* What lists of options are collected in; `entry` is malloced. */
struct lc_prefix {
	struct lc_endpoint address;
	unsigned int length;
};
struct lc_prefix_list {
	struct lc_prefix *entry;
	size_t count;
};
struct lc_endpoint_list {
	struct lc_endpoint *entry;
	size_t count;
};
struct lc_optional_flowspec {
	int given;
	struct lc_flowspec flow;
};

lc_option_set lc_set_switch;	   /* bool */
lc_option_set lc_set_text;	   /* const char * */
lc_option_set lc_set_connect_data; /* const char *, at most LEAFCAST_CONNECT_DATA_MAX bytes */
lc_option_set lc_set_count;	   /* uint64_t, from 1 */
lc_option_set lc_set_seconds;	   /* uint64_t milliseconds, from 0.001 s */
lc_option_set lc_set_size;	   /* uint32_t, 1 to the largest UDP payload */
lc_option_set lc_set_rate;	   /* uint64_t bytes per second */
lc_option_set lc_set_endpoint;	   /* struct lc_endpoint */
lc_option_set lc_set_flowspec;	   /* struct lc_optional_flowspec */
lc_option_set lc_append_endpoint;  /* struct lc_endpoint_list */
lc_option_set lc_append_prefix;	   /* struct lc_prefix_list */

#endif
