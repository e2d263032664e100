/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tool/leaves.h"

#include <stdlib.h>

#include "core/endpoint.h"
#include "tool/say.h"
#include "tool/sockets.h"

bool lc_leaves_add(struct lc_root_leaves *leaves, SOCKET socket, const struct lc_endpoint *name)
{
	struct lc_root_leaf *larger;
	char text[LC_ENDPOINT_TEXT];

	larger = reallocarray(leaves->entry, leaves->count + 1, sizeof(*larger));
	if (!larger) {
		lc_say("leafcast: no memory for leaf %s", lc_endpoint_format(text, name));
		closesocket(socket);
		return false;
	}
	leaves->entry = larger;
	leaves->entry[leaves->count++] = (struct lc_root_leaf){socket, *name};
	lc_say("leaf %s joined", lc_endpoint_format(text, name));
	return true;
}

static void say_parted(const struct lc_root_leaf *leaf, int code)
{
	char text[LC_ENDPOINT_TEXT];

	lc_endpoint_format(text, &leaf->name);
	if (code)
		lc_say("leaf %s was lost: %s (%s %d)", text,
		       leafcast_reason_word(leafcast_socket_reason(leaf->socket)),
		       leafcast_code_name(code), code);
	else
		lc_say("leaf %s left", text);
}

void lc_leaves_review(struct lc_root_leaves *leaves)
{
	WSANETWORKEVENTS events;
	size_t kept = 0;

	for (size_t i = 0; i < leaves->count; i++) {
		struct lc_root_leaf leaf = leaves->entry[i];

		lc_sockets_events(leaf.socket, NULL, &events);
		if (!(events.lNetworkEvents & FD_CLOSE)) {
			leaves->entry[kept++] = leaf;
			continue;
		}
		say_parted(&leaf, events.iErrorCode[FD_CLOSE_BIT]);
		closesocket(leaf.socket);
	}
	leaves->count = kept;
}

void lc_leaves_close(struct lc_root_leaves *leaves)
{
	for (size_t i = 0; i < leaves->count; i++)
		closesocket(leaves->entry[i].socket);
	free(leaves->entry);
	*leaves = (struct lc_root_leaves){0};
}
