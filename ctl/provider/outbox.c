/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "local/local.h"
#include "provider/outbox.h"

struct lc_told {
	struct lc_told *next;
	enum lc_local_kind kind;
	enum leafcast_reason reason;
	uint64_t id, socket, request, cookie;
};

bool lc_outbox_is_empty(const struct lc_outbox *outbox)
{
	return !outbox->first;
}

bool lc_outbox_append(struct lc_outbox *outbox, const struct lc_local_message *message)
{
	struct lc_told *told = malloc(sizeof(*told));

	if (!told)
		return false;
	*told = (struct lc_told){.kind = message->kind,
				 .reason = message->reason,
				 .id = message->id,
				 .socket = message->socket,
				 .request = message->request,
				 .cookie = message->cookie};
	if (outbox->first)
		outbox->last->next = told;
	else
		outbox->first = told;
	outbox->last = told;
	return true;
}

static void drop_first(struct lc_outbox *outbox)
{
	struct lc_told *first = outbox->first;

	outbox->first = first->next;
	free(first);
}

int lc_outbox_send(struct lc_outbox *outbox, int connection)
{
	while (outbox->first) {
		const struct lc_told *first = outbox->first;
		const struct lc_local_message message = {.kind = first->kind,
							 .id = first->id,
							 .socket = first->socket,
							 .request = first->request,
							 .cookie = first->cookie,
							 .reason = first->reason};

		if (lc_local_send(connection, &message, -1) == -EAGAIN)
			return -EAGAIN;
		drop_first(outbox);
	}
	return 0;
}

void lc_outbox_empty(struct lc_outbox *outbox)
{
	while (outbox->first)
		drop_first(outbox);
}
