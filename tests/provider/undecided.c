/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a join that has not succeeded leaves as it was, and what outlives a registration. */
#include "fake.h"

#include <sched.h>
#include <stdlib.h>

TestSuite(undecided, .init = setup, .fini = teardown, .timeout = 20);

static SOCKET join_as(SOCKET s, DWORD flags, int *code)
{
	*code = 0;
	return wsp.lpWSPJoinLeaf(s, (struct sockaddr *)&other_end_name, sizeof(other_end_name),
				 NULL, NULL, NULL, NULL, flags, code);
}

static int set_qos(SOCKET s, ULONG sending, ULONG receiving)
{
	FLOWSPEC flow = {sending,	    2000,
			 QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
			 QOS_NOT_SPECIFIED, SERVICETYPE_BESTEFFORT,
			 QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED};
	QOS qos = {flow, flow, {0, NULL}};
	DWORD used;
	int code = 0;

	qos.ReceivingFlowspec.TokenRate = receiving;
	wsp.lpWSPIoctl(s, SIO_SET_QOS, &qos, sizeof(qos), NULL, 0, &used, NULL, NULL, NULL, &code);
	return code;
}

static LONG record_of(SOCKET s)
{
	WSANETWORKEVENTS events;
	int code;

	cr_assert_eq(wsp.lpWSPEnumNetworkEvents(s, NULL, &events, &code), 0);
	return events.lNetworkEvents;
}

/* --- directions: dwFlags governs s, fixed by its first join that succeeds */

Test(undecided, a_refused_invitation_does_not_take_a_roots_right_to_send)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	int code;

	fake.join = LEAFCAST_REJECTED;
	join_as(root, JL_RECEIVER_ONLY, &code);
	assert_code(WSAECONNREFUSED, code);
	cr_expect_eq(send_text(root, "x"), 1);
	/* It was not the first either. */
	fake.join = 0;
	cr_assert_neq(join_as(root, JL_SENDER_ONLY, &code), INVALID_SOCKET);
	cr_expect_eq(send_text(root, "x"), 1);
	cr_expect_not(fake_wait(LC_LOCAL_JOIN, 2).receives);
}

Test(undecided, a_pending_invitation_does_not_take_a_roots_right_to_send)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	WSAEVENT event = new_event();
	int code;

	fake.hold_joins = true;
	wsp.lpWSPEventSelect(root, event, FD_CONNECT, &code);
	join_as(root, JL_RECEIVER_ONLY, &code);
	fake_wait(LC_LOCAL_JOIN, 1);
	cr_expect_eq(send_text(root, "x"), 1);
	fake_answer_join(0);
	cr_assert_eq(wait_network_event(root, event, FD_CONNECT_BIT), 0);
	cr_expect_eq(send_text(root, "x"), -WSAEOPNOTSUPP);
	/* The first success has decided. */
	fake.hold_joins = false;
	join_as(root, JL_SENDER_ONLY, &code);
	cr_assert_eq(wait_network_event(root, event, FD_CONNECT_BIT), 0);
	cr_expect_eq(send_text(root, "x"), -WSAEOPNOTSUPP);
	cr_expect(fake_wait(LC_LOCAL_JOIN, 2).receives && !fake_wait(LC_LOCAL_JOIN, 2).sends);
	close_event(event);
}

Test(undecided, a_leafs_refused_direction_does_not_swallow_a_later_spec)
{
	struct lc_local_message message;
	SOCKET s = new_leaf();
	int code;

	fake.join = LEAFCAST_REJECTED;
	join_as(s, JL_RECEIVER_ONLY, &code);
	assert_code(WSAECONNREFUSED, code);
	assert_code(0, set_qos(s, 700, 900));
	/* a leaf's sending goes up */
	cr_expect_eq(fake_wait(LC_LOCAL_SET_FLOWS, 1).flows.up.token_rate, 700);
	fake.join = 0;
	cr_expect_eq(join_as(s, JL_BOTH, &code), s);
	message = fake_wait(LC_LOCAL_JOIN, 2);
	cr_expect_eq(message.flows.up.token_rate, 700);
	cr_expect_eq(message.flows.down.token_rate, 900);
	cr_expect_eq(send_text(s, "x"), 1);
}

/* --- outcomes */

Test(undecided, R5_FD_CONNECT_of_a_refused_join_is_not_the_next_ones)
{
	SOCKET s = new_leaf();
	WSAEVENT event = new_event(), late = new_event();
	int code;

	fake.hold_joins = true;
	wsp.lpWSPEventSelect(s, event, FD_CONNECT, &code);
	join(s, &code);
	fake_answer_join(LEAFCAST_REJECTED);
	cr_assert(wait_set(event));
	/* Nobody enumerated it, and the next one is pending. */
	cr_assert_eq(join(s, &code), s, "%d", code);
	cr_expect_eq(record_of(s), 0);
	cr_expect_eq(leafcast_socket_reason(s), LEAFCAST_NO_REASON);
	wsp.lpWSPEventSelect(s, late, FD_CONNECT, &code);
	cr_expect_not(is_set(late));
	fake_answer_join(0);
	cr_expect_eq(wait_network_event(s, late, FD_CONNECT_BIT), 0);
	close_event(event);
	close_event(late);
}

Test(undecided, SO_ERROR_is_of_the_last_failure_and_cleared_by_reading_alone)
{
	SOCKET s = new_leaf();
	int code;

	fake.join = LEAFCAST_TIMED_OUT;
	join(s, &code);
	cr_expect_eq(get_option(s, SO_ERROR), WSAETIMEDOUT);
	cr_expect_eq(get_option(s, SO_ERROR), 0);
	/* leafcast.h: that one stays, until the next join */
	cr_expect_eq(leafcast_socket_reason(s), LEAFCAST_TIMED_OUT);
	join(s, &code);
	fake.join = 0;
	join(s, &code);
	cr_expect_eq(leafcast_socket_reason(s), LEAFCAST_NO_REASON);
	cr_expect_eq(get_option(s, SO_ERROR), WSAETIMEDOUT);
}

/* --- registrations */

Test(undecided, FD_READ_of_what_is_queued_is_recorded_at_once)
{
	SOCKET s = new_joined_leaf();
	WSAEVENT event = new_event();
	char room[4];
	int code;

	feed(s, "x", 1);
	wsp.lpWSPEventSelect(s, event, FD_READ, &code);
	cr_expect_eq(record_of(s), FD_READ);
	/* Once, until it is asked for. */
	cr_expect_eq(record_of(s), 0);
	cr_expect_eq(receive_text(s, room, 4), 1);
	wsp.lpWSPEventSelect(s, event, FD_READ, &code);
	cr_expect_eq(record_of(s), 0);
	close_event(event);
}

/* A namespace in which 192.0.2.2 does not answer: what is sent there waits for its address, about 3 s. */
static bool enter_silent_network(void)
{
	return !unshare(CLONE_NEWNET) &&
	       !system("ip link set lo up && ip link add name near type veth peer name far &&"
		       " ip addr add 192.0.2.1/24 dev near && ip link set near up && ip link set "
		       "far up");
}

Test(undecided, FD_WRITE_comes_when_there_is_room_whoever_is_registered)
{
	const struct sockaddr_in own = {.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(0xC0000201)};
	struct sockaddr_in nobody = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0xC0000202)};
	WSAEVENT event = new_event(), anew = new_event();
	int code = 0, sent, tries = 0;
	SOCKET s;

	if (!enter_silent_network())
		cr_skip_test("needs a network namespace of its own");
	fake.peer = &nobody;
	s = new_leaf();
	cr_assert_eq(wsp.lpWSPBind(s, (struct sockaddr *)&own, sizeof(own), &code), 0, "%d", code);
	set_option(s, SO_SNDBUF, 4096);
	cr_assert_eq(join(s, &code), s);
	wsp.lpWSPEventSelect(s, event, FD_WRITE, &code);
	cr_assert_eq(wait_network_event(s, event, FD_WRITE_BIT), 0);
	do
		sent = send_text(s, "x");
	while (sent == 1 && ++tries < 1000);
	cr_assert_eq(sent, -WSAEWOULDBLOCK);
	/* There is no room, so nothing is recorded yet. */
	wsp.lpWSPEventSelect(s, anew, FD_WRITE | FD_READ, &code);
	cr_expect_eq(record_of(s), 0);
	tries = 0;
	do
		sent = wait_network_event(s, anew, FD_WRITE_BIT);
	while (sent < 0 && ++tries < 4);
	cr_expect_eq(sent, 0, "it is lost");
	close_event(event);
	close_event(anew);
}
