/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Other hosts, there: what their daemons, or whoever poses as one, would send. */
#include "hostile.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/records.h"

#define PATIENCE_MS 5000

static void wait_for(struct lc_peer *peer, int ms)
{
	uint32_t events = lc_peer_events(peer);
	struct pollfd ready = {
		.fd = lc_peer_fd(peer),
		.events = (short)((events & EPOLLIN ? POLLIN : 0) |
				  (events & EPOLLOUT ? POLLOUT : 0)),
	};

	poll(&ready, 1, ms);
}

static enum lc_peer_news news_of(struct lc_peer *peer, struct lc_message *message, int ms)
{
	long deadline = now_ms() + ms;
	enum lc_peer_news news;
	int error;

	while ((news = lc_peer_process(peer, message, &error)) == LC_PEER_NOTHING &&
	       now_ms() < deadline)
		wait_for(peer, (int)(deadline - now_ms()));
	return news;
}

struct lc_peer *call(const char *from)
{
	struct lc_endpoint own = address(from), daemon = at("192.0.2.1:19750");
	struct lc_message message;
	struct lc_peer *peer;

	go_there();
	cr_assert_eq(lc_peer_connect(&peer, &own, &daemon), 0);
	come_back();
	cr_assert_eq(news_of(peer, &message, PATIENCE_MS), LC_PEER_CONNECTED);
	return peer;
}

int call_raw(const char *from)
{
	struct lc_endpoint own = address(from), daemon = at("192.0.2.1:19750");
	struct sockaddr_storage name;
	socklen_t length = lc_endpoint_to_sockaddr(&own, &name);
	int connection;

	go_there();
	connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	come_back();
	cr_assert(connection >= 0);
	cr_assert_eq(bind(connection, (struct sockaddr *)&name, length), 0);
	length = lc_endpoint_to_sockaddr(&daemon, &name);
	cr_assert_eq(connect(connection, (struct sockaddr *)&name, length), 0, "%d", errno);
	return connection;
}

void tell(struct lc_peer *peer, struct lc_message message)
{
	cr_assert_eq(lc_peer_send(peer, &message), 0);
}

int hear(struct lc_peer *peer, struct lc_message *message, int ms)
{
	long deadline = now_ms() + ms;

	for (;;) {
		switch (news_of(peer, message, (int)(deadline - now_ms()))) {
		case LC_PEER_NOTHING:
			return NOTHING_HEARD;
		case LC_PEER_MESSAGE:
			if (message->kind != LC_MESSAGE_REPORT)
				return (int)message->kind;
			break;
		case LC_PEER_CONNECTED:
			break;
		case LC_PEER_GARBAGE:
			cr_assert_fail("garbage from the daemon");
		case LC_PEER_CLOSED:
			return HUNG_UP;
		}
	}
}

void hear_refusal(struct lc_peer *peer, enum lc_message_kind kind, enum leafcast_reason reason)
{
	struct lc_message message;

	cr_assert_eq(hear(peer, &message, PATIENCE_MS), (int)kind);
	cr_assert_eq(message.reason, reason, "%s", leafcast_reason_word(message.reason));
}

bool is_hung_up(int connection, int ms)
{
	struct pollfd ready = {.fd = connection, .events = POLLIN};
	long deadline = now_ms() + ms;
	char bytes[256];

	while (poll(&ready, 1, (int)(deadline > now_ms() ? deadline - now_ms() : 0)) == 1)
		if (recv(connection, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0)
			return true;
	return false;
}

/* ---- a leaf ---- */

struct lc_message join_of(const struct leaf *leaf, const char *session)
{
	return (struct lc_message){
		.kind = LC_MESSAGE_JOIN,
		.session = at(session),
		.leaf = leaf->name,
		.token = leaf->token,
		.leaf_sends = true,
		.leaf_receives = true,
	};
}

struct leaf leaf_new(const char *name)
{
	struct leaf leaf = {.udp = udp_there(name), .token = 0x1234567};
	char host[LC_ENDPOINT_TEXT];
	struct sockaddr_storage bound;
	socklen_t length = sizeof(bound);

	cr_assert_eq(getsockname(leaf.udp, (struct sockaddr *)&bound, &length), 0);
	cr_assert_eq(lc_endpoint_from_sockaddr(&leaf.name, (struct sockaddr *)&bound, length), 0);
	leaf.peer = call(lc_address_format(host, &leaf.name));
	return leaf;
}

void leaf_free(struct leaf *leaf)
{
	lc_peer_free(leaf->peer);
	close(leaf->udp);
}

void leaf_asks(struct leaf *leaf, const char *session)
{
	tell(leaf->peer, join_of(leaf, session));
}

void leaf_sees_probe(struct leaf *leaf)
{
	struct pollfd ready = {.fd = leaf->udp, .events = POLLIN};
	struct lc_probe probe;

	cr_assert_eq(poll(&ready, 1, PATIENCE_MS), 1, "no probe");
	cr_assert_eq(recv(leaf->udp, &probe, sizeof(probe), 0), (ssize_t)sizeof(probe));
	cr_assert_eq(be64toh(probe.magic), LC_PROBE_MAGIC);
	cr_assert_eq(be64toh(probe.token), leaf->token);
}

void leaf_proves(struct leaf *leaf)
{
	leaf_sees_probe(leaf);
	tell(leaf->peer, (struct lc_message){.kind = LC_MESSAGE_SEEN, .token = leaf->token});
}

struct leaf leaf_joins(struct app *app, const char *name, uint64_t other, long within_ms)
{
	long start = now_ms();
	struct leaf leaf = leaf_new(name);
	struct lc_message message;

	leaf_asks(&leaf, SESSION);
	leaf_proves(&leaf);
	app_accepts(app, other);
	cr_assert_eq(hear(leaf.peer, &message, PATIENCE_MS), LC_MESSAGE_ACCEPT);
	cr_assert_lt(now_ms() - start, within_ms, "the honest join took %ld ms", now_ms() - start);
	return leaf;
}

/* ---- a daemon ---- */

struct lc_peer_listener *other_daemon(void)
{
	struct lc_endpoint name = at("0.0.0.0:19750");
	struct lc_peer_listener *listener;

	go_there();
	cr_assert_eq(lc_peer_listen(&listener, &name, NULL), 0);
	come_back();
	return listener;
}

struct lc_peer *answer_call(struct lc_peer_listener *listener)
{
	struct pollfd ready = {.fd = lc_peer_listener_fd(listener), .events = POLLIN};
	struct lc_peer *peer;

	cr_assert_eq(poll(&ready, 1, PATIENCE_MS), 1, "nobody calls");
	cr_assert_eq(lc_peer_accept(listener, &peer), 0);
	return peer;
}

void send_probe(int from, const struct lc_endpoint *to, uint64_t token)
{
	const struct lc_probe probe = {.magic = htobe64(LC_PROBE_MAGIC), .token = htobe64(token)};
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(to, &address);

	cr_assert_eq(sendto(from, &probe, sizeof(probe), 0, (struct sockaddr *)&address, length),
		     (ssize_t)sizeof(probe));
}
