/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What applications do on the connection to their daemon. */
#include "hostile.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/endpoint.h"
#include "local/local.h"
#include "protocol/codec.h"

TestSuite(local, .timeout = 60);

#define SEED 20240601

static void send_bytes(struct app *app, const void *bytes, size_t length)
{
	cr_assert_eq(send(app->connection, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

Behaves(local, packets_that_make_no_message)
{
	static char large[60000];
	static const struct {
		size_t length;
		const char *bytes;
	} garbage[] = {
		{0, ""},
		{1, "\xff"},
		{4, "\xff\xff\xff\xff"},
		{2, "\x7a\x00"},		 /* a kind that there is not */
		{6, "\x12\xff\xff\xff\xff\x7f"}, /* an OPEN of 32 GiB */
		{sizeof(large), large},
		{LC_MESSAGE_MAX + 1, large},
	};
	struct app honest = app_with_root(SESSION, 5);

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct app app = app_with_leaf("0.0.0.0:0", 1);

		send_bytes(&app, garbage[i].bytes, garbage[i].length);
		cr_assert(app_is_cut(&app), "garbage %zu", i);
		app_free(&app);
	}
	srand(SEED);
	for (int i = 0; i < 200; i++) {
		struct app app = app_new();
		char bytes[512];
		size_t length = (size_t)rand() % sizeof(bytes) + 1;

		for (size_t j = 0; j < length; j++)
			bytes[j] = (char)rand();
		send_bytes(&app, bytes, length);
		app_free(&app);
	}
	cr_assert_eq(app_ask(&honest,
			     (struct lc_local_message){.kind = LC_LOCAL_CANCEL, .socket = 1}, -1)
			     .error,
		     0);
	app_free(&honest);
}

/* Two in one packet, and one where none belongs: none may stay with the daemon. */
Behaves(local, descriptors_too_many)
{
	struct lc_local_message message = {.kind = LC_LOCAL_CANCEL, .id = 7, .socket = 1};
	uint8_t bytes[LC_MESSAGE_MAX];
	struct iovec part = {bytes, lc_local_encode(&message, bytes)};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = {.header = {CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct msghdr packet = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	struct app app = app_new(), other = app_new();
	int two[2] = {0, 1};

	memcpy(CMSG_DATA(&control.header), two, sizeof(two));
	cr_assert(sendmsg(app.connection, &packet, 0) > 0);
	cr_assert(app_is_cut(&app));
	for (int i = 0; i < 100; i++)
		app_ask(&other, message, dup(0));
	app_free(&app);
	app_free(&other);
}

static int error_of(struct app *app, struct lc_local_message message, int descriptor)
{
	return app_ask(app, message, descriptor).error;
}

static struct lc_local_message about(enum lc_local_kind kind, uint64_t socket)
{
	return (struct lc_local_message){.kind = kind,
					 .socket = socket,
					 .role = LC_ROLE_LEAF,
					 .backlog = 1,
					 .peer = at("192.0.2.2:5000"),
					 .receives = true};
}

Behaves(local, sockets_that_there_are_not)
{
	static const enum lc_local_kind kinds[] = {LC_LOCAL_LISTEN, LC_LOCAL_JOIN, LC_LOCAL_CANCEL,
						   LC_LOCAL_SET_FLOWS, LC_LOCAL_CLOSE};
	struct app app = app_new(), owner = app_with_leaf("0.0.0.0:0", 0);
	struct app rude = {.connection = lc_local_connect(getenv("LEAFCAST_RUNTIME_DIR"))};

	cr_assert_eq(error_of(&rude, about(LC_LOCAL_OPEN, 1), udp_here("0.0.0.0:0")), -EPROTO);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct lc_local_message message = about(kinds[i], 1); /* the owner's, not ours */

		message.has_flows = kinds[i] == LC_LOCAL_SET_FLOWS;
		cr_assert_eq(error_of(&app, message, -1), -ENOTSOCK, "kind %d", kinds[i]);
		cr_assert_eq(error_of(&rude, message, -1), -EPROTO, "kind %d", kinds[i]);
	}
	cr_assert_eq(error_of(&app, about(LC_LOCAL_REPLY, 1), -1), -EOPNOTSUPP);
	cr_assert_eq(error_of(&owner, about(LC_LOCAL_CLOSE, 1), -1), 0);
	cr_assert_eq(error_of(&owner, about(LC_LOCAL_CLOSE, 1), -1), -ENOTSOCK);
	app_free(&rude);
	app_free(&owner);
	app_free(&app);
}

static int locked_socket(void)
{
	struct sock_filter pass = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	const struct sock_fprog program = {1, &pass};
	int descriptor = udp_here("0.0.0.0:0"), on = 1;

	cr_assert_eq(
		setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	cr_assert_eq(setsockopt(descriptor, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)), 0);
	return descriptor;
}

Behaves(local, descriptors_of_other_kinds)
{
	struct app app = app_new(), other = app_new();
	int pipes[2], udp = udp_here("0.0.0.0:0");
	struct lc_local_message open = about(LC_LOCAL_OPEN, 1);

	cr_assert_eq(pipe(pipes), 0);
	cr_assert_eq(error_of(&app, open, -1), -EBADF);
	cr_assert_eq(error_of(&app, open, pipes[0]), -EINVAL);
	cr_assert_eq(error_of(&app, open, pipes[1]), -EINVAL);
	cr_assert_eq(error_of(&app, open, socket(AF_INET, SOCK_STREAM, 0)), -EINVAL);
	cr_assert_eq(error_of(&app, open, socket(AF_UNIX, SOCK_DGRAM, 0)), -EINVAL);
	cr_assert_eq(error_of(&app, open, socket(AF_INET, SOCK_RAW, IPPROTO_UDP)), -EINVAL);
	cr_assert_eq(error_of(&app, open, dup(app.connection)), -EINVAL);
	cr_assert_eq(error_of(&app, open, udp_there("0.0.0.0:0")), -EXDEV);
	cr_assert_eq(error_of(&app, open, locked_socket()), -EPERM);
	cr_assert_eq(error_of(&app, open, dup(udp)), 0);
	cr_assert_eq(error_of(&app, open, udp_here("0.0.0.0:0")), -EEXIST, "the same number");
	open.socket = 2;
	cr_assert_eq(error_of(&app, open, dup(udp)), -EEXIST, "the same socket");
	cr_assert_eq(error_of(&other, open, dup(udp)), -EEXIST, "the same socket, other client");
	open = about(LC_LOCAL_OPEN, 0);
	cr_assert_eq(error_of(&app, open, udp_here("0.0.0.0:0")), -EEXIST, "number 0");
	close(udp);
	app_free(&other);
	app_free(&app);
}

/* ---- requests in states that they are not for ---- */

Behaves(local, requests_in_the_wrong_state)
{
	struct app root = app_with_root(SESSION, 5), leaf = app_with_leaf("192.0.2.1:6000", 0);
	struct app listener = app_with_leaf("192.0.2.1:6001", 1), thief = app_new();
	struct lc_local_message join = about(LC_LOCAL_JOIN, 1), accept, reply;
	uint64_t id, first;

	join.peer = at(SESSION);
	cr_assert_eq(error_of(&listener, join, -1), -EINVAL, "JOIN while listening");
	id = app_tell(&leaf, join, -1);
	accept = app_event(&root, LC_LOCAL_REQUEST);
	cr_assert_eq(error_of(&leaf, join, -1), -EALREADY, "a second JOIN");
	cr_assert_eq(error_of(&leaf, about(LC_LOCAL_LISTEN, 1), -1), -EISCONN,
		     "LISTEN while joining");
	accept.kind = LC_LOCAL_ACCEPT;
	accept.other = 2;
	first = accept.request;
	reply = app_ask(&thief, accept, udp_here("0.0.0.0:0"));
	cr_assert_eq(reply.reason, LEAFCAST_RESET, "another's request is accepted");
	reply.kind = LC_LOCAL_REJECT;
	reply.request = first;
	cr_assert_eq(app_ask(&thief, reply, -1).reason, LEAFCAST_RESET, "...or rejected");
	/* An ACCEPT that cannot be carried out is a rejection: the leaf does not wait for ever. */
	cr_assert_eq(error_of(&root, accept, -1), -EBADF, "ACCEPT without descriptor");
	cr_assert_eq(app_answer(&leaf, id).reason, LEAFCAST_REJECTED);
	id = app_tell(&leaf, join, -1);
	accept.request = app_event(&root, LC_LOCAL_REQUEST).request;
	accept.data = (struct lc_connect_data){.present = true, .length = 1};
	cr_assert_eq(error_of(&root, accept, udp_here("0.0.0.0:0")), -EMSGSIZE);
	cr_assert_eq(app_answer(&leaf, id).reason, LEAFCAST_REJECTED);
	id = app_tell(&leaf, join, -1);
	accept.request = app_event(&root, LC_LOCAL_REQUEST).request;
	accept.data = (struct lc_connect_data){0};
	app_must(&root, accept, udp_here("0.0.0.0:0"));
	cr_assert_eq(app_answer(&leaf, id).reason, 0);
	accept.other = 3;
	cr_assert_eq(app_ask(&root, accept, udp_here("0.0.0.0:0")).reason, LEAFCAST_RESET,
		     "ACCEPT twice");
	cr_assert_eq(error_of(&leaf, join, -1), -EISCONN, "JOIN of a member");
	cr_assert_eq(error_of(&leaf, about(LC_LOCAL_LISTEN, 1), -1), -EISCONN,
		     "LISTEN of a member");
	cr_assert_eq(error_of(&root,
			      (struct lc_local_message){.kind = LC_LOCAL_CANCEL, .socket = 1}, -1),
		     0);
	join.peer = at("[2001:db8::2]:5000");
	cr_assert_eq(error_of(&listener, join, -1), -EAFNOSUPPORT);
	join.peer = at("0.0.0.0:5000");
	cr_assert_eq(error_of(&listener, join, -1), -EADDRNOTAVAIL);
	app_free(&thief);
	app_free(&listener);
	app_free(&leaf);
	app_free(&root);
}

/* A root invites itself, its own socket's handle, and a leaf of its own node. */
Behaves(local, invitations_of_oneself)
{
	struct app root = app_with_root(SESSION, 5), leaf = app_with_leaf("192.0.2.1:6000", 1);
	struct lc_local_message join = about(LC_LOCAL_JOIN, 1);
	uint64_t id;

	join.other = 1;
	cr_assert_eq(error_of(&root, join, udp_here("0.0.0.0:0")), -EEXIST);
	join.other = 2;
	cr_assert_eq(error_of(&root, join, -1), -EBADF);
	join.peer = at(SESSION);
	cr_assert_eq(app_ask(&root, join, udp_here("0.0.0.0:0")).reason, LEAFCAST_NOBODY_LISTENING);
	join.peer = at("192.0.2.1:6000");
	join.other = 3;
	id = app_tell(&root, join, udp_here("0.0.0.0:0"));
	join.other = 4;
	cr_assert_eq(error_of(&root, join, udp_here("0.0.0.0:0")), -EALREADY);
	app_accepts(&leaf, 2);
	cr_assert_eq(app_answer(&root, id).reason, 0);
	app_free(&leaf);
	cr_assert_eq(app_event(&root, LC_LOCAL_CLOSED).socket, 3);
	app_free(&root);
}

/* backlog + 1 is refused; who is decided makes room; a root that closes refuses who waits. */
Behaves(local, backlog)
{
	struct app app = app_with_root(SESSION, 3);
	struct leaf leaf[4];
	struct lc_local_message request;

	for (int i = 0; i < 4; i++)
		leaf[i] = leaf_new("192.0.2.2:0");
	for (int i = 0; i < 3; i++) {
		leaf_asks(&leaf[i], SESSION);
		leaf_proves(&leaf[i]);
	}
	leaf_asks(&leaf[3], SESSION);
	hear_refusal(leaf[3].peer, LC_MESSAGE_REFUSE, LEAFCAST_BACKLOG_FULL);
	peer_free(leaf[3].peer);
	request = app_event(&app, LC_LOCAL_REQUEST);
	request.kind = LC_LOCAL_REJECT;
	request.reason = LEAFCAST_REJECTED;
	app_must(&app, request, -1);
	leaf[3].peer = call("192.0.2.2");
	leaf_asks(&leaf[3], SESSION);
	leaf_proves(&leaf[3]);
	cr_assert_eq(error_of(&app, about(LC_LOCAL_CLOSE, 1), -1), 0);
	for (int i = 1; i < 4; i++)
		hear_refusal(leaf[i].peer, LC_MESSAGE_REFUSE, LEAFCAST_NOBODY_LISTENING);
	has_leaves(0);
	for (int i = 0; i < 4; i++)
		leaf_free(&leaf[i]);
	app_free(&app);
}

/* ---- names that change behind the daemon's back ---- */

static void connect_to(int descriptor, const char *name)
{
	struct lc_endpoint endpoint = at(name);
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(&endpoint, &address);

	cr_assert_eq(connect(descriptor, (struct sockaddr *)&address, length), 0);
}

static void disconnect(int descriptor)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	cr_assert_eq(connect(descriptor, &none, sizeof(none)), 0);
}

static struct lc_endpoint name_of(int descriptor)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	struct lc_endpoint name = {0};

	cr_assert_eq(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
	cr_assert_eq(lc_endpoint_from_sockaddr(&name, (struct sockaddr *)&address, length), 0);
	return name;
}

/* A socket that listens by ever new names is found by the last one, and by none once it is closed. */
Behaves(local, listening_by_many_names)
{
	struct lc_local_message open = {.kind = LC_LOCAL_OPEN, .socket = 1, .role = LC_ROLE_LEAF};
	struct lc_local_message listen = about(LC_LOCAL_LISTEN, 1);
	int descriptor = udp_here("0.0.0.0:6000");
	struct app app = app_new();

	listen.backlog = 1;
	app_must(&app, open, dup(descriptor));
	app_must(&app, listen, -1);
	connect_to(descriptor, "192.0.2.2:9"); /* 192.0.2.1:6000 from now on */
	app_must(&app, listen, -1);
	app_must(&app, about(LC_LOCAL_CLOSE, 1), -1);
	close(descriptor);
	open.socket = listen.socket = 2;
	app_must(&app, open, udp_here("0.0.0.0:6000"));
	app_must(&app, listen, -1);
	descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	open.socket = listen.socket = 3;
	app_must(&app, open, dup(descriptor));
	for (int i = 0; i < 500; i++) {
		connect_to(descriptor, "192.0.2.2:9"); /* a port of the system's choice each time */
		app_must(&app, listen, -1);
		disconnect(descriptor);
	}
	/* No look would find that it is no more. */
	app_must(&app, about(LC_LOCAL_CLOSE, 3), -1);
	close(descriptor);
	app_free(&app);
}

/* Who has given a name up keeps nobody else from listening by it. */
Behaves(local, listening_by_a_name_given_up)
{
	struct lc_local_message open = {.kind = LC_LOCAL_OPEN, .socket = 1, .role = LC_ROLE_LEAF};
	struct lc_local_message listen = about(LC_LOCAL_LISTEN, 1);
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct app app = app_new(), other = app_new();
	char text[LC_ENDPOINT_TEXT];

	listen.backlog = 1;
	app_must(&app, open, dup(descriptor));
	connect_to(descriptor, "192.0.2.2:9");
	lc_endpoint_format(text, (const struct lc_endpoint[]){name_of(descriptor)});
	app_must(&app, listen, -1);
	disconnect(descriptor);
	app_must(&other, open, udp_here(text));
	app_must(&other, listen, -1);
	/* No look would find that it is no more. */
	app_must(&app, about(LC_LOCAL_CLOSE, 1), -1);
	close(descriptor);
	app_free(&other);
	app_free(&app);
}

/* A JOIN that lacks its descriptor opens no session. */
Behaves(local, an_invitation_without_descriptor)
{
	struct lc_local_message join = about(LC_LOCAL_JOIN, 1);
	struct app app = app_new();

	app_must(
		&app,
		(struct lc_local_message){.kind = LC_LOCAL_OPEN, .socket = 1, .role = LC_ROLE_ROOT},
		udp_here(SESSION));
	join.other = 2;
	join.receives = true;
	join.peer = at("192.0.2.2:6000");
	cr_assert_eq(error_of(&app, join, -1), -EBADF);
	cr_assert_eq(holding().sessions, 0);
	app_free(&app);
}
