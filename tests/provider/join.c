/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The life of a join: who may ask when, how it comes out, and what that makes of the sockets. */
#include "fake.h"

#include <pthread.h>

TestSuite(join, .init = setup, .fini = teardown, .timeout = 20);

Test(join, R1_R46_success_returns_the_same_socket)
{
	SOCKET s = new_leaf();
	int code = 77;

	cr_expect_eq(join(s, &code), s);
	assert_code(0, code);
}

Test(join, R2_blocking_returns_when_decided)
{
	struct joining joining;
	SOCKET s = new_leaf();

	fake.hold_joins = true;
	joining.result = 0;
	join_in_thread(&joining, s);
	fake_wait(LC_LOCAL_JOIN, 1);
	usleep(50000);
	cr_expect_eq(joining.result, 0, "it returned before the outcome");
	fake_answer_join(0);
	pthread_join(joining.thread, NULL);
	cr_expect_eq(joining.result, s);
}

Test(join, R3_R4_R5_nonblocking_completes_by_FD_CONNECT_on_s)
{
	SOCKET s = new_leaf();
	WSAEVENT event = new_event();
	int code;

	fake.hold_joins = true;
	wsp.lpWSPEventSelect(s, event, FD_CONNECT, &code);
	cr_assert_eq(join(s, &code), s);
	cr_expect_not(is_set(event));
	fake_answer_join(LEAFCAST_REJECTED);
	cr_expect_eq(wait_network_event(s, event, FD_CONNECT_BIT), WSAECONNREFUSED);
	cr_expect_eq(leafcast_socket_reason(s), LEAFCAST_REJECTED);
	cr_assert_eq(join(s, &code), s);
	fake_answer_join(0);
	cr_expect_eq(wait_network_event(s, event, FD_CONNECT_BIT), 0);
	cr_expect_eq(leafcast_socket_reason(s), LEAFCAST_NO_REASON);
	close_event(event);
}

Test(join, R5_connect_outcome_is_recorded_for_a_late_registration)
{
	SOCKET s = new_leaf();
	WSAEVENT event = new_event();
	int code;

	set_nonblocking(s, true);
	fake.join = LEAFCAST_TIMED_OUT;
	join(s, &code);
	while (leafcast_socket_reason(s) == LEAFCAST_NO_REASON)
		usleep(1000);
	wsp.lpWSPEventSelect(s, event, FD_CONNECT, &code);
	cr_expect_eq(wait_network_event(s, event, FD_CONNECT_BIT), WSAETIMEDOUT);
	wsp.lpWSPEventSelect(s, event, FD_CONNECT, &code);
	cr_expect_not(is_set(event), "delivered twice");
	close_event(event);
}

Test(join, R6_second_join_is_already)
{
	SOCKET s = new_leaf();
	int code;

	set_nonblocking(s, true);
	fake.hold_joins = true;
	join(s, &code);
	cr_expect_eq(join(s, &code), INVALID_SOCKET);
	assert_code(WSAEALREADY, code);
	fake_answer_join(0);
	cr_expect_eq(fake_count(LC_LOCAL_JOIN), 1);
	while (send_text(s, "x") != 1)
		usleep(1000);
}

Test(join, R7_R22_joined_leaf_is_connected)
{
	SOCKET s = new_joined_leaf();
	int code;

	cr_expect_eq(join(s, &code), INVALID_SOCKET);
	assert_code(WSAEISCONN, code);
}

Test(join, R8_R33_R39_root_adds_many_each_a_new_socket)
{
	SOCKET root = new_root(), first, second;
	int code;

	first = join(root, &code);
	second = join(root, &code);
	cr_assert_neq(second, INVALID_SOCKET, "%d", code);
	cr_expect(first != root && second != root && first != second);
	cr_expect_neq(fake_wait(LC_LOCAL_JOIN, 1).other, fake_wait(LC_LOCAL_JOIN, 2).other);
	cr_expect_geq(fake_descriptor(LC_LOCAL_JOIN, 2), 0, "no descriptor travelled");
	/* R42 */
	cr_expect_eq(send_text(first, "no"), -WSAEOPNOTSUPP);
}

Test(join, a_refused_invitation_leaves_nothing)
{
	SOCKET root = new_root();
	int code;

	fake.join = LEAFCAST_REJECTED;
	cr_expect_eq(join(root, &code), INVALID_SOCKET);
	assert_code(WSAECONNREFUSED, code);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, fake_wait(LC_LOCAL_JOIN, 1).other);
	fake.join = 0;
	cr_expect_neq(join(root, &code), INVALID_SOCKET);
}

Test(join, R9_after_a_refusal_s_may_try_again)
{
	const enum leafcast_reason reasons[] = {LEAFCAST_NOBODY_LISTENING, LEAFCAST_UNREACHABLE,
						LEAFCAST_TIMED_OUT};
	SOCKET s = new_leaf();
	int code;

	for (size_t i = 0; i < 3; i++) {
		fake.join = reasons[i];
		cr_expect_eq(join(s, &code), INVALID_SOCKET);
		cr_expect_eq(leafcast_socket_reason(s), reasons[i]);
	}
	fake.join = 0;
	cr_expect_eq(join(s, &code), s);
}

Test(join, refusals_have_their_codes)
{
	const struct {
		enum leafcast_reason reason;
		int code;
	} rows[] = {
		{LEAFCAST_NOBODY_LISTENING, 10061},
		{LEAFCAST_BACKLOG_FULL, 10061},
		{LEAFCAST_REJECTED, 10061},
		{LEAFCAST_POLICY, 10061},
		{LEAFCAST_NO_CAPACITY, 10045},
		{LEAFCAST_BAD_FLOWSPEC, 10045},
		{LEAFCAST_LIMIT, 10055},
		{LEAFCAST_NOT_SUPPORTED, 10045},
		{LEAFCAST_UNREACHABLE, 10051},
		{LEAFCAST_PATH_BLOCKED, 10051},
		{LEAFCAST_TIMED_OUT, 10060},
		{LEAFCAST_CANCELLED, 10004},
		{LEAFCAST_NO_CONTROL, 10061},
		{LEAFCAST_PROTOCOL, 10061},
		{LEAFCAST_ADDRESS_IN_USE, 10048},
		{LEAFCAST_NETWORK_DOWN, 10050},
		{LEAFCAST_FAULT, 10055},
	};
	SOCKET s = new_leaf();
	int code;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake.join = rows[i].reason;
		join(s, &code);
		cr_expect_eq(code, rows[i].code, "%s: %d", leafcast_reason_word(rows[i].reason),
			     code);
		cr_expect_eq(leafcast_socket_reason(s), rows[i].reason, "%s",
			     leafcast_reason_word(rows[i].reason));
	}
}

Test(join, R12_R32_close_of_s_ends_a_blocking_join)
{
	struct joining joining;
	SOCKET s = new_leaf();

	fake.hold_joins = true;
	join_in_thread(&joining, s);
	fake_wait(LC_LOCAL_JOIN, 1);
	assert_code(0, close_handle(s));
	pthread_join(joining.thread, NULL);
	assert_code(WSAEINTR, joining.code);
	fake_wait(LC_LOCAL_CLOSE, 1);
}

Test(join, R13_blocking_join_of_another_thread_is_in_progress)
{
	struct joining joining;
	SOCKET s = new_leaf();
	int code;

	fake.hold_joins = true;
	join_in_thread(&joining, s);
	fake_wait(LC_LOCAL_JOIN, 1);
	join(s, &code);
	assert_code(WSAEINPROGRESS, code);
	fake_answer_join(0);
	pthread_join(joining.thread, NULL);
}

Test(join, R25_not_a_socket)
{
	int code;

	join(1, &code);
	assert_code(WSAENOTSOCK, code);
	join((SOCKET)other_end, &code);
	assert_code(WSAENOTSOCK, code);
	join(INVALID_SOCKET, &code);
	assert_code(WSAENOTSOCK, code);
}

Test(join, R29_unbound_gets_a_name_and_cannot_be_bound)
{
	struct sockaddr_in name = loopback(0), own;
	int length = sizeof(own), code = 0;
	SOCKET s = new_leaf();

	cr_expect_neq(wsp.lpWSPGetSockName(s, (struct sockaddr *)&own, &length, &code), 0);
	assert_code(WSAEINVAL, code);
	join(s, &code);
	cr_assert_eq(wsp.lpWSPGetSockName(s, (struct sockaddr *)&own, &length, &code), 0);
	cr_expect_neq(own.sin_port, 0);
	wsp.lpWSPBind(s, (struct sockaddr *)&name, sizeof(name), &code);
	assert_code(WSAEINVAL, code);
	cr_assert_eq(wsp.lpWSPGetPeerName(s, (struct sockaddr *)&own, &length, &code), 0);
	cr_expect_eq(own.sin_port, other_end_name.sin_port);
}

Test(join, R29_no_bind_while_joining)
{
	struct sockaddr_in name = loopback(0);
	SOCKET s = new_leaf();
	int code = 0;

	set_nonblocking(s, true);
	fake.hold_joins = true;
	join(s, &code);
	cr_expect_neq(wsp.lpWSPBind(s, (struct sockaddr *)&name, sizeof(name), &code), 0);
	assert_code(WSAEINVAL, code);
}

Test(join, R31_new_descriptor_is_unusable_until_FD_CONNECT)
{
	SOCKET root = new_root(), leaf;
	WSAEVENT event = new_event();
	int code = 0;

	fake.hold_joins = true;
	wsp.lpWSPEventSelect(root, event, FD_CONNECT | FD_CLOSE, &code);
	leaf = join(root, &code);
	cr_assert(leaf != INVALID_SOCKET && leaf != root);
	cr_expect_eq(send_text(leaf, "x"), -WSAENOTCONN);
	cr_expect_neq(wsp.lpWSPEventSelect(leaf, event, FD_CLOSE, &code), 0);
	assert_code(WSAENOTCONN, code);
	/* R34 */
	join(root, &code);
	assert_code(WSAEALREADY, code);
	fake_answer_join(0);
	cr_expect_eq(wait_network_event(root, event, FD_CONNECT_BIT), 0);
	/* R41, R44: the registration is there, and tells of this leaf */
	fake_close(fake_wait(LC_LOCAL_JOIN, 1).other, LEAFCAST_CLOSED);
	cr_expect_eq(wait_network_event(leaf, event, FD_CLOSE_BIT), 0);
	close_event(event);
}

Test(join, R32_closing_the_new_descriptor_cancels)
{
	SOCKET root = new_root(), leaf;
	WSAEVENT event = new_event();
	int code;

	fake.hold_joins = true;
	wsp.lpWSPEventSelect(root, event, FD_CONNECT, &code);
	leaf = join(root, &code);
	assert_code(0, close_handle(leaf));
	cr_expect_eq(fake_wait(LC_LOCAL_CANCEL, 1).socket, fake_wait(LC_LOCAL_JOIN, 1).socket);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, fake_wait(LC_LOCAL_JOIN, 1).other);
	cr_expect_eq(wait_network_event(root, event, FD_CONNECT_BIT), WSAEINTR);
	cr_expect_neq(join(root, &code), INVALID_SOCKET);
	fake_answer_join(0);
	cr_expect_eq(wait_network_event(root, event, FD_CONNECT_BIT), 0);
	close_event(event);
}

Test(join, R32_a_join_that_succeeds_all_the_same_is_cancelled)
{
	char room[4] = "....";
	WSABUF callee = {4, room};
	SOCKET root = new_root(), leaf;
	WSAEVENT event = new_event();
	int code;

	fake.hold_joins = fake.cancels_too_late = true;
	fake.callee = (struct lc_connect_data){.present = true, .length = 3, .bytes = "yes"};
	wsp.lpWSPEventSelect(root, event, FD_CONNECT, &code);
	leaf = join_giving(root, NULL, &callee, NULL, JL_BOTH, &code);
	close_handle(leaf);
	fake_wait(LC_LOCAL_CLOSE, 1);
	fake_answer_join(0);
	cr_expect_eq(wait_network_event(root, event, FD_CONNECT_BIT), WSAEINTR);
	cr_expect_eq(callee.len, 4);
	cr_expect_arr_eq(room, "....", 4);
	close_event(event);
}

Test(join, R38_select_does_not_see_the_join)
{
	struct timeval now = {0};
	SOCKET s = new_leaf();
	int code;

	set_nonblocking(s, true);
	fake.hold_joins = true;
	for (int step = 0; step < 3; step++) {
		fd_set write, except;

		FD_ZERO(&write);
		FD_ZERO(&except);
		FD_SET((int)s, &write);
		FD_SET((int)s, &except);
		cr_expect_eq(wsp.lpWSPSelect(0, NULL, &write, &except, &now, &code), 1);
		cr_expect(FD_ISSET((int)s, &write), "step %d", step);
		cr_expect_not(FD_ISSET((int)s, &except), "step %d", step);
		if (step == 0)
			join(s, &code);
		else if (step == 1)
			fake_answer_join(0);
	}
}

Test(join, R45_closing_the_handle_drops_that_leaf)
{
	SOCKET root = new_root(), leaf;
	int code;

	leaf = join(root, &code);
	join(root, &code);
	assert_code(0, close_handle(leaf));
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, fake_wait(LC_LOCAL_JOIN, 1).other);
	assert_code(WSAENOTSOCK, close_handle(leaf));
}

Test(join, R49_listening_root_may_invite)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	int code;

	cr_expect_neq(join(root, &code), INVALID_SOCKET);
}

Test(join, listening_leaf_may_not_join)
{
	int code;

	join(new_listening(LEAF_FLAGS), &code);
	assert_code(WSAEINVAL, code);
}

Test(join, R66_a_dead_socket_stays_dead)
{
	SOCKET s = new_joined_leaf();
	WSAEVENT event = new_event();
	int code;

	wsp.lpWSPEventSelect(s, event, FD_CLOSE, &code);
	fake_close(fake_wait(LC_LOCAL_OPEN, 1).socket, LEAFCAST_RESET);
	cr_expect_eq(wait_network_event(s, event, FD_CLOSE_BIT), WSAECONNRESET);
	join(s, &code);
	assert_code(WSAEINVAL, code);
	cr_expect_eq(send_text(s, "x"), -WSAECONNRESET);
	new_joined_leaf();
	close_event(event);
}
