/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* At a limit, and on errors: nobody is forgotten, and it is called what it is. */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "provider/connection.h"

static int fillers[1024], filler_count;

/* Until give_back() only so many descriptors can be had. */
static void leave_descriptors(int left)
{
	int filler;

	while ((filler = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) >= 0)
		fillers[filler_count++] = filler;
	cr_assert_eq(errno, EMFILE);
	while (left--)
		close(fillers[--filler_count]);
}

static void give_back(void)
{
	while (filler_count)
		close(fillers[--filler_count]);
}

/* As many as the array holds at the most. */
static void limited(void)
{
	const struct rlimit most = {1024, 1024};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &most), 0);
	setup();
}

TestSuite(limits, .init = limited, .fini = teardown, .timeout = 20);

static void expect_rejected(int n, uint64_t request)
{
	cr_expect_eq(fake_wait(LC_LOCAL_REJECT, n).request, request);
	cr_expect_eq(fake_wait(LC_LOCAL_REJECT, n).reason, LEAFCAST_LIMIT);
}

Test(limits, accept_without_a_descriptor_rejects)
{
	SOCKET root = new_listening(ROOT_FLAGS), member;
	int code;

	fake_event(fake_request(1, 5));
	set_nonblocking(root, true);
	do { /* until the request is here: both have their descriptors */
		struct timeval now = {0};
		fd_set read;

		FD_ZERO(&read);
		FD_SET((int)root, &read);
		code = wsp.lpWSPSelect(0, &read, NULL, NULL, &now, &code);
	} while (code != 1);
	leave_descriptors(0);
	accept_any(root, &code);
	give_back();
	assert_code(WSAEMFILE, code);
	expect_rejected(1, 5);
	/* and that place is free again */
	set_nonblocking(root, false);
	fake_event(fake_request(1, 6));
	member = accept_any(root, &code);
	cr_expect_neq(member, INVALID_SOCKET, "%d", code);
}

Test(limits, accept_at_a_limit_of_the_daemon_rejects)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	int code;

	fake.accept = LEAFCAST_LIMIT;
	fake_event(fake_request(1, 1));
	accept_any(root, &code);
	assert_code(WSAENOBUFS, code);
	expect_rejected(1, 1);
	fake.accept_error = -EMFILE;
	fake_event(fake_request(1, 2));
	accept_any(root, &code);
	assert_code(WSAEMFILE, code);
	expect_rejected(2, 2);
	/* What the daemon has decided itself needs no second word. */
	fake.accept_error = 0;
	fake.accept = LEAFCAST_RESET;
	fake_event(fake_request(1, 3));
	accept_any(root, &code);
	assert_code(WSAECONNRESET, code);
	fake_wait(LC_LOCAL_CLOSE, 3);
	cr_expect_eq(fake_count(LC_LOCAL_REJECT), 2);
}

Test(limits, R24_a_roots_join_is_NOBUFS_or_MFILE_and_not_NETDOWN)
{
	const struct {
		int error;
		enum leafcast_reason reason;
		int code;
	} rows[] = {
		{-EMFILE, 0, WSAEMFILE}, {-ENOMEM, 0, WSAENOBUFS}, {0, LEAFCAST_LIMIT, WSAENOBUFS}};
	SOCKET root = new_root();
	int code;

	for (size_t i = 0; i < 3; i++) {
		fake.join_error = rows[i].error;
		fake.join = rows[i].reason;
		cr_expect_eq(join(root, &code), INVALID_SOCKET);
		cr_expect_eq(code, rows[i].code, "row %zu: %d", i, code);
		cr_expect_eq(leafcast_socket_reason(root), LEAFCAST_LIMIT, "row %zu", i);
		cr_expect_eq(get_option(root, SO_ERROR), rows[i].code, "row %zu", i);
	}
}

Test(limits, a_roots_join_without_a_descriptor)
{
	SOCKET root = new_root();
	int code;

	leave_descriptors(0);
	join(root, &code);
	give_back();
	assert_code(WSAEMFILE, code);
	cr_expect_eq(leafcast_socket_reason(root), LEAFCAST_LIMIT);
	cr_expect_eq(get_option(root, SO_ERROR), WSAEMFILE);
	cr_expect_neq(join(root, &code), INVALID_SOCKET);
}

/* The daemon is there: what is missing is a descriptor to reach it by. */
Test(limits, no_descriptor_for_the_connection_is_not_NETDOWN)
{
	int code = 0;

	/* For the socket and the hidden thread's two. */
	leave_descriptors(3);
	wsp.lpWSPSocket(AF_INET, 0, 0, NULL, 0, ROOT_FLAGS, &code);
	give_back();
	assert_code(WSAEMFILE, code);
}

static void never(struct lc_asked *asked, const struct lc_local_message *reply)
{
	abort();
}

Test(limits, a_descriptor_that_cannot_be_sent_is_that_requests_misfortune_alone)
{
	struct lc_local_message message = {.kind = LC_LOCAL_OPEN, .socket = 4711};
	struct lc_asked asked = {.answered = never};
	SOCKET s = new_joined_leaf();
	uint64_t link = lc_connection_link();

	cr_expect_eq(lc_connection_ask(&asked, link, &message, 4711, LC_NS_PER_S), -EBADF);
	cr_expect_eq(lc_connection_link(), link);
	new_joined_leaf();
	cr_expect_eq(send_text(s, "x"), 1);
}

Test(limits, listening_again_with_a_smaller_backlog_resets_the_surplus)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	WSAEVENT event = new_event();
	int code = 0;

	for (uint64_t request = 1; request <= 5; request++)
		fake_event(fake_request(1, request));
	/* The answer comes behind the requests. */
	cr_assert_eq(wsp.lpWSPListen(root, 2, &code), 0);
	for (int n = 1; n <= 3; n++) {
		cr_expect_eq(fake_wait(LC_LOCAL_REJECT, n).request, (uint64_t)(6 - n));
		cr_expect_eq(fake_wait(LC_LOCAL_REJECT, n).reason, LEAFCAST_BACKLOG_FULL);
	}
	cr_expect_neq(accept_any(root, &code), INVALID_SOCKET);
	cr_expect_neq(accept_any(root, &code), INVALID_SOCKET);
	cr_expect_eq(fake_wait(LC_LOCAL_ACCEPT, 2).request, 2);
	set_nonblocking(root, true);
	accept_any(root, &code);
	assert_code(WSAEWOULDBLOCK, code);
	close_event(event);
}

static void expect_inherited(SOCKET s, SOCKET parent)
{
	struct linger linger = {0};
	int length = sizeof(linger), code = 0;

	cr_assert_eq(wsp.lpWSPGetSockOpt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, &length, &code),
		     0);
	cr_expect(linger.l_onoff == 1 && linger.l_linger == 7);
	cr_expect_eq(get_option(s, SO_RCVBUF), get_option(parent, SO_RCVBUF));
	cr_expect_eq(get_option(s, SO_SNDBUF), get_option(parent, SO_SNDBUF));
	cr_expect_eq(get_option(s, SO_REUSEADDR), 1);
}

Test(limits, R41_R48_new_sockets_have_the_options_of_the_one_they_come_from)
{
	const struct linger linger = {1, 7};
	SOCKET root = new_listening(ROOT_FLAGS), plain = new_leaf();
	int code = 0;

	cr_assert_eq(wsp.lpWSPSetSockOpt(root, SOL_SOCKET, SO_LINGER, (const char *)&linger,
					 sizeof(linger), &code),
		     0);
	set_option(root, SO_RCVBUF, 9000);
	set_option(root, SO_SNDBUF, 11000);
	set_option(root, SO_REUSEADDR, 1);
	cr_assert_neq(get_option(root, SO_RCVBUF), get_option(plain, SO_RCVBUF));
	fake_event(fake_request(1, 1));
	expect_inherited(accept_any(root, &code), root);
	expect_inherited(join(root, &code), root);
}
