/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "fake.h"

#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>

TestSuite(startup, .init = setup, .fini = teardown, .timeout = 20);

Test(startup, table_has_30_entries_and_none_is_null)
{
	void *entries[30];

	cr_assert_eq(sizeof(wsp), sizeof(entries));
	memcpy(entries, &wsp, sizeof(wsp));
	for (size_t i = 0; i < 30; i++)
		cr_expect_not_null(entries[i], "entry %zu", i);
	cr_expect_eq(offsetof(WSPPROC_TABLE, lpWSPJoinLeaf), 17 * sizeof(void *));
	cr_expect_eq(offsetof(WSPPROC_TABLE, lpWSPGetQOSByName),
		     offsetof(WSPPROC_TABLE, lpWSPGetSockOpt) + sizeof(void *));
}

Test(startup, versions)
{
	const struct {
		WORD wanted;
		int error;
		WORD got;
	} rows[] = {{MAKEWORD(2, 2), 0, MAKEWORD(2, 2)},
		    {MAKEWORD(2, 0), 0, MAKEWORD(2, 0)},
		    {MAKEWORD(3, 0), 0, MAKEWORD(2, 2)},
		    {MAKEWORD(1, 1), WSAVERNOTSUPPORTED, 0}};
	const WSPUPCALLTABLE none = {0};
	WSPPROC_TABLE table;
	WSPDATA data;

	for (size_t i = 0; i < 4; i++) {
		assert_code(rows[i].error, WSPStartup(rows[i].wanted, &data, NULL, none, &table));
		if (!rows[i].error) {
			cr_expect_eq(data.wVersion, rows[i].got);
			cr_expect_eq(data.wHighVersion, MAKEWORD(2, 2));
		}
	}
	assert_code(WSAEFAULT, WSPStartup(MAKEWORD(2, 2), NULL, NULL, none, &table));
	assert_code(WSAEFAULT, WSPStartup(MAKEWORD(2, 2), &data, NULL, none, (void *)8));
}

Test(startup, startups_are_counted)
{
	const WSPUPCALLTABLE none = {0};
	WSPDATA data;
	int code = 0;
	SOCKET s;

	WSPStartup(MAKEWORD(2, 2), &data, NULL, none, &wsp);
	s = new_leaf();
	cr_assert_eq(wsp.lpWSPCleanup(&code), 0);
	cr_expect_neq(wsp.lpWSPListen(s, 1, &code), 0);
	assert_code(WSAEINVAL, code); /* unbound, so it is still a socket */
	cr_assert_eq(wsp.lpWSPCleanup(&code), 0);
	cr_assert_eq(wsp.lpWSPCleanup(&code), SOCKET_ERROR);
	assert_code(WSANOTINITIALISED, code);
	assert_code(WSANOTINITIALISED, close_handle(s));
	fake_wait(LC_LOCAL_CLOSE, 1);
	/* ...and is ready for a fresh one */
	cr_assert_eq(WSPStartup(MAKEWORD(2, 2), &data, NULL, none, &wsp), 0);
	new_leaf();
}

static int modified;
static SOCKET WSPAPI modify_handle(DWORD id, SOCKET proposed, LPINT lpErrno)
{
	modified++;
	return proposed + 5000;
}

Test(startup, R40_new_handles_go_through_the_latest_ModifyIFSHandle)
{
	const WSPUPCALLTABLE upcalls = {.lpWPUModifyIFSHandle = modify_handle};
	WSPDATA data;
	SOCKET s, added;
	int code;

	WSPStartup(MAKEWORD(2, 2), &data, NULL, upcalls, &wsp);
	s = new_root();
	cr_assert_eq(modified, 1);
	cr_assert_gt(s, 5000);
	added = join(s, &code);
	cr_assert_eq(modified, 2);
	cr_assert_neq(added, INVALID_SOCKET);
	/* R46: none for a c_leaf */
	s = new_leaf();
	cr_assert_eq(modified, 3);
	cr_assert_eq(join(s, &code), s);
	cr_assert_eq(modified, 3);
	assert_code(WSAENOTSOCK, close_handle(s - 5000));
	assert_code(0, close_handle(s));
}

Test(startup, N5_flags)
{
	const struct {
		int protocol;
		DWORD flags;
		int code;
	} rows[] = {
		{LEAFCAST_IPPROTO_ROOTED, ROOT_FLAGS, 0},
		{LEAFCAST_IPPROTO_ROOTED, LEAF_FLAGS, 0},
		{LEAFCAST_IPPROTO_ROOTED, LEAF_FLAGS | WSA_FLAG_OVERLAPPED, 0},
		{0, ROOT_FLAGS, 0},
		{IPPROTO_UDP, ROOT_FLAGS, 0},
		{0, WSA_FLAG_MULTIPOINT_C_ROOT, WSAEINVAL},
		{0, WSA_FLAG_MULTIPOINT_D_LEAF, WSAEINVAL},
		{0, ROOT_FLAGS | WSA_FLAG_MULTIPOINT_C_LEAF, WSAEINVAL},
		{0, ROOT_FLAGS | WSA_FLAG_MULTIPOINT_D_LEAF, WSAEINVAL},
		{0, WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_C_LEAF, WSAEINVAL},
		{0, ROOT_FLAGS | 0x8000, WSAEINVAL},
		{FROM_PROTOCOL_INFO, ROOT_FLAGS, WSAEINVAL}, /* without any */
		{0, LEAF_FLAGS, WSAEOPNOTSUPP},		     /* nonrooted/nonrooted */
		{0, WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF, WSAEOPNOTSUPP},
		{0, 0, WSAEOPNOTSUPP},
		{IPPROTO_TCP, ROOT_FLAGS, WSAEPROTONOSUPPORT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int code = 0;
		SOCKET s = wsp.lpWSPSocket(AF_INET, SOCK_DGRAM, rows[i].protocol, NULL, 0,
					   rows[i].flags, &code);

		cr_expect_eq(code, rows[i].code, "row %zu: %d", i, code);
		cr_expect_eq(s == INVALID_SOCKET, rows[i].code != 0, "row %zu", i);
	}
}

Test(startup, entry_from_protocol_info_names_family_and_planes)
{
	WSAPROTOCOL_INFOW info;
	struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int code = 0;
	SOCKET s;

	cr_assert(leafcast_catalogue_entry(1, &info));
	cr_assert_eq(info.iAddressFamily, AF_INET6);
	cr_assert_eq(info.dwServiceFlags1,
		     0x400 | 0x800 | 0x1000 | 0x2000 | 8 | 0x20000 | 0x80 | 0x20);
	cr_assert_not(leafcast_catalogue_entry(2, &info));
	leafcast_catalogue_entry(1, &info);
	s = wsp.lpWSPSocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
			    LEAF_FLAGS, &code);
	cr_assert_neq(s, INVALID_SOCKET, "%d", code);
	cr_expect_eq(wsp.lpWSPBind(s, (struct sockaddr *)&name, sizeof(name), &code), 0);
	cr_expect_neq(wsp.lpWSPSocket(0, 0, LEAFCAST_IPPROTO_ROOTED, NULL, 0, LEAF_FLAGS, &code),
		      INVALID_SOCKET);
	cr_expect_eq(wsp.lpWSPSocket(AF_UNIX, 0, 0, NULL, 0, ROOT_FLAGS, &code), INVALID_SOCKET);
	assert_code(WSAEAFNOSUPPORT, code);
}

Test(startup, OPEN_carries_role_and_the_very_descriptor)
{
	SOCKET s = new_root();
	struct lc_local_message open = fake_wait(LC_LOCAL_OPEN, 1);
	uint64_t ours, theirs;
	socklen_t length = sizeof(ours);

	cr_expect_eq(open.role, LC_ROLE_ROOT);
	cr_expect_eq(fake_wait(LC_LOCAL_HELLO, 1).version, LC_LOCAL_VERSION);
	getsockopt((int)s, SOL_SOCKET, SO_COOKIE, &ours, &length);
	getsockopt(fake_descriptor(LC_LOCAL_OPEN, 1), SOL_SOCKET, SO_COOKIE, &theirs, &length);
	cr_expect_eq(ours, theirs);
	cr_expect(fcntl((int)s, F_GETFD) & FD_CLOEXEC);
	new_leaf();
	cr_expect_eq(fake_wait(LC_LOCAL_OPEN, 2).role, LC_ROLE_LEAF);
}

Test(startup, R10_no_daemon_is_NETDOWN_after_two_seconds)
{
	SOCKET member = new_joined_leaf();
	double start;
	int code = 0;

	fake_stop();
	start = seconds();
	cr_assert_eq(wsp.lpWSPSocket(AF_INET, 0, 0, NULL, 0, ROOT_FLAGS, &code), INVALID_SOCKET);
	assert_code(WSAENETDOWN, code);
	cr_expect_geq(seconds() - start, 1.5);
	cr_expect_leq(seconds() - start, 2.5);
	/* Another's failure is not its own. */
	cr_expect_eq(leafcast_socket_reason(member), LEAFCAST_NO_REASON);
	fake_start();
	new_root();
}

Test(startup, R10_silent_daemon_is_NETDOWN)
{
	int code = 0;

	new_root();
	fake.silent = true;
	cr_assert_eq(wsp.lpWSPSocket(AF_INET, 0, 0, NULL, 0, ROOT_FLAGS, &code), INVALID_SOCKET);
	assert_code(WSAENETDOWN, code);
}

Test(startup, lost_daemon_fails_joins_but_not_data)
{
	SOCKET s = new_joined_leaf(), pending = new_leaf();
	struct joining joining;
	int code = 0;

	fake.hold_joins = true;
	join_in_thread(&joining, pending);
	fake_wait(LC_LOCAL_JOIN, 2);
	fake_stop();
	pthread_join(joining.thread, NULL);
	cr_expect_eq(joining.result, INVALID_SOCKET);
	assert_code(WSAENETDOWN, joining.code);
	cr_expect_eq(send_text(s, "still"), 5);
	join(pending, &code);
	assert_code(WSAENETDOWN, code);
	cr_expect_eq(leafcast_socket_reason(pending), LEAFCAST_NETWORK_DOWN);
	fake_start();
	new_leaf();
}

Test(startup, after_fork_the_handles_are_not_the_childs)
{
	SOCKET s = new_joined_leaf();
	int status, code = 0;
	pid_t child = fork();

	if (!child)
		_exit(wsp.lpWSPListen(s, 1, &code) == SOCKET_ERROR && code == WSAENOTSOCK ? 0 : 1);
	waitpid(child, &status, 0);
	cr_expect_eq(status, 0);
	cr_expect_eq(send_text(s, "parent's"), 8);
	cr_expect_eq(fake_count(LC_LOCAL_CLOSE), 0);
}

Test(startup, entries_of_later_issues_answer_OPNOTSUPP)
{
	SOCKET s = new_leaf();
	int code = 0;

	cr_expect_eq(wsp.lpWSPAsyncSelect(s, NULL, 1, FD_READ, &code), SOCKET_ERROR);
	assert_code(WSAEOPNOTSUPP, code);
	code = 0;
	cr_expect_eq(wsp.lpWSPGetOverlappedResult(s, NULL, NULL, FALSE, NULL, &code), FALSE);
	assert_code(WSAEOPNOTSUPP, code);
	code = 0;
	cr_expect_eq(wsp.lpWSPCancelBlockingCall(&code), SOCKET_ERROR);
	assert_code(WSAEOPNOTSUPP, code);
}

/* A tour of all that opens descriptors, successes and failures. */
Test(startup, nothing_is_left_open)
{
	SOCKET root = new_listening(ROOT_FLAGS), leaf = new_joined_leaf(), accepted;
	WSAEVENT event = new_event();
	struct timeval now = {0};
	char room[4];
	fd_set read;
	int code;

	FD_ZERO(&read);
	FD_SET((int)root, &read);
	FD_SET((int)leaf, &read);
	wsp.lpWSPSelect(0, &read, NULL, NULL, &now, &code);
	fake_event(fake_request(1, 1));
	accepted = wsp.lpWSPAccept(root, NULL, NULL, NULL, 0, &code);
	cr_assert_neq(accepted, INVALID_SOCKET);
	fake.accept = LEAFCAST_RESET;
	fake_event(fake_request(1, 2));
	cr_assert_eq(wsp.lpWSPAccept(root, NULL, NULL, NULL, 0, &code), INVALID_SOCKET);
	cr_assert_neq(join(root, &code), INVALID_SOCKET);
	fake.join = LEAFCAST_REJECTED;
	cr_assert_eq(join(root, &code), INVALID_SOCKET);
	wsp.lpWSPEventSelect(leaf, event, FD_READ, &code);
	fake_close(fake_wait(LC_LOCAL_OPEN, 2).socket, LEAFCAST_CLOSED);
	while (receive_text(leaf, room, 4) != -WSAEDISCON)
		usleep(1000);
	close_handle(accepted);
	fake.hold_joins = true;
	wsp.lpWSPEventSelect(root, event, FD_CONNECT, &code);
	cr_assert_neq(join(root, &code), INVALID_SOCKET);
	/* a request still waiting, a join still pending */
	fake_event(fake_request(1, 3));
	close_event(event);
	cr_expect_eq(clean_up(), 0, "descriptors are left open");
}
