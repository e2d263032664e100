/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The daemon goes and another comes: what it is told, and what the application sees. */
#include "fake.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "provider/connection.h"

TestSuite(resume, .init = setup, .fini = teardown, .timeout = 30);

#define SHORT_NS (300 * LC_NS_PER_MS)

static void restart(void)
{
	fake_stop();
	fake_start();
}

static uint64_t number_of(int n)
{
	return fake_wait(LC_LOCAL_OPEN, n).socket;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length), 0);
	return cookie;
}

/* The RESUME of that socket; fails if it is not there. */
static struct lc_local_message resumed(uint64_t socket)
{
	for (int n = 1;; n++) {
		struct lc_local_message message = fake_wait(LC_LOCAL_RESUME, n);

		if (message.socket == socket)
			return message;
	}
}

static int resumed_at(uint64_t socket)
{
	for (int n = 1;; n++)
		if (fake_wait(LC_LOCAL_RESUME, n).socket == socket)
			return fake_position(LC_LOCAL_RESUME, n);
}

/* A call after which the daemon has answered all that was asked before. */
static void settle(void)
{
	close_handle(new_leaf());
}

static int join_code(SOCKET s)
{
	int code;

	return join(s, &code) == INVALID_SOCKET ? code : 0;
}

static int listen_code(SOCKET s)
{
	int code = 0;

	wsp.lpWSPListen(s, 5, &code);
	return code;
}

static int accept_code(SOCKET s)
{
	int code;

	return accept_any(s, &code) == INVALID_SOCKET ? code : 0;
}

static int open_code(SOCKET unused)
{
	int code = 0;

	wsp.lpWSPSocket(AF_INET, 0, 0, NULL, 0, ROOT_FLAGS, &code);
	return code;
}

static int set_flows_code(SOCKET s)
{
	QOS qos = {.SendingFlowspec = {1000, 2000, QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
				       QOS_NOT_SPECIFIED, SERVICETYPE_BESTEFFORT, QOS_NOT_SPECIFIED,
				       QOS_NOT_SPECIFIED},
		   .ReceivingFlowspec.ServiceType = SERVICETYPE_NOCHANGE};
	DWORD used;
	int code = 0;

	wsp.lpWSPIoctl(s, SIO_SET_QOS, &qos, sizeof(qos), NULL, 0, &used, NULL, NULL, NULL, &code);
	return code;
}

static SOCKET new_bound(DWORD flags)
{
	SOCKET s = flags == ROOT_FLAGS ? new_root() : new_leaf();
	struct sockaddr_in name = loopback(0);
	int code = 0;

	cr_assert_eq(wsp.lpWSPBind(s, (struct sockaddr *)&name, sizeof(name), &code), 0);
	return s;
}

/* Calls in threads of their own. */
struct call {
	pthread_t thread;
	int (*function)(SOCKET);
	SOCKET s;
	int code;
};

static void *run_call(void *argument)
{
	struct call *call = argument;

	call->code = call->function(call->s);
	return NULL;
}

static void begin(struct call *call, int (*function)(SOCKET), SOCKET s)
{
	call->function = function;
	call->s = s;
	cr_assert_eq(pthread_create(&call->thread, NULL, run_call, call), 0);
}

static int end(struct call *call)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	cr_assert_eq(pthread_timedjoin_np(call->thread, NULL, &until), 0, "it still blocks");
	return call->code;
}

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
	begin(&call, cleanup, 0);
	nanosleep(&pause, NULL);
	fake_start();
	assert_code(0, end(&call));
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

/* --- what was under way */

Test(resume, a_pending_join_is_taken_back)
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

Test(resume, so_is_a_pending_invitation)
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

Test(resume, so_is_a_pending_accept)
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

Test(resume, who_asked_by_the_old_daemon_has_gone)
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
Test(resume, a_decision_about_the_old_daemons_request_is_told_nobody)
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
Test(resume, nor_is_one_that_was_about_to_be_told)
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

Test(resume, calls_wait_and_are_NETDOWN)
{
	struct call calls[CALLS];
	SOCKET sockets[CALLS];
	double start;

	prepare(sockets);
	lc_waits.patience_ns = SHORT_NS;
	lose_daemon();
	start = seconds();
	for (size_t i = 0; i < CALLS; i++)
		begin(&calls[i], needing[i], sockets[i]);
	for (size_t i = 0; i < CALLS; i++) {
		int code = end(&calls[i]);

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

Test(resume, calls_wait_and_succeed)
{
	struct timespec pause = {.tv_nsec = 200000000};
	struct call calls[CALLS];
	SOCKET sockets[CALLS];

	prepare(sockets);
	lc_waits.patience_ns = 10 * LC_NS_PER_S;
	lose_daemon();
	for (size_t i = 0; i < CALLS; i++)
		begin(&calls[i], needing[i], sockets[i]);
	nanosleep(&pause, NULL);
	fake_start();
	for (size_t i = 0; i < 4; i++) {
		int code = end(&calls[i]);

		cr_expect_eq(code, 0, "call %zu: %d", i, code);
	}
	fake_wait(LC_LOCAL_LISTEN, 3); /* two are the resumed one's */
	fake_event(fake_request(4, 9));
	assert_code(0, end(&calls[4]));
}

/* The connection alone does not do: the daemon must know the socket. */
Test(resume, calls_wait_for_their_sockets_resume)
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

Test(resume, calls_wait_for_its_answer)
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

Test(resume, a_nonblocking_accept_does_not_wait)
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

Test(resume, closing_ends_the_wait)
{
	SOCKET s = new_leaf();
	struct call call;

	lc_waits.patience_ns = 10 * LC_NS_PER_S;
	lose_daemon();
	begin(&call, join_code, s);
	usleep(50000);
	assert_code(0, close_handle(s));
	assert_code(WSAEINTR, end(&call));
	lc_waits.patience_ns = SHORT_NS;
}

/* --- a daemon that dies again */

Test(resume, OPEN_that_nobody_answered_becomes_RESUME)
{
	fake.dies_at = LC_LOCAL_OPEN;
	new_leaf();
	cr_expect_eq(fake_count(LC_LOCAL_OPEN), 1);
	cr_expect_eq(fake_wait(LC_LOCAL_RESUME, 1).socket, number_of(1));
	cr_expect_not(fake_wait(LC_LOCAL_RESUME, 1).member);
}

Test(resume, LISTEN_that_nobody_answered_is_said_again)
{
	SOCKET root = new_bound(ROOT_FLAGS);

	fake.dies_at = LC_LOCAL_LISTEN;
	assert_code(0, listen_code(root));
	cr_expect_eq(send_text(root, "x"), 1);
}

Test(resume, SET_FLOWS_that_nobody_answered_is_said_again)
{
	SOCKET s = new_leaf();

	fake.dies_at = LC_LOCAL_SET_FLOWS;
	assert_code(0, set_flows_code(s));
	cr_expect_eq(fake_wait(LC_LOCAL_SET_FLOWS, 2).flows.up.token_rate, 1000);
}

Test(resume, dying_at_each_message_of_it)
{
	static const enum lc_local_kind kinds[] = {LC_LOCAL_HELLO, LC_LOCAL_RESUME,
						   LC_LOCAL_LISTEN};
	SOCKET root = new_listening(ROOT_FLAGS), leaf = new_joined_leaf();

	for (size_t i = 0; i < 3; i++) {
		int listens = fake_count(LC_LOCAL_LISTEN);

		fake.dies_at = kinds[i];
		restart();
		/* The next one, or this one again. */
		fake_wait(LC_LOCAL_LISTEN, listens + 1 + (kinds[i] == LC_LOCAL_LISTEN));
		settle();
		fake_event(fake_request(1, 3));
		assert_code(0, accept_code(root));
		cr_expect_eq(send_text(leaf, "x"), 1);
		cr_expect_eq(leafcast_socket_reason(leaf), LEAFCAST_NO_REASON);
	}
}

/* It is not asked without end what it dies of. */
Test(resume, one_that_keeps_dying_is_left_in_peace)
{
	double start;
	int count;

	new_joined_leaf();
	count = fake_count(LC_LOCAL_HELLO);
	start = seconds();
	while (seconds() - start < 1.5) {
		fake.dies_at = LC_LOCAL_RESUME;
		fake_drop();
		usleep(2000);
	}
	cr_expect_leq(fake_count(LC_LOCAL_HELLO) - count, 10);
	fake.dies_at = 0;
}

Test(resume, a_daemon_that_speaks_otherwise_is_none)
{
	SOCKET s = new_joined_leaf();
	int code = 0;

	fake.hello_error = -EPROTO;
	restart();
	fake_wait(LC_LOCAL_HELLO, 2);
	cr_expect_eq(wsp.lpWSPSocket(AF_INET, 0, 0, NULL, 0, ROOT_FLAGS, &code), INVALID_SOCKET);
	assert_code(WSAENETDOWN, code);
	cr_expect_eq(send_text(s, "x"), 1);
	fake.hello_error = 0;
	cr_expect(fake_wait(LC_LOCAL_RESUME, 1).member);
}

Test(resume, a_limit_of_the_daemon_is_tried_again)
{
	SOCKET s = new_joined_leaf();

	fake.resume_error = -EMFILE;
	restart();
	fake_wait(LC_LOCAL_RESUME, 2);
	cr_expect_eq(leafcast_socket_reason(s), LEAFCAST_NO_REASON);
	fake.resume_error = 0;
	fake_wait(LC_LOCAL_RESUME, 3);
	settle();
	cr_expect_eq(send_text(s, "x"), 1);
}

Test(resume, a_daemon_that_will_not_know_it_ends_it)
{
	SOCKET s = new_joined_leaf(), new = new_leaf();

	fake.resume_error = -EPERM;
	restart();
	while (leafcast_socket_reason(s) != LEAFCAST_NETWORK_DOWN)
		usleep(1000);
	cr_expect_eq(send_text(s, "x"), -WSAECONNRESET);
	fake_wait(LC_LOCAL_RESUME, 2);
	settle();
	assert_code(WSAENETDOWN, join_code(new));
}

Test(resume, LISTEN_that_is_refused_is_tried_again)
{
	SOCKET root = new_listening(ROOT_FLAGS);

	fake.listen = LEAFCAST_ADDRESS_IN_USE;
	restart();
	fake_wait(LC_LOCAL_LISTEN, 2);
	fake.listen = 0;
	fake_wait(LC_LOCAL_LISTEN, 3);
	cr_expect_eq(fake_count(LC_LOCAL_RESUME), 1);
	settle();
	fake_event(fake_request(1, 3));
	assert_code(0, accept_code(root));
}

/* --- how long an application is content without */

static int ends_within(SOCKET s, double most)
{
	double start = seconds();

	while (leafcast_socket_reason(s) == LEAFCAST_NO_REASON && seconds() - start < most)
		usleep(5000);
	return leafcast_socket_reason(s);
}

Test(resume, without_limit_unless_it_says_so)
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

Test(resume, limited_and_the_daemon_is_gone)
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

Test(resume, limited_and_the_daemon_is_stopped)
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

Test(resume, limited_and_all_is_well)
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

Test(resume, limited_by_the_environment)
{
	const WSPUPCALLTABLE none = {0};
	WSPDATA data;

	setenv("LEAFCAST_ABSENCE", "1", 1);
	cr_assert_eq(WSPStartup(MAKEWORD(2, 2), &data, NULL, none, &wsp), 0);
	new_joined_leaf();
	fake_wait(LC_LOCAL_PING, 2);
}
