/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/line.h"

#include <errno.h>
#include <stdlib.h>

/* Messages taken from one connection before others get their turn. */
#define MESSAGES_AT_ONCE 16

static void listen_no_more(struct lc_line *line)
{
	line->io = sd_event_source_disable_unref(line->io);
}

/* One piece of news; false: there is no more. */
static bool take_news(struct lc_line *line)
{
	struct lc_message message;
	int error = 0;

	switch (lc_peer_process(line->peer, &message, &error)) {
	case LC_PEER_NOTHING:
		line->handler->drained(line, line->context);
		if (line->io)
			sd_event_source_set_io_events(line->io, lc_peer_events(line->peer));
		return false;
	case LC_PEER_CONNECTED:
		line->handler->connected(line, line->context);
		break;
	case LC_PEER_MESSAGE:
		line->handler->message(line, line->context, &message,
				       lc_peer_frame_bytes(line->peer));
		break;
	case LC_PEER_GARBAGE:
		listen_no_more(line);
		line->handler->ended(line, line->context, -EBADMSG);
		return false;
	case LC_PEER_CLOSED:
		listen_no_more(line);
		line->handler->ended(line, line->context, error);
		return false;
	}
	return !line->closed;
}

static int on_ready(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct lc_line *line = context;

	(void)source, (void)descriptor, (void)events;
	line->busy = true;
	for (int i = 0; i < MESSAGES_AT_ONCE; i++)
		if (!take_news(line))
			break;
	line->busy = false;
	if (line->closed)
		line_close(line);
	return 0;
}

struct lc_line *line_open(struct node *node, struct lc_peer *peer,
			  const struct line_handler *handler, void *context)
{
	struct lc_line *line = calloc(1, sizeof(*line));

	if (!line)
		return NULL;
	*line = (struct lc_line){
		.peer = peer, .handler = handler, .context = context, .node = node};
	if (!lc_peer_is_pair(peer))
		lc_peer_set_dead_after(peer, node->options.dead_after_us / 1000);
	if (sd_event_add_io(node->event, &line->io, lc_peer_fd(peer), lc_peer_events(peer),
			    on_ready, line) < 0) {
		free(line);
		return NULL;
	}
	if (node->adopting)
		sd_event_source_set_enabled(line->io, SD_EVENT_OFF);
	LIST_INSERT_HEAD(&node->lines, line, entry);
	return line;
}

void lines_hear(struct node *node)
{
	struct lc_line *line;

	LIST_FOREACH(line, &node->lines, entry)
		sd_event_source_set_enabled(line->io, SD_EVENT_ON);
}

int line_send(struct lc_line *line, const uint8_t *frame, size_t length)
{
	int error = lc_peer_send_frame(line->peer, frame, length);

	if (line->io)
		sd_event_source_set_io_events(line->io, lc_peer_events(line->peer));
	return error;
}

void line_close(struct lc_line *line)
{
	listen_no_more(line);
	line->closed = true;
	if (line->busy)
		return;
	LIST_REMOVE(line, entry);
	timer_free(&line->deadline);
	lc_peer_free(line->peer);
	free(line);
}
