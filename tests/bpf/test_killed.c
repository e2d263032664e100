// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Adopting what was left half done, and what cannot be adopted. */
#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "books.h"

/* ---- killed between two stores ---- */

/* One that was about to enter or leave has left; of a closed session there is none. */
Test(killed, half_done_leaves)
{
	struct session session, other;
	uint32_t leaves[3], number;
	struct lc_leaf_spec spec;
	struct net net;

	net_open_sized(&net, 8, 16, 8);
	session = net_session(&net, ROOT4, NULL);
	other = net_session(&net, ROOT6, NULL);
	spec = leaf_spec(&session, endpoint("10.9.0.77", 1000));
	spec.sends = true;
	cr_assert_eq(lc_plane_add_leaf(net.plane, &spec, &leaves[0]), 0);
	cr_assert_eq(lc_plane_enter_leaf(net.plane, leaves[0]), 0);
	leaves[1] = net_leaf(&net, &session, 1, NULL);
	leaves[2] = net_leaf(&net, &other, 2, NULL);
	lc_leaf_of(net.plane, leaves[0])->entered = 0;
	lc_session_of(net.plane, other.number)->state = LC_SESSION_FREE;
	take_over(&net);
	cr_expect_eq(count_entries(&net, LC_MAP_UPLINKS), 0);
	cr_expect_eq(net.plane->leaf_states[leaves[0]].slot, LC_NO_SLOT);
	cr_expect_eq(net.plane->receivers[session.number].holes, 1);
	cr_expect_neq(net.plane->leaf_states[leaves[1]].slot, LC_NO_SLOT);
	cr_expect_eq(net.plane->free_leaves.count, 13);
	cr_expect_eq(net.plane->free_sessions.count, 6);
	cr_expect_eq(count_entries(&net, LC_MAP_MEMBERS), 3);

	/* Entering completes, and what was said of lc_uplinks is said again. */
	cr_expect_eq(lc_plane_enter_leaf(net.plane, leaves[0]), 0);
	cr_expect_eq(net.plane->receivers[session.number].holes, 0);
	bpf_map_delete_elem(net.plane->maps.fd[LC_MAP_UPLINKS],
			    &(struct lc_uplink_key){session.number, spec.to});
	take_over(&net);
	cr_expect_eq(count_entries(&net, LC_MAP_UPLINKS), 1);
	cr_expect_eq(lc_plane_add_leaf(net.plane, &spec, &number), -EEXIST);
	net_close(&net);
}

/* Whatever capacity was stored last, no slot is another session's too. */
Test(killed, half_done_extents)
{
	static const struct {
		const char *what;
		uint32_t old_count, old_capacity, count, capacity;
	} rows[] = {
		{"grew: the former one's capacity", 4, 4, 5, 8},
		{"shrank: what both have", 12, 16, 3, 4},
		{"emptied", 4, 4, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lc_session *record;
		struct session session;
		struct net net;
		uint32_t claimed;

		net_open_sized(&net, 8, 64, 8);
		session = net_session(&net, ROOT4, NULL);
		for (unsigned int j = 0; j < rows[i].count; j++)
			net_leaf(&net, &session, j, NULL);
		record = lc_session_of(net.plane, session.number);
		cr_assert_eq(record->extent_capacity, rows[i].capacity, "%s", rows[i].what);
		/* The stores of a change, each with the kill behind it, as records.h has their order. */
		record->extent_capacity = rows[i].old_capacity < rows[i].capacity
						  ? rows[i].old_capacity
						  : rows[i].capacity;
		take_over(&net);
		claimed = lc_session_of(net.plane, session.number)->extent_capacity;
		cr_expect_geq(claimed, rows[i].count, "%s", rows[i].what);
		cr_expect_leq(claimed, rows[i].capacity, "%s: %u slots", rows[i].what, claimed);
		cr_expect_eq(count_entries(&net, LC_MAP_MEMBERS), 1 + rows[i].count);
		for (unsigned int j = 20; j < 40; j++)
			net_leaf(&net, &session, j, NULL);
		net_close(&net);
	}
}

Test(killed, half_done_admissions)
{
	struct lc_endpoint anchor = endpoint("10.9.0.32", 5000);
	uint32_t admits[2], again;
	uint64_t cookie;
	int sockets[3];
	struct net net;

	net_open_sized(&net, 8, 16, 8);
	for (int i = 0; i < 3; i++)
		sockets[i] = net_socket(&net, ROOT4, 7000 + i);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(
			lc_plane_admit_socket(net.plane, sockets[i], 0, LC_ROLE_LEAF, &admits[i]),
			0);
		lc_plane_admit_anchor(net.plane, admits[i], &anchor, false, 0, true);
	}
	cookie = lc_admit_of(net.plane, admits[0])->cookie;
	/* Not in the index yet; half written; and a second one about to be refused. */
	bpf_map_delete_elem(net.plane->maps.fd[LC_MAP_ADMIT_INDEX], &cookie);
	lc_admit_of(net.plane, admits[1])->version |= 1;
	lc_admit_of(net.plane, 7)->cookie = lc_admit_of(net.plane, admits[1])->cookie;
	take_over(&net);
	cr_expect_eq(bpf_map_lookup_elem(net.plane->maps.fd[LC_MAP_ADMIT_INDEX], &cookie, &again),
		     0);
	cr_expect_eq(again, admits[0]);
	cr_expect_eq(lc_admit_of(net.plane, admits[0])->rule.kind, LC_ADMIT_ANCHOR);
	cr_expect_eq(lc_admit_of(net.plane, admits[1])->rule.kind, LC_ADMIT_NOBODY);
	cr_expect_eq(lc_admit_of(net.plane, admits[1])->version % 2, 0);
	cr_expect_eq(lc_admit_of(net.plane, 7)->cookie, 0);
	cr_expect_eq(net.plane->free_admits.count, 5);
	cr_expect_eq(lc_plane_admit_socket(net.plane, sockets[0], 0, LC_ROLE_LEAF, &again),
		     -EEXIST);
	cr_expect_eq(lc_plane_admit_socket(net.plane, sockets[2], 0, LC_ROLE_LEAF, &again), 0);
	net_close(&net);
}

static bool is_locked(int socket)
{
	int on = 1;

	return setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof(on)) < 0 &&
	       errno == EPERM;
}

/* A record that is there before the filter: it gets one when its descriptor comes again. */
Test(killed, socket_without_its_filter)
{
	struct net net;
	int bare, locked;
	uint32_t admit;

	net_open_sized(&net, 8, 16, 8);
	bare = net_socket(&net, ROOT4, 7000);
	locked = net_socket(&net, ROOT4, 7001);
	cr_assert_eq(lc_plane_admit_socket(net.plane, locked, 0, LC_ROLE_LEAF, &admit), 0);
	cr_assert(!is_locked(bare) && is_locked(locked));
	cr_expect_eq(lc_plane_guard_socket(net.plane, bare), 0);
	cr_expect(is_locked(bare));
	cr_expect_eq(lc_plane_guard_socket(net.plane, locked), 0);
	net_close(&net);
}

/* ---- what is to be resumed, instruction by instruction ---- */

/* In memory of both: the record as a child stores `next` over it. */
struct stored {
	struct lc_resumption record, next;
};

static pid_t begin_to_store(struct stored *stored)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		lc_resumption_store(&stored->record, &stored->next);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSTOPPED(status), "ptrace: %x", status);
	return child;
}

/* `is_sound` is asked after each instruction, so it sees what a kill there would leave. */
static void store_in_steps(const struct lc_resumption *former, const struct lc_resumption *next,
			   bool (*is_sound)(const struct lc_resumption *record,
					    const struct lc_resumption *former,
					    const struct lc_resumption *next))
{
	struct stored *stored = mmap(NULL, sizeof(*stored), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int unsound = 0, changes = 0;
	struct lc_resumption last = *former;
	int status = 0;
	pid_t child;

	cr_assert_neq(stored, MAP_FAILED);
	*stored = (struct stored){*former, *next};
	child = begin_to_store(stored);
	while (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0 &&
	       waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		changes += memcmp(&last, &stored->record, sizeof(last)) != 0;
		last = stored->record;
		unsound += !is_sound(&last, former, next);
	}
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
	cr_expect_eq(unsound, 0, "after %u instructions", unsound);
	cr_expect_gt(changes, 1, "the stores were seen one by one");
	cr_expect_arr_eq(&last, next, sizeof(last));
	munmap(stored, sizeof(*stored));
}

static bool is_one_or_none(const struct lc_resumption *record, const struct lc_resumption *former,
			   const struct lc_resumption *next)
{
	return !record->number || memcmp(record, former, sizeof(*record)) == 0 ||
	       memcmp(record, next, sizeof(*record)) == 0;
}

static bool has_not_left_unexpected(const struct lc_resumption *record,
				    const struct lc_resumption *former,
				    const struct lc_resumption *next)
{
	return record->number == former->number &&
	       (record->left == former->left || record->expected == next->expected);
}

/* Of another membership no word is found under the number of the one, nor the other way round. */
Test(killed, half_stored_resumptions)
{
	const struct lc_resumption none = {0};
	struct lc_resumption one = {
		.number = 0x1111111111111111,
		.end = 1,
		.secret = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
		.own = {.addr = {7}, .family = LC_INET},
		.other = {.addr = {8}, .family = LC_INET},
		.admitted_before = 11,
		.handle_cookie = 12,
	};
	struct lc_resumption other = one, left = one;

	other.number = 0x2222222222222222;
	other.end = 2;
	other.secret.bytes[15] = 99;
	other.own.addr[0] = other.other.addr[0] = 9;
	other.admitted_before = other.handle_cookie = 99;
	store_in_steps(&none, &one, is_one_or_none);
	store_in_steps(&one, &other, is_one_or_none);
	store_in_steps(&one, &none, is_one_or_none);
	left.left = 3;
	left.expected = 1000;
	store_in_steps(&one, &left, has_not_left_unexpected);
}
