/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Other hosts, there: what their daemons, or whoever poses as one, would send. */
#include "hostile.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/records.h"
#include "protocol/codec.h"
#include "trunk/proof.h"

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

struct lc_peer *knock_from(const char *from)
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

void say(struct lc_peer *connection, struct lc_message message)
{
	cr_assert_eq(lc_peer_send(connection, &message), 0);
}

int listen_to(struct lc_peer *connection, struct lc_message *message, int ms)
{
	long deadline = now_ms() + ms;

	for (;;) {
		switch (news_of(connection, message, (int)(deadline - now_ms()))) {
		case LC_PEER_NOTHING:
			return NOTHING_HEARD;
		case LC_PEER_MESSAGE:
			return (int)message->kind;
		case LC_PEER_CONNECTED:
			break;
		case LC_PEER_GARBAGE:
			cr_assert_fail("garbage from the daemon");
		case LC_PEER_CLOSED:
			return HUNG_UP;
		}
	}
}

/* ---- a trunk ---- */

struct heard {
	struct heard *next;
	struct lc_message message;
};

struct trunk {
	struct trunk *next;
	struct lc_peer *connection;
	char from[LC_ENDPOINT_TEXT];
	unsigned int peers;
	bool ended, opened_here;
	struct lc_identity own_nonce, daemon_nonce;
	uint64_t told, read; /* bytes that READ counts */
	struct heard *heard, **last;
};

static struct trunk *trunks;

struct lc_message hello(void)
{
	static unsigned char nonce;
	struct lc_message hello = {
		.kind = LC_MESSAGE_HELLO, .version = LC_MESSAGE_VERSION, .instance = 77};

	memset(&hello.nonce, ++nonce, sizeof(hello.nonce));
	return hello;
}

static void say_on(struct trunk *trunk, const struct lc_message *message)
{
	uint8_t bytes[LC_MESSAGE_MAX];

	/* That it has ended is heard. */
	if (trunk->ended || lc_peer_send(trunk->connection, message) == -EPIPE)
		return;
	if (message->kind != LC_MESSAGE_READ)
		trunk->told += lc_message_encode(message, bytes);
}

static void keep(struct trunk *trunk, const struct lc_message *message)
{
	struct heard *heard = calloc(1, sizeof(*heard));

	cr_assert(heard);
	heard->message = *message;
	*trunk->last = heard;
	trunk->last = &heard->next;
}

/* The next message of the daemon, of the trunk itself or kept; false: there was none in that time. */
static bool hear_on(struct trunk *trunk, struct lc_message *message, long deadline)
{
	struct lc_message read = {.kind = LC_MESSAGE_READ};
	long left = deadline - now_ms();
	int kind;

	if (trunk->ended)
		return false;
	kind = listen_to(trunk->connection, message, left > 0 ? (int)left : 0);
	trunk->ended = kind == HUNG_UP;
	if (kind == HUNG_UP || kind == NOTHING_HEARD)
		return false;
	if (kind == LC_MESSAGE_READ) {
		trunk->read += message->read_bytes;
		cr_assert_leq(trunk->read, trunk->told, "more is read than was told");
		return true;
	}
	read.read_bytes = (uint32_t)lc_peer_frame_bytes(trunk->connection);
	say_on(trunk, &read);
	if (message->number)
		keep(trunk, message);
	return true;
}

static struct lc_message must_hear_on(struct trunk *trunk, enum lc_message_kind kind)
{
	long deadline = now_ms() + PATIENCE_MS;
	struct lc_message message = {0};

	while (message.kind != kind)
		cr_assert(hear_on(trunk, &message, deadline), "no message of kind %d", kind);
	return message;
}

static void prove(struct trunk *trunk, const struct proofs *proofs)
{
	struct lc_message resume = {.kind = LC_MESSAGE_RESUME, .entry_count = proofs->count};

	for (unsigned int i = 0; i < proofs->count; i++) {
		const struct peer *peer = proofs->peers[i];
		const struct lc_proof_terms terms = {
			.by_opener = trunk->opened_here,
			.prover_nonce = trunk->own_nonce,
			.reader_nonce = trunk->daemon_nonce,
			.number = peer->number,
			.drawn_by_opener = trunk->opened_here != peer->numbered_by_daemon,
		};
		struct lc_identity secret = peer->secret;

		secret.bytes[15] ^= proofs->wrong;
		resume.entries[i].number = peer->number;
		resume.entries[i].numbered_by_sender = !peer->numbered_by_daemon;
		cr_assert_eq(lc_proof_make(&resume.entries[i].proof, &secret, &terms), 0);
	}
	if (proofs->count)
		say_on(trunk, &resume);
}

/* HELLO and the lists. */
static void greet(struct trunk *trunk, const struct proofs *proofs)
{
	const struct lc_message end = {.kind = LC_MESSAGE_RESUME_END}, own = hello();

	trunk->ended = false;
	trunk->told = trunk->read = 0;
	trunk->own_nonce = own.nonce;
	say_on(trunk, &own);
	trunk->daemon_nonce = must_hear_on(trunk, LC_MESSAGE_HELLO).nonce;
	prove(trunk, proofs);
	say_on(trunk, &end);
	must_hear_on(trunk, LC_MESSAGE_RESUME_END);
}

static struct trunk *new_trunk(struct lc_peer *connection, const char *from, bool opened_here)
{
	struct trunk *trunk = calloc(1, sizeof(*trunk));

	cr_assert(trunk);
	*trunk = (struct trunk){
		.next = trunks, .connection = connection, .opened_here = opened_here};
	snprintf(trunk->from, sizeof(trunk->from), "%s", from);
	trunk->last = &trunk->heard;
	trunks = trunk;
	greet(trunk, &(struct proofs){0});
	return trunk;
}

static void end_trunk(struct trunk *trunk)
{
	struct trunk **at = &trunks;
	struct heard *heard;

	while (*at != trunk)
		at = &(*at)->next;
	*at = trunk->next;
	while ((heard = trunk->heard)) {
		trunk->heard = heard->next;
		free(heard);
	}
	lc_peer_free(trunk->connection);
	free(trunk);
}

static struct trunk *trunk_from(const char *from)
{
	struct trunk *trunk = trunks;

	while (trunk && (strcmp(trunk->from, from) != 0 || trunk->ended))
		trunk = trunk->next;
	return trunk;
}

/* ---- memberships on it ---- */

static struct peer *peer_on(struct trunk *trunk)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	cr_assert(peer);
	trunk->peers++;
	peer->trunk = trunk;
	return peer;
}

struct peer *call(const char *from)
{
	static uint64_t last_number = 0x1000;
	struct trunk *trunk = trunk_from(from);
	struct peer *peer = peer_on(trunk ? trunk : new_trunk(knock_from(from), from, true));

	peer->number = ++last_number;
	memcpy(peer->secret.bytes, &peer->number, sizeof(peer->number));
	return peer;
}

struct peer *asked_beside(const struct peer *peer)
{
	return peer_on(peer->trunk);
}

void peer_free(struct peer *peer)
{
	if (!peer)
		return;
	if (peer->number)
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_LEAVE});
	if (--peer->trunk->peers == 0)
		end_trunk(peer->trunk);
	free(peer);
}

void cut(struct peer *peer)
{
	lc_peer_free(peer->trunk->connection);
	peer->trunk->connection = NULL;
	peer->trunk->ended = true;
}

void call_again(struct peer *peer, const struct proofs *proofs)
{
	struct trunk *trunk = peer->trunk;

	trunk->connection = knock_from(trunk->from);
	trunk->opened_here = true;
	greet(trunk, proofs);
}

void tell(struct peer *peer, struct lc_message message)
{
	message.number = peer->number;
	message.numbered_by_sender = !peer->numbered_by_daemon;
	if (message.kind == LC_MESSAGE_JOIN || message.kind == LC_MESSAGE_INVITE)
		message.secret = peer->secret;
	if (message.kind == LC_MESSAGE_REPORT)
		message.entries[message.entry_count++] = (struct lc_message_entry){
			.number = peer->number,
			.numbered_by_sender = !peer->numbered_by_daemon,
		};
	say_on(peer->trunk, &message);
}

static bool is_about(const struct peer *peer, const struct lc_message *message)
{
	if (!peer->number)
		return message->kind == LC_MESSAGE_JOIN || message->kind == LC_MESSAGE_INVITE;
	return message->number == peer->number &&
	       message->numbered_by_sender == peer->numbered_by_daemon;
}

/* What was heard about it, and not taken yet. */
static bool take(struct peer *peer, struct lc_message *message)
{
	struct trunk *trunk = peer->trunk;
	struct heard **at = &trunk->heard, *heard;

	while (*at && !is_about(peer, &(*at)->message))
		at = &(*at)->next;
	heard = *at;
	if (!heard)
		return false;
	*at = heard->next;
	if (!*at)
		trunk->last = at;
	*message = heard->message;
	free(heard);
	if (peer->number)
		return true;
	peer->number = message->number;
	peer->numbered_by_daemon = true;
	peer->secret = message->secret;
	return true;
}

int hear(struct peer *peer, struct lc_message *message, int ms)
{
	long deadline = now_ms() + ms;
	struct lc_message any;

	while (!take(peer, message))
		if (!hear_on(peer->trunk, &any, deadline))
			return peer->trunk->ended ? HUNG_UP : NOTHING_HEARD;
	return (int)message->kind;
}

void hear_refusal(struct peer *peer, enum lc_message_kind kind, enum leafcast_reason reason)
{
	struct lc_message message;

	cr_assert_eq(hear(peer, &message, PATIENCE_MS), (int)kind);
	cr_assert_eq(message.reason, reason, "%s", leafcast_reason_word(message.reason));
}

void has_been_read(struct peer *peer)
{
	/* Of what nobody knows: ignored, and counted. */
	const struct lc_message last = {
		.kind = LC_MESSAGE_REPORT, .entry_count = 1, .entries = {{.number = 1}}};
	long deadline = now_ms() + PATIENCE_MS;
	struct lc_message any;

	say_on(peer->trunk, &last);
	while (peer->trunk->read < peer->trunk->told)
		cr_assert(hear_on(peer->trunk, &any, deadline), "it is not read");
}

bool hears_nothing(struct peer *peer)
{
	struct lc_message message;

	has_been_read(peer);
	return !take(peer, &message);
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
	peer_free(leaf->peer);
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

struct peer *answer_call(struct lc_peer_listener *listener)
{
	struct pollfd ready = {.fd = lc_peer_listener_fd(listener), .events = POLLIN};
	struct lc_peer *connection;

	cr_assert_eq(poll(&ready, 1, PATIENCE_MS), 1, "nobody calls");
	cr_assert_eq(lc_peer_accept(listener, &connection), 0);
	return peer_on(new_trunk(connection, "192.0.2.2", false));
}

void send_probe(int from, const struct lc_endpoint *to, uint64_t token)
{
	const struct lc_probe probe = {.magic = htobe64(LC_PROBE_MAGIC), .token = htobe64(token)};
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(to, &address);

	cr_assert_eq(sendto(from, &probe, sizeof(probe), 0, (struct sockaddr *)&address, length),
		     (ssize_t)sizeof(probe));
}
