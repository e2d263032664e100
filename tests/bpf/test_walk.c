// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The walk over the leaves: bad ones, and ones that come and go. */
#include <pthread.h>

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
		dropped += sum_drops(use.drops, LC_DROP_SLOTS);
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

struct sender {
	const struct session *session;
	unsigned int sent;
	bool stop;
};

static void *send_on(void *argument)
{
	struct sender *sender = argument;

	while (!__atomic_load_n(&sender->stop, __ATOMIC_RELAXED)) {
		send_to(sender->session->root, &sender->session->channel, "x", 1, 0);
		sender->sent++;
	}
	return NULL;
}

/*
 * While 60 leaves come and go, two that stay get every datagram exactly once.
 * (Copies go to lc1, where nobody wants them; what it refuses is counted too.)
 */
Test(walk, members_come_and_go)
{
	enum {
		STAY = 2,
		GUESTS = 60,
		ROUNDS = 60
	};
	uint32_t stay[STAY], guests[GUESTS];
	struct lc_session_use session_use;
	struct session session;
	struct sender sender = {.session = &session};
	pthread_t thread;
	struct net net;

	net_open_sized(&net, 0, 128, 0);
	net.tap0 = net.lc0 - 1; /* the pair's other end has the lower number */
	session = net_session(&net, ROOT4, NULL);
	for (unsigned int i = 0; i < STAY; i++)
		stay[i] = net_leaf(&net, &session, i, NULL);
	cr_assert_eq(pthread_create(&thread, NULL, send_on, &sender), 0);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < GUESTS; i++)
			guests[i] = net_leaf(&net, &session, 100 + i, NULL);
		for (unsigned int i = 0; i < GUESTS; i++)
			lc_plane_remove_leaf(net.plane, guests[(i * 7 + round) % GUESTS]);
		while (net.plane->free_leaves.count < GUESTS)
			cr_assert(net_process(&net, NULL, NULL));
	}
	sender.stop = true;
	pthread_join(thread, NULL);
	lc_plane_session_use(net.plane, session.number, &session_use);
	cr_expect_eq(session_use.datagrams, sender.sent);
	cr_expect_gt(sender.sent, 1000);
	for (unsigned int i = 0; i < STAY; i++) {
		struct lc_leaf_use use;

		lc_plane_leaf_use(net.plane, stay[i], &use);
		cr_expect_eq(use.datagrams + sum_drops(use.drops, LC_DROP_SLOTS), sender.sent,
			     "leaf %u: %llu of %u", i, use.datagrams, sender.sent);
	}
	net_close(&net);
}
