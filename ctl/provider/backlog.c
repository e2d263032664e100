/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "provider/backlog.h"

int lc_backlog_append(struct lc_socket *socket, const struct lc_local_message *asked)
{
	struct lc_request **at = &socket->requests, *request = calloc(1, sizeof(*request));

	if (!request)
		return -ENOMEM;
	request->asked = *asked;
	while (*at)
		at = &(*at)->next;
	*at = request;
	return 0;
}

struct lc_request *lc_backlog_find(struct lc_socket *socket, uint64_t request)
{
	struct lc_request *found = socket->requests;

	while (found && found->asked.request != request)
		found = found->next;
	return found;
}

struct lc_request *lc_backlog_first(const struct lc_socket *socket)
{
	struct lc_request *request = socket->requests;

	while (request && request->deciding)
		request = request->next;
	return request;
}

bool lc_backlog_is_ready(const struct lc_socket *socket)
{
	const struct lc_request *first = lc_backlog_first(socket);

	return first && !first->deferred;
}

void lc_backlog_remove(struct lc_socket *socket, struct lc_request *request)
{
	struct lc_request **at = &socket->requests;

	while (*at && *at != request)
		at = &(*at)->next;
	if (*at)
		*at = request->next;
	free(request);
}

uint64_t lc_backlog_trim(struct lc_socket *socket, unsigned int most)
{
	struct lc_request *last = NULL;
	unsigned int waiting = 0;
	uint64_t number;

	for (struct lc_request *request = socket->requests; request; request = request->next)
		if (!request->deciding && !request->withdrawn) {
			waiting++;
			last = request;
		}
	if (waiting <= most)
		return 0;
	number = last->asked.request;
	lc_backlog_remove(socket, last);
	return number;
}
