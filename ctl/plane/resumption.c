// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <string.h>

#include "plane/internal.h"

static bool is_same(const struct lc_resumption *one, const struct lc_resumption *other)
{
	return one->number == other->number && one->end == other->end &&
	       memcmp(&one->secret, &other->secret, sizeof(one->secret)) == 0;
}

/* `left` makes `expected` count, so it comes behind. */
static void go_on(struct lc_resumption *to, const struct lc_resumption *from)
{
	lc_publish(&to->admitted_before, from->admitted_before);
	lc_publish(&to->handle_cookie, from->handle_cookie);
	lc_publish(&to->expected, from->expected);
	lc_publish(&to->left, from->left);
}

void lc_resumption_store(struct lc_resumption *to, const struct lc_resumption *from)
{
	struct lc_resumption next = {0};

	if (from && from->number && is_same(to, from)) {
		go_on(to, from);
		return;
	}
	lc_withdraw(&to->number, 0);
	if (from && from->number) {
		next = *from;
		next.number = 0;
	}
	*to = next;
	if (from && from->number)
		lc_publish(&to->number, from->number);
}
