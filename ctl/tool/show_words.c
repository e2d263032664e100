/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What both printers call things. */
#include <net/if.h>
#include <stdio.h>

#include "tool/show.h"

const char *lc_drop_word(enum lc_drop reason)
{
	static const char *const words[] = {
#define DROP_WORD(name, field, word, text) word,
		LC_DROPS(DROP_WORD)
#undef DROP_WORD
	};

	return words[reason];
}

const char *lc_drop_text(enum lc_drop reason)
{
	static const char *const texts[] = {
#define DROP_TEXT(name, field, word, text) text,
		LC_DROPS(DROP_TEXT)
#undef DROP_TEXT
	};

	return texts[reason];
}

const char *lc_leaf_state(const struct lc_leaf *leaf)
{
	switch ((enum lc_hop_in_use)leaf->hop_in_use) {
	case LC_HOP_0:
	case LC_HOP_1:
		return "ok";
	case LC_HOP_NO_ROUTE:
		return "no-route";
	case LC_HOP_NO_NEIGHBOUR:
		return "no-neighbour";
	case LC_HOP_LINK_DOWN:
		return "link-down";
	}
	return "unknown";
}

uint32_t lc_leaf_ifindex(const struct lc_leaf *leaf)
{
	return leaf->hop_in_use <= LC_HOP_1 ? leaf->hop[leaf->hop_in_use].ifindex : 0;
}

const char *lc_interface_name(char text[LC_INTERFACE_TEXT], uint32_t ifindex)
{
	_Static_assert(LC_INTERFACE_TEXT >= IF_NAMESIZE, "room for a name");
	if (!ifindex)
		return NULL;
	if (!if_indextoname(ifindex, text))
		snprintf(text, LC_INTERFACE_TEXT, "%u", ifindex);
	return text;
}
