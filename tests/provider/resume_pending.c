/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The daemon goes and another comes, while something is under way. */
#include "restarts.h"

TestSuite(resume_pending, .init = setup, .fini = teardown, .timeout = 30);

Test(resume_pending, a_pending_join_is_taken_back)
{
	SOCKET s = new_leaf();
	struct joining joining;

	fake.hold_joins = true;
	join_in_thread(&joining, s);
	fake_wait(LC_LOCAL_JOIN, 1);
	fake_drop();
	pthread_join(joining.thread, NULL);
	assert_code(WSAENETDOWN, joining.code);
	cr_expect_eq(leafcast_socket_reason(s), LEAFCAST_NETWORK_DOWN);
	cr_expect_eq(fake_wait(LC_LOCAL_RESUME, 1).socket, number_of(1));
	cr_expect_not(fake_wait(LC_LOCAL_RESUME, 1).member);
	fake.hold_joins = false;
	assert_code(0, join_code(s));
	cr_expect_eq(send_text(s, "x"), 1);
}

Test(resume_pending, so_is_a_pending_invitation)
{
	SOCKET root = new_listening(ROOT_FLAGS), leaf;
	WSAEVENT event = new_event();
	int code = 0;

	wsp.lpWSPEventSelect(root, event, FD_CONNECT, &code);
	fake.dies_at = LC_LOCAL_JOIN;
	leaf = join(root, &code);
	cr_assert_neq(leaf, INVALID_SOCKET);
	assert_code(WSAENETDOWN, wait_network_event(root, event, FD_CONNECT_BIT));
	cr_expect(resumed(number_of(1)).member);
	cr_expect_not(resumed(fake_wait(LC_LOCAL_JOIN, 1).other).member);
	cr_expect_neq(join(root, &code), INVALID_SOCKET);
	assert_code(0, wait_network_event(root, event, FD_CONNECT_BIT));
	close_event(event);
}

Test(resume_pending, so_is_a_pending_accept)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	struct lc_local_message message;

	fake.dies_at = LC_LOCAL_ACCEPT;
	fake_event(fake_request(1, 3));
	assert_code(WSAENETDOWN, accept_code(root));
	fake_wait(LC_LOCAL_ACCEPT, 1);
	message = fake_wait(LC_LOCAL_CLOSED_MEANWHILE, 1);
	cr_expect_eq(message.reason, LEAFCAST_RESET);
	settle();
	cr_expect_eq(fake_count(LC_LOCAL_REJECT), 0, "its number is another's now");
	fake_event(fake_request(1, 3));
	assert_code(0, accept_code(root));
}

Test(resume_pending, who_asked_by_the_old_daemon_has_gone)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	WSAEVENT event = new_event();
	int code = 0;

	wsp.lpWSPEventSelect(root, event, FD_ACCEPT, &code);
	for (uint64_t request = 1; request <= 3; request++)
		fake_event(fake_request(1, request));
	cr_assert_eq(wait_network_event(root, event, FD_ACCEPT_BIT), 0);
	settle();
	restart();
	fake_wait(LC_LOCAL_LISTEN, 2);
	settle();
	set_nonblocking(root, true);
	assert_code(WSAECONNRESET, accept_code(root));
	assert_code(WSAEWOULDBLOCK, accept_code(root));
	cr_expect_eq(fake_count(LC_LOCAL_ACCEPT) + fake_count(LC_LOCAL_REJECT), 0);
	fake_event(fake_request(1, 1));
	cr_expect_eq(wait_network_event(root, event, FD_ACCEPT_BIT), 0);
	assert_code(0, accept_code(root));
	close_event(event);
}

static int answer_of_condition;
static int restart_daemon(LPWSABUF caller, LPWSABUF caller_data, LPQOS qos, LPQOS gqos,
			  LPWSABUF callee, LPWSABUF callee_data, GROUP *g, DWORD_PTR data)
{
	int resumed_before = fake_count(LC_LOCAL_RESUME);

	callee_data->len = 0;
	fake_drop();
	fake_wait(LC_LOCAL_RESUME, resumed_before + 1);
	return answer_of_condition;
}

/* The new daemon's request of the same number is somebody else's. */
Test(resume_pending, a_decision_about_the_old_daemons_request_is_told_nobody)
{
	static const int answers[] = {CF_ACCEPT, CF_REJECT, CF_DEFER};
	SOCKET root = new_listening(ROOT_FLAGS);
	int code = 0;

	for (size_t i = 0; i < 3; i++) {
		answer_of_condition = answers[i];
		fake_event(fake_request(1, 3));
		cr_expect_eq(wsp.lpWSPAccept(root, NULL, NULL, restart_daemon, 0, &code),
			     INVALID_SOCKET);
		assert_code(WSAECONNRESET, code);
		settle();
	}
	cr_expect_eq(fake_count(LC_LOCAL_ACCEPT) + fake_count(LC_LOCAL_REJECT), 0);
}

static SOCKET WSPAPI modify_and_restart(DWORD id, SOCKET proposed, LPINT lpErrno)
{
	int resumed_before = fake_count(LC_LOCAL_RESUME);

	if (!resumed_before && fake_count(LC_LOCAL_LISTEN)) {
		fake_drop();
		fake_wait(LC_LOCAL_LISTEN, 2);
	}
	return proposed;
}

/* The same in the moment between the decision and its message. */
Test(resume_pending, nor_is_one_that_was_about_to_be_told)
{
	const WSPUPCALLTABLE upcalls = {.lpWPUModifyIFSHandle = modify_and_restart};
	SOCKET root;
	WSPDATA data;

	WSPStartup(MAKEWORD(2, 2), &data, NULL, upcalls, &wsp);
	root = new_listening(ROOT_FLAGS);
	fake_event(fake_request(1, 3));
	assert_code(WSAENETDOWN, accept_code(root));
	settle();
	cr_expect_eq(fake_count(LC_LOCAL_ACCEPT) + fake_count(LC_LOCAL_REJECT), 0);
	fake_event(fake_request(1, 3));
	assert_code(0, accept_code(root));
}
