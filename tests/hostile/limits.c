/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How much applications can make the daemon hold, and that others still get their part. */
#include "hostile.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local/local.h"

TestSuite(limits, .timeout = 60);

/* Promises of daemon/application.h and user.c. */
#define MAX_CLIENTS	     512
#define MAX_CLIENTS_OF_USER  128
#define MAX_SOCKETS_OF_USER  2048
#define MAX_SESSIONS_OF_USER 256

#define NOBODY	     65534
#define FIRST_SOCKET 1000
#define PER_CLIENT   1024

/* Greets without waiting for the answer. */
static struct app knock(void)
{
	const char *directory = getenv("LEAFCAST_RUNTIME_DIR");
	struct app app = {.connection = lc_local_connect(directory)};

	while (app.connection == -EAGAIN) { /* the daemon's backlog is full */
		pause_ms(1);
		app.connection = lc_local_connect(directory);
	}
	app_tell(&app,
		 (struct lc_local_message){.kind = LC_LOCAL_HELLO, .version = LC_LOCAL_VERSION},
		 -1);
	return app;
}

/* How many of so many are let in; they stay. */
static unsigned int let_in(struct app *apps, unsigned int count)
{
	unsigned int in = 0;

	for (unsigned int i = 0; i < count; i++)
		apps[i] = knock();
	for (unsigned int i = 0; i < count; i++)
		in += app_is_answered(&apps[i]);
	return in;
}

Behaves(limits, six_hundred_clients)
{
	static struct app apps[600];

	cr_assert_eq(let_in(apps, 600), MAX_CLIENTS);
	cr_assert_leq(holding().descriptors, 100 + 2 * MAX_CLIENTS);
	for (int i = 0; i < 600; i++)
		app_free(&apps[i]);
	pause_ms(200);
	apps[0] = app_new();
	app_free(&apps[0]);
}

/* ---- descriptors that the daemon cannot have ---- */

static void leave_descriptors(rlim_t count)
{
	struct rlimit limit;

	cr_assert_eq(prlimit(daemon_pid, RLIMIT_NOFILE, NULL, &limit), 0);
	limit.rlim_cur = count ? count : limit.rlim_max;
	cr_assert_eq(prlimit(daemon_pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* It costs what would need them, and nobody's connection, session or backlog place. */
Behaves(limits, no_descriptor_left)
{
	struct lc_local_message open = {.kind = LC_LOCAL_OPEN, .socket = 2, .role = LC_ROLE_LEAF};
	struct lc_local_message join = {
		.kind = LC_LOCAL_JOIN, .socket = 1, .receives = true, .peer = at(SESSION)};
	struct app root = app_with_root(SESSION, 1), leaf = app_with_leaf("192.0.2.1:6000", 0);
	struct lc_local_message accept;
	uint64_t id = app_tell(&leaf, join, -1);

	accept = app_event(&root, LC_LOCAL_REQUEST);
	accept.kind = LC_LOCAL_ACCEPT;
	accept.other = 3;
	leave_descriptors(1);
	cr_assert_eq(app_ask(&leaf, open, udp_here("192.0.2.1:6001")).error, -EMFILE);
	cr_assert_eq(app_ask(&root, accept, udp_here("0.0.0.0:0")).error, -EMFILE);
	cr_assert_eq(app_answer(&leaf, id).reason, LEAFCAST_LIMIT, "the leaf is told at once");
	leave_descriptors(0);
	id = app_tell(&leaf, join, -1);
	accept.request = app_event(&root, LC_LOCAL_REQUEST).request;
	app_must(&root, accept, udp_here("0.0.0.0:0"));
	cr_assert_eq(app_answer(&leaf, id).reason, LEAFCAST_NO_REASON);
	app_free(&leaf);
	app_free(&root);
}

/* ---- another user ---- */

struct other_user {
	pid_t process;
	int stays; /* it ends when this is closed */
};

/* Runs it in a process of another user; returns when it has, with what it got. */
static unsigned int begin_as_nobody(struct other_user *user, unsigned int (*act)(void))
{
	unsigned int result = 0;
	int up[2], down[2];
	char byte;

	cr_assert(pipe(up) == 0 && pipe(down) == 0);
	user->process = fork();
	if (user->process == 0) {
		close(down[1]);
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(1);
		result = act();
		_exit(write(up[1], &result, sizeof(result)) < 0 || read(down[0], &byte, 1) != 0);
	}
	close(up[1]);
	close(down[0]);
	cr_assert_eq(read(up[0], &result, sizeof(result)), (ssize_t)sizeof(result));
	close(up[0]);
	user->stays = down[1];
	return result;
}

static void end(struct other_user *user)
{
	close(user->stays);
	waitpid(user->process, NULL, 0);
}

static unsigned int connect_two_hundred(void)
{
	static struct app apps[200];

	return let_in(apps, 200);
}

Behaves(limits, clients_of_one_user)
{
	struct other_user nobody;
	struct app app;

	cr_assert_eq(begin_as_nobody(&nobody, connect_two_hundred), MAX_CLIENTS_OF_USER);
	app = app_with_root(SESSION, 5);
	app_free(&app);
	end(&nobody);
}

/* Opens as many sockets as it may, or 300 listening roots. */
static unsigned int open_sockets(bool listening, unsigned int most)
{
	struct lc_local_message open = {.kind = LC_LOCAL_OPEN, .role = LC_ROLE_ROOT};
	struct lc_local_message listen = {.kind = LC_LOCAL_LISTEN, .backlog = 1}, reply;
	struct app app = app_new();
	unsigned int count;

	for (count = 0; count < most; count++) {
		if (count && count % PER_CLIENT == 0)
			app = app_new(); /* the one before stays */
		open.socket = listen.socket = FIRST_SOCKET + count;
		reply = app_ask(&app, open, udp_here("0.0.0.0:0"));
		if (reply.error == -EMFILE)
			break;
		if (reply.error || reply.reason)
			return 0;
		if (!listening)
			continue;
		reply = app_ask(&app, listen, -1);
		if (reply.reason == LEAFCAST_LIMIT)
			break;
		if (reply.error || reply.reason)
			return 0;
	}
	return count;
}

static unsigned int open_all_sockets(void)
{
	return open_sockets(false, 3000);
}

static unsigned int open_all_sessions(void)
{
	return open_sockets(true, 1000);
}

static void others_get_theirs(void)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf leaf = leaf_joins(&app, "192.0.2.2:0", 2, 500);

	leaf_free(&leaf);
	app_free(&app);
}

Behaves(limits, sockets_of_one_user)
{
	struct other_user nobody;

	memory_slack_kb = 2048; /* of its records */
	cr_assert_eq(begin_as_nobody(&nobody, open_all_sockets), MAX_SOCKETS_OF_USER);
	cr_assert_eq(holding().admits, MAX_SOCKETS_OF_USER);
	others_get_theirs();
	end(&nobody);
}

Behaves(limits, sessions_of_one_user)
{
	struct other_user nobody;

	cr_assert_eq(begin_as_nobody(&nobody, open_all_sessions), MAX_SESSIONS_OF_USER);
	cr_assert_eq(holding().sessions, MAX_SESSIONS_OF_USER);
	others_get_theirs();
	end(&nobody);
}

/* ---- who does not read ---- */

Behaves(limits, an_application_that_asks_and_does_not_read)
{
	struct lc_local_message ask = {.kind = LC_LOCAL_CANCEL, .id = 7, .socket = 1};
	struct app deaf = app_with_leaf("0.0.0.0:0", 0), other = app_with_root(SESSION, 5);
	long slowest = 0, asked = 0;
	int error = 0;

	for (long start = now_ms(); error != -EPIPE && now_ms() < start + 5000; asked++) {
		error = lc_local_send(deaf.connection, &ask, -1);
		if (asked % 500 == 0) {
			long before = now_ms();

			app_ask(&other, ask, -1);
			if (now_ms() - before > slowest)
				slowest = now_ms() - before;
		}
	}
	cr_assert_eq(error, -EPIPE, "it may ask on for ever: %ld times", asked);
	cr_assert_lt(slowest, 200);
	app_free(&deaf);
	app_free(&other);
}

/* A peer that asks and goes, again and again, while the application is busy: it loses requests, not the rest. */
Behaves(limits, requests_for_an_application_that_does_not_read)
{
	struct app app = app_with_root(SESSION, 5);
	struct leaf member = leaf_joins(&app, "192.0.2.2:0", 2, 500);
	struct leaf leaf = leaf_new("192.0.2.2:0");
	struct lc_message join = join_of(&leaf, SESSION), message = {0};
	int asked = 0;

	join.data = (struct lc_connect_data){.present = true, .length = LEAFCAST_CONNECT_DATA_MAX};
	peer_free(leaf.peer);
	for (; asked < 3000 && message.reason != LEAFCAST_BACKLOG_FULL; asked++) {
		leaf.peer = call("192.0.2.2");
		tell(leaf.peer, join);
		leaf_proves(&leaf);
		tell(leaf.peer, (struct lc_message){.kind = LC_MESSAGE_LEAVE});
		has_been_read(leaf.peer);
		hear(leaf.peer, &message, 0);
		peer_free(leaf.peer);
		if (asked % 100 == 0)
			tell(member.peer, (struct lc_message){.kind = LC_MESSAGE_REPORT});
	}
	cr_assert_lt(asked, 3000, "an application that does not read is asked on");
	has_leaves(1);
	/* It comes back and finds all in order. */
	for (bool more = true; more;) {
		struct lc_local_message event;

		more = app_next(&app, &event, 100);
		cr_assert(!more || event.kind == LC_LOCAL_REQUEST ||
			  event.kind == LC_LOCAL_WITHDRAWN);
	}
	leaf.peer = member.peer; /* so that leaf_free() closes all */
	close(member.udp);
	member = leaf_joins(&app, "192.0.2.2:0", 3, 500);
	leaf_free(&member);
	leaf_free(&leaf);
	app_free(&app);
}
