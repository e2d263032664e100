/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What ends a wait, what does not, and when it ends at the latest. */
#include "fake.h"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "provider/connection.h"

TestSuite(waits, .init = setup, .fini = teardown, .timeout = 20);

#define SHORT_NS (300 * LC_NS_PER_MS)

static int select_one(SOCKET s, bool write)
{
	struct timeval timeout = {.tv_usec = 20000};
	fd_set set;
	int code = 0, count;

	FD_ZERO(&set);
	FD_SET((int)s, &set);
	count = wsp.lpWSPSelect(0, write ? NULL : &set, write ? &set : NULL, NULL, &timeout, &code);
	return count < 0 ? -code : count;
}

/* A call that blocks in a thread of its own. */
struct blocked {
	pthread_t thread;
	int (*call)(SOCKET);
	SOCKET s;
	int result;
};

static void *run_blocked(void *argument)
{
	struct blocked *blocked = argument;

	blocked->result = blocked->call(blocked->s);
	return NULL;
}

static void block(struct blocked *blocked, int (*call)(SOCKET), SOCKET s)
{
	blocked->call = call;
	blocked->s = s;
	cr_assert_eq(pthread_create(&blocked->thread, NULL, run_blocked, blocked), 0);
	usleep(50000);
}

/* What it came to; fails if it has not ended in time. */
static int end_of(struct blocked *blocked, double most)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)most;
	cr_assert_eq(pthread_timedjoin_np(blocked->thread, NULL, &until), 0, "it still blocks");
	return blocked->result;
}

static double cpu_seconds(const struct blocked *blocked)
{
	struct timespec used;
	clockid_t clock;

	cr_assert_eq(pthread_getcpuclockid(blocked->thread, &clock), 0);
	clock_gettime(clock, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static int receive(SOCKET s)
{
	char room[4];

	return receive_text(s, room, 4);
}

static int accept_code(SOCKET s)
{
	int code;

	return accept_any(s, &code) == INVALID_SOCKET ? code : 0;
}

static int join_code(SOCKET s)
{
	int code;

	return join(s, &code) == INVALID_SOCKET ? code : 0;
}

/* --- one meaning each */

Test(waits, SD_SEND_does_not_concern_who_receives)
{
	SOCKET s = new_joined_leaf();
	struct blocked blocked;
	double used;
	int code;

	block(&blocked, receive, s);
	cr_assert_eq(wsp.lpWSPShutdown(s, SD_SEND, &code), 0);
	used = cpu_seconds(&blocked);
	usleep(300000);
	cr_expect_lt(cpu_seconds(&blocked) - used, 0.05, "it spins");
	cr_expect_eq(select_one(s, false), 0, "WSPSelect says readable");
	feed(s, "x", 1);
	cr_expect_eq(end_of(&blocked, 2), 1);
	cr_expect_eq(send_text(s, "x"), -WSAESHUTDOWN);
}

Test(waits, SD_RECEIVE_ends_who_receives_and_leaves_who_sends)
{
	SOCKET s = new_joined_leaf();
	struct blocked blocked;
	int code;

	block(&blocked, receive, s);
	cr_assert_eq(wsp.lpWSPShutdown(s, SD_RECEIVE, &code), 0);
	cr_expect_eq(end_of(&blocked, 2), -WSAESHUTDOWN);
	cr_expect_eq(select_one(s, false), 1, "a receive would not block");
	cr_expect_eq(send_text(s, "x"), 1);
}

Test(waits, an_ended_socket_does_not_keep_select_busy)
{
	struct timeval timeout = {.tv_usec = 300000};
	SOCKET ended = new_joined_leaf(), quiet = new_joined_leaf();
	double start;
	fd_set read, except;
	int code = 0;

	fake_close(fake_wait(LC_LOCAL_OPEN, 1).socket, LEAFCAST_CLOSED);
	while (leafcast_socket_reason(ended) != LEAFCAST_CLOSED)
		usleep(1000);
	FD_ZERO(&read);
	FD_ZERO(&except);
	FD_SET((int)quiet, &read);
	FD_SET((int)ended, &except);
	start = (double)clock() / CLOCKS_PER_SEC;
	cr_expect_eq(wsp.lpWSPSelect(0, &read, NULL, &except, &timeout, &code), 0);
	cr_expect_lt((double)clock() / CLOCKS_PER_SEC - start, 0.1, "it spins");
}

Test(waits, shutdown_of_a_root_ends_a_blocked_accept)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	struct blocked blocked;
	int code;

	block(&blocked, accept_code, root);
	cr_assert_eq(wsp.lpWSPShutdown(root, SD_BOTH, &code), 0);
	assert_code(WSAEINVAL, end_of(&blocked, 2));
	assert_code(WSAEINVAL, accept_code(root));
}

/* --- the longest a call waits for the daemon */

Test(waits, are_what_the_daemon_may_take_and_two_seconds)
{
	cr_expect_eq(lc_waits.patience_ns, 2 * LC_NS_PER_S);
	cr_expect_eq(lc_waits.join_ns, (LC_LOCAL_JOIN_MS + 2000) * LC_NS_PER_MS);
	cr_expect_eq(lc_waits.accept_ns, (LC_LOCAL_ACCEPT_MS + 2000) * LC_NS_PER_MS);
}

Test(waits, R10_a_blocking_join_when_the_daemon_hangs)
{
	SOCKET s = new_leaf();
	double start = seconds();

	lc_waits.join_ns = SHORT_NS;
	fake.hold_joins = true;
	assert_code(WSAENETDOWN, join_code(s));
	cr_expect_geq(seconds() - start, 0.29);
	cr_expect_leq(seconds() - start, 2);
	cr_expect_eq(leafcast_socket_reason(s), LEAFCAST_NETWORK_DOWN);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, fake_wait(LC_LOCAL_OPEN, 1).socket);
	/* It is not half a member when the answer comes after all. */
	fake_answer_join(0);
	new_leaf();
	cr_expect_eq(send_text(s, "x"), -WSAENOTCONN);
	assert_code(WSAENETDOWN, join_code(s));
}

Test(waits, R10_a_nonblocking_join_when_the_daemon_hangs)
{
	SOCKET s = new_leaf();
	WSAEVENT event = new_event();
	int code;

	lc_waits.join_ns = SHORT_NS;
	fake.hold_joins = true;
	wsp.lpWSPEventSelect(s, event, FD_CONNECT, &code);
	cr_assert_eq(join(s, &code), s);
	assert_code(WSAENETDOWN, wait_network_event(s, event, FD_CONNECT_BIT));
	close_event(event);
}

Test(waits, R10_an_invitation_when_the_daemon_hangs_leaves_the_session_alone)
{
	SOCKET root = new_listening(ROOT_FLAGS), leaf;
	WSAEVENT event = new_event();
	uint64_t number;
	int code;

	lc_waits.join_ns = SHORT_NS;
	fake.hold_joins = true;
	wsp.lpWSPEventSelect(root, event, FD_CONNECT, &code);
	leaf = join(root, &code);
	cr_assert_neq(leaf, INVALID_SOCKET);
	number = fake_wait(LC_LOCAL_JOIN, 1).other;
	assert_code(WSAENETDOWN, wait_network_event(root, event, FD_CONNECT_BIT));
	cr_expect_eq(fake_wait(LC_LOCAL_CANCEL, 1).socket, fake_wait(LC_LOCAL_OPEN, 1).socket);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, number);
	cr_expect_eq(send_text(root, "x"), 1);
	cr_expect_eq(send_text(leaf, "x"), -WSAENOTCONN);
	assert_code(0, close_handle(leaf));
	fake.hold_joins = false;
	lc_waits.join_ns = 2 * LC_NS_PER_S;
	cr_expect_neq(join(root, &code), INVALID_SOCKET);
	cr_expect_eq(wait_network_event(root, event, FD_CONNECT_BIT), 0);
	close_event(event);
}

Test(waits, R10_an_accept_when_the_daemon_hangs)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	double start = seconds();

	lc_waits.accept_ns = SHORT_NS;
	fake.silent = true;
	fake_event(fake_request(1, 7));
	assert_code(WSAENETDOWN, accept_code(root));
	cr_expect_geq(seconds() - start, 0.29);
	cr_expect_leq(seconds() - start, 2);
	cr_expect_eq(fake_wait(LC_LOCAL_REJECT, 1).request, 7);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, fake_wait(LC_LOCAL_ACCEPT, 1).other);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).reason, LEAFCAST_RESET);
	lc_waits.patience_ns = SHORT_NS; /* the cleanup's */
}

/* A request that comes for a WSPListen given up before: its maker is not left in the dark. */
Test(waits, a_late_listen_lets_nobody_wait)
{
	SOCKET s = new_root();
	struct sockaddr_in name = loopback(0);
	int code = 0;

	wsp.lpWSPBind(s, (struct sockaddr *)&name, sizeof(name), &code);
	lc_waits.patience_ns = SHORT_NS;
	fake.silent = true;
	cr_assert_neq(wsp.lpWSPListen(s, 3, &code), 0);
	assert_code(WSAENETDOWN, code);
	fake.silent = false;
	fake_event(fake_request(1, 5));
	cr_expect_eq(fake_wait(LC_LOCAL_REJECT, 1).request, 5);
	cr_expect_eq(fake_wait(LC_LOCAL_REJECT, 1).reason, LEAFCAST_NOBODY_LISTENING);
}

/* --- who closes waits for nobody */

static int release = -1; /* a pipe's end that the condition function reads */

static int sleep_well(LPWSABUF caller, LPWSABUF caller_data, LPQOS qos, LPQOS gqos, LPWSABUF callee,
		      LPWSABUF callee_data, GROUP *g, DWORD_PTR data)
{
	char byte;

	callee_data->len = 0;
	return read(release, &byte, 1) == 1 ? CF_ACCEPT : CF_REJECT;
}

static int accept_asleep(SOCKET s)
{
	int code = 0;

	wsp.lpWSPAccept(s, NULL, NULL, sleep_well, 0, &code);
	return code;
}

Test(waits, close_does_not_wait_for_a_sleeping_condition_function)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	struct blocked blocked, closer;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	release = ends[0];
	fake_event(fake_request(1, 1));
	block(&blocked, accept_asleep, root);
	block(&closer, close_handle, root);
	assert_code(0, end_of(&closer, 2));
	fake_wait(LC_LOCAL_CLOSE, 1);
	cr_assert_eq(write(ends[1], "x", 1), 1);
	assert_code(WSAEINTR, end_of(&blocked, 2));
	cr_expect_eq(fake_count(LC_LOCAL_ACCEPT), 0);
	close(ends[0]);
	close(ends[1]);
}

/* More than the connection holds unread; the daemon misses none of it. */
Test(waits, close_does_not_wait_for_a_daemon_that_does_not_read)
{
	enum {
		COUNT = 400
	};
	const struct rlimit room = {4096, 4096};
	static SOCKET sockets[COUNT];
	double start;

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &room), 0);
	for (int i = 0; i < COUNT; i++)
		sockets[i] = new_leaf();
	fake.deaf = true;
	start = seconds();
	for (int i = 0; i < COUNT; i++)
		assert_code(0, close_handle(sockets[i]));
	cr_expect_leq(seconds() - start, 1);
	fake_hear();
	fake_wait(LC_LOCAL_CLOSE, COUNT);
}
