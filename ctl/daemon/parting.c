/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "daemon/daemon.h"

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
			parting_free(parting);
			return 0;
		}
	}
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t now, void *context)
{
	(void)source, (void)now;
	parting_free(context);
	return 0;
}

void parting_free(struct parting *parting)
{
	struct daemon *daemon = parting->daemon;

	sd_event_source_disable_unref(parting->io);
	sd_event_source_disable_unref(parting->deadline);
	lc_peer_free(parting->peer);
	TAILQ_REMOVE(&daemon->partings, parting, entry);
	daemon->parting_count--;
	free(parting);
	if (daemon->stopping && !daemon->parting_count)
		sd_event_exit(daemon->event, 0);
}

void parting_start(struct daemon *daemon, struct lc_peer *peer)
{
	struct parting *parting = calloc(1, sizeof(*parting));

	if (!parting) {
		lc_peer_free(peer);
		return;
	}
	parting->daemon = daemon;
	parting->peer = peer;
	hang_up(peer);
	if (daemon->parting_count >= MAX_PARTINGS)
		parting_free(TAILQ_FIRST(&daemon->partings));
	TAILQ_INSERT_TAIL(&daemon->partings, parting, entry);
	daemon->parting_count++;
	if (sd_event_add_io(daemon->event, &parting->io, lc_peer_fd(peer), lc_peer_events(peer),
			    on_ready, parting) < 0 ||
	    sd_event_add_time_relative(daemon->event, &parting->deadline, CLOCK_MONOTONIC,
				       PARTING_DEADLINE, 0, on_deadline, parting) < 0)
		parting_free(parting);
}
