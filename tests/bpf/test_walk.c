// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The walk over the leaves: bad ones, and ones that come and go. */
#include <pthread.h>
#include <sched.h>

#include "harness.h"

/* A bad leaf costs the others nothing, and what it does not get is counted. */
Test(walk, bad_leaves)
{
	enum {
		HEALTHY,
		LAST = 8,
		SENT = 500
	};
	static const uint8_t payload[100];
	struct lc_policer tenth = policer(1, 10 * 128);
	uint32_t leaves[LAST + 1];
	uint64_t node[LC_DROP_COUNT], got[LAST + 1] = {0}, counted = 0, dropped = 0;
	struct lc_hop nowhere, narrow;
	struct session session;
	struct packet packet;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	for (unsigned int i = 0; i <= LAST; i++)
		leaves[i] = net_leaf(&net, &session, i, i == 1 ? &tenth : NULL);
	while (net_process(&net, NULL, NULL) && net.plane->leaf_states[leaves[LAST]].spare_busy)
		;
	nowhere = narrow = leaf_hop(&net, 2);
	nowhere.ifindex = 4711;
	narrow.mtu = 100;
	lc_plane_set_hop(net.plane, leaves[2], LC_HOP_0, &nowhere);
	lc_plane_set_hop(net.plane, leaves[3], LC_HOP_0, &narrow);
	lc_plane_set_hop(net.plane, leaves[4], LC_HOP_NO_ROUTE, NULL);
	lc_plane_set_hop(net.plane, leaves[5], LC_HOP_NO_NEIGHBOUR, NULL);
	lc_plane_set_hop(net.plane, leaves[6], LC_HOP_LINK_DOWN, NULL);
	for (int i = 0; i < SENT; i++) /* 20 + 8 + 100 bytes each */
		send_to(session.root, &session.channel, payload, 100, 0);
	while (tap_read(&net, &packet))
		got[packet_port_to(&packet) - 6000]++;
	for (int i = 0; i <= LAST; i++) {
		struct lc_leaf_use use;

		lc_plane_leaf_use(net.plane, leaves[i], &use);
		if (i !=
		    2) /* that one's clone may be the packet itself, which only its device loses */
			cr_expect_eq(use.datagrams, got[i], "leaf %d", i);
		counted += use.datagrams;
		dropped += sum_drops(&use.drops);
	}
	cr_expect_eq(got[HEALTHY], SENT);
	cr_expect_eq(got[7], SENT);
	cr_expect_eq(got[LAST], SENT);
	cr_expect_eq(got[1], 10); /* the bucket's depth; a byte a second adds nothing */
	cr_expect_eq(counted + dropped, SENT * (LAST + 1));
	read_drops(&net, node);
	cr_expect_eq(node[LC_DROP_OVER_RATE], SENT - 10);
	cr_expect_eq(node[LC_DROP_TOO_BIG], SENT);
	cr_expect_eq(node[LC_DROP_NO_ROUTE], SENT);
	cr_expect_eq(node[LC_DROP_NO_NEIGHBOUR], SENT);
	cr_expect_eq(node[LC_DROP_LINK_DOWN], SENT);
	cr_expect_gt(node[LC_DROP_CLONE_FAILED], SENT / 4);
	net_close(&net);
}

/* ---- membership under traffic ---- */

enum {
	STAY = 2,
	GUESTS = 60,
	ROUNDS = 60
};

struct party {
	struct net net;
	struct session session;
	uint32_t stay[STAY], guests[GUESTS];
	unsigned int sent;
	bool stop;
};

static void *send_on(void *argument)
{
	struct party *party = argument;

	while (!__atomic_load_n(&party->stop, __ATOMIC_RELAXED)) {
		send_to(party->session.root, &party->session.channel, "x", 1, 0);
		__atomic_store_n(&party->sent, party->sent + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void wait_for_more(struct party *party, unsigned int more)
{
	unsigned int now = __atomic_load_n(&party->sent, __ATOMIC_RELAXED);

	while (__atomic_load_n(&party->sent, __ATOMIC_RELAXED) - now < more)
		sched_yield();
}

/* The leaves that stay enter between the guests, so that guests leave before and behind them. */
static void everybody_enters(struct party *party)
{
	for (unsigned int i = 0; i < GUESTS; i++) {
		if (i == GUESTS / 2)
			for (int j = 0; j < STAY; j++)
				cr_assert_eq(lc_plane_enter_leaf(party->net.plane, party->stay[j]),
					     0);
		party->guests[i] = net_leaf(&party->net, &party->session, 100 + i, NULL);
	}
}

static void play_round(struct party *party, unsigned int round)
{
	struct lc_plane *plane = party->net.plane;
	pthread_t thread;

	everybody_enters(party);
	party->stop = false;
	cr_assert_eq(pthread_create(&thread, NULL, send_on, party), 0);
	wait_for_more(party, 20);
	for (unsigned int i = 0; i < GUESTS; i++)
		lc_plane_remove_leaf(plane, party->guests[(i * 7 + round) % GUESTS]);
	party->guests[0] = net_leaf(&party->net, &party->session, 200, NULL); /* fills a hole */
	lc_plane_remove_leaf(plane, party->guests[0]);
	wait_for_more(party, 20);
	__atomic_store_n(&party->stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	for (int i = 0; i < STAY; i++)
		lc_plane_leave_leaf(plane, party->stay[i]);
}

/*
 * While others come and go, two leaves get every datagram exactly once.
 * (Copies go to lc1, where nobody wants them; what it refuses is counted too.)
 */
Test(walk, members_come_and_go)
{
	struct lc_session_use session_use;
	struct party party = {.sent = 0};

	net_open_sized(&party.net, 0, 256, 0);
	party.net.tap0 = party.net.lc0 - 1; /* the pair's other end has the lower number */
	party.session = net_session(&party.net, ROOT4, NULL);
	for (unsigned int i = 0; i < STAY; i++) {
		party.stay[i] = net_leaf(&party.net, &party.session, i, NULL);
		lc_plane_leave_leaf(party.net.plane, party.stay[i]);
	}
	for (unsigned int round = 0; round < ROUNDS; round++) {
		play_round(&party, round);
		while (party.net.plane->free_leaves.count < GUESTS + 1)
			cr_assert(net_process(&party.net, NULL, NULL));
	}
	lc_plane_session_use(party.net.plane, party.session.number, &session_use);
	cr_expect_eq(session_use.datagrams, party.sent);
	for (unsigned int i = 0; i < STAY; i++) {
		struct lc_leaf_use use;

		lc_plane_leaf_use(party.net.plane, party.stay[i], &use);
		cr_expect_eq(use.datagrams + sum_drops(&use.drops), party.sent,
			     "leaf %u: %llu of %u", i, use.datagrams, party.sent);
	}
	net_close(&party.net);
}
