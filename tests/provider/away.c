/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The daemon is away: calls that need it, and how long an application is content. */
#include "restarts.h"

#include <errno.h>

#include "base/clock.h"
#include "provider/connection.h"

TestSuite(away, .init = setup, .fini = teardown, .timeout = 30);

#define SHORT_NS (300 * LC_NS_PER_MS)

/* --- calls while it is away */

static int (*const needing[])(SOCKET) = {open_code, join_code, listen_code, set_flows_code,
					 accept_code};
#define CALLS (sizeof(needing) / sizeof(needing[0]))

static void prepare(SOCKET *sockets)
{
	sockets[0] = INVALID_SOCKET;
	sockets[1] = new_leaf();
	sockets[2] = new_bound(ROOT_FLAGS);
	sockets[3] = new_leaf();
	sockets[4] = new_listening(ROOT_FLAGS);
}

/* What is asked before the library has seen the loss is under way then, and fails with it. */
static void lose_daemon(void)
{
	fake_stop();
	for (int i = 0; lc_connection_link() && i < 10000; i++)
		usleep(1000);
	cr_assert_eq(lc_connection_link(), 0);
}

Test(away, calls_wait_and_are_NETDOWN)
{
	struct call calls[CALLS];
	SOCKET sockets[CALLS];
	double start;

	prepare(sockets);
	lc_waits.patience_ns = SHORT_NS;
	lose_daemon();
	start = seconds();
	for (size_t i = 0; i < CALLS; i++)
		call_begin(&calls[i], needing[i], sockets[i]);
	for (size_t i = 0; i < CALLS; i++) {
		int code = call_end(&calls[i]);

		cr_expect_eq(code, WSAENETDOWN, "call %zu: %d", i, code);
	}
	cr_expect_geq(seconds() - start, 0.25);
	cr_expect_leq(seconds() - start, 2);
	cr_expect_eq(leafcast_socket_reason(sockets[1]), LEAFCAST_NETWORK_DOWN);
	/* It is only for the time being. */
	fake_start();
	assert_code(0, join_code(sockets[1]));
	assert_code(0, listen_code(sockets[2]));
}

Test(away, calls_wait_and_succeed)
{
	struct timespec pause = {.tv_nsec = 200000000};
	struct call calls[CALLS];
	SOCKET sockets[CALLS];

	prepare(sockets);
	lc_waits.patience_ns = 10 * LC_NS_PER_S;
	lose_daemon();
	for (size_t i = 0; i < CALLS; i++)
		call_begin(&calls[i], needing[i], sockets[i]);
	nanosleep(&pause, NULL);
	fake_start();
	for (size_t i = 0; i < 4; i++) {
		int code = call_end(&calls[i]);

		cr_expect_eq(code, 0, "call %zu: %d", i, code);
	}
	fake_wait(LC_LOCAL_LISTEN, 3); /* two are the resumed one's */
	fake_event(fake_request(4, 9));
	assert_code(0, call_end(&calls[4]));
}

/* The connection alone does not do: the daemon must know the socket. */
Test(away, calls_wait_for_their_sockets_resume)
{
	SOCKET s = new_leaf();

	lc_waits.patience_ns = SHORT_NS;
	fake.resume_error = -EMFILE;
	restart();
	fake_wait(LC_LOCAL_RESUME, 1);
	settle();
	assert_code(WSAENETDOWN, join_code(s));
	cr_expect_eq(fake_count(LC_LOCAL_JOIN), 0);
	fake.resume_error = 0;
	lc_waits.patience_ns = 10 * LC_NS_PER_S;
	assert_code(0, join_code(s));
}

Test(away, calls_wait_for_its_answer)
{
	SOCKET s = new_leaf();

	fake_stop();
	fake.silent = true;
	fake_start();
	fake_wait(LC_LOCAL_RESUME, 1);
	lc_waits.patience_ns = SHORT_NS;
	assert_code(WSAENETDOWN, join_code(s));
	cr_expect_eq(fake_count(LC_LOCAL_JOIN), 0);
	fake.silent = false;
	fake_drop();
	lc_waits.patience_ns = 10 * LC_NS_PER_S;
	assert_code(0, join_code(s));
}

Test(away, a_nonblocking_accept_does_not_wait)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	double start;
	int code;

	set_nonblocking(root, true);
	lc_waits.patience_ns = LC_NS_PER_S;
	fake_stop();
	start = seconds();
	assert_code(WSAEWOULDBLOCK, accept_code(root));
	cr_expect_leq(seconds() - start, 0.5);
	while ((code = accept_code(root)) == WSAEWOULDBLOCK && seconds() - start < 5)
		usleep(10000);
	assert_code(WSAENETDOWN, code);
	cr_expect_geq(seconds() - start, 0.9);
}

Test(away, closing_ends_the_wait)
{
	SOCKET s = new_leaf();
	struct call call;

	lc_waits.patience_ns = 10 * LC_NS_PER_S;
	lose_daemon();
	call_begin(&call, join_code, s);
	usleep(50000);
	assert_code(0, close_handle(s));
	assert_code(WSAEINTR, call_end(&call));
	lc_waits.patience_ns = SHORT_NS;
}

/* --- how long an application is content without */

static int ends_within(SOCKET s, double most)
{
	double start = seconds();

	while (leafcast_socket_reason(s) == LEAFCAST_NO_REASON && seconds() - start < most)
		usleep(5000);
	return leafcast_socket_reason(s);
}

Test(away, without_limit_unless_it_says_so)
{
	SOCKET s = new_joined_leaf();

	fake_stop();
	cr_expect_eq(ends_within(s, 6), LEAFCAST_NO_REASON);
	cr_expect_eq(send_text(s, "still"), 5);
	cr_expect_eq(fake_count(LC_LOCAL_PING), 0);
	fake_start();
	fake_wait(LC_LOCAL_RESUME, 1);
}

static void check_limited(SOCKET s, SOCKET root, double start)
{
	WSAEVENT event = new_event();
	int code = 0;

	cr_assert_eq(wsp.lpWSPEventSelect(s, event, FD_CLOSE, &code), 0);
	cr_expect_eq(ends_within(s, 10), LEAFCAST_NETWORK_DOWN);
	cr_expect_geq(seconds() - start, 0.7, "a quarter may have passed since it was heard");
	cr_expect_leq(seconds() - start, 4);
	assert_code(WSAENETDOWN, wait_network_event(s, event, FD_CLOSE_BIT));
	cr_expect_eq(ends_within(root, 2), LEAFCAST_NETWORK_DOWN);
	close_event(event);
}

Test(away, limited_and_the_daemon_is_gone)
{
	SOCKET s = new_joined_leaf(), root = new_listening(ROOT_FLAGS);
	double start;

	leafcast_set_absence(1000);
	fake_wait(LC_LOCAL_PING, 2);
	start = seconds();
	fake_stop();
	check_limited(s, root, start);
	/* Nobody is left to tell otherwise: they broke off. */
	fake_start();
	fake_wait(LC_LOCAL_RESUME, 2);
	cr_expect_not(resumed(number_of(1)).member);
	cr_expect_not(resumed(number_of(2)).member);
}

Test(away, limited_and_the_daemon_is_stopped)
{
	SOCKET s = new_joined_leaf(), root = new_listening(ROOT_FLAGS);
	double start;

	leafcast_set_absence(1000);
	fake_wait(LC_LOCAL_PING, 2);
	start = seconds();
	fake.deaf = true;
	check_limited(s, root, start);
	fake_hear();
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 2).reason, LEAFCAST_RESET);
	/* It is back for new ones. */
	s = new_joined_leaf();
	cr_expect_eq(ends_within(s, 2), LEAFCAST_NO_REASON);
}

Test(away, limited_and_all_is_well)
{
	SOCKET s = new_joined_leaf();

	leafcast_set_absence(1000);
	cr_expect_eq(ends_within(s, 3), LEAFCAST_NO_REASON);
	cr_expect_geq(fake_count(LC_LOCAL_PING), 8);
	/* Back in time, and without limit again. */
	restart();
	leafcast_set_absence(0);
	fake_stop();
	cr_expect_eq(ends_within(s, 3), LEAFCAST_NO_REASON);
}

Test(away, limited_by_the_environment)
{
	const WSPUPCALLTABLE none = {0};
	WSPDATA data;

	setenv("LEAFCAST_ABSENCE", "1", 1);
	cr_assert_eq(WSPStartup(MAKEWORD(2, 2), &data, NULL, none, &wsp), 0);
	new_joined_leaf();
	fake_wait(LC_LOCAL_PING, 2);
}
