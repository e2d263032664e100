// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A plane that takes over what another left: it goes on as that one would have. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "books.h"

/* ---- a random life, with a model of what there should be ---- */

enum {
	LEAVES = 200,
	SESSIONS = 2
};

struct leaf_model {
	bool exists, entered, receives, sends;
	uint32_t number;
	uint64_t copies;
};

struct life {
	struct net net;
	struct session sessions[SESSIONS];
	struct leaf_model leaves[SESSIONS][LEAVES];
	uint64_t sent[SESSIONS];
};

static struct lc_endpoint nth_endpoint(unsigned int session, unsigned int i)
{
	return endpoint(session ? "fd09::77" : "10.9.0.77", 1000 + i);
}

static void life_begin(struct life *life)
{
	memset(life, 0, sizeof(*life));
	/* Few leaf numbers more than there are leaves, and hardly enough slots. */
	net_open_sized(&life->net, 8, LEAVES + 40, 8);
	life->net.tap0 = life->net.lc0 - 1; /* nobody looks at the copies */
	life->sessions[0] = net_session(&life->net, ROOT4, NULL);
	life->sessions[1] = net_session(&life->net, ROOT6, NULL);
}

static void expect_number_is_new(const struct life *life, uint32_t number)
{
	for (unsigned int s = 0; s < SESSIONS; s++)
		for (unsigned int i = 0; i < LEAVES; i++)
			cr_assert_not(life->leaves[s][i].exists &&
					      life->leaves[s][i].number == number,
				      "number %u is given twice", number);
}

static void life_add(struct life *life, unsigned int s, unsigned int i)
{
	struct leaf_model *model = &life->leaves[s][i];
	struct lc_leaf_spec spec = leaf_spec(&life->sessions[s], nth_endpoint(s, i));
	struct lc_hop hop = leaf_hop(&life->net, i);
	uint32_t number;
	int err;

	spec.receives = random() % 8;
	spec.sends = random() % 4 == 0;
	err = lc_plane_add_leaf(life->net.plane, &spec, &number);
	if (model->exists) {
		cr_assert_eq(err, -EEXIST);
		cr_assert_eq(number, model->number);
		return;
	}
	if (err == -ENOSPC)
		return;
	cr_assert_eq(err, 0);
	expect_number_is_new(life, number);
	lc_plane_set_hop(life->net.plane, number, LC_HOP_0, &hop);
	*model = (struct leaf_model){
		.exists = true,
		.receives = spec.receives,
		.sends = spec.sends,
		.number = number,
	};
}

static void life_step(struct life *life)
{
	unsigned int s = (unsigned int)random() % SESSIONS, i = (unsigned int)random() % LEAVES;
	struct leaf_model *model = &life->leaves[s][i];

	if (!model->exists || random() % 10 == 0) {
		life_add(life, s, i);
	} else if (random() % 3 == 0) {
		lc_plane_remove_leaf(life->net.plane, model->number);
		*model = (struct leaf_model){0};
	} else if (model->entered) {
		lc_plane_leave_leaf(life->net.plane, model->number);
		model->entered = false;
	} else {
		int err = lc_plane_enter_leaf(life->net.plane, model->number);

		cr_assert(err == 0 || err == -ENOSPC, "%d", err);
		model->entered = !err;
	}
}

static void life_send(struct life *life)
{
	for (unsigned int s = 0; s < SESSIONS; s++) {
		send_to(life->sessions[s].root, &life->sessions[s].channel, "x", 1, 0);
		for (unsigned int i = 0; i < LEAVES; i++)
			life->leaves[s][i].copies += life->leaves[s][i].entered &&
						     life->leaves[s][i].receives;
		life->sent[s]++;
	}
}

static uint32_t life_check_session(struct life *life, unsigned int s)
{
	struct lc_session_use use;
	uint32_t members = 1;

	lc_plane_session_use(life->net.plane, life->sessions[s].number, &use);
	cr_assert_eq(use.datagrams + use.drops.no_leaves, life->sent[s]);
	for (unsigned int i = 0; i < LEAVES; i++) {
		const struct leaf_model *model = &life->leaves[s][i];
		struct lc_leaf_use leaf;
		struct lc_member entry;

		if (!model->exists)
			continue;
		lc_plane_leaf_use(life->net.plane, model->number, &leaf);
		cr_assert_eq(leaf.datagrams + sum_drops(&leaf.drops), model->copies,
			     "session %u, leaf %u: %llu copies, not %lu", s, i, leaf.datagrams,
			     model->copies);
		cr_assert(find_member(&life->net, LC_MEMBER_LEAF, model->number, &entry));
		cr_assert_eq(entry.state, model->entered ? LC_MEMBER_FLOWING : LC_MEMBER_IDLE);
		members++;
	}
	return members;
}

static void life_check(struct life *life)
{
	uint32_t members = 0, uplinks = 0;

	for (unsigned int s = 0; s < SESSIONS; s++) {
		members += life_check_session(life, s);
		for (unsigned int i = 0; i < LEAVES; i++)
			uplinks += life->leaves[s][i].entered && life->leaves[s][i].sends;
	}
	cr_assert_eq(count_entries(&life->net, LC_MAP_MEMBERS), members);
	cr_assert_eq(count_entries(&life->net, LC_MAP_UPLINKS), uplinks);
}

/*
 * Joins and leaves at random, and every so often the plane is another. Each
 * leaf gets every datagram sent while it is in, once, by counters that go on.
 */
Test(adopt, goes_on)
{
	static struct life life;

	life_begin(&life);
	srandom(11);
	for (int round = 0; round < 12; round++) {
		for (int i = 0; i < 300; i++) {
			life_step(&life);
			if (i % 10 == 0)
				life_send(&life);
			if (i % 50 == 0)
				lc_plane_process(life.net.plane, NULL, NULL);
		}
		life_check(&life);
		take_over(&life.net);
		life_check(&life);
	}
	net_close(&life.net);
}

/* When nothing waits for a grace period, the books are the same to the slot. */
Test(adopt, books)
{
	static struct life life;
	struct books *before;

	life_begin(&life);
	srandom(12);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 400; i++)
			life_step(&life);
		books_settle(&life.net);
		before = books_copy(&life.net);
		take_over(&life.net);
		books_expect_same(before, books_copy(&life.net));
	}
	for (unsigned int i = 0; i < LEAVES; i++)
		if (life.leaves[0][i].exists)
			lc_plane_remove_leaf(life.net.plane, life.leaves[0][i].number);
	lc_plane_close_session(life.net.plane, life.sessions[0].number);
	take_over(&life.net);
	books_settle(&life.net);
	cr_expect_eq(life.net.plane->free_sessions.count, 6);
	net_close(&life.net);
}

/* ---- under traffic ---- */

struct flow {
	struct session *session;
	unsigned int sent;
	bool stop;
};

static void *send_on(void *argument)
{
	struct flow *flow = argument;

	for (; !__atomic_load_n(&flow->stop, __ATOMIC_RELAXED); flow->sent++) {
		send_to(flow->session->root, &flow->session->channel, "x", 1, 0);
		usleep(50);
	}
	return NULL;
}

/* Two leaves on this node get every datagram, whoever the plane is; the limited one what its bucket holds. */
Test(adopt, under_traffic)
{
	struct lc_policer hundred = policer(1, 100 * 29);
	struct lc_admit_use admit_use;
	struct lc_leaf_use use;
	struct session session;
	struct flow flow = {.session = &session};
	uint32_t leaf, limited, admit;
	pthread_t thread;
	struct net net;
	int socket;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	socket = net_socket(&net, ROOT4, 7000);
	cr_assert_eq(lc_plane_admit_socket(net.plane, socket, 0, LC_ROLE_LEAF, &admit), 0);
	lc_plane_admit_anchor(net.plane, admit, &session.name, true, 0, true);
	leaf = net_local_leaf(&net, &session, ROOT4, 7000);
	limited = net_leaf(&net, &session, 0, &hundred);
	cr_assert_eq(pthread_create(&thread, NULL, send_on, &flow), 0);
	for (int i = 0; i < 4; i++) {
		usleep(50000);
		take_over(&net);
	}
	__atomic_store_n(&flow.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	cr_expect_gt(flow.sent, 500);
	lc_plane_leaf_use(net.plane, leaf, &use);
	cr_expect_eq(use.datagrams, flow.sent);
	lc_plane_admit_use(net.plane, admit, &admit_use);
	cr_expect_eq(admit_use.datagrams, flow.sent);
	lc_plane_leaf_use(net.plane, limited, &use);
	cr_expect_eq(use.datagrams, 100, "the bucket was not filled again");
	cr_expect_eq(use.drops.over_rate, flow.sent - 100);
	net_close(&net);
}

/* ---- hops ---- */

/* A hop that waited is used, and the one in use is not written to. */
Test(adopt, hops)
{
	struct session session;
	struct lc_hop hops[3];
	struct lc_leaf *record;
	uint32_t leaf;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	leaf = net_leaf(&net, &session, 0, NULL);
	books_settle(&net);
	for (unsigned int i = 0; i < 3; i++)
		hops[i] = leaf_hop(&net, 20 + i);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hops[0]);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hops[1]);
	take_over(&net);
	record = lc_leaf_of(net.plane, leaf);
	cr_expect_arr_eq(&record->hop[record->hop_in_use], &hops[1], sizeof(*hops));
	cr_expect_arr_eq(&record->hop[record->hop_in_use ^ 1], &hops[0], sizeof(*hops));
	books_settle(&net);

	/* Killed after the spare was written and before it was named. */
	record->hop_last = record->hop_in_use ^ 1;
	take_over(&net);
	record = lc_leaf_of(net.plane, leaf);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hops[2]);
	cr_expect_arr_eq(&record->hop[record->hop_in_use], &hops[2], sizeof(*hops));
	cr_expect_arr_eq(&record->hop[record->hop_in_use ^ 1], &hops[1], sizeof(*hops));

	/* Without a route the hop is remembered all the same. */
	lc_plane_set_hop(net.plane, leaf, LC_HOP_NO_ROUTE, NULL);
	take_over(&net);
	record = lc_leaf_of(net.plane, leaf);
	cr_expect_eq(record->hop_in_use, LC_HOP_NO_ROUTE);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hops[2]);
	cr_expect_arr_eq(&record->hop[record->hop_in_use], &hops[2], sizeof(*hops));
	cr_expect_not(net.plane->leaf_states[leaf].spare_busy, "it was there already");
	net_close(&net);
}
