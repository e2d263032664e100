/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A daemon that dies again and again, or will not know what it is told. */
#include "restarts.h"

#include <errno.h>

TestSuite(resume_again, .init = setup, .fini = teardown, .timeout = 30);

Test(resume_again, OPEN_that_nobody_answered_becomes_RESUME)
{
	fake.dies_at = LC_LOCAL_OPEN;
	new_leaf();
	cr_expect_eq(fake_count(LC_LOCAL_OPEN), 1);
	cr_expect_eq(fake_wait(LC_LOCAL_RESUME, 1).socket, number_of(1));
	cr_expect_not(fake_wait(LC_LOCAL_RESUME, 1).member);
}

Test(resume_again, LISTEN_that_nobody_answered_is_said_again)
{
	SOCKET root = new_bound(ROOT_FLAGS);

	fake.dies_at = LC_LOCAL_LISTEN;
	assert_code(0, listen_code(root));
	cr_expect_eq(send_text(root, "x"), 1);
}

Test(resume_again, SET_FLOWS_that_nobody_answered_is_said_again)
{
	SOCKET s = new_leaf();

	fake.dies_at = LC_LOCAL_SET_FLOWS;
	assert_code(0, set_flows_code(s));
	cr_expect_eq(fake_wait(LC_LOCAL_SET_FLOWS, 2).flows.up.token_rate, 1000);
}

Test(resume_again, dying_at_each_message_of_it)
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
Test(resume_again, one_that_keeps_dying_is_left_in_peace)
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

Test(resume_again, a_daemon_that_speaks_otherwise_is_none)
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

Test(resume_again, a_limit_of_the_daemon_is_tried_again)
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

Test(resume_again, a_daemon_that_will_not_know_it_ends_it)
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

Test(resume_again, LISTEN_that_is_refused_is_tried_again)
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
