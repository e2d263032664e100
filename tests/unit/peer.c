/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Connections over loopback and socket pairs; hostile ends are plain sockets. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/endpoint.h"
#include "peer/peer.h"
#include "protocol/codec.h"

static const struct lc_endpoint any = {0};

static struct lc_endpoint endpoint(const char *text)
{
	struct lc_endpoint parsed;

	cr_assert_eq(lc_endpoint_parse(&parsed, text), 0, "%s", text);
	return parsed;
}

static int open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static struct lc_message leave(uint64_t datagrams)
{
	return (struct lc_message){.kind = LC_MESSAGE_LEAVE, .number = 1, .datagrams = datagrams};
}

static struct lc_endpoint name_of(int fd)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	struct lc_endpoint parsed;

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	cr_assert_eq(lc_endpoint_from_sockaddr(&parsed, (struct sockaddr *)&name, length), 0);
	return parsed;
}

/* Listens on `text` and says where to connect to. */
static struct lc_peer_listener *listen_on(const char *text, const char *reach,
					  struct lc_endpoint *target)
{
	struct lc_endpoint name = endpoint(text);
	struct lc_peer_listener *listener;

	cr_assert_eq(lc_peer_listen(&listener, &name, NULL), 0, "%s", text);
	*target = endpoint(reach);
	target->port = name_of(lc_peer_listener_fd(listener)).port;
	return listener;
}

static bool await(int fd, short events)
{
	struct pollfd ready = {.fd = fd, .events = events};

	return poll(&ready, 1, 2000) == 1;
}

static struct lc_peer *accepted(struct lc_peer_listener *listener)
{
	struct lc_peer *peer;

	cr_assert(await(lc_peer_listener_fd(listener), POLLIN));
	cr_assert_eq(lc_peer_accept(listener, &peer), 0);
	return peer;
}

/* As the owner does: waits for what the peer asks for, until there is news. */
static enum lc_peer_news news_of(struct lc_peer *peer, struct lc_message *message, int *error)
{
	enum lc_peer_news news;

	while ((news = lc_peer_process(peer, message, error)) == LC_PEER_NOTHING) {
		uint32_t events = lc_peer_events(peer);
		short wanted = (short)((events & EPOLLIN ? POLLIN : 0) |
				       (events & EPOLLOUT ? POLLOUT : 0));

		cr_assert_neq(wanted, 0);
		if (!await(lc_peer_fd(peer), wanted))
			return LC_PEER_NOTHING;
	}
	return news;
}

static void expect(struct lc_peer *peer, enum lc_peer_news wanted)
{
	struct lc_message message;
	int error;
	enum lc_peer_news news = news_of(peer, &message, &error);

	cr_assert_eq(news, wanted, "%d instead of %d", news, wanted);
}

static void expect_end(struct lc_peer *peer, int wanted)
{
	struct lc_message message;
	int error = 4711;

	cr_assert_eq(news_of(peer, &message, &error), LC_PEER_CLOSED);
	cr_assert_eq(error, wanted, "%s", strerror(-error));
	/* And so for ever, with nothing left to wait for. */
	cr_assert_eq(lc_peer_process(peer, &message, &error), LC_PEER_CLOSED);
	cr_assert_eq(error, wanted);
	cr_assert_eq(lc_peer_events(peer), 0);
}

static void expect_leave(struct lc_peer *peer, uint64_t datagrams)
{
	struct lc_message message;
	int error;

	cr_assert_eq(news_of(peer, &message, &error), LC_PEER_MESSAGE);
	cr_assert_eq(message.kind, LC_MESSAGE_LEAVE);
	cr_assert_eq(message.datagrams, datagrams);
}

/* A connection and its hostile other end, a plain socket. */
static struct lc_peer *against_stranger(int *stranger)
{
	struct lc_endpoint target;
	struct lc_peer_listener *listener = listen_on("127.0.0.1:0", "127.0.0.1:0", &target);
	struct sockaddr_storage name;
	socklen_t length = lc_endpoint_to_sockaddr(&target, &name);
	struct lc_peer *peer;

	*stranger = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect(*stranger, (struct sockaddr *)&name, length), 0);
	peer = accepted(listener);
	lc_peer_listener_free(listener);
	return peer;
}

TestSuite(peer, .timeout = 30);

Test(peer, connects_and_talks_both_ways)
{
	int before = open_descriptors();
	struct lc_endpoint target, from = endpoint("127.0.0.2:9");
	struct lc_peer_listener *listener = listen_on("127.0.0.1:0", "127.0.0.1:0", &target);
	struct lc_peer *caller, *callee;
	struct lc_message first = leave(1), second = leave(2);

	cr_assert_eq(lc_peer_connect(&caller, &from, &target), 0);
	cr_assert_eq(lc_peer_send(caller, &first), 0); /* before it is connected */
	callee = accepted(listener);
	expect(caller, LC_PEER_CONNECTED);
	cr_assert_eq(lc_peer_send(caller, &second), 0);
	expect_leave(callee, 1);
	expect_leave(callee, 2);
	cr_assert_eq(lc_peer_send(callee, &second), 0);
	expect_leave(caller, 2);
	cr_assert(lc_peer_is_flushed(caller) && lc_peer_is_flushed(callee));
	cr_assert_not(lc_peer_is_pair(caller));

	cr_assert(lc_endpoint_equal(lc_peer_other(caller), &target));
	cr_assert(lc_endpoint_equal(lc_peer_own(callee), &target));
	cr_assert(lc_address_equal(lc_peer_own(caller), &from));
	cr_assert_neq(lc_endpoint_port(lc_peer_own(caller)), 9,
		      "only the address is the caller's choice");
	cr_assert(lc_endpoint_equal(lc_peer_other(callee), lc_peer_own(caller)));

	lc_peer_free(caller);
	expect_end(callee, 0);
	lc_peer_free(callee);
	lc_peer_listener_free(listener);
	cr_assert_eq(open_descriptors(), before);
}

Test(peer, dual_stack_listener_reports_ipv4_as_such)
{
	struct lc_endpoint target, target4;
	struct lc_peer_listener *listener = listen_on("[::]:0", "[::1]:0", &target);
	struct lc_peer *caller, *callee;

	target4 = endpoint("127.0.0.1:0");
	target4.port = target.port;
	cr_assert_eq(lc_peer_connect(&caller, &any, &target4), 0);
	callee = accepted(listener);
	expect(caller, LC_PEER_CONNECTED);
	cr_assert(lc_endpoint_equal(lc_peer_own(callee), &target4));
	cr_assert(lc_endpoint_equal(lc_peer_other(callee), lc_peer_own(caller)));
	cr_assert_eq(lc_peer_other(callee)->family, LC_INET);
	lc_peer_free(caller);
	lc_peer_free(callee);

	cr_assert_eq(lc_peer_connect(&caller, &any, &target), 0);
	callee = accepted(listener);
	expect(caller, LC_PEER_CONNECTED);
	cr_assert(lc_endpoint_equal(lc_peer_own(callee), &target));
	lc_peer_free(caller);
	lc_peer_free(callee);
	lc_peer_listener_free(listener);
}

Test(peer, listening)
{
	struct lc_endpoint target, foreign = endpoint("192.0.2.1:0"), any4 = endpoint("0.0.0.0:0");
	struct lc_peer_listener *listener = listen_on("127.0.0.1:0", "127.0.0.1:0", &target),
				*second;
	struct lc_peer *peer;

	cr_assert_eq(lc_peer_listen(&second, &target, NULL), -EADDRINUSE);
	cr_assert_eq(lc_peer_listen(&second, &foreign, NULL), -EADDRNOTAVAIL);
	cr_assert_eq(lc_peer_listen(&second, &any4, "no-such-device"), -ENODEV);
	cr_assert_eq(lc_peer_accept(listener, &peer), -EAGAIN);
	lc_peer_listener_free(listener);
	lc_peer_listener_free(NULL);
}

/* At once or later: both are allowed. */
static int failure_of(const struct lc_endpoint *from, const struct lc_endpoint *to)
{
	struct lc_message message;
	struct lc_peer *peer;
	int error = lc_peer_connect(&peer, from, to);

	if (error)
		return error;
	cr_assert_eq(news_of(peer, &message, &error), LC_PEER_CLOSED);
	lc_peer_free(peer);
	return error;
}

Test(peer, errors_of_connecting)
{
	int before = open_descriptors();
	struct lc_endpoint target, foreign = endpoint("192.0.2.1:0"), own6 = endpoint("[::1]:0");
	struct lc_endpoint group = endpoint("239.255.0.1:1"), linklocal = endpoint("[fe80::1]:1");

	lc_peer_listener_free(listen_on("127.0.0.1:0", "127.0.0.1:0", &target));
	cr_assert_eq(failure_of(&any, &target), -ECONNREFUSED);
	cr_assert_eq(failure_of(&foreign, &target), -EADDRNOTAVAIL);
	cr_assert_eq(failure_of(&own6, &target), -EAFNOSUPPORT);
	cr_assert_eq(failure_of(&any, &group), -ENETUNREACH);
	cr_assert_eq(failure_of(&any, &linklocal), -ENETUNREACH);
	cr_assert_eq(open_descriptors(), before);
}

Test(peer, pair_is_connected)
{
	int before = open_descriptors();
	struct lc_endpoint a = endpoint("192.0.2.1:7"), b = endpoint("[2001:db8::1]:8");
	struct lc_message message = leave(3);
	struct lc_peer *first, *second;

	cr_assert_eq(lc_peer_pair(&first, &second, &a, &b), 0);
	cr_assert(lc_peer_is_pair(first) && lc_peer_is_pair(second));
	cr_assert(lc_endpoint_equal(lc_peer_own(first), &a));
	cr_assert(lc_endpoint_equal(lc_peer_other(first), &b));
	cr_assert(lc_endpoint_equal(lc_peer_own(second), &b));
	cr_assert(lc_endpoint_equal(lc_peer_other(second), &a));
	/* Nothing arrives, and yet the owner must be woken for the news. */
	cr_assert(lc_peer_events(first) & EPOLLOUT);
	expect(first, LC_PEER_CONNECTED);
	cr_assert_not(lc_peer_events(first) & EPOLLOUT);
	cr_assert_eq(lc_peer_send(first, &message), 0);
	expect_leave(second, 3);
	cr_assert_eq(lc_peer_send(second, &message), 0);
	lc_peer_free(second);
	expect_leave(first, 3);
	expect_end(first, 0);
	cr_assert_eq(lc_peer_send(first, &message), -EPIPE);
	lc_peer_free(first);
	lc_peer_free(NULL);
	cr_assert_eq(open_descriptors(), before);
}

Test(peer, bytes_may_come_one_by_one)
{
	struct lc_message message = leave(4711);
	uint8_t bytes[LC_MESSAGE_MAX];
	size_t length = lc_message_encode(&message, bytes);
	int stranger, error, before = open_descriptors();
	struct lc_peer *peer = against_stranger(&stranger);

	for (size_t i = 0; i + 1 < length; i++) {
		cr_assert_eq(write(stranger, bytes + i, 1), 1);
		cr_assert(await(lc_peer_fd(peer), POLLIN));
		cr_assert_eq(lc_peer_process(peer, &message, &error), LC_PEER_NOTHING, "byte %zu",
			     i);
	}
	cr_assert_eq(write(stranger, bytes + length - 1, 1), 1);
	expect_leave(peer, 4711);
	close(stranger);
	expect_end(peer, 0);
	lc_peer_free(peer);
	cr_assert_eq(open_descriptors(), before);
}

Test(peer, many_messages_in_one_segment)
{
	uint8_t bytes[LC_MESSAGE_MAX], one[LC_MESSAGE_MAX];
	struct lc_message message;
	size_t length = 0;
	int stranger;
	struct lc_peer *peer = against_stranger(&stranger);

	for (uint64_t i = 1; i <= 20; i++) {
		size_t each;

		message = leave(i);
		each = lc_message_encode(&message, one);
		memcpy(bytes + length, one, each);
		length += each;
	}
	cr_assert_eq(write(stranger, bytes, length), (ssize_t)length);
	/* Whoever stops after one of them is woken for the next. */
	for (uint64_t i = 1; i <= 20; i++) {
		cr_assert(await(lc_peer_fd(peer), POLLIN));
		expect_leave(peer, i);
	}
	lc_peer_free(peer);
	close(stranger);
}

Test(peer, garbage_ends_it)
{
	static const struct {
		const char *what;
		uint8_t bytes[8];
		size_t length;
	} rows[] = {
		{"frame of no length", {0, 0, 0, 0}, 4},
		{"frame above the limit", {0, 0, 0x0f, 0xfd}, 4},
		{"frame of 4 GB", {0xff, 0xff, 0xff, 0xff}, 4},
		{"HTTP", {'G', 'E', 'T', ' ', '/', ' ', 'H', 'T'}, 8},
		{"no message", {0, 0, 0, 3, 0xff, 0xff, 0xff}, 7},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lc_message message, sent = leave(1);
		int stranger, error = 0;
		struct lc_peer *peer = against_stranger(&stranger);

		cr_assert_eq(write(stranger, rows[i].bytes, rows[i].length),
			     (ssize_t)rows[i].length);
		cr_assert_eq(news_of(peer, &message, &error), LC_PEER_GARBAGE, "%s", rows[i].what);
		cr_assert_eq(lc_peer_process(peer, &message, &error), LC_PEER_CLOSED);
		cr_assert_eq(lc_peer_events(peer), 0);
		cr_assert_eq(lc_peer_send(peer, &sent), -EPIPE);
		lc_peer_free(peer);
		close(stranger);
	}
}

Test(peer, end_in_the_middle_of_a_message_is_not_in_order)
{
	int stranger;
	struct lc_peer *peer = against_stranger(&stranger);

	cr_assert_eq(write(stranger, "\0\0\0\7ab", 6), 6);
	close(stranger);
	expect_end(peer, -ECONNRESET);
	lc_peer_free(peer);
}

Test(peer, reset_is_not_in_order)
{
	const struct linger abort = {.l_onoff = 1};
	int stranger;
	struct lc_peer *peer = against_stranger(&stranger);

	setsockopt(stranger, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	close(stranger);
	expect_end(peer, -ECONNRESET);
	lc_peer_free(peer);
}

/* The longest message there is: with full connect data. */
static struct lc_message long_message(void)
{
	struct lc_message message = {
		.kind = LC_MESSAGE_JOIN,
		.number = 1,
		.numbered_by_sender = true,
		.session = endpoint("[2001:db8::1]:5000"),
		.leaf = endpoint("[2001:db8::2]:5001"),
		.token = 1,
		.leaf_receives = true,
		.data = {.present = true, .length = LEAFCAST_CONNECT_DATA_MAX},
	};

	memset(message.data.bytes, 'x', sizeof(message.data.bytes));
	return message;
}

/* What kernel and queue hold at most: buffers of 64 KiB, doubled by the kernel, at both ends, and our queue. */
#define MOST_UNREAD (5 * 64 * 1024 * 2)

static void check_bounded(struct lc_peer *peer)
{
	struct lc_message message = long_message();
	uint8_t bytes[LC_MESSAGE_MAX];
	size_t each = lc_message_encode(&message, bytes), sent = 0;
	int error;

	while ((error = lc_peer_send(peer, &message)) == 0) {
		sent += each;
		cr_assert(sent < MOST_UNREAD, "nothing stops it");
	}
	cr_assert_eq(error, -ENOBUFS);
	cr_assert_not(lc_peer_is_flushed(peer));
	cr_assert(lc_peer_events(peer) & EPOLLOUT);
	/* A message is queued whole or not at all, so it stays so. */
	cr_assert_eq(lc_peer_send(peer, &message), -ENOBUFS);
}

Test(peer, one_that_never_reads_is_bounded)
{
	int stranger;
	struct lc_peer *peer = against_stranger(&stranger), *first, *second;

	check_bounded(peer);
	lc_peer_free(peer);
	close(stranger);
	cr_assert_eq(lc_peer_pair(&first, &second, &any, &any), 0);
	check_bounded(first);
	lc_peer_free(first);
	lc_peer_free(second);
}

Test(peer, queue_keeps_order_and_drains)
{
	struct lc_message message = long_message();
	struct lc_peer *first, *second;
	int error, got = 0, sent = 0;

	cr_assert_eq(lc_peer_pair(&first, &second, &any, &any), 0);
	expect(first, LC_PEER_CONNECTED);
	for (message.token = 0; lc_peer_send(first, &message) == 0; message.token++)
		sent++;
	while (got < sent) {
		struct lc_message received;

		/* One at a time, so that the kernel takes the queue piece by piece. */
		cr_assert_eq(lc_peer_process(first, &received, &error), LC_PEER_NOTHING);
		cr_assert_eq(lc_peer_process(second, &received, &error), LC_PEER_MESSAGE);
		cr_assert_eq(received.token, (uint64_t)got);
		got++;
	}
	cr_assert(lc_peer_is_flushed(first));
	lc_peer_free(first);
	lc_peer_free(second);
}

/* Last words reach a peer whose own bytes nobody read: close(2) over unread bytes would send RST instead. */
Test(peer, last_words_arrive)
{
	struct lc_message words = {.kind = LC_MESSAGE_REFUSE, .reason = LEAFCAST_REJECTED};
	uint8_t bytes[LC_MESSAGE_MAX];
	size_t length = lc_message_encode(&words, bytes);
	char unread[1000] = {0};
	int stranger;
	struct lc_peer *peer = against_stranger(&stranger);

	cr_assert_eq(write(stranger, unread, sizeof(unread)), (ssize_t)sizeof(unread));
	cr_assert(await(lc_peer_fd(peer), POLLIN));
	cr_assert_eq(lc_peer_send(peer, &words), 0);
	lc_peer_free(peer);
	cr_assert_eq(recv(stranger, bytes, sizeof(bytes), MSG_WAITALL), (ssize_t)length);
	cr_assert_eq(recv(stranger, bytes, sizeof(bytes), 0), 0);
	close(stranger);
}

/* What came before the end is still delivered, although sending fails already. */
Test(peer, received_bytes_outlive_a_failed_send)
{
	struct lc_message message = leave(5);
	uint8_t bytes[LC_MESSAGE_MAX];
	size_t length = lc_message_encode(&message, bytes);
	struct lc_peer *first, *second;

	cr_assert_eq(lc_peer_pair(&first, &second, &any, &any), 0);
	expect(first, LC_PEER_CONNECTED);
	cr_assert_eq(send(lc_peer_fd(second), bytes, length, 0), (ssize_t)length);
	lc_peer_free(second);
	cr_assert_eq(lc_peer_send(first, &message), -EPIPE);
	expect_leave(first, 5);
	expect_end(first, -ECONNRESET);
	lc_peer_free(first);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	cr_assert_eq(getsockopt(fd, level, name, &value, &length), 0);
	return value;
}

Test(peer, dead_peers_are_noticed_in_three_seconds)
{
	int stranger;
	struct lc_peer *peer = against_stranger(&stranger);
	int fd = lc_peer_fd(peer);

	cr_assert_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	cr_assert_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	cr_assert_eq(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 3000);
	cr_assert_eq(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 1);
	cr_assert_eq(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 1);
	lc_peer_set_dead_after(peer, 7000);
	cr_assert_eq(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
	lc_peer_set_dead_after(peer, UINT64_MAX);
	cr_assert_eq(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), INT32_MAX);
	lc_peer_free(peer);
	close(stranger);
}
