/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/parting.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/timer.h"

/* Until a peer has read the last message. */
#define DEADLINE (3 * SECOND)

struct parting {
	struct node *node;
	TAILQ_ENTRY(parting) entry;
	struct lc_peer *peer;
	sd_event_source *io;
	struct timer deadline;
};

static void end(struct parting *parting)
{
	struct node *node = parting->node;

	sd_event_source_disable_unref(parting->io);
	timer_free(&parting->deadline);
	lc_peer_free(parting->peer);
	TAILQ_REMOVE(&node->partings, parting, entry);
	node->parting_count--;
	free(parting);
}

/*
 * Closing a TCP connection with unread bytes resets it, and a reset may
 * overtake our last message. So the connection is read, and ignored, until the
 * peer has taken the message and closed. One that was still connecting, and
 * has nothing to take, is given up.
 */
static void hang_up(const struct lc_peer *peer)
{
	if (lc_peer_is_flushed(peer))
		shutdown(lc_peer_fd(peer), SHUT_WR);
}

static int on_ready(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct parting *parting = context;
	struct lc_message ignored;
	int error;

	(void)source, (void)descriptor, (void)events;
	for (int i = 0; i < 16; i++) {
		switch (lc_peer_process(parting->peer, &ignored, &error)) {
		case LC_PEER_NOTHING:
			hang_up(parting->peer);
			sd_event_source_set_io_events(parting->io, lc_peer_events(parting->peer));
			return 0;
		case LC_PEER_CONNECTED:
		case LC_PEER_MESSAGE:
			break;
		case LC_PEER_GARBAGE:
		case LC_PEER_CLOSED:
			end(parting);
			return 0;
		}
	}
	return 0;
}

static void on_deadline(void *context)
{
	end(context);
}

void parting_start(struct node *node, struct lc_peer *peer)
{
	struct parting *parting = calloc(1, sizeof(*parting));

	if (!parting) {
		lc_peer_free(peer);
		return;
	}
	parting->node = node;
	parting->peer = peer;
	hang_up(peer);
	if (node->parting_count >= MAX_PARTINGS)
		end(TAILQ_FIRST(&node->partings));
	TAILQ_INSERT_TAIL(&node->partings, parting, entry);
	node->parting_count++;
	if (sd_event_add_io(node->event, &parting->io, lc_peer_fd(peer), lc_peer_events(peer),
			    on_ready, parting) < 0 ||
	    timer_set(&parting->deadline, node->event, DEADLINE, on_deadline, parting) < 0)
		end(parting);
}

void partings_end(struct node *node)
{
	struct parting *parting;

	while ((parting = TAILQ_FIRST(&node->partings)))
		end(parting);
}
