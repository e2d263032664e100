/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Messages twice, too early, too late and about others; core/message.h draws the right order. */
#include "hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(handshake, .timeout = 60);

static const enum lc_message_kind all_kinds[] = {
	LC_MESSAGE_JOIN,   LC_MESSAGE_INVITE, LC_MESSAGE_SEEN,	LC_MESSAGE_ACCEPT,
	LC_MESSAGE_JOINED, LC_MESSAGE_REFUSE, LC_MESSAGE_LEAVE, LC_MESSAGE_REPORT,
};
#define KINDS (sizeof(all_kinds) / sizeof(all_kinds[0]))

static struct lc_message any_message(const struct leaf *leaf, enum lc_message_kind kind)
{
	struct lc_message message = join_of(leaf, SESSION);

	message.kind = kind;
	message.reason = LEAFCAST_CLOSED;
	return message;
}

/* After this message the leaf goes on as if nothing had been said. */
static bool is_idempotent(enum lc_message_kind kind, bool member)
{
	return kind == LC_MESSAGE_SEEN || (member && kind == LC_MESSAGE_REPORT);
}

/* Of a leaf whose path is being probed. */
Behaves(handshake, every_message_while_probing)
{
	struct app app = app_with_root(SESSION, 5);

	for (size_t i = 0; i < KINDS; i++) {
		struct leaf leaf = leaf_new("192.0.2.2:0");

		if (all_kinds[i] == LC_MESSAGE_SEEN) {
			leaf_free(&leaf);
			continue;
		}
		leaf_asks(&leaf, SESSION);
		leaf_sees_probe(&leaf);
		has_leaves(1);
		tell(leaf.peer, any_message(&leaf, all_kinds[i]));
		if (all_kinds[i] == LC_MESSAGE_LEAVE)
			cr_assert(hears_nothing(leaf.peer));
		else
			hear_refusal(leaf.peer, LC_MESSAGE_REFUSE, LEAFCAST_PROTOCOL);
		has_leaves(0);
		cr_assert(app_hears_nothing(&app, 20));
		leaf_free(&leaf);
	}
	app_free(&app);
}

/* While the application decides: it hears of the request and that it is withdrawn. */
Behaves(handshake, every_message_while_the_application_decides)
{
	struct app app = app_with_root(SESSION, 5);

	for (size_t i = 0; i < KINDS; i++) {
		struct leaf leaf = leaf_new("192.0.2.2:0");
		uint64_t request;

		leaf_asks(&leaf, SESSION);
		leaf_proves(&leaf);
		request = app_event(&app, LC_LOCAL_REQUEST).request;
		tell(leaf.peer, any_message(&leaf, all_kinds[i]));
		if (is_idempotent(all_kinds[i], false)) {
			cr_assert(app_hears_nothing(&app, 50));
			has_leaves(1);
			tell(leaf.peer, (struct lc_message){.kind = LC_MESSAGE_LEAVE});
		} else if (all_kinds[i] == LC_MESSAGE_LEAVE) {
			cr_assert(hears_nothing(leaf.peer));
		} else {
			hear_refusal(leaf.peer, LC_MESSAGE_REFUSE, LEAFCAST_PROTOCOL);
		}
		cr_assert_eq(app_event(&app, LC_LOCAL_WITHDRAWN).request, request);
		has_leaves(0);
		/* What is withdrawn cannot be accepted. */
		cr_assert_eq(app_ask(&app,
				     (struct lc_local_message){.kind = LC_LOCAL_ACCEPT,
							       .socket = 1,
							       .request = request,
							       .other = 9},
				     udp_here("0.0.0.0:0"))
				     .reason,
			     LEAFCAST_RESET);
		leaf_free(&leaf);
	}
	app_free(&app);
}

/* A member: its root's application hears of one end, whatever is sent twice. */
Behaves(handshake, every_message_of_a_member)
{
	struct app app = app_with_root(SESSION, 5);

	for (size_t i = 0; i < KINDS; i++) {
		struct leaf leaf = leaf_joins(&app, "192.0.2.2:0", 10 + i, 1000);

		tell(leaf.peer, any_message(&leaf, all_kinds[i]));
		tell(leaf.peer, any_message(&leaf, all_kinds[i]));
		if (is_idempotent(all_kinds[i], true)) {
			cr_assert(app_hears_nothing(&app, 50));
			has_leaves(1);
			tell(leaf.peer, (struct lc_message){.kind = LC_MESSAGE_LEAVE});
		} else if (all_kinds[i] != LC_MESSAGE_LEAVE) {
			hear_refusal(leaf.peer, LC_MESSAGE_LEAVE, LEAFCAST_PROTOCOL);
		}
		cr_assert(hears_nothing(leaf.peer));
		cr_assert_eq(app_event(&app, LC_LOCAL_CLOSED).socket, 10 + i);
		cr_assert(app_hears_nothing(&app, 20));
		has_leaves(0);
		leaf_free(&leaf);
	}
	app_free(&app);
}

Behaves(handshake, a_probe_that_was_not_seen)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_new("192.0.2.2:0");

	leaf_asks(&leaf, SESSION);
	tell(leaf.peer, (struct lc_message){.kind = LC_MESSAGE_SEEN, .token = leaf.token + 1});
	hear_refusal(leaf.peer, LC_MESSAGE_REFUSE, LEAFCAST_PROTOCOL);
	cr_assert(app_hears_nothing(&app, 20));
	leaf_free(&leaf);
	app_free(&app);
}

static bool arrives(const struct app *app, int root, const struct leaf *leaf,
		    const struct lc_endpoint *channel)
{
	struct pollfd ready = {.fd = leaf->udp, .events = POLLIN};
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(channel, &address);
	char bytes[64];

	cr_assert_eq(sendto(root, "data", 4, 0, (struct sockaddr *)&address, length), 4);
	while (poll(&ready, 1, 500) == 1)
		if (recv(leaf->udp, bytes, sizeof(bytes), 0) == 4 && memcmp(bytes, "data", 4) == 0)
			return true;
	return false;
}

/* The same request under another number, by the leaf or by whoever else is on its host: nobody is evicted. */
Behaves(handshake, a_join_repeated_under_another_number)
{
	struct app app = app_new();
	int root = udp_here(SESSION);
	struct lc_local_message listening;
	struct leaf leaf, other;

	app_must(
		&app,
		(struct lc_local_message){.kind = LC_LOCAL_OPEN, .socket = 1, .role = LC_ROLE_ROOT},
		dup(root));
	listening = app_ask(
		&app, (struct lc_local_message){.kind = LC_LOCAL_LISTEN, .socket = 1, .backlog = 5},
		-1);
	leaf = leaf_joins(&app, "192.0.2.2:4000", 2, 1000);
	cr_assert(arrives(&app, root, &leaf, &listening.channel));
	for (int i = 0; i < 3; i++) {
		other = leaf;
		other.peer = call("192.0.2.2");
		leaf_asks(&other, SESSION);
		hear_refusal(other.peer, LC_MESSAGE_REFUSE, LEAFCAST_ADDRESS_IN_USE);
		peer_free(other.peer);
	}
	cr_assert(app_hears_nothing(&app, 20));
	has_leaves(1);
	cr_assert(arrives(&app, root, &leaf, &listening.channel));
	/* Nor one that is still being decided. */
	other = leaf_new("192.0.2.2:4001");
	leaf_asks(&other, SESSION);
	leaf_proves(&other);
	app_event(&app, LC_LOCAL_REQUEST);
	peer_free(leaf.peer);
	app_event(&app, LC_LOCAL_CLOSED);
	leaf.peer = call("192.0.2.2");
	tell(leaf.peer, join_of(&other, SESSION));
	hear_refusal(leaf.peer, LC_MESSAGE_REFUSE, LEAFCAST_ADDRESS_IN_USE);
	cr_assert(app_hears_nothing(&app, 20));
	leaf_free(&leaf);
	leaf_free(&other);
	close(root);
	app_free(&app);
}

/* A node that has lost its memory and comes back: its suspended membership makes room. */
Behaves(handshake, a_leaf_back_from_the_dead)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:4000", 2, 1000), again = leaf;
	struct lc_message message;

	cut(leaf.peer);
	again.peer = call("192.0.2.2");
	leaf_asks(&again, SESSION);
	leaf_proves(&again);
	cr_assert_eq(app_event(&app, LC_LOCAL_CLOSED).socket, 2);
	app_accepts(&app, 3);
	cr_assert_eq(hear(again.peer, &message, 1000), LC_MESSAGE_ACCEPT);
	peer_free(leaf.peer);
	leaf_free(&again);
	app_free(&app);
}

/* ---- about others ---- */

static void is_refused(const char *from, struct lc_message message, enum leafcast_reason reason)
{
	struct peer *peer = call(from);

	tell(peer, message);
	hear_refusal(peer, LC_MESSAGE_REFUSE, reason);
	peer_free(peer);
	has_leaves(0);
}

Behaves(handshake, joins_in_the_name_of_others)
{
	struct app app = app_with_root("0.0.0.0:5000", 5);
	struct leaf leaf = leaf_new("192.0.2.2:4000");
	struct lc_message join = join_of(&leaf, SESSION), bad;
	static const char *const others[] = {"192.0.2.77:4000", "192.0.2.10:4000", "192.0.2.1:4000",
					     "127.0.0.1:53"};
	static const char *const sessions[] = {"192.0.2.3:5000",  "127.0.0.1:5000",
					       "192.0.2.77:5000", "192.0.2.1:5001",
					       "0.0.0.0:5000",	  "239.255.0.1:5000"};
	static const char *const nonsense[] = {"0.0.0.0:4000", "224.0.0.1:4000", "192.0.2.2:0",
					       "255.255.255.255:4000", "[2001:db8::2]:4000"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		bad = join;
		bad.leaf = at(others[i]);
		is_refused("192.0.2.2", bad, LEAFCAST_POLICY);
	}
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		bad = join;
		bad.session = at(sessions[i]);
		is_refused("192.0.2.2", bad, LEAFCAST_NOBODY_LISTENING);
	}
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		bad = join;
		bad.leaf = at(nonsense[i]);
		is_refused("192.0.2.2", bad, LEAFCAST_PROTOCOL);
	}
	cr_assert(app_hears_nothing(&app, 20));
	leaf_free(&leaf);
	app_free(&app);
}

/* A process of this host goes past its connection, to direct copies at others' sockets here. */
Behaves(handshake, a_join_by_tcp_from_this_very_host)
{
	struct app app = app_with_root(SESSION, 5);
	struct lc_endpoint own = address("192.0.2.1"), daemon = at("192.0.2.1:19750");
	struct lc_message join = {
		.kind = LC_MESSAGE_JOIN,
		.number = 5,
		.numbered_by_sender = true,
		.session = at(SESSION),
		.leaf = at("192.0.2.1:53"),
		.leaf_receives = true,
	};
	struct lc_peer *connection;
	struct lc_message message;

	cr_assert_eq(lc_peer_connect(&connection, &own, &daemon), 0);
	say(connection, hello());
	cr_assert_eq(listen_to(connection, &message, 1000), LC_MESSAGE_HELLO);
	say(connection, (struct lc_message){.kind = LC_MESSAGE_RESUME_END});
	say(connection, join);
	do
		cr_assert_gt(listen_to(connection, &message, 1000), HUNG_UP);
	while (message.kind != LC_MESSAGE_REFUSE);
	cr_assert_eq(message.reason, LEAFCAST_POLICY);
	lc_peer_free(connection);
	app_free(&app);
}

static struct lc_message invitation(const char *session, const char *listener)
{
	return (struct lc_message){
		.kind = LC_MESSAGE_INVITE, .session = at(session), .leaf = at(listener)};
}

Behaves(handshake, invitations_in_the_name_of_others)
{
	struct app root = app_with_root(SESSION, 5);
	struct app leaf = app_with_leaf("192.0.2.1:6000", 5);

	is_refused("192.0.2.2", invitation("192.0.2.77:5000", "192.0.2.1:6000"), LEAFCAST_POLICY);
	is_refused("192.0.2.2", invitation("192.0.2.1:5000", "192.0.2.1:6000"), LEAFCAST_POLICY);
	is_refused("192.0.2.2", invitation("192.0.2.2:0", "192.0.2.1:6000"), LEAFCAST_PROTOCOL);
	is_refused("192.0.2.2", invitation("192.0.2.2:5000", SESSION), LEAFCAST_NOBODY_LISTENING);
	is_refused("192.0.2.2", invitation("192.0.2.2:5000", "192.0.2.3:6000"),
		   LEAFCAST_NOBODY_LISTENING);
	cr_assert(app_hears_nothing(&leaf, 20) && app_hears_nothing(&root, 0));
	app_free(&leaf);
	app_free(&root);
}

/* An invited leaf's node wants the copies sent elsewhere. */
Behaves(handshake, an_answer_that_directs_copies_at_others)
{
	static const char *const elsewhere[] = {"192.0.2.77:4000", "192.0.2.10:4000",
						"192.0.2.1:5000", "192.0.2.2:0"};
	struct lc_peer_listener *listener = other_daemon();
	struct app app = app_with_root(SESSION, 5);
	struct lc_message message;

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		uint64_t id = app_tell(&app,
				       (struct lc_local_message){.kind = LC_LOCAL_JOIN,
								 .socket = 1,
								 .other = 2 + i,
								 .peer = at("192.0.2.2:4000"),
								 .sends = true,
								 .receives = true},
				       udp_here("0.0.0.0:0"));
		struct peer *peer = answer_call(listener);

		cr_assert_eq(hear(peer, &message, 1000), LC_MESSAGE_INVITE);
		tell(peer, (struct lc_message){.kind = LC_MESSAGE_ACCEPT,
					       .leaf = at(elsewhere[i]),
					       .token = 7,
					       .leaf_receives = true});
		hear_refusal(peer, LC_MESSAGE_LEAVE, LEAFCAST_PROTOCOL);
		cr_assert_eq(app_answer(&app, id).reason, LEAFCAST_PROTOCOL);
		has_leaves(0);
		peer_free(peer);
	}
	lc_peer_listener_free(listener);
	app_free(&app);
}

/* A root that says "you are in" before the leaf's filter has seen its probe. */
Behaves(handshake, an_acceptance_before_the_probe)
{
	struct lc_peer_listener *listener = other_daemon();
	struct app app = app_with_leaf("192.0.2.1:6000", 0);
	uint64_t id = app_tell(&app,
			       (struct lc_local_message){.kind = LC_LOCAL_JOIN,
							 .socket = 1,
							 .peer = at("192.0.2.2:5000"),
							 .receives = true},
			       -1);
	struct peer *peer = answer_call(listener);
	struct lc_message message;

	cr_assert_eq(hear(peer, &message, 1000), LC_MESSAGE_JOIN);
	tell(peer, (struct lc_message){.kind = LC_MESSAGE_ACCEPT});
	hear_refusal(peer, LC_MESSAGE_LEAVE, LEAFCAST_PROTOCOL);
	cr_assert_eq(app_answer(&app, id).reason, LEAFCAST_PROTOCOL);
	peer_free(peer);
	lc_peer_listener_free(listener);
	app_free(&app);
}
