/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Numbers are not identities: of events, descriptors, ports, processes. */
#include "fake.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

TestSuite(identity, .init = setup, .fini = teardown, .timeout = 20);

/* A file with ten bytes, read from its beginning. */
static int new_file(void)
{
	char path[] = "/tmp/leafcast-file-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	cr_assert_geq(fd, 0);
	unlink(path);
	cr_assert_eq(write(fd, "0123456789", 10), 10);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* The number becomes that of another open file, which is moved there. */
static void reuse(int number, int other)
{
	close(number);
	cr_assert_eq(dup2(other, number), number);
	close(other);
}

static void expect_untouched(int fd)
{
	struct stat status;

	cr_assert_eq(fstat(fd, &status), 0, "it was closed");
	cr_expect_eq(status.st_size, 10, "it was written to");
	cr_expect_eq(lseek(fd, 0, SEEK_CUR), 0, "it was read from");
}

/* --- events */

Test(identity, an_event_closed_while_registered_is_nobody_elses)
{
	WSAEVENT event = new_event();
	SOCKET s = new_joined_leaf();
	WSANETWORKEVENTS events;
	int code = 0;

	cr_assert_eq(wsp.lpWSPEventSelect(s, event, FD_CLOSE, &code), 0);
	reuse((int)(intptr_t)event, new_file());
	fake_close(fake_wait(LC_LOCAL_OPEN, 1).socket, LEAFCAST_CLOSED);
	while (leafcast_socket_reason(s) != LEAFCAST_CLOSED)
		usleep(1000);
	expect_untouched((int)(intptr_t)event);
	cr_assert_eq(wsp.lpWSPEnumNetworkEvents(s, event, &events, &code), 0);
	cr_expect_eq(events.lNetworkEvents, FD_CLOSE);
	expect_untouched((int)(intptr_t)event);
	close_event(event);
}

Test(identity, what_is_reset_is_an_event)
{
	WSAEVENT event = new_event(), file = (WSAEVENT)(intptr_t)new_file();
	SOCKET s = new_joined_leaf();
	WSANETWORKEVENTS events;
	int code = 0;

	wsp.lpWSPEventSelect(s, event, FD_WRITE, &code);
	cr_expect_eq(wsp.lpWSPEnumNetworkEvents(s, file, &events, &code), 0);
	expect_untouched((int)(intptr_t)file);
	/* nor can anything else be registered */
	cr_expect_neq(wsp.lpWSPEventSelect(s, file, FD_WRITE, &code), 0);
	assert_code(WSAEINVAL, code);
	close_event(event);
	close_event(file);
}

Test(identity, a_registration_shared_with_handles_of_leaves_outlives_the_event)
{
	SOCKET root = new_listening(ROOT_FLAGS), leaf;
	WSAEVENT event = new_event();
	WSANETWORKEVENTS events;
	int code;

	wsp.lpWSPEventSelect(root, event, FD_CLOSE, &code);
	fake_event(fake_request(1, 1));
	while ((leaf = accept_any(root, &code)) == INVALID_SOCKET)
		usleep(1000);
	wsp.lpWSPEventSelect(root, NULL, 0, &code);
	reuse((int)(intptr_t)event, new_file());
	fake_close(fake_wait(LC_LOCAL_ACCEPT, 1).other, LEAFCAST_RESET);
	while (leafcast_socket_reason(leaf) != LEAFCAST_RESET)
		usleep(1000);
	cr_assert_eq(wsp.lpWSPEnumNetworkEvents(leaf, NULL, &events, &code), 0);
	cr_expect_eq(events.lNetworkEvents, FD_CLOSE);
	expect_untouched((int)(intptr_t)event);
	close_event(event);
}

/* --- descriptors */

Test(identity, a_socket_closed_by_close_is_no_socket_and_its_number_is_left_alone)
{
	SOCKET s = new_joined_leaf(), other = new_joined_leaf();
	int code = 0;

	reuse((int)s, new_file());
	assert_code(WSAENOTSOCK, close_handle(s));
	expect_untouched((int)s);
	/* The membership is over: the daemon gives back what it holds. */
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, fake_wait(LC_LOCAL_OPEN, 1).socket);
	assert_code(WSAENOTSOCK, close_handle(s));
	reuse((int)other, new_file());
	wsp.lpWSPListen(other, 1, &code);
	assert_code(WSAENOTSOCK, code);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 2).socket, fake_wait(LC_LOCAL_OPEN, 2).socket);
	expect_untouched((int)other);
	close((int)s);
	close((int)other);
}

Test(identity, only_closed_and_not_reused)
{
	SOCKET s = new_joined_leaf();

	close((int)s);
	cr_expect_eq(send_text(s, "x"), -WSAENOTSOCK);
	assert_code(WSAENOTSOCK, close_handle(s));
	fake_wait(LC_LOCAL_CLOSE, 1);
}

/* Another socket's data is neither taken nor added to. */
Test(identity, data_calls_leave_another_socket_alone)
{
	SOCKET sender = new_joined_leaf(), receiver = new_joined_leaf();
	int foreign[2];
	char room[8];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, foreign), 0);
	cr_assert_eq(write(foreign[1], "theirs", 6), 6);
	reuse((int)receiver, foreign[0]);
	cr_expect_eq(receive_text(receiver, room, 8), -WSAENOTSOCK);
	cr_expect_eq(recv((int)receiver, room, 8, MSG_DONTWAIT), 6, "it was taken");
	reuse((int)sender, foreign[1]);
	cr_expect_eq(send_text(sender, "ours"), -WSAENOTSOCK);
	cr_expect_eq(recv((int)receiver, room, 8, MSG_DONTWAIT), -1, "it was sent");
	close((int)receiver);
	close((int)sender);
}

Test(identity, a_new_socket_with_the_number_of_one_closed_by_close)
{
	SOCKET s = new_joined_leaf(), again;
	WSAEVENT event = new_event();
	int code;

	wsp.lpWSPEventSelect(s, event, FD_READ, &code);
	close((int)s);
	again = new_leaf();
	cr_assert_eq(again, s, "the kernel gives the lowest number");
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, fake_wait(LC_LOCAL_OPEN, 1).socket);
	cr_assert_eq(join(again, &code), again, "%d", code);
	cr_expect_eq(send_text(again, "x"), 1);
	wsp.lpWSPEventSelect(again, event, FD_READ, &code);
	feed(again, "x", 1);
	cr_expect_eq(wait_network_event(again, event, FD_READ_BIT), 0);
	assert_code(0, close_handle(again));
	assert_code(WSAENOTSOCK, close_handle(again));
	close_event(event);
}

static int last_descriptor;

/* Handles that are never given twice, as a layered provider's. */
static SOCKET WSPAPI number_handle(DWORD entry, SOCKET proposed, LPINT code)
{
	static SOCKET last = 100000;

	last_descriptor = (int)proposed;
	return ++last;
}

Test(identity, the_watch_of_a_reused_number_is_its_new_owners)
{
	const WSPUPCALLTABLE upcalls = {.lpWPUModifyIFSHandle = number_handle};
	WSAEVENT event = new_event();
	SOCKET s, again;
	WSPDATA data;
	int code, former;

	cr_assert_eq(WSPStartup(MAKEWORD(2, 2), &data, NULL, upcalls, &wsp), 0);
	s = new_joined_leaf();
	former = last_descriptor;
	wsp.lpWSPEventSelect(s, event, FD_READ, &code);
	close(former);
	again = new_joined_leaf();
	cr_assert_eq(last_descriptor, former, "the kernel gives the lowest number");
	wsp.lpWSPEventSelect(again, event, FD_READ, &code);
	assert_code(WSAENOTSOCK, close_handle(s));
	feed(again, "x", 1);
	cr_expect_eq(wait_network_event(again, event, FD_READ_BIT), 0);
	close_event(event);
}

/* --- ports */

static int bind_to(SOCKET s, uint16_t port)
{
	struct sockaddr_in name = loopback(port);
	int code = 0;

	return wsp.lpWSPBind(s, (struct sockaddr *)&name, sizeof(name), &code) ? code : 0;
}

static uint16_t port_of(SOCKET s)
{
	struct sockaddr_in own;
	int code, size = sizeof(own);

	cr_assert_eq(wsp.lpWSPGetSockName(s, (struct sockaddr *)&own, &size, &code), 0);
	return ntohs(own.sin_port);
}

static uint16_t wire_port_of(SOCKET s)
{
	struct sockaddr_in own;
	socklen_t size = sizeof(own);

	cr_assert_eq(getsockname((int)s, (struct sockaddr *)&own, &size), 0);
	return ntohs(own.sin_port);
}

static void feed_port(uint16_t port, const char *text)
{
	struct sockaddr_in name = loopback(port);

	cr_assert_eq(
		sendto(other_end, text, strlen(text), 0, (struct sockaddr *)&name, sizeof(name)),
		(ssize_t)strlen(text));
}

Test(identity, R11_two_sockets_of_one_name_both_receive)
{
	SOCKET first = new_joined_leaf(), second = new_leaf();
	uint16_t port = port_of(first);
	char room[8];
	int code = 0;

	assert_code(WSAEADDRINUSE, bind_to(second, port));
	set_option(second, SO_REUSEADDR, 1);
	assert_code(0, bind_to(second, port));
	cr_expect_eq(port_of(second), port);
	cr_assert_neq(wire_port_of(second), port);
	/* It is bound. */
	assert_code(WSAEINVAL, bind_to(second, 0));
	cr_assert_eq(join(second, &code), second, "%d", code);
	cr_expect_eq(port_of(second), port);
	feed_port(port, "1");
	feed_port(wire_port_of(second), "22");
	cr_expect_eq(receive_text(first, room, 8), 1);
	cr_expect_eq(receive_text(second, room, 8), 2);
}

Test(identity, SO_REUSEADDR_is_not_the_kernels)
{
	SOCKET first = new_leaf(), second = new_leaf();
	int on = 0;
	socklen_t length = sizeof(on);

	set_option(first, SO_REUSEADDR, 1);
	set_option(second, SO_REUSEADDR, 1);
	cr_expect_eq(get_option(first, SO_REUSEADDR), 1);
	cr_assert_eq(getsockopt((int)first, SOL_SOCKET, SO_REUSEADDR, &on, &length), 0);
	cr_expect_eq(on, 0);
	assert_code(0, bind_to(first, 0));
	assert_code(0, bind_to(second, port_of(first)));
	cr_expect_neq(wire_port_of(second), wire_port_of(first));
}

Test(identity, a_name_without_its_port_cannot_listen)
{
	SOCKET first = new_joined_leaf(), second = new_root();
	int code = 0;

	set_option(second, SO_REUSEADDR, 1);
	assert_code(0, bind_to(second, port_of(first)));
	wsp.lpWSPListen(second, 1, &code);
	assert_code(WSAEADDRINUSE, code);
	cr_expect_eq(fake_count(LC_LOCAL_LISTEN), 0);
}

static int send_to(SOCKET s, uint32_t address, uint16_t port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
	char text[] = "x";
	WSABUF part = {1, text};
	DWORD sent;
	int code = 0;

	return wsp.lpWSPSendTo(s, &part, 1, &sent, 0, (struct sockaddr *)&to, sizeof(to), NULL,
			       NULL, NULL, &code)
		       ? code
		       : 0;
}

Test(identity, a_root_may_name_its_own_session)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	char room[4];

	assert_code(0, send_to(root, INADDR_LOOPBACK, port_of(root)));
	cr_expect_eq(recv(other_end, room, 4, 0), 1);
	assert_code(WSAEISCONN, send_to(root, INADDR_LOOPBACK, (uint16_t)(port_of(root) ^ 1)));
	assert_code(WSAEISCONN, send_to(root, INADDR_LOOPBACK + 1, port_of(root)));
}

/* It answers on all addresses of its host, and on no others. */
Test(identity, a_root_bound_to_any_address_may_name_each_of_its_hosts)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	SOCKET root = new_root();
	int code = 0;

	cr_assert_eq(wsp.lpWSPBind(root, (struct sockaddr *)&any, sizeof(any), &code), 0);
	cr_assert_eq(wsp.lpWSPListen(root, 1, &code), 0);
	assert_code(0, send_to(root, INADDR_LOOPBACK, port_of(root)));
	assert_code(0, send_to(root, INADDR_LOOPBACK + 1, port_of(root)));
	assert_code(WSAEISCONN, send_to(root, 0xC6336401, port_of(root))); /* 198.51.100.1 */
	assert_code(WSAEISCONN, send_to(root, INADDR_LOOPBACK, (uint16_t)(port_of(root) ^ 1)));
}

/* --- processes */

static atomic_bool done;

static void *keep_busy(void *unused)
{
	SOCKET s = new_joined_leaf();
	char room[4];
	int code;

	/* The daemon keeps what it is sent: not too many sockets. */
	for (int sockets = 0; !done; sockets++) {
		feed(s, "x", 1);
		receive_text(s, room, 4);
		if (sockets < 100) {
			SOCKET root = new_root();

			join(root, &code);
			close_handle(root);
		}
	}
	return unused;
}

/* Looks up nothing, where the child will look: the table is locked as often as not. */
static void *look_up(void *s)
{
	while (!done)
		send_text((SOCKET)s + 65536, "x");
	return NULL;
}

/* Whatever was locked when the process forked. */
Test(identity, after_fork_the_handles_are_not_the_childs_whatever_was_locked)
{
	SOCKET s = new_joined_leaf();
	pthread_t threads[2];
	int status, code = 0;

	pthread_create(&threads[0], NULL, keep_busy, NULL);
	pthread_create(&threads[1], NULL, look_up, (void *)s);
	for (int i = 0; i < 50; i++) {
		pid_t child = fork();

		if (!child) {
			alarm(5);
			_exit(wsp.lpWSPListen(s, 1, &code) == SOCKET_ERROR && code == WSAENOTSOCK &&
					      send_text(s, "x") == -WSAENOTSOCK &&
					      close_handle(s) == WSAENOTSOCK
				      ? 0
				      : 1);
		}
		waitpid(child, &status, 0);
		cr_assert_eq(status, 0);
	}
	done = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(send_text(s, "parent's"), 8);
}
