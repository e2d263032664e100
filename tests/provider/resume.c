/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The daemon goes and another comes: what it is told of each socket, and what it tells. */
#include "restarts.h"

#include <sys/resource.h>

TestSuite(resume, .init = setup, .fini = teardown, .timeout = 30);

/* --- what is said of each kind of socket */

Test(resume, a_member)
{
	SOCKET s = new_joined_leaf();
	struct lc_local_message message;

	fake_stop();
	cr_expect_eq(send_text(s, "still"), 5);
	fake_start();
	message = fake_wait(LC_LOCAL_RESUME, 1);
	cr_expect_eq(message.socket, number_of(1));
	cr_expect_eq(message.role, LC_ROLE_LEAF);
	cr_expect_eq(message.other, 0);
	cr_expect(message.member);
	cr_expect_not(message.has_flows);
	cr_expect_eq(cookie_of(fake_descriptor(LC_LOCAL_RESUME, 1)), cookie_of((int)s));
	settle();
	cr_expect_eq(send_text(s, "x"), 1);
	assert_code(WSAEISCONN, join_code(s));
	fake_close(number_of(1), LEAFCAST_RESET);
	while (leafcast_socket_reason(s) != LEAFCAST_RESET)
		usleep(1000);
	cr_expect_eq(fake_count(LC_LOCAL_LISTEN), 0);
}

Test(resume, a_new_socket_and_its_flows)
{
	SOCKET s = new_leaf();
	struct lc_local_message message;

	assert_code(0, set_flows_code(s));
	restart();
	message = fake_wait(LC_LOCAL_RESUME, 1);
	cr_expect_not(message.member);
	cr_assert(message.has_flows);
	cr_expect_eq(message.flows.up.token_rate, 1000);
	assert_code(0, join_code(s));
	cr_expect_eq(fake_wait(LC_LOCAL_JOIN, 1).socket, number_of(1));
}

Test(resume, a_listening_root)
{
	SOCKET root = new_bound(ROOT_FLAGS);
	struct lc_local_message message;
	int code = 0;

	cr_assert_eq(wsp.lpWSPListen(root, 7, &code), 0);
	restart();
	message = fake_wait(LC_LOCAL_RESUME, 1);
	cr_expect_eq(message.role, LC_ROLE_ROOT);
	cr_expect(message.member, "its session is open");
	cr_expect_eq(fake_position(LC_LOCAL_LISTEN, 2), fake_position(LC_LOCAL_RESUME, 1) + 1);
	cr_expect_eq(fake_wait(LC_LOCAL_LISTEN, 2).socket, number_of(1));
	cr_expect_eq(fake_wait(LC_LOCAL_LISTEN, 2).backlog, 7);
	settle();
	fake_event(fake_request(1, 3));
	assert_code(0, accept_code(root));
	cr_expect_eq(fake_wait(LC_LOCAL_ACCEPT, 1).request, 3);
}

Test(resume, a_listening_leaf_is_no_member)
{
	SOCKET leaf = new_listening(LEAF_FLAGS);

	restart();
	cr_expect_not(fake_wait(LC_LOCAL_RESUME, 1).member);
	fake_wait(LC_LOCAL_LISTEN, 2);
	settle();
	fake_event(fake_request(1, 3));
	assert_code(0, accept_code(leaf));
}

Test(resume, a_root_that_neither_listens_nor_joined_has_no_session)
{
	new_root();
	restart();
	cr_expect_eq(fake_wait(LC_LOCAL_RESUME, 1).role, LC_ROLE_ROOT);
	cr_expect_not(fake_wait(LC_LOCAL_RESUME, 1).member);
	settle();
	cr_expect_eq(fake_count(LC_LOCAL_LISTEN), 0);
}

Test(resume, roots_come_before_handles)
{
	SOCKET root = new_root(), last;
	uint64_t handles[2];
	int code;

	for (int i = 0; i < 2; i++) {
		cr_assert_neq(join(root, &code), INVALID_SOCKET);
		handles[i] = fake_wait(LC_LOCAL_JOIN, i + 1).other;
	}
	last = new_root();
	cr_assert_neq(join(last, &code), INVALID_SOCKET);
	restart();
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(resumed(handles[i]).other, number_of(1));
		cr_expect_eq(resumed(handles[i]).role, LC_ROLE_LEAF);
		cr_expect(resumed(handles[i]).member);
		cr_expect_lt(resumed_at(number_of(1)), resumed_at(handles[i]));
		cr_expect_lt(resumed_at(number_of(2)), resumed_at(handles[i]));
	}
	cr_expect(resumed(number_of(1)).member);
	settle();
	cr_expect_eq(fake_count(LC_LOCAL_RESUME), 5);
}

Test(resume, an_accepted_member)
{
	SOCKET leaf = new_listening(LEAF_FLAGS), member;
	int code;

	fake_event(fake_request(1, 3));
	member = accept_any(leaf, &code);
	cr_assert_neq(member, INVALID_SOCKET);
	restart();
	cr_expect(resumed(fake_wait(LC_LOCAL_ACCEPT, 1).other).member);
	cr_expect_eq(resumed(fake_wait(LC_LOCAL_ACCEPT, 1).other).other, 0);
	cr_expect_eq(send_text(member, "x"), 1);
}

/* More than are under way at a time, and each but once. */
Test(resume, very_many)
{
	enum {
		COUNT = 300
	};
	const struct rlimit room = {4096, 4096};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &room), 0);
	for (int i = 0; i < COUNT; i++)
		new_leaf();
	restart();
	fake_wait(LC_LOCAL_RESUME, COUNT);
	settle();
	cr_expect_eq(fake_count(LC_LOCAL_RESUME), COUNT);
	for (int n = 1; n <= COUNT; n++)
		cr_expect_geq(fake_descriptor(LC_LOCAL_RESUME, n), 0);
}

/* More is told before than the connection holds unread: it goes on when there is room. */
Test(resume, by_a_daemon_that_is_slow_to_read)
{
	enum {
		COUNT = 400
	};
	const struct rlimit room = {4096, 4096};
	static SOCKET closed[COUNT];
	SOCKET s = new_listening(LEAF_FLAGS);

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &room), 0);
	for (int i = 0; i < COUNT; i++)
		closed[i] = new_joined_leaf();
	fake_stop();
	for (int i = 0; i < COUNT; i++)
		close_handle(closed[i]);
	fake.deaf_at = LC_LOCAL_HELLO;
	fake_start();
	while (fake_count(LC_LOCAL_HELLO) < 2)
		usleep(1000);
	usleep(50000);
	cr_expect_eq(fake_count(LC_LOCAL_RESUME), 0);
	fake_hear();
	fake_wait(LC_LOCAL_RESUME, 1);
	cr_expect_eq(fake_count(LC_LOCAL_CLOSED_MEANWHILE), COUNT, "they come first");
	settle();
	fake_event(fake_request(1, 1));
	assert_code(0, accept_code(s));
}

/* --- what had ended */

Test(resume, a_membership_that_ended_meanwhile)
{
	SOCKET s = new_joined_leaf();
	WSAEVENT event = new_event();
	int code = 0;

	cr_assert_eq(wsp.lpWSPEventSelect(s, event, FD_CLOSE, &code), 0);
	fake.resume = LEAFCAST_LOST;
	restart();
	assert_code(WSAECONNABORTED, wait_network_event(s, event, FD_CLOSE_BIT));
	cr_expect_eq(leafcast_socket_reason(s), LEAFCAST_LOST);
	cr_expect_eq(send_text(s, "x"), -WSAECONNRESET);
	close_event(event);
}

Test(resume, a_graceful_end_meanwhile)
{
	SOCKET s = new_joined_leaf();
	char room[4];

	fake.resume = LEAFCAST_CLOSED;
	restart();
	cr_expect_eq(receive_text(s, room, 4), -WSAEDISCON);
}

/* It was none, so it is what it was. */
Test(resume, a_reason_for_one_that_was_no_member)
{
	SOCKET s = new_leaf();

	fake.resume = LEAFCAST_LOST;
	restart();
	fake_wait(LC_LOCAL_RESUME, 1);
	assert_code(0, join_code(s));
}

Test(resume, one_handle_ends_alone)
{
	SOCKET root = new_root(), gone, there;
	WSAEVENT events[2] = {new_event(), new_event()};
	int code = 0;

	gone = join(root, &code);
	there = join(root, &code);
	wsp.lpWSPEventSelect(gone, events[0], FD_CLOSE, &code);
	wsp.lpWSPEventSelect(there, events[1], FD_CLOSE, &code);
	fake.resume = LEAFCAST_RESET;
	fake.resume_of = fake_wait(LC_LOCAL_JOIN, 1).other;
	restart();
	assert_code(WSAECONNRESET, wait_network_event(gone, events[0], FD_CLOSE_BIT));
	settle();
	cr_expect_eq(leafcast_socket_reason(there), LEAFCAST_NO_REASON);
	cr_expect_eq(leafcast_socket_reason(root), LEAFCAST_NO_REASON);
	cr_expect_eq(send_text(root, "x"), 1);
	cr_expect_neq(join(root, &code), INVALID_SOCKET);
	close_event(events[0]);
	close_event(events[1]);
}

Test(resume, a_lost_session_ends_all_its_handles)
{
	SOCKET root = new_root(), other = new_root(), handles[3];
	int code;

	handles[0] = join(root, &code);
	handles[1] = join(root, &code);
	handles[2] = join(other, &code);
	fake.resume = LEAFCAST_LOST;
	fake.resume_of = number_of(1);
	restart();
	fake_wait(LC_LOCAL_RESUME, 5);
	while (leafcast_socket_reason(handles[0]) == LEAFCAST_NO_REASON ||
	       leafcast_socket_reason(handles[1]) == LEAFCAST_NO_REASON)
		usleep(1000);
	settle();
	cr_expect_eq(leafcast_socket_reason(root), LEAFCAST_LOST);
	cr_expect_eq(leafcast_socket_reason(handles[2]), LEAFCAST_NO_REASON);
	assert_code(WSAEINVAL, join_code(root));
}

/* --- what was closed */

Test(resume, closed_meanwhile)
{
	const struct linger at_once = {1, 0};
	SOCKET graceful = new_joined_leaf(), hard = new_joined_leaf(), there = new_joined_leaf();
	SOCKET idle = new_leaf();
	/* The records of one that was never bound would be kept: the kernel does not list it. */
	const uint64_t cookies[] = {cookie_of((int)graceful), cookie_of((int)hard),
				    cookie_of((int)idle)};
	unsigned int told[3] = {0};
	int code = 0;

	wsp.lpWSPSetSockOpt(hard, SOL_SOCKET, SO_LINGER, (const char *)&at_once, sizeof(at_once),
			    &code);
	fake_stop();
	close_handle(graceful);
	close_handle(hard);
	close_handle(idle);
	fake_start();
	for (int n = 1; n <= 3; n++) {
		struct lc_local_message message = fake_wait(LC_LOCAL_CLOSED_MEANWHILE, n);

		for (int i = 0; i < 3; i++)
			told[i] += message.cookie == cookies[i] &&
				   message.reason == (i == 1 ? LEAFCAST_RESET : LEAFCAST_CLOSED);
	}
	for (int i = 0; i < 3; i++)
		cr_expect_eq(told[i], 1, "%d", i);
	cr_expect_lt(fake_position(LC_LOCAL_CLOSED_MEANWHILE, 3),
		     fake_position(LC_LOCAL_RESUME, 1));
	settle();
	cr_expect_eq(fake_count(LC_LOCAL_RESUME), 1);
	cr_expect_eq(fake_wait(LC_LOCAL_RESUME, 1).socket, number_of(3));
	cr_expect_eq(send_text(there, "x"), 1);
	/* Once answered, it is not told again; the close of settle() itself may not be yet. */
	new_leaf();
	fake_drop();
	fake_wait(LC_LOCAL_RESUME, 2);
	settle();
	cr_expect_eq(fake_count(LC_LOCAL_CLOSED_MEANWHILE), 3);
}

/* Whether the one that died had read it, nobody knows. */
Test(resume, a_close_that_nobody_answered_is_told_again)
{
	SOCKET s = new_joined_leaf();
	uint64_t cookie = cookie_of((int)s);

	fake.dies_at = LC_LOCAL_CLOSE;
	close_handle(s);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSED_MEANWHILE, 1).cookie, cookie);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSED_MEANWHILE, 1).reason, LEAFCAST_CLOSED);
}

Test(resume, so_is_a_CLOSED_MEANWHILE)
{
	SOCKET s = new_joined_leaf();
	uint64_t cookie = cookie_of((int)s);

	fake_stop();
	close_handle(s);
	fake.dies_at = LC_LOCAL_CLOSED_MEANWHILE;
	fake_start();
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSED_MEANWHILE, 2).cookie, cookie);
	settle();
	cr_expect_eq(fake_count(LC_LOCAL_CLOSED_MEANWHILE), 2);
}

Test(resume, shut_down_meanwhile)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	int code = 0;

	fake_stop();
	cr_assert_eq(wsp.lpWSPShutdown(root, SD_BOTH, &code), 0);
	fake_start();
	cr_expect(fake_wait(LC_LOCAL_RESUME, 1).member, "else it would end as a reset");
	cr_expect_eq(fake_position(LC_LOCAL_CLOSE, 1), fake_position(LC_LOCAL_RESUME, 1) + 1);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).reason, LEAFCAST_CLOSED);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, number_of(1));
	settle();
	cr_expect_eq(fake_count(LC_LOCAL_LISTEN), 1);
}

static int cleanup(SOCKET unused)
{
	int code = 0;

	wsp.lpWSPCleanup(&code);
	return code;
}

Test(resume, cleanup_waits_for_a_daemon_to_say_goodbye_to)
{
	struct timespec pause = {.tv_nsec = 300000000};
	struct call call;

	new_joined_leaf();
	fake_stop();
	call_begin(&call, cleanup, 0);
	nanosleep(&pause, NULL);
	fake_start();
	assert_code(0, call_end(&call));
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSED_MEANWHILE, 1).reason, LEAFCAST_CLOSED);
}

Test(resume, cleanup_does_not_wait_for_ever)
{
	double start;
	int code;

	new_joined_leaf();
	fake_stop();
	start = seconds();
	cr_expect_eq(wsp.lpWSPCleanup(&code), 0);
	cr_expect_leq(seconds() - start, 3);
}
