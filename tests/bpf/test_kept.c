// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What an adopted plane still knows: who is whose, what is to be resumed, limits, the host's settings; the door of locked sockets. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "books.h"

static struct lc_resumption resumption_of(uint64_t number)
{
	return (struct lc_resumption){
		.number = number,
		.end = 2,
		.secret = {{1, 2, 3, (uint8_t)number}},
		.own = {.addr = {7}, .family = LC_INET},
		.other = {.addr = {8}, .family = LC_INET},
		.admitted_before = 11,
		.handle_cookie = 12,
	};
}

/* ---- reading back ---- */

struct found {
	struct net *net;
	unsigned int count;
	bool remove;
	uint32_t number;
	struct lc_session session;
	struct lc_leaf leaf;
	struct lc_admit admit;
};

static int on_session(void *context, uint32_t number, const struct lc_session *session)
{
	struct found *found = context;

	found->count++;
	found->number = number;
	found->session = *session;
	if (found->remove)
		lc_plane_close_session(found->net->plane, number);
	return 0;
}

static int on_leaf(void *context, uint32_t number, const struct lc_leaf *leaf)
{
	struct found *found = context;

	found->count++;
	found->number = number;
	found->leaf = *leaf;
	if (found->remove)
		lc_plane_remove_leaf(found->net->plane, number);
	return 0;
}

static int on_socket(void *context, uint32_t number, const struct lc_admit *admit)
{
	struct found *found = context;

	found->count++;
	found->number = number;
	found->admit = *admit;
	if (found->remove)
		lc_plane_forget_socket(found->net->plane, number);
	return 0;
}

static int stop_at_once(void *context, uint32_t number, const struct lc_session *session)
{
	++*(int *)context;
	return -ENOMEM;
}

Test(kept, records)
{
	struct lc_session_spec spec = {
		.root = endpoint(ROOT4, ROOT_PORT),
		.identity = {{9, 9, 1}},
		.uid = 1001,
		.receives = true,
		.now_ns = 1,
	};
	struct lc_identity identity = {{4, 5, 6}};
	struct lc_resumption root = resumption_of(77), leafs = resumption_of(78);
	struct lc_endpoint name = endpoint(ROOT4, 7000);
	struct session session = {.name = spec.root};
	struct found found = {0};
	uint32_t leaf, admit;
	uint64_t cookie;
	int socket, stops = 0;
	struct net net;

	net_open_sized(&net, 8, 16, 8);
	found.net = &net;
	session.root = spec.sender = net_socket(&net, ROOT4, ROOT_PORT);
	cr_assert_eq(lc_plane_open_session(net.plane, &spec, &session.number, &session.channel), 0);
	leaf = net_leaf(&net, &session, 0, NULL);
	lc_plane_set_leaf_resumption(net.plane, leaf, &root);
	socket = net_socket(&net, ROOT4, 7000);
	cr_assert_eq(lc_plane_admit_socket(net.plane, socket, 1002, LC_ROLE_LEAF, &admit), 0);
	lc_plane_set_socket_resumption(net.plane, admit, &name, true, &identity, &leafs);
	cr_assert_eq(lc_socket_cookie(socket, &cookie), 0);
	take_over(&net);

	cr_expect_eq(lc_plane_each_own_session(net.plane, on_session, &found), 0);
	cr_expect_eq(found.count, 1);
	cr_expect_eq(found.number, session.number);
	cr_expect_arr_eq(&found.session.identity, &spec.identity, sizeof(spec.identity));
	cr_expect_eq(found.session.uid, 1001);
	cr_expect_eq(found.session.root_receives, 1);
	cr_expect_eq(found.session.directions_fixed, 0);
	cr_expect_eq(lc_plane_each_own_leaf(net.plane, on_leaf, &found), 0);
	cr_expect_eq(found.count, 2);
	cr_expect_eq(found.number, leaf);
	cr_expect_arr_eq(&found.leaf.resumption, &root, sizeof(root));
	cr_expect_eq(lc_plane_each_own_socket(net.plane, on_socket, &found), 0);
	cr_expect_eq(found.count, 3);
	cr_expect_eq(found.number, admit);
	cr_expect_eq(found.admit.uid, 1002);
	cr_expect_eq(found.admit.role, LC_ROLE_LEAF);
	cr_expect_eq(found.admit.sends, 1);
	cr_expect_arr_eq(&found.admit.name, &name, sizeof(name));
	cr_expect_arr_eq(&found.admit.identity, &identity, sizeof(identity));
	cr_expect_arr_eq(&found.admit.resumption, &leafs, sizeof(leafs));
	cr_expect_eq(lc_plane_find_socket(net.plane, cookie), admit);
	cr_expect_eq(lc_plane_find_socket(net.plane, cookie + 1), 0);

	lc_plane_set_session_directions(net.plane, session.number, false, true);
	lc_plane_set_leaf_resumption(net.plane, leaf, NULL);
	lc_plane_set_socket_resumption(net.plane, admit, NULL, false, NULL, NULL);
	take_over(&net);
	found.remove = true;
	cr_expect_eq(lc_plane_each_own_session(net.plane, stop_at_once, &stops), -ENOMEM);
	cr_expect_eq(stops, 1);
	lc_plane_each_own_leaf(net.plane, on_leaf, &found);
	lc_plane_each_own_socket(net.plane, on_socket, &found);
	lc_plane_each_own_session(net.plane, on_session, &found);
	cr_expect_eq(found.count, 6);
	cr_expect_eq(found.session.root_receives, 0);
	cr_expect_eq(found.session.directions_fixed, 1);
	cr_expect_eq(found.leaf.resumption.number, 0);
	cr_expect_arr_eq(&found.leaf.resumption.secret, &(struct lc_identity){0},
			 sizeof(struct lc_identity));
	cr_expect_eq(found.admit.resumption.number, 0);
	cr_expect_eq(lc_plane_find_socket(net.plane, cookie), 0);
	take_over(&net);
	lc_plane_each_own_leaf(net.plane, on_leaf, &found);
	lc_plane_each_own_socket(net.plane, on_socket, &found);
	lc_plane_each_own_session(net.plane, on_session, &found);
	cr_expect_eq(found.count, 6, "what was removed stays so");
	net_close(&net);
}

/* What goes away takes its secret along before it is gone, so that nobody takes it for a member. */
Test(kept, forgotten_with_their_owner)
{
	struct lc_resumption resumption = resumption_of(5);
	struct session session;
	uint32_t leaf, admit;
	struct net net;

	net_open_sized(&net, 8, 16, 8);
	session = net_session(&net, ROOT4, NULL);
	leaf = net_leaf(&net, &session, 0, NULL);
	cr_assert_eq(lc_plane_admit_socket(net.plane, session.root, 0, LC_ROLE_ROOT, &admit), 0);
	lc_plane_set_leaf_resumption(net.plane, leaf, &resumption);
	lc_plane_set_socket_resumption(net.plane, admit, NULL, false, NULL, &resumption);
	lc_plane_remove_leaf(net.plane, leaf);
	lc_plane_forget_socket(net.plane, admit);
	cr_expect_arr_eq(&lc_leaf_of(net.plane, leaf)->resumption, &(struct lc_resumption){0},
			 sizeof(resumption));
	cr_expect_arr_eq(&lc_admit_of(net.plane, admit)->resumption, &(struct lc_resumption){0},
			 sizeof(resumption));
	net_close(&net);
}

/* ---- one store after another ---- */

/* Of the membership that is there nothing is ever withdrawn: a write that would begin with that is seen here. */
Test(kept, a_change_loses_no_membership)
{
	struct lc_resumption next, record = resumption_of(5);

	next = record;
	next.left = 3;
	next.expected = 1000;
	next.admitted_before = 4;
	next.handle_cookie = 6;
	/* What does not change in a membership's life tells whether it was written anew. */
	record.own.addr[0] = 4711;
	lc_resumption_store(&record, &next);
	cr_expect_eq(record.own.addr[0], 4711);
	cr_expect_eq(record.left, 3);
	cr_expect_eq(record.expected, 1000);
	cr_expect_eq(record.admitted_before, 4);
	cr_expect_eq(record.handle_cookie, 6);
	/* Another's number is another membership, of which everything is. */
	next.number = 6;
	lc_resumption_store(&record, &next);
	cr_expect_arr_eq(&record, &next, sizeof(next));
	next.secret.bytes[0] ^= 1;
	lc_resumption_store(&record, &next);
	cr_expect_arr_eq(&record, &next, sizeof(next));
	lc_resumption_store(&record, NULL);
	cr_expect_arr_eq(&record, &(struct lc_resumption){0}, sizeof(record));
}

/* ---- farewells ---- */

static void expect_capacities(const struct net *net, uint32_t sessions, uint32_t leaves,
			      uint32_t admits)
{
	cr_expect_eq(net->plane->free_sessions.count, sessions - 1);
	cr_expect_eq(net->plane->free_leaves.count, leaves - 1);
	cr_expect_eq(net->plane->free_admits.count, admits - 1);
}

static struct lc_farewell farewell_of(uint64_t number, uint32_t end)
{
	struct lc_farewell farewell = {
		.resumption = resumption_of(number),
		.why = 17,
		.datagrams = 10,
		.bytes = 1000,
		.buffer_drops = 1,
		.left_ns = 5,
	};

	farewell.resumption.end = end;
	return farewell;
}

struct farewells {
	struct lc_farewell found[4];
	unsigned int count;
	struct net *forgets; /* those that it is shown; NULL: does not */
	int stop;
};

static int on_farewell(void *context, const struct lc_farewell *farewell)
{
	struct farewells *farewells = context;

	cr_assert_lt(farewells->count, 4);
	farewells->found[farewells->count++] = *farewell;
	if (farewells->forgets)
		lc_plane_forget_farewell(farewells->forgets->plane, &farewell->resumption);
	return farewells->stop;
}

/* Both ends of a membership within the node, and another's. */
Test(kept, farewells)
{
	struct lc_farewell kept[] = {farewell_of(7, 1), farewell_of(7, 2), farewell_of(8, 4)};
	struct lc_resumption stranger = kept[0].resumption;
	struct farewells farewells = {0};
	struct lc_farewell found = {.why = 99};
	struct net net;

	net_open_sized(&net, 8, 16, 8);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(lc_plane_keep_farewell(net.plane, &kept[i]), 0);
	kept[1].datagrams = 11;
	cr_assert_eq(lc_plane_keep_farewell(net.plane, &kept[1]), 0);
	take_over(&net);
	cr_expect_eq(lc_plane_each_farewell(net.plane, on_farewell, &farewells), 0);
	cr_expect_eq(farewells.count, 3);
	for (int i = 0; i < 3; i++) {
		cr_expect(lc_plane_find_farewell(net.plane, &kept[i].resumption, &found));
		cr_expect_arr_eq(&found, &kept[i], sizeof(found));
	}
	/* Who has the number and not the secret is somebody else. */
	stranger.secret.bytes[0] ^= 1;
	found.why = 99;
	cr_expect_not(lc_plane_find_farewell(net.plane, &stranger, &found));
	cr_expect_eq(found.why, 99);

	farewells = (struct farewells){.stop = -ENOMEM};
	cr_expect_eq(lc_plane_each_farewell(net.plane, on_farewell, &farewells), -ENOMEM);
	cr_expect_eq(farewells.count, 1);
	lc_plane_forget_farewell(net.plane, &kept[1].resumption);
	lc_plane_forget_farewell(net.plane, &kept[1].resumption);
	take_over(&net);
	cr_expect_not(lc_plane_find_farewell(net.plane, &kept[1].resumption, &found));
	farewells = (struct farewells){.forgets = &net};
	cr_expect_eq(lc_plane_each_farewell(net.plane, on_farewell, &farewells), 0);
	cr_expect_eq(farewells.count, 2);
	cr_expect_eq(count_entries(&net, LC_MAP_FAREWELLS), 0);
	net_close(&net);
}

/* The others may be made anew for want of members, and have other capacities: it may not. */
Test(kept, farewells_outlast_the_tables)
{
	struct lc_farewell farewell = farewell_of(7, 1), found;
	struct net net;

	net_open_sized(&net, 4, 8, 16);
	cr_assert_eq(lc_plane_keep_farewell(net.plane, &farewell), 0);
	net.options.sessions = net.options.leaves = net.options.admits = 32;
	take_over(&net);
	expect_capacities(&net, 32, 32, 32);
	cr_expect_null(lc_plane_notice(net.plane));
	cr_expect(lc_plane_find_farewell(net.plane, &farewell.resumption, &found));
	net_close(&net);
}

/* There is a limit, and what is there can be changed at it. */
Test(kept, farewells_are_bounded)
{
	struct lc_farewell farewell;
	struct net net;
	int err = 0;

	net_open_sized(&net, 8, 16, 8);
	for (uint64_t number = 1; number <= LC_MAX_FAREWELLS && !err; number++) {
		farewell = farewell_of(number, 1);
		err = lc_plane_keep_farewell(net.plane, &farewell);
	}
	cr_expect_eq(err, 0);
	cr_expect_eq(lc_plane_keep_farewell(net.plane, &farewell), 0);
	farewell = farewell_of(LC_MAX_FAREWELLS + 1, 1);
	cr_expect_eq(lc_plane_keep_farewell(net.plane, &farewell), -ENOSPC);
	lc_plane_forget_farewell(net.plane, &(struct lc_resumption){.number = 1, .end = 1});
	cr_expect_eq(lc_plane_keep_farewell(net.plane, &farewell), 0);
	net_close(&net);
}

/* ---- the host ---- */

Test(kept, host_before)
{
	const struct lc_host_before first = {
		.recorded = LC_BEFORE_RECORDED, .accept_local = 0, .route_localnet = 1};
	struct lc_host_before before = {.recorded = 9};
	struct lc_error error = {""};
	struct net net;

	net_open(&net);
	cr_expect_eq(lc_plane_host_before(net.plane)->recorded, 0);
	cr_expect_eq(lc_plane_find_host_before(net.bpf_dir, &before, &error), 0);
	cr_expect_eq(before.recorded, 0);
	lc_plane_record_host(net.plane, &first);
	take_over(&net);
	lc_plane_record_host(net.plane, &(struct lc_host_before){.recorded = LC_BEFORE_RECORDED,
								 .accept_local = 1});
	cr_expect_eq(lc_plane_host_before(net.plane)->recorded, 1);
	cr_expect_eq(lc_plane_host_before(net.plane)->accept_local, 0);
	cr_expect_eq(lc_plane_host_before(net.plane)->route_localnet, 1);
	cr_expect_eq(lc_plane_find_host_before(net.bpf_dir, &before, &error), 0);
	cr_expect_eq(before.recorded, 1);
	cr_expect_eq(lc_plane_purge(net.bpf_dir, &before, &error), -EADDRINUSE);
	cr_expect_eq(before.recorded, 0);
	net_kill(&net);
	cr_expect_eq(lc_plane_purge(net.bpf_dir, &before, &error), 0, "%s", error.text);
	cr_expect_eq(before.recorded, 1);
	cr_expect_eq(before.accept_local, 0);
	cr_expect_eq(before.route_localnet, 1);
	cr_expect_neq(access(net.bpf_dir, F_OK), 0);
	cr_expect_eq(lc_plane_purge(net.bpf_dir, &before, &error), -ENOENT);
	cr_expect_eq(before.recorded, 0);
	cr_expect_not_null(strstr(error.text, "nothing is pinned"), "%s", error.text);
	cr_expect_eq(lc_plane_find_host_before(net.bpf_dir, &before, &error), -ENOENT);
	cr_expect_neq(access(net.bpf_dir, F_OK), 0, "no directory is made");
}

/* A layout that has no such record does not say that nothing was changed. */
Test(kept, host_before_of_an_older_layout)
{
	struct lc_host_before before = {0};
	struct lc_error error = {""};
	struct net net;

	net_open(&net);
	lc_config_of(net.plane)->layout = LC_LAYOUT_WITH_BEFORE - 1;
	net_kill(&net);
	cr_expect_eq(lc_plane_purge(net.bpf_dir, &before, &error), 0, "%s", error.text);
	cr_expect_eq(before.recorded, LC_BEFORE_LOST);
	cr_assert_eq(net_start(&net, &error), 0, "%s", error.text);
	lc_plane_record_host(net.plane, &before);
	lc_plane_record_host(net.plane, &(struct lc_host_before){.recorded = LC_BEFORE_RECORDED});
	take_over(&net);
	cr_expect_eq(lc_plane_host_before(net.plane)->recorded, LC_BEFORE_LOST, "for good");
	net_close(&net);
}

/* ---- planes of other directories ---- */

Test(kept, elsewhere)
{
	char itself[160], none[160], pin[192];
	struct net net;

	net_open_sized(&net, 8, 16, 8);
	snprintf(itself, sizeof(itself), "%s/.", net.bpf_dir);
	snprintf(none, sizeof(none), "%s-none", net.bpf_dir);
	cr_expect(lc_plane_is_elsewhere(none, net.bpf_dir));
	cr_expect_not(lc_plane_is_elsewhere(net.bpf_dir, net.bpf_dir));
	cr_expect_not(lc_plane_is_elsewhere(net.bpf_dir, itself), "by another name");
	cr_expect_not(lc_plane_is_elsewhere(net.bpf_dir, none));
	/* Others' things, and whatever is left of a plane. */
	cr_assert_eq(mkdir(none, 0700), 0);
	cr_expect_not(lc_plane_is_elsewhere(net.bpf_dir, none));
	snprintf(pin, sizeof(pin), "%s/lc_doors", none);
	cr_assert_eq(bpf_obj_pin(net.plane->maps.fd[LC_MAP_DOORS], pin), 0);
	cr_expect(lc_plane_is_elsewhere(net.bpf_dir, none));
	unlink(pin);
	rmdir(none);
	net_close(&net);
}

/* ---- the door ---- */

static unsigned int received(int socket)
{
	unsigned int count = 0;
	char byte;

	while (recv(socket, &byte, 1, MSG_DONTWAIT) == 1)
		count++;
	return count;
}

Test(kept, door)
{
	uint64_t drops[LC_DROP_COUNT];
	struct lc_admit_use use;
	struct session session;
	uint32_t admit, slot = 0;
	struct net net;
	int socket;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	socket = net_socket(&net, ROOT4, 7000);
	cr_assert_eq(lc_plane_admit_socket(net.plane, socket, 0, LC_ROLE_LEAF, &admit), 0);
	lc_plane_admit_anchor(net.plane, admit, &session.name, true, 0, true);
	net_local_leaf(&net, &session, ROOT4, 7000);
	send_to(session.root, &session.channel, "x", 1, 0);
	cr_expect_eq(received(socket), 1);

	/* An empty slot lets nothing through, and says so. */
	cr_assert_eq(bpf_map_delete_elem(net.plane->maps.fd[LC_MAP_DOORS], &slot), 0);
	send_to(session.root, &session.channel, "x", 1, 0);
	cr_expect_eq(received(socket), 0);
	read_drops(&net, drops);
	cr_expect_eq(drops[LC_DROP_NOT_ADMITTED], 1);
	cr_expect_eq(sum_counts(drops), 1);

	/* Whoever attaches next fills it, for the socket that is locked already. */
	take_over(&net);
	send_to(session.root, &session.channel, "x", 1, 0);
	cr_expect_eq(received(socket), 1);

	/* The array outlives the daemon... */
	net_kill(&net);
	usleep(50000);
	send_to(session.root, &session.channel, "x", 1, 0);
	cr_expect_eq(received(socket), 1);
	/* ...as long as it is pinned. */
	cr_assert_eq(net_start(&net, &(struct lc_error){""}), 0);
	lc_plane_admit_use(net.plane, admit, &use);
	cr_expect_eq(use.datagrams, 3);
	net_close(&net);
}

/* ---- a time to live ---- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* It is the sender's program that drops first; a leaf's socket hears an anchor elsewhere, so both are tried. */
Test(kept, alive_until)
{
	const uint64_t hour = 3600ull * 1000000000;
	struct lc_endpoint other = endpoint(ROOT4, 9000);
	uint64_t drops[LC_DROP_COUNT];
	struct lc_session_use use;
	struct lc_admit_use admit_use;
	struct session session;
	struct packet packet;
	uint32_t admit;
	struct net net;
	int socket, anchor;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	net_leaf(&net, &session, 0, NULL);
	socket = net_socket(&net, ROOT4, 7000);
	anchor = net_socket(&net, ROOT4, 9000);
	cr_assert_eq(lc_plane_admit_socket(net.plane, socket, 0, LC_ROLE_LEAF, &admit), 0);
	lc_plane_admit_anchor(net.plane, admit, &other, true, 0, true);
	for (int round = 0; round < 4; round++) {
		static const char *const what[] = {"no end", "in an hour", "over", "no end again"};
		bool alive = round != 2;
		struct lc_endpoint to = endpoint(ROOT4, 7000);

		if (round > 0)
			lc_plane_set_alive_until(net.plane, round == 1	 ? now_ns() + hour
							    : round == 2 ? now_ns()
									 : 0);
		take_over(&net);
		send_to(session.root, &session.channel, "x", 1, 0);
		cr_expect_eq(tap_read(&net, &packet), alive, "%s", what[round]);
		send_to(anchor, &to, "x", 1, 0);
		cr_expect_eq(received(socket), alive, "%s", what[round]);
	}
	read_drops(&net, drops);
	cr_expect_eq(drops[LC_DROP_NOT_ALIVE], 2);
	cr_expect_eq(sum_counts(drops), 2);
	lc_plane_session_use(net.plane, session.number, &use);
	cr_expect_eq(use.drops.not_alive, 1);
	cr_expect_eq(use.datagrams, 3);
	lc_plane_admit_use(net.plane, admit, &admit_use);
	cr_expect_eq(admit_use.drops.not_alive, 1);
	net_close(&net);
}

/* ---- capacities ---- */

Test(kept, capacities)
{
	struct session session;
	const char *notice;
	uint32_t admit;
	struct net net;

	net_open_sized(&net, 4, 8, 16);
	lc_plane_record_host(net.plane, &(struct lc_host_before){.recorded = LC_BEFORE_RECORDED,
								 .route_localnet = 1});
	net.options.sessions = 8;
	net.options.leaves = net.options.admits = 64;
	take_over(&net);
	expect_capacities(&net, 8, 64, 64);
	cr_expect_null(lc_plane_notice(net.plane));
	cr_expect_eq(lc_plane_host_before(net.plane)->route_localnet, 1, "all else is kept");

	/* An admitted socket is a member, and so is a session. */
	session = net_session(&net, ROOT4, NULL);
	cr_assert_eq(lc_plane_admit_socket(net.plane, session.root, 0, LC_ROLE_ROOT, &admit), 0);
	for (int round = 0; round < 2; round++) {
		net.options.leaves = 32;
		take_over(&net);
		cr_expect_eq(net.plane->free_leaves.count, 63);
		notice = lc_plane_notice(net.plane);
		cr_assert_not_null(notice);
		cr_expect_not_null(strstr(notice, "7 sessions, 63 leaves and 63 sockets"), "%s",
				   notice);
		net.options.leaves = 64;
		take_over(&net);
		cr_expect_null(lc_plane_notice(net.plane));
		if (round == 0)
			lc_plane_close_session(net.plane, session.number);
		else
			lc_plane_forget_socket(net.plane, admit);
	}
	net.options.sessions = net.options.leaves = net.options.admits = 5;
	take_over(&net);
	expect_capacities(&net, 5, 5, 5);
	/* It works, with the programs that are attached now. */
	close(session.root);
	session = net_session(&net, ROOT4, NULL);
	net_leaf(&net, &session, 0, NULL);
	send_to(session.root, &session.channel, "x", 1, 0);
	cr_expect(tap_read(&net, &(struct packet){0}));
	net_close(&net);
}
