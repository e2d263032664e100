/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "fake.h"

#include <errno.h>
#include <pthread.h>

TestSuite(events, .init = setup, .fini = teardown, .timeout = 20);

static LONG record_of(SOCKET s)
{
	WSANETWORKEVENTS events;
	int code;

	cr_assert_eq(wsp.lpWSPEnumNetworkEvents(s, NULL, &events, &code), 0);
	return events.lNetworkEvents;
}

static bool comes_in_time(WSAEVENT event)
{
	usleep(50000);
	return is_set(event);
}

Test(events, FD_READ_is_recorded_again_only_after_a_receive)
{
	SOCKET s = new_joined_leaf();
	WSAEVENT event = new_event();
	char room[4];
	int code;

	wsp.lpWSPEventSelect(s, event, FD_READ, &code);
	feed(s, "1", 1);
	cr_assert_eq(wait_network_event(s, event, FD_READ_BIT), 0);
	feed(s, "2", 1);
	cr_expect_not(comes_in_time(event), "no receive since");
	cr_expect_eq(receive_text(s, room, 4), 1);
	/* level-triggered: there is still one */
	cr_expect_eq(wait_network_event(s, event, FD_READ_BIT), 0);
	cr_expect_eq(receive_text(s, room, 4), 1);
	cr_expect_not(comes_in_time(event));
	/* a failing call counts too */
	cr_expect_eq(receive_text(s, room, 4), -WSAEWOULDBLOCK);
	feed(s, "3", 1);
	cr_expect_eq(wait_network_event(s, event, FD_READ_BIT), 0);
	close_event(event);
}

Test(events, what_is_true_already_is_recorded_at_once)
{
	SOCKET s = new_joined_leaf(), root = new_listening(ROOT_FLAGS);
	WSAEVENT event = new_event(), accepts = new_event();
	LONG seen = 0;
	int code;

	feed(s, "1", 1);
	wsp.lpWSPEventSelect(s, event, FD_READ | FD_WRITE | FD_CONNECT, &code);
	while ((seen & (FD_READ | FD_WRITE)) != (FD_READ | FD_WRITE) && wait_set(event)) {
		WSAResetEvent(event);
		seen |= record_of(s);
	}
	/* no FD_CONNECT: the join was a blocking one */
	cr_expect_eq(seen, FD_READ | FD_WRITE);
	fake_event(fake_request(2, 1));
	usleep(50000);
	wsp.lpWSPEventSelect(root, accepts, FD_ACCEPT, &code);
	cr_expect_eq(record_of(root), FD_ACCEPT);
	close_event(event);
	close_event(accepts);
}

Test(events, FD_WRITE_comes_with_the_join_and_not_before)
{
	SOCKET s = new_leaf();
	WSAEVENT event = new_event();
	int code;

	fake.hold_joins = true;
	wsp.lpWSPEventSelect(s, event, FD_WRITE | FD_CONNECT, &code);
	join(s, &code);
	cr_expect_eq(record_of(s), 0);
	fake_answer_join(0);
	cr_assert(wait_set(event));
	cr_expect_eq(wait_network_event(s, event, FD_WRITE_BIT), 0);
	close_event(event);
}

Test(events, FD_WRITE_not_again_while_sends_succeed)
{
	SOCKET s = new_joined_leaf();
	WSAEVENT event = new_event();
	static char big[60000];
	WSABUF part = {sizeof(big), big};
	DWORD sent;
	int code;

	wsp.lpWSPEventSelect(s, event, FD_WRITE, &code);
	cr_assert_eq(wait_network_event(s, event, FD_WRITE_BIT), 0);
	WSAResetEvent(event);
	for (int i = 0; i < 4; i++)
		wsp.lpWSPSend(s, &part, 1, &sent, 0, NULL, NULL, NULL, &code);
	cr_expect_not(comes_in_time(event));
	close_event(event);
}

Test(events, N7_untouched_cells_and_the_record_is_cleared)
{
	SOCKET s = new_joined_leaf();
	WSAEVENT event = new_event();
	WSANETWORKEVENTS events;
	int code = 0;

	for (int i = 0; i < FD_MAX_EVENTS; i++)
		events.iErrorCode[i] = 1000 + i;
	wsp.lpWSPEventSelect(s, event, FD_CLOSE | FD_READ, &code);
	fake_close(fake_wait(LC_LOCAL_OPEN, 1).socket, LEAFCAST_LOST);
	cr_assert(wait_set(event));
	/* On error nothing is cleared */
	cr_expect_neq(wsp.lpWSPEnumNetworkEvents(s, event, (void *)8, &code), 0);
	assert_code(WSAEFAULT, code);
	cr_expect(is_set(event));
	cr_assert_eq(wsp.lpWSPEnumNetworkEvents(s, event, &events, &code), 0);
	cr_expect_eq(events.lNetworkEvents, FD_CLOSE);
	for (int i = 0; i < FD_MAX_EVENTS; i++)
		cr_expect_eq(events.iErrorCode[i], i == FD_CLOSE_BIT ? WSAECONNABORTED : 1000 + i);
	cr_expect_not(is_set(event));
	cr_expect_eq(record_of(s), 0);
	close_event(event);
}

Test(events, enum_without_an_event_leaves_it_set)
{
	SOCKET s = new_joined_leaf();
	WSAEVENT event = new_event();
	int code;

	wsp.lpWSPEventSelect(s, event, FD_WRITE, &code);
	cr_expect_eq(record_of(s), FD_WRITE);
	cr_expect(is_set(event));
	close_event(event);
}

Test(events, FD_CLOSE_codes)
{
	const struct {
		enum leafcast_reason reason;
		int code;
	} rows[] = {{LEAFCAST_CLOSED, 0},
		    {LEAFCAST_RESET, WSAECONNRESET},
		    {LEAFCAST_LOST, WSAECONNABORTED}};
	WSAEVENT event = new_event();
	int code;

	for (int i = 0; i < 3; i++) {
		SOCKET s = new_joined_leaf();

		wsp.lpWSPEventSelect(s, event, FD_CLOSE, &code);
		fake_close(fake_wait(LC_LOCAL_OPEN, i + 1).socket, rows[i].reason);
		cr_expect_eq(wait_network_event(s, event, FD_CLOSE_BIT), rows[i].code);
		cr_expect_eq(leafcast_socket_reason(s), rows[i].reason);
	}
	close_event(event);
}

Test(events, event_select_makes_nonblocking_and_N6_FIONBIO)
{
	SOCKET s = new_joined_leaf();
	WSAEVENT event = new_event();
	ULONG off = 0;
	DWORD used;
	char room[4];
	int code = 0;

	cr_expect_neq(wsp.lpWSPEventSelect(s, NULL, FD_READ, &code), 0);
	assert_code(WSAEINVAL, code);
	wsp.lpWSPEventSelect(s, event, FD_READ, &code);
	cr_expect_neq(wsp.lpWSPIoctl(s, FIONBIO, &off, 4, NULL, 0, &used, NULL, NULL, NULL, &code),
		      0);
	assert_code(WSAEINVAL, code);
	cr_expect_eq(receive_text(s, room, 4), -WSAEWOULDBLOCK);
	/* 0 cancels, and it stays nonblocking until told otherwise */
	wsp.lpWSPEventSelect(s, NULL, 0, &code);
	cr_expect_eq(receive_text(s, room, 4), -WSAEWOULDBLOCK);
	feed(s, "x", 1);
	cr_expect_not(comes_in_time(event));
	cr_expect_eq(wsp.lpWSPIoctl(s, FIONBIO, &off, 4, NULL, 0, &used, NULL, NULL, NULL, &code),
		     0);
	close_event(event);
}

Test(events, nothing_is_posted_after_close)
{
	SOCKET s = new_joined_leaf();
	WSAEVENT event = new_event();
	int code;

	wsp.lpWSPEventSelect(s, event, FD_READ | FD_CLOSE, &code);
	/* The fake daemon's duplicate keeps the descriptor receiving. */
	fake_descriptor(LC_LOCAL_OPEN, 1);
	struct sockaddr_in own;
	int size = sizeof(own);
	wsp.lpWSPGetSockName(s, (struct sockaddr *)&own, &size, &code);
	close_handle(s);
	sendto(other_end, "x", 1, 0, (struct sockaddr *)&own, sizeof(own));
	fake_close(fake_wait(LC_LOCAL_OPEN, 1).socket, LEAFCAST_CLOSED);
	cr_expect_not(comes_in_time(event));
	close_event(event);
}

static int select_read(SOCKET s, int milliseconds)
{
	struct timeval timeout = {.tv_usec = milliseconds * 1000};
	fd_set read;
	int code = 0, count;

	FD_ZERO(&read);
	FD_SET((int)s, &read);
	count = wsp.lpWSPSelect(0, &read, NULL, NULL, &timeout, &code);
	return count < 0 ? -code : count;
}

Test(events, select_sees_data_requests_and_the_end)
{
	SOCKET s = new_joined_leaf(), root = new_listening(ROOT_FLAGS);
	char room[4];

	cr_expect_eq(select_read(s, 20), 0);
	feed(s, "x", 1);
	cr_expect_eq(select_read(s, 900), 1);
	receive_text(s, room, 4);
	cr_expect_eq(select_read(root, 20), 0);
	fake_event(fake_request(2, 1));
	cr_expect_eq(select_read(root, 900), 1);
	fake_close(fake_wait(LC_LOCAL_OPEN, 1).socket, LEAFCAST_CLOSED);
	cr_expect_eq(select_read(s, 900), 1);
	cr_expect_eq(receive_text(s, room, 4), -WSAEDISCON);
}

Test(events, select_arguments)
{
	struct timeval bad = {.tv_usec = -1}, now = {0};
	fd_set set;
	int code = 0;

	wsp.lpWSPSelect(0, NULL, NULL, NULL, &now, &code);
	assert_code(WSAEINVAL, code);
	FD_ZERO(&set);
	FD_SET((int)new_leaf(), &set);
	wsp.lpWSPSelect(0, &set, NULL, NULL, &bad, &code);
	assert_code(WSAEINVAL, code);
	FD_SET(other_end, &set);
	wsp.lpWSPSelect(0, &set, NULL, NULL, &now, &code);
	assert_code(WSAENOTSOCK, code);
}

static void *close_later(void *s)
{
	usleep(50000);
	close_handle((SOCKET)s);
	return NULL;
}

Test(events, close_ends_a_select)
{
	SOCKET s = new_joined_leaf();
	pthread_t thread;

	pthread_create(&thread, NULL, close_later, (void *)s);
	cr_expect_eq(select_read(s, 999), -WSAEINTR);
	pthread_join(thread, NULL);
}

Test(events, qos_by_ioctl)
{
	const FLOWSPEC flow = {1000,
			       2000,
			       QOS_NOT_SPECIFIED,
			       QOS_NOT_SPECIFIED,
			       QOS_NOT_SPECIFIED,
			       SERVICETYPE_BESTEFFORT,
			       QOS_NOT_SPECIFIED,
			       QOS_NOT_SPECIFIED};
	QOS qos;
	SOCKET root = new_root();
	DWORD used = 0;
	int code = 0;

	cr_assert_eq(wsp.lpWSPIoctl(root, SIO_GET_QOS, NULL, 0, &qos, sizeof(qos), &used, NULL,
				    NULL, NULL, &code),
		     0);
	cr_expect_eq(used, sizeof(qos));
	cr_expect_eq(qos.SendingFlowspec.TokenRate, 0xFFFFFFFF);
	cr_expect_eq(qos.ReceivingFlowspec.ServiceType, SERVICETYPE_NOCHANGE);
	qos.SendingFlowspec = flow;
	cr_assert_eq(wsp.lpWSPIoctl(root, SIO_SET_QOS, &qos, sizeof(qos), NULL, 0, &used, NULL,
				    NULL, NULL, &code),
		     0, "%d", code);
	/* a root's sending goes down */
	cr_expect_eq(fake_wait(LC_LOCAL_SET_FLOWS, 1).flows.down.token_rate, 1000);
	cr_expect_eq(fake_wait(LC_LOCAL_SET_FLOWS, 1).flows.up.service, SERVICETYPE_NOCHANGE);
	qos.SendingFlowspec.PeakBandwidth = 999; /* below the rate */
	cr_expect_neq(wsp.lpWSPIoctl(root, SIO_SET_QOS, &qos, sizeof(qos), NULL, 0, &used, NULL,
				     NULL, NULL, &code),
		      0);
	assert_code(WSAEOPNOTSUPP, code);
	wsp.lpWSPIoctl(root, SIO_SET_QOS, &qos, sizeof(qos) - 1, NULL, 0, &used, NULL, NULL, NULL,
		       &code);
	assert_code(WSAEFAULT, code);
	wsp.lpWSPIoctl(root, SIO_GET_QOS, NULL, 0, &qos, 8, &used, NULL, NULL, NULL, &code);
	assert_code(WSAEFAULT, code);
	wsp.lpWSPIoctl(root, 0x12345678, NULL, 0, NULL, 0, &used, NULL, NULL, NULL, &code);
	assert_code(WSAEINVAL, code);
}

Test(events, wsa_front_is_the_same_provider)
{
	WSAPROTOCOL_INFOA protocols[4];
	DWORD length = sizeof(protocols), used = 0;
	WSAEVENT events[2];
	WSADATA data;
	char room[4];
	SOCKET s;

	cr_assert_eq(WSAStartup(MAKEWORD(2, 2), &data), 0);
	cr_expect_eq(WSAEnumProtocolsA(NULL, NULL, &used), SOCKET_ERROR);
	cr_expect_eq(WSAGetLastError(), WSAENOBUFS);
	cr_expect_eq(used, 2 * sizeof(WSAPROTOCOL_INFOA));
	cr_assert_eq(WSAEnumProtocolsA(NULL, protocols, &length), 2);
	s = WSASocketA(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &protocols[0], 0,
		       LEAF_FLAGS);
	cr_assert_neq(s, INVALID_SOCKET, "%d", WSAGetLastError());
	cr_assert_eq(WSAJoinLeaf(s, (struct sockaddr *)&other_end_name, sizeof(other_end_name),
				 NULL, NULL, NULL, NULL, JL_BOTH),
		     s);
	cr_expect_eq(leafcast_send(s, "x", 1, 0), 1);
	events[0] = WSACreateEvent();
	events[1] = WSACreateEvent();
	cr_expect_eq(WSAWaitForMultipleEvents(2, events, FALSE, 20, FALSE), WSA_WAIT_TIMEOUT);
	WSASetEvent(events[1]);
	cr_expect_eq(WSAWaitForMultipleEvents(2, events, FALSE, 20, FALSE), WSA_WAIT_EVENT_0 + 1);
	cr_expect_eq(WSAWaitForMultipleEvents(2, events, TRUE, 20, FALSE), WSA_WAIT_TIMEOUT);
	cr_expect_eq(WSAEventSelect(s, events[0], FD_CLOSE), 0);
	fake_close(fake_wait(LC_LOCAL_OPEN, 1).socket, LEAFCAST_CLOSED);
	cr_expect_eq(WSAWaitForMultipleEvents(2, events, TRUE, 2000, FALSE), WSA_WAIT_EVENT_0);
	/* The graceful end: recv() 0, WSARecv WSAEDISCON */
	cr_expect_eq(leafcast_recv(s, room, 4, 0), 0);
	WSACloseEvent(events[0]);
	WSACloseEvent(events[1]);
	cr_expect_eq(closesocket(s), 0);
	cr_expect_eq(closesocket(s), SOCKET_ERROR);
	cr_expect_eq(WSAGetLastError(), WSAENOTSOCK);
	cr_expect_eq(WSACleanup(), 0);
}
