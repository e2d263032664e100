/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "fake.h"

#include <netinet/tcp.h>

#include "mswsock.h"

TestSuite(options, .init = setup, .fini = teardown, .timeout = 20);

static int set_code(SOCKET s, int level, int option)
{
	int code = 0, value = 1;

	wsp.lpWSPSetSockOpt(s, level, option, (char *)&value, sizeof(value), &code);
	return code;
}

static int get_code(SOCKET s, int level, int option)
{
	int code = 0, value = 1, length = sizeof(value);

	wsp.lpWSPGetSockOpt(s, level, option, (char *)&value, &length, &code);
	return code;
}

Test(options, those_a_socket_has)
{
	SOCKET s = new_leaf();
	int room = 100000, length = sizeof(room), code = 0;

	cr_assert_eq(
		wsp.lpWSPSetSockOpt(s, SOL_SOCKET, SO_RCVBUF, (char *)&room, sizeof(room), &code),
		0);
	room = 0;
	cr_assert_eq(wsp.lpWSPGetSockOpt(s, SOL_SOCKET, SO_RCVBUF, (char *)&room, &length, &code),
		     0);
	cr_expect_geq(room, 100000);
	cr_expect_eq(length, sizeof(int));
	assert_code(0, set_code(s, SOL_SOCKET, SO_SNDBUF));
	assert_code(0, set_code(s, SOL_SOCKET, SO_REUSEADDR));
	assert_code(0, get_code(s, SOL_SOCKET, SO_TYPE));
	assert_code(0, get_code(s, SOL_SOCKET, SO_ERROR));
}

static const struct {
	int level, option, code;
} unknown[] = {
	{IPPROTO_IP, IP_TOS, WSAENOPROTOOPT},
	{IPPROTO_IP, IP_TTL, WSAENOPROTOOPT},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, WSAENOPROTOOPT},
	{IPPROTO_TCP, TCP_NODELAY, WSAENOPROTOOPT},
	{IPPROTO_UDP, 77, WSAENOPROTOOPT},
	{SOL_SOCKET, SO_KEEPALIVE, WSAENOPROTOOPT},
	{SOL_SOCKET, SO_BROADCAST, WSAENOPROTOOPT},
	{SOL_SOCKET, 0x7777, WSAENOPROTOOPT},
	{0x7777, SO_RCVBUF, WSAEINVAL},
	{-1, 1, WSAEINVAL},
};

Test(options, unknown_ones)
{
	SOCKET s = new_leaf();

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		int code = set_code(s, unknown[i].level, unknown[i].option);

		cr_expect_eq(code, unknown[i].code, "set, row %zu: %d", i, code);
		code = get_code(s, unknown[i].level, unknown[i].option);
		cr_expect_eq(code, unknown[i].code, "get, row %zu: %d", i, code);
	}
	/* to be read only */
	assert_code(WSAENOPROTOOPT, set_code(s, SOL_SOCKET, SO_ERROR));
	assert_code(WSAENOPROTOOPT, set_code(s, SOL_SOCKET, SO_TYPE));
}

/* Programs set it first thing; both hold (R58), since a receive call never reports it. */
Test(options, SIO_UDP_CONNRESET_is_taken)
{
	SOCKET s = new_joined_leaf();
	BOOL value = FALSE;
	DWORD used;
	int code = 0;

	cr_assert_eq(SIO_UDP_CONNRESET, 0x9800000C);
	for (value = FALSE; value <= TRUE; value++) {
		used = 77;
		cr_expect_eq(wsp.lpWSPIoctl(s, SIO_UDP_CONNRESET, &value, sizeof(value), NULL, 0,
					    &used, NULL, NULL, NULL, &code),
			     0, "%d: %d", value, code);
		cr_expect_eq(used, 0);
	}
	wsp.lpWSPIoctl(s, SIO_UDP_CONNRESET, &value, sizeof(value) - 1, NULL, 0, &used, NULL, NULL,
		       NULL, &code);
	assert_code(WSAEFAULT, code);
	code = 0;
	wsp.lpWSPIoctl(s, SIO_UDP_CONNRESET, (void *)8, sizeof(value), NULL, 0, &used, NULL, NULL,
		       NULL, &code);
	assert_code(WSAEFAULT, code);
	/* Other codes of that kind are as unknown as ever */
	wsp.lpWSPIoctl(s, _WSAIOW(IOC_VENDOR, 13), &value, sizeof(value), NULL, 0, &used, NULL,
		       NULL, NULL, &code);
	assert_code(WSAEINVAL, code);
}

/* ...and this is why both hold: nobody is at that port any more. */
Test(options, an_unreachable_port_is_not_reported)
{
	SOCKET s = new_joined_leaf();
	ULONG on = 1;
	DWORD used;
	char room[4];
	int code;

	/* The number stays taken, for teardown() */
	cr_assert_eq(dup2(0, other_end), other_end);
	wsp.lpWSPIoctl(s, FIONBIO, &on, sizeof(on), NULL, 0, &used, NULL, NULL, NULL, &code);
	cr_expect_eq(send_text(s, "x"), 1);
	usleep(20000);
	cr_expect_eq(receive_text(s, room, 4), -WSAEWOULDBLOCK);
	cr_expect_eq(send_text(s, "x"), 1);
}

/* SO_ERROR */

static int so_error(SOCKET s)
{
	int code = 0, value = -1, length = sizeof(value);

	cr_assert_eq(wsp.lpWSPGetSockOpt(s, SOL_SOCKET, SO_ERROR, (char *)&value, &length, &code),
		     0, "%d", code);
	return value;
}

static void make_nonblocking(SOCKET s)
{
	ULONG on = 1;
	DWORD used;
	int code;

	cr_assert_eq(wsp.lpWSPIoctl(s, FIONBIO, &on, sizeof(on), NULL, 0, &used, NULL, NULL, NULL,
				    &code),
		     0);
}

Test(options, SO_ERROR_of_joins_is_cleared_by_reading_alone)
{
	SOCKET s = new_leaf(), other = new_leaf();
	int code, length = sizeof(code), value = -1;

	cr_expect_eq(so_error(s), 0);
	fake.join = LEAFCAST_REJECTED;
	join(s, &code);
	/* A read that fails reads nothing */
	wsp.lpWSPGetSockOpt(s, SOL_SOCKET, SO_ERROR, (char *)8, &length, &code);
	assert_code(WSAEFAULT, code);
	wsp.lpWSPGetSockOpt(s, SOL_SOCKET, SO_ERROR, (char *)&value, (LPINT)8, &code);
	assert_code(WSAEFAULT, code);
	assert_code(WSAECONNREFUSED, so_error(s));
	assert_code(0, so_error(s));
	assert_code(0, so_error(other));
	cr_expect_eq(leafcast_socket_reason(s), LEAFCAST_REJECTED, "the reason stays");
	/* The last one that failed, whatever succeeded since */
	join(s, &code);
	fake.join = LEAFCAST_UNREACHABLE;
	join(s, &code);
	fake.join = 0;
	cr_expect_eq(join(s, &code), s);
	cr_expect_eq(send_text(s, "x"), 1);
	assert_code(WSAENETUNREACH, so_error(s));
	assert_code(0, so_error(s));
}

Test(options, SO_ERROR_of_a_nonblocking_join)
{
	SOCKET s = new_leaf();
	int code;

	make_nonblocking(s);
	fake.hold_joins = true;
	join(s, &code);
	/* R6: it disturbs nothing */
	join(s, &code);
	assert_code(WSAEALREADY, code);
	assert_code(0, so_error(s));
	fake_answer_join(LEAFCAST_TIMED_OUT);
	while (leafcast_socket_reason(s) == LEAFCAST_NO_REASON)
		usleep(1000);
	assert_code(WSAETIMEDOUT, so_error(s));
	assert_code(0, so_error(s));
}

Test(options, SO_ERROR_of_data_calls)
{
	SOCKET s = new_leaf();
	char room[4];

	cr_expect_eq(send_text(s, "x"), -WSAENOTCONN);
	assert_code(WSAENOTCONN, so_error(s));
	s = new_joined_leaf();
	make_nonblocking(s);
	cr_expect_eq(receive_text(s, room, 4), -WSAEWOULDBLOCK);
	assert_code(0, so_error(s));
	cr_expect_eq(receive_text(s, (char *)8, 4), -WSAEFAULT);
	assert_code(WSAEFAULT, so_error(s));
}

Test(options, SO_ERROR_of_the_end)
{
	const struct {
		enum leafcast_reason reason;
		int code, call;
	} rows[] = {
		{LEAFCAST_CLOSED, 0, WSAEDISCON},
		{LEAFCAST_RESET, WSAECONNRESET, WSAECONNRESET},
		{LEAFCAST_LOST, WSAECONNABORTED, WSAECONNABORTED},
	};
	char room[4];

	for (int i = 0; i < 3; i++) {
		SOCKET s = new_joined_leaf();

		fake_close(fake_wait(LC_LOCAL_OPEN, i + 1).socket, rows[i].reason);
		while (leafcast_socket_reason(s) != rows[i].reason)
			usleep(1000);
		assert_code(rows[i].code, so_error(s));
		assert_code(0, so_error(s));
		/* A call that fails by it is one more */
		cr_expect_eq(receive_text(s, room, 4), -rows[i].call);
		assert_code(rows[i].code, so_error(s));
	}
}

Test(options, SO_ERROR_of_binding_listening_and_accepting)
{
	struct sockaddr_in taken = other_end_name;
	SOCKET s = new_leaf(), root = new_listening(ROOT_FLAGS);
	int code = 0;

	wsp.lpWSPBind(s, (struct sockaddr *)&taken, sizeof(taken), &code);
	assert_code(WSAEADDRINUSE, code);
	assert_code(WSAEADDRINUSE, so_error(s));
	wsp.lpWSPListen(s, 1, &code);
	assert_code(WSAEINVAL, so_error(s));
	wsp.lpWSPShutdown(s, SD_BOTH, &code);
	assert_code(WSAENOTCONN, so_error(s));
	make_nonblocking(root);
	wsp.lpWSPAccept(root, NULL, NULL, NULL, 0, &code);
	assert_code(WSAEWOULDBLOCK, code);
	assert_code(0, so_error(root));
	fake.accept = LEAFCAST_RESET;
	fake_event(fake_request(2, 1));
	while (wsp.lpWSPAccept(root, NULL, NULL, NULL, 0, &code) == INVALID_SOCKET &&
	       code == WSAEWOULDBLOCK)
		usleep(1000);
	assert_code(WSAECONNRESET, so_error(root));
}
