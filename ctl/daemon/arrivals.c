/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/arrivals.h"

#include "core/endpoint.h"

/* Until a connection says HELLO. */
#define HELLO_DEADLINE (5 * SECOND)

static void has_arrived(struct lc_line *line)
{
	struct node *node = line->node;

	timer_stop(&line->deadline);
	if (!line->arrives)
		return;
	TAILQ_REMOVE(&node->arrivals, line, arrival);
	node->arrival_count--;
	line->arrives = false;
}

static void turn_away(struct lc_line *line)
{
	has_arrived(line);
	line_close(line);
}

/* ---- what its connection says ---- */

static void on_connected(struct lc_line *line, void *context)
{
	(void)line, (void)context;
}

static void on_message(struct lc_line *line, void *context, const struct lc_message *message,
		       size_t bytes)
{
	arrival_greets *greets = (arrival_greets *)context;

	if (message->kind != LC_MESSAGE_HELLO) {
		turn_away(line);
		return;
	}
	has_arrived(line);
	greets(line, message, bytes);
}

static void on_drained(struct lc_line *line, void *context)
{
	(void)line, (void)context;
}

static void on_ended(struct lc_line *line, void *context, int error)
{
	(void)context, (void)error;
	turn_away(line);
}

static const struct line_handler handler = {
	.connected = on_connected,
	.message = on_message,
	.drained = on_drained,
	.ended = on_ended,
};

/* ---- room ---- */

bool arrivals_are_alike(const struct lc_endpoint *one, const struct lc_endpoint *other)
{
	return lc_prefix_holds(one, one->family == LC_INET6 ? 64 : 32, other);
}

static void make_room(struct node *node, const struct lc_endpoint *address)
{
	struct lc_line *line, *oldest = NULL;
	unsigned int count = 0;

	TAILQ_FOREACH(line, &node->arrivals, arrival)
		if (arrivals_are_alike(address, lc_peer_other(line->peer)) && count++ == 0)
			oldest = line;
	if (count < MAX_ARRIVALS_OF_ADDRESS)
		oldest = NULL;
	if (!oldest && node->arrival_count >= MAX_ARRIVALS)
		oldest = TAILQ_FIRST(&node->arrivals);
	if (oldest)
		turn_away(oldest);
}

static void on_deadline(void *context)
{
	turn_away(context);
}

void arrivals_add(struct node *node, struct lc_peer *peer, arrival_greets *greets)
{
	struct lc_line *line = line_open(node, peer, &handler, (void *)greets);

	if (!line) {
		lc_peer_free(peer);
		return;
	}
	make_room(node, lc_peer_other(peer));
	TAILQ_INSERT_TAIL(&node->arrivals, line, arrival);
	node->arrival_count++;
	line->arrives = true;
	if (timer_set_deadline(&line->deadline, node->event, HELLO_DEADLINE, on_deadline, line) < 0)
		turn_away(line);
}

void arrivals_end(struct node *node)
{
	struct lc_line *line;

	while ((line = TAILQ_FIRST(&node->arrivals)))
		turn_away(line);
}
