/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What only a network can do to a connection; the topology is edges.h's. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "edges.h"
#include "peer/peer.h"
#include "protocol/codec.h"
#include "trunk/window.h"

#define PORT 40000

static const struct lc_endpoint any = {0};

TestSuite(peer_edges, .init = enter_topology, .timeout = 60);

static struct lc_endpoint at(const char *text)
{
	struct lc_endpoint endpoint = address(text);

	endpoint.port = htons(PORT);
	return endpoint;
}

static void wait_for(struct lc_peer *peer, int timeout_ms)
{
	uint32_t events = lc_peer_events(peer);
	struct pollfd ready = {
		.fd = lc_peer_fd(peer),
		.events = (short)((events & EPOLLIN ? POLLIN : 0) |
				  (events & EPOLLOUT ? POLLOUT : 0)),
	};

	poll(&ready, 1, timeout_ms);
}

/* The next news, for which it waits up to 20 s. */
static enum lc_peer_news news_of(struct lc_peer *peer, int *error)
{
	struct lc_message message;
	enum lc_peer_news news = LC_PEER_NOTHING;

	for (int i = 0; i < 200 && news == LC_PEER_NOTHING; i++) {
		news = lc_peer_process(peer, &message, error);
		if (news == LC_PEER_NOTHING)
			wait_for(peer, 100);
	}
	return news;
}

static int failure_to(const char *text)
{
	struct lc_endpoint target = at(text);
	struct lc_peer *peer;
	int error = lc_peer_connect(&peer, &any, &target);

	if (error)
		return error;
	cr_assert_eq(news_of(peer, &error), LC_PEER_CLOSED, "%s", text);
	lc_peer_free(peer);
	return error;
}

Test(peer_edges, reasons_of_the_network)
{
	here("sysctl -qw net.ipv4.neigh.near0.mcast_solicit=1 "
	     "net.ipv4.neigh.near0.retrans_time_ms=100");
	here("ip route add prohibit 198.51.100.1 && ip route add unreachable 198.51.100.2 && "
	     "ip route add blackhole 198.51.100.3");
	cr_assert_eq(failure_to("192.0.2.2"), -ECONNREFUSED);
	cr_assert_eq(failure_to("2001:db8::2"), -ECONNREFUSED);
	cr_assert_eq(failure_to("203.0.113.1"), -ENETUNREACH);
	cr_assert_eq(failure_to("2001:db8:ff::1"), -ENETUNREACH);
	cr_assert_eq(failure_to("198.51.100.1"), -EHOSTUNREACH);
	cr_assert_eq(failure_to("198.51.100.2"), -EHOSTUNREACH);
	cr_assert_eq(failure_to("198.51.100.3"), -ENETUNREACH);
	cr_assert_eq(failure_to("192.0.2.77"), -EHOSTUNREACH);
}

/* With one port to choose from, TCP chooses the one it connects to and answers itself. */
Test(peer_edges, nobody_is_not_oneself)
{
	here("sysctl -qw net.ipv4.ip_local_port_range='%d %d'", PORT, PORT);
	cr_assert_eq(failure_to("127.0.0.1"), -ECONNREFUSED);
}

static long seconds_since(time_t start)
{
	return (long)(time(NULL) - start);
}

Test(peer_edges, silence_at_connecting_is_a_timeout)
{
	time_t start = time(NULL);

	there("ip route add blackhole 192.0.2.1/32");
	cr_assert_eq(failure_to("192.0.2.2"), -ETIMEDOUT);
	cr_assert(seconds_since(start) >= 2 && seconds_since(start) <= 8);
}

static struct lc_peer *accepted(struct lc_peer_listener *listener)
{
	struct pollfd ready = {.fd = lc_peer_listener_fd(listener), .events = POLLIN};
	struct lc_peer *peer = NULL;

	cr_assert_eq(poll(&ready, 1, 2000), 1);
	cr_assert_eq(lc_peer_accept(listener, &peer), 0);
	return peer;
}

static struct lc_peer_listener *listen_there(const char *device)
{
	struct lc_endpoint name = at("0.0.0.0");
	struct lc_peer_listener *listener = NULL;

	go_there();
	cr_assert_eq(lc_peer_listen(&listener, &name, device), 0);
	come_back();
	return listener;
}

/* Also with nothing to send: keepalive asks. */
static void check_silence(bool send)
{
	const struct lc_message message = {.kind = LC_MESSAGE_REPORT};
	struct lc_peer_listener *listener = listen_there(NULL);
	struct lc_endpoint target = at("192.0.2.2");
	struct lc_peer *caller, *callee;
	time_t start;
	int error;

	cr_assert_eq(lc_peer_connect(&caller, &any, &target), 0);
	callee = accepted(listener);
	cr_assert_eq(news_of(caller, &error), LC_PEER_CONNECTED);
	there("ip route add blackhole 192.0.2.1/32");
	start = time(NULL);
	if (send)
		cr_assert_eq(lc_peer_send(caller, &message), 0);
	cr_assert_eq(news_of(caller, &error), LC_PEER_CLOSED);
	cr_assert_eq(error, -ETIMEDOUT);
	cr_assert(seconds_since(start) >= 2 && seconds_since(start) <= 8);
	lc_peer_free(caller);
	lc_peer_free(callee);
	lc_peer_listener_free(listener);
}

Test(peer_edges, silence_after_a_message_is_a_timeout)
{
	check_silence(true);
}

Test(peer_edges, silence_without_one_too)
{
	check_silence(false);
}

/* A frame as short as they come; returns its length. */
static size_t short_frame(uint8_t *frame)
{
	const struct lc_message message = {.kind = LC_MESSAGE_SEEN, .number = 1};

	return lc_message_encode(&message, frame);
}

/* Sends short frames, each by itself, as long as no more than `most` bytes are sent; returns how many. */
static unsigned int fill(struct lc_peer *peer, size_t most)
{
	uint8_t frame[LC_MESSAGE_MAX];
	size_t length = short_frame(frame), sent = 0;
	unsigned int count = 0;

	for (; sent + length <= most && lc_peer_send_frame(peer, frame, length) == 0; count++)
		sent += length;
	return count;
}

/* The first news within so many seconds. */
static enum lc_peer_news news_within(struct lc_peer *peer, int seconds, int *error)
{
	struct lc_message message;
	time_t start = time(NULL);
	enum lc_peer_news news = LC_PEER_NOTHING;

	while (news == LC_PEER_NOTHING && seconds_since(start) <= seconds) {
		news = lc_peer_process(peer, &message, error);
		if (news == LC_PEER_NOTHING)
			wait_for(peer, 100);
	}
	return news;
}

/*
 * What trunks rely on (trunk/window.h): a peer that is stopped for longer than a
 * host is taken for dead is not, as long as all that was sent fits what it can
 * hold unread, in the smallest of frames. The reports and requests of however
 * many memberships are never more than that.
 */
Test(peer_edges, a_stopped_peer_with_a_window_unread_is_kept)
{
	struct lc_peer_listener *listener = listen_there(NULL);
	struct lc_endpoint target = at("192.0.2.2");
	struct lc_peer *caller, *callee;
	struct lc_message message;
	unsigned int sent, got = 0;
	int error = 0;

	cr_assert_eq(lc_peer_connect(&caller, &any, &target), 0);
	callee = accepted(listener);
	cr_assert_eq(news_of(caller, &error), LC_PEER_CONNECTED);
	sent = fill(caller, LC_WINDOW);
	cr_assert_gt(sent, 1000);
	cr_assert_eq(news_within(caller, 12, &error), LC_PEER_NOTHING, "%s", strerror(-error));
	cr_assert(lc_peer_is_flushed(caller));
	for (; got < sent && news_of(callee, &error) == LC_PEER_MESSAGE; got++)
		;
	cr_expect_eq(got, sent);
	/* And the way back is open. */
	cr_assert_eq(fill(callee, 100) > 0, true);
	cr_assert_eq(lc_peer_process(caller, &message, &error), LC_PEER_MESSAGE);
	lc_peer_free(caller);
	lc_peer_free(callee);
	lc_peer_listener_free(listener);
}

/* ...and one that was sent whatever TCP takes is taken for dead though its host lives. */
Test(peer_edges, a_stopped_peer_that_is_sent_more_is_taken_for_dead)
{
	struct lc_peer_listener *listener = listen_there(NULL);
	struct lc_endpoint target = at("192.0.2.2");
	struct lc_peer *caller, *callee;
	int error = 0;

	cr_assert_eq(lc_peer_connect(&caller, &any, &target), 0);
	callee = accepted(listener);
	cr_assert_eq(news_of(caller, &error), LC_PEER_CONNECTED);
	fill(caller, SIZE_MAX);
	cr_assert_not(lc_peer_is_flushed(caller));
	cr_assert_eq(news_within(caller, 20, &error), LC_PEER_CLOSED);
	cr_expect_eq(error, -ETIMEDOUT);
	lc_peer_free(caller);
	lc_peer_free(callee);
	lc_peer_listener_free(listener);
}

Test(peer_edges, listener_of_a_device_takes_no_others)
{
	struct lc_peer_listener *listener = listen_there("lo");
	struct lc_peer *peer;

	cr_assert_eq(failure_to("192.0.2.2"), -ECONNREFUSED);
	lc_peer_listener_free(listener);
	listener = listen_there("far0");
	{
		struct lc_endpoint target = at("192.0.2.2"), own = address("192.0.2.1");

		cr_assert_eq(lc_peer_connect(&peer, &own, &target), 0);
		lc_peer_free(accepted(listener));
		lc_peer_free(peer);
	}
	lc_peer_listener_free(listener);
}
