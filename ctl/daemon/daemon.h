/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * leafcastd. What it holds is only what is in flight: applications, their
 * sockets, hosted sessions, memberships and trunks to other nodes; members'
 * records and counts are in the kernel (plane.h).
 *
 *   application --< socket --? session --< membership (root's ends)
 *                          --? membership (a leaf's end, or the root's handle of one)
 *
 * One thread, one loop (sd-event). Each file calls only those before it:
 *
 * Order: say < timer < listening < options < elsewhere < purge < user < line < arrivals < application <
 *        socket < session < probe < membership < trunk < farewell < world < adopt < request < main
 *
 * What goes the other way goes by functions handed over: a line, an application
 * and a timer call whom they were made for; a membership reaches all of this
 * through struct lc_membership_world, which world.c fills in. A membership that
 * has ended is freed from the loop, by membership.c alone: no event ever ends
 * the life of what it is about.
 */
#ifndef CTL_DAEMON_DAEMON_H
#define CTL_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

/* Tables may be full of strangers: memory that is not to be had is an error, not the end. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "daemon/options.h"
#include "network/network.h"
#include "plane/plane.h"

struct application;
struct membership;
struct session;
struct socket;
struct trunk;
struct user;
struct lc_line;
struct lc_membership_world;

/* What the parts share. Each table is changed by the file named beside it and by no other. */
struct node {
	struct options options;
	sd_event *event;
	struct lc_plane *plane;
	struct lc_network *network;
	struct lc_network_devices devices;
	uint64_t netns_cookie; /* of the sockets we may be handed */

	struct user *users; /* user.c: by uid */

	LIST_HEAD(, application) applications; /* application.c */
	unsigned int application_count;

	bool adopting;			     /* adopt.c: nobody is heard who asks for a listener */
	unsigned int unclaimed;		     /* socket.c: sockets without a descriptor */
	struct socket *sockets_by_admit;     /* socket.c: the plane's number of the admission */
	struct socket *listeners_by_name;    /* socket.c: leaves that listen */
	struct session *sessions_by_name;    /* session.c */
	struct membership *asked;	     /* membership.c: by the number of their REQUEST */
	struct membership *by_leaf;	     /* membership.c: root's ends, by the plane's number */
	LIST_HEAD(, membership) memberships; /* membership.c: all */
	LIST_HEAD(, membership) gone;	     /* membership.c: to be freed from the loop */
	sd_event_source *burial;

	LIST_HEAD(, lc_line) lines;	/* line.c: all */
	TAILQ_HEAD(, lc_line) arrivals; /* arrivals.c: oldest first */
	unsigned int arrival_count;
	struct trunk *trunks;		 /* trunk.c: by addresses */
	TAILQ_HEAD(, trunk) idle_trunks; /* trunk.c: without memberships, oldest first */
	unsigned int idle_trunk_count;
	uint64_t instance;			 /* trunk.c: of this run, as peers are told */
	const struct lc_membership_world *world; /* trunk.c: of memberships that peers ask for */

	int prober4, prober6; /* probe.c; -1: none */
};

#endif
