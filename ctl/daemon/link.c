/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/link.h"

#include <errno.h>

#include "daemon/parting.h"

/* Messages taken from one connection before others get their turn. */
#define MESSAGES_AT_ONCE 16

static void listen_no_more(struct link *link)
{
	link->io = sd_event_source_disable_unref(link->io);
}

/* One piece of news; false: there is no more. */
static bool take_news(struct link *link)
{
	struct lc_message message;
	int error = 0;

	switch (lc_peer_process(link->peer, &message, &error)) {
	case LC_PEER_NOTHING:
		sd_event_source_set_io_events(link->io, lc_peer_events(link->peer));
		return false;
	case LC_PEER_CONNECTED:
		link->handler->connected(link->context);
		break;
	case LC_PEER_MESSAGE:
		link->handler->message(link->context, &message);
		break;
	case LC_PEER_GARBAGE:
		listen_no_more(link);
		link->handler->garbage(link->context);
		return false;
	case LC_PEER_CLOSED:
		listen_no_more(link);
		link->handler->ended(link->context, error);
		return false;
	}
	return link->peer != NULL;
}

static int on_ready(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct link *link = context;

	(void)source, (void)descriptor, (void)events;
	for (int i = 0; i < MESSAGES_AT_ONCE; i++)
		if (!take_news(link))
			break;
	return 0;
}

int link_open(struct link *link, struct node *node, struct lc_peer *peer,
	      const struct link_handler *handler, void *context)
{
	int error = sd_event_add_io(node->event, &link->io, lc_peer_fd(peer), lc_peer_events(peer),
				    on_ready, link);

	if (error < 0)
		return error;
	link->peer = peer;
	link->handler = handler;
	link->context = context;
	return 0;
}

int link_send(struct link *link, const struct lc_message *message)
{
	int error;

	if (!link->peer)
		return -EPIPE;
	error = lc_peer_send(link->peer, message);
	if (link->io)
		sd_event_source_set_io_events(link->io, lc_peer_events(link->peer));
	return error;
}

void link_close(struct link *link)
{
	listen_no_more(link);
	lc_peer_free(link->peer);
	link->peer = NULL;
}

void link_part(struct link *link, struct node *node)
{
	listen_no_more(link);
	if (link->peer)
		parting_start(node, link->peer);
	link->peer = NULL;
}
