/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "fake.h"

#include <pthread.h>
#include <sys/mman.h>

TestSuite(data, .init = setup, .fini = teardown, .timeout = 20);

Test(data, leaf_and_root_reach_the_other_end)
{
	SOCKET leaf = new_joined_leaf(), root = new_listening(ROOT_FLAGS);
	char room[16];

	cr_expect_eq(send_text(leaf, "up"), 2);
	cr_expect_eq(recv(other_end, room, sizeof(room), 0), 2);
	/* With no leaves at all */
	cr_expect_eq(send_text(root, "down"), 4);
	cr_expect_eq(recv(other_end, room, sizeof(room), 0), 4);
	feed(root, "answer", 6);
	cr_expect_eq(receive_text(root, room, sizeof(room)), 6);
}

Test(data, not_joined_is_NOTCONN)
{
	char room[4];

	cr_expect_eq(send_text(new_leaf(), "x"), -WSAENOTCONN);
	cr_expect_eq(send_text(new_root(), "x"), -WSAENOTCONN);
	cr_expect_eq(receive_text(new_leaf(), room, 4), -WSAENOTCONN);
}

Test(data, buffers_are_gathered_and_scattered)
{
	char all[40] = {0}, pieces[20][2];
	WSABUF out[20], in[3] = {{1, all}, {2, all + 10}, {30, all + 20}};
	SOCKET s = new_joined_leaf();
	DWORD bytes = 0, flags = 0;
	int code = 0;

	for (int i = 0; i < 20; i++) {
		pieces[i][0] = (char)('a' + i);
		out[i] = (WSABUF){1, pieces[i]};
	}
	cr_assert_eq(wsp.lpWSPSend(s, out, 20, &bytes, 0, NULL, NULL, NULL, &code), 0, "%d", code);
	cr_expect_eq(bytes, 20);
	cr_expect_eq(recv(other_end, all, 40, 0), 20);
	cr_expect_arr_eq(all, "abcdefghijklmnopqrst", 20);
	memset(all, 0, sizeof(all));
	feed(s, "123456", 6);
	cr_assert_eq(wsp.lpWSPRecv(s, in, 3, &bytes, &flags, NULL, NULL, NULL, &code), 0);
	cr_expect_eq(bytes, 6);
	cr_expect(all[0] == '1' && all[10] == '2' && all[20] == '4');
}

Test(data, cut_off_is_MSGSIZE_with_what_fitted)
{
	char room[4] = {0};
	WSABUF part = {3, room};
	DWORD bytes = 0, flags = 0;
	SOCKET s = new_joined_leaf();
	int code = 0;

	feed(s, "12345", 5);
	cr_expect_eq(wsp.lpWSPRecv(s, &part, 1, &bytes, &flags, NULL, NULL, NULL, &code),
		     SOCKET_ERROR);
	assert_code(WSAEMSGSIZE, code);
	cr_expect_eq(bytes, 3);
	cr_expect_arr_eq(room, "123", 4);
	/* the rest is gone */
	set_nonblocking(s, true);
	cr_expect_eq(receive_text(s, room, 4), -WSAEWOULDBLOCK);
}

Test(data, too_long_a_datagram_is_MSGSIZE)
{
	static char bytes[70000];
	WSABUF part = {sizeof(bytes), bytes};
	SOCKET s = new_joined_leaf();
	DWORD sent;
	int code = 0;

	wsp.lpWSPSend(s, &part, 1, &sent, 0, NULL, NULL, NULL, &code);
	assert_code(WSAEMSGSIZE, code);
}

Test(data, zero_length_datagram_is_data_and_peek_leaves_it)
{
	SOCKET s = new_joined_leaf();
	char room[4];
	WSABUF part = {4, room};
	DWORD bytes = 9, flags = MSG_PEEK;
	int code = 0;

	cr_expect_eq(send_text(s, ""), 0);
	cr_expect_eq(recv(other_end, room, 4, 0), 0);
	feed(s, "", 0);
	feed(s, "x", 1);
	cr_expect_eq(wsp.lpWSPRecv(s, &part, 1, &bytes, &flags, NULL, NULL, NULL, &code), 0);
	cr_expect_eq(bytes, 0);
	cr_expect_eq(receive_text(s, room, 4), 0);
	cr_expect_eq(receive_text(s, room, 4), 1);
}

Test(data, source_is_reported)
{
	SOCKET s = new_joined_leaf();
	struct sockaddr_in from;
	char room[4];
	WSABUF part = {4, room};
	DWORD bytes, flags = 0;
	int code = 0, length = sizeof(from);

	feed(s, "x", 1);
	cr_assert_eq(wsp.lpWSPRecvFrom(s, &part, 1, &bytes, &flags, (struct sockaddr *)&from,
				       &length, NULL, NULL, NULL, &code),
		     0);
	cr_expect_eq(length, sizeof(from));
	cr_expect_eq(from.sin_port, other_end_name.sin_port);
	length = 3;
	feed(s, "y", 1);
	wsp.lpWSPRecvFrom(s, &part, 1, &bytes, &flags, (struct sockaddr *)&from, &length, NULL,
			  NULL, NULL, &code);
	assert_code(WSAEFAULT, code);
	cr_expect_eq(receive_text(s, room, 4), 1, "the failed call took the datagram");
}

Test(data, address_given_must_be_the_peers)
{
	struct sockaddr_in stranger = loopback(9);
	SOCKET s = new_joined_leaf();
	char text[] = "x";
	WSABUF part = {1, text};
	DWORD sent;
	int code = 0;

	cr_expect_eq(wsp.lpWSPSendTo(s, &part, 1, &sent, 0, (struct sockaddr *)&other_end_name,
				     sizeof(other_end_name), NULL, NULL, NULL, &code),
		     0);
	wsp.lpWSPSendTo(s, &part, 1, &sent, 0, (struct sockaddr *)&stranger, sizeof(stranger), NULL,
			NULL, NULL, &code);
	assert_code(WSAEISCONN, code);
}

Test(data, arguments)
{
	char text[] = "x";
	WSABUF part = {1, text}, bad = {1, (CHAR *)8};
	WSAOVERLAPPED overlapped = {0};
	SOCKET s = new_joined_leaf();
	DWORD bytes, flags = MSG_OOB;
	int code = 0;

	wsp.lpWSPSend(s, &part, 1, NULL, 0, NULL, NULL, NULL, &code);
	assert_code(WSAEFAULT, code);
	wsp.lpWSPSend(s, &bad, 1, &bytes, 0, NULL, NULL, NULL, &code);
	assert_code(WSAEFAULT, code);
	wsp.lpWSPSend(s, &part, 0, &bytes, 0, NULL, NULL, NULL, &code);
	assert_code(WSAEINVAL, code);
	wsp.lpWSPSend(s, &part, 1, &bytes, MSG_OOB, NULL, NULL, NULL, &code);
	assert_code(WSAEOPNOTSUPP, code);
	code = 0;
	wsp.lpWSPSend(s, &part, 1, &bytes, 0, &overlapped, NULL, NULL, &code);
	assert_code(WSAEOPNOTSUPP, code);
	code = 0;
	wsp.lpWSPRecv(s, &part, 1, &bytes, &flags, NULL, NULL, NULL, &code);
	assert_code(WSAEOPNOTSUPP, code);
}

Test(data, queued_data_comes_before_the_end)
{
	const struct {
		enum leafcast_reason reason;
		int code;
	} rows[] = {{LEAFCAST_CLOSED, WSAEDISCON},
		    {LEAFCAST_RESET, WSAECONNRESET},
		    {LEAFCAST_LOST, WSAECONNABORTED}};
	char room[4];

	for (int i = 0; i < 3; i++) {
		SOCKET s = new_joined_leaf();

		feed(s, "last", 4);
		fake_close(fake_wait(LC_LOCAL_OPEN, i + 1).socket, rows[i].reason);
		while (leafcast_socket_reason(s) != rows[i].reason)
			usleep(1000);
		cr_expect_eq(receive_text(s, room, 4), 4);
		cr_expect_eq(receive_text(s, room, 4), -rows[i].code);
		cr_expect_eq(receive_text(s, room, 4), -rows[i].code);
	}
}

struct receiving {
	SOCKET s;
	int result;
};

static void *receive(void *argument)
{
	struct receiving *receiving = argument;
	char room[4];

	receiving->result = receive_text(receiving->s, room, 4);
	return NULL;
}

static int blocked_receive_ends(void (*end)(SOCKET))
{
	struct receiving receiving = {.s = new_joined_leaf()};
	pthread_t thread;

	pthread_create(&thread, NULL, receive, &receiving);
	usleep(50000);
	end(receiving.s);
	pthread_join(thread, NULL);
	return receiving.result;
}

static void end_by_close(SOCKET s)
{
	assert_code(0, close_handle(s));
}

static void end_by_peer(SOCKET s)
{
	fake_close(fake_wait(LC_LOCAL_OPEN, 1).socket, LEAFCAST_CLOSED);
}

Test(data, close_ends_a_blocked_receive_with_INTR)
{
	cr_expect_eq(blocked_receive_ends(end_by_close), -WSAEINTR);
}

Test(data, the_session_ends_a_blocked_receive)
{
	cr_expect_eq(blocked_receive_ends(end_by_peer), -WSAEDISCON);
}

Test(data, N1_shutdown_of_a_root_closes_the_session)
{
	SOCKET root = new_listening(ROOT_FLAGS), leaf;
	WSAEVENT event = new_event();
	int code;

	leaf = join(root, &code);
	wsp.lpWSPEventSelect(leaf, event, FD_CLOSE, &code);
	cr_expect_eq(wsp.lpWSPShutdown(root, SD_SEND, &code), 0);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, fake_wait(LC_LOCAL_OPEN, 1).socket);
	cr_expect_eq(wait_network_event(leaf, event, FD_CLOSE_BIT), 0);
	cr_expect_eq(send_text(root, "x"), -WSAESHUTDOWN);
	close_event(event);
}

Test(data, N1_close_of_a_root_reaches_its_handles)
{
	SOCKET root = new_root(), leaf;
	WSAEVENT event = new_event();
	int code;

	leaf = join(root, &code);
	wsp.lpWSPEventSelect(leaf, event, FD_CLOSE, &code);
	close_handle(root);
	cr_expect_eq(wait_network_event(leaf, event, FD_CLOSE_BIT), 0);
	close_event(event);
}

Test(data, shutdown_arguments)
{
	SOCKET s = new_joined_leaf();
	char room[4];
	int code = 0;

	wsp.lpWSPShutdown(s, 3, &code);
	assert_code(WSAEINVAL, code);
	wsp.lpWSPShutdown(new_leaf(), SD_BOTH, &code);
	assert_code(WSAENOTCONN, code);
	cr_expect_eq(wsp.lpWSPShutdown(s, SD_RECEIVE, &code), 0);
	cr_expect_eq(receive_text(s, room, 4), -WSAESHUTDOWN);
	cr_expect_eq(send_text(s, "x"), 1);
	cr_expect_eq(fake_count(LC_LOCAL_CLOSE), 0);
}

Test(data, linger_0_is_abortive)
{
	const struct linger hard = {1, 0};
	SOCKET s = new_joined_leaf();
	int code;

	cr_assert_eq(wsp.lpWSPSetSockOpt(s, SOL_SOCKET, SO_LINGER, (const char *)&hard,
					 sizeof(hard), &code),
		     0);
	close_handle(s);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).reason, LEAFCAST_RESET);
	close_handle(new_joined_leaf());
	cr_expect_neq(fake_wait(LC_LOCAL_CLOSE, 2).reason, LEAFCAST_RESET);
}

Test(data, the_same_handle_closed_twice)
{
	SOCKET s = new_joined_leaf();

	assert_code(0, close_handle(s));
	assert_code(WSAENOTSOCK, close_handle(s));
	cr_expect_eq(send_text(s, "x"), -WSAENOTSOCK);
}

Test(data, data_calls_do_not_need_the_daemon)
{
	SOCKET s = new_joined_leaf();
	char room[4];

	fake.silent = true;
	feed(s, "x", 1);
	cr_expect_eq(receive_text(s, room, 4), 1);
	cr_expect_eq(send_text(s, "y"), 1);
}
