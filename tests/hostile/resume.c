/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What an application may not have by RESUME, nor end by CLOSED_MEANWHILE; what
 * becomes of what nobody claims, and of those who want its name.
 */
#include "hostile.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEAF "192.0.2.1:6000"

TestSuite(resume, .timeout = 60);

static void open_as(struct app *app, uint64_t number, enum lc_local_role role, int descriptor)
{
	app_must(app,
		 (struct lc_local_message){.kind = LC_LOCAL_OPEN, .socket = number, .role = role},
		 dup(descriptor));
}

static const struct lc_local_message listen_to_it = {
	.kind = LC_LOCAL_LISTEN, .socket = 1, .backlog = 5};

static struct app with_root(int descriptor)
{
	struct app app = app_new();

	open_as(&app, 1, LC_ROLE_ROOT, descriptor);
	app_must(&app, listen_to_it, -1);
	return app;
}

/* A root, number 1, that listens on SESSION by `descriptor`, of an application that is gone. */
static void root_is_left_behind(int descriptor)
{
	struct app app = with_root(descriptor);

	app_free(&app);
	/* Later events are served after the end of that connection. */
	app = app_new();
	app_free(&app);
}

static void close_number(struct app *app, uint64_t number)
{
	app_must(app, (struct lc_local_message){.kind = LC_LOCAL_CLOSE, .socket = number}, -1);
}

Behaves(resume, what_was_left_behind_is_claimed_once)
{
	int descriptor = udp_here(SESSION);
	struct app app, other;

	root_is_left_behind(descriptor);
	app = app_new(), other = app_new();
	cr_assert_eq(holding().sessions, 1);
	cr_assert_eq(app_ask(&app, resume_as(7, LC_ROLE_LEAF, true), dup(descriptor)).error,
		     -EINVAL, "of another role");
	cr_assert_eq(app_ask(&app, resume_as(0, LC_ROLE_ROOT, true), dup(descriptor)).error,
		     -EEXIST, "number 0");
	cr_assert_eq(app_ask(&app, resume_as(7, LC_ROLE_ROOT, true), -1).error, -EBADF);
	app_must(&app, resume_as(7, LC_ROLE_ROOT, true), dup(descriptor));
	cr_assert_eq(app_ask(&app, resume_as(8, LC_ROLE_ROOT, true), dup(descriptor)).error,
		     -EEXIST, "twice");
	cr_assert_eq(app_ask(&other, resume_as(7, LC_ROLE_ROOT, true), dup(descriptor)).error,
		     -EAGAIN, "of one that is not away");
	app_must(&other, closed(descriptor), -1);
	cr_assert_eq(holding().sessions, 1, "a socket that lives was closed by another");
	close_number(&app, 7);
	app_free(&app);
	app_free(&other);
	close(descriptor);
}

Behaves(resume, a_session_is_what_its_library_takes_it_for)
{
	int descriptor = udp_here(SESSION);
	struct app app;

	root_is_left_behind(descriptor);
	app = app_new();
	app_must(&app, resume_as(1, LC_ROLE_ROOT, false), dup(descriptor));
	cr_assert_eq(holding().sessions, 0, "it is open, and the root does not know");
	close_number(&app, 1);
	app_free(&app);
	close(descriptor);
}

Behaves(resume, of_what_nobody_knows)
{
	int descriptor = udp_here("0.0.0.0:0");
	struct app app = app_new();

	cr_assert_eq(app_ask(&app, resume_as(1, LC_ROLE_LEAF, true), dup(descriptor)).reason,
		     LEAFCAST_LOST);
	close_number(&app, 1);
	close(descriptor);
	descriptor = udp_here("0.0.0.0:0");
	app_must(&app, resume_as(2, LC_ROLE_LEAF, false), dup(descriptor));
	app_must(&app, closed(descriptor), -1);
	close_number(&app, 2);
	app_free(&app);
	close(descriptor);
}

Behaves(resume, of_another_user)
{
	int descriptor = udp_here(SESSION);
	struct app app;

	root_is_left_behind(descriptor);
	cr_assert_eq(seteuid(12345), 0);
	app = app_new();
	cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(app_ask(&app, resume_as(1, LC_ROLE_ROOT, true), dup(descriptor)).error,
		     -EPERM);
	app_must(&app, closed(descriptor), -1);
	cr_assert_eq(holding().sessions, 1, "a socket of another user was closed");
	app_free(&app);
	app = app_new();
	app_must(&app, closed(descriptor), -1);
	cr_assert_eq(holding().sessions, 0, "its own process is not believed");
	app_free(&app);
	close(descriptor);
}

/* ---- for longer than the grace time ---- */

static void accept_by(struct app *app, uint64_t other, int descriptor)
{
	app_must(app,
		 (struct lc_local_message){
			 .kind = LC_LOCAL_ACCEPT,
			 .socket = 1,
			 .request = app_event(app, LC_LOCAL_REQUEST).request,
			 .other = other,
			 .sends = true,
			 .receives = true,
		 },
		 dup(descriptor));
}

/* Stopped, perhaps: its sockets are locked, so none of them could ever be opened anew. */
Behaves(resume, of_one_that_was_away_for_long)
{
	int root = udp_here(SESSION), listener = udp_here(LEAF), handle = udp_here("0.0.0.0:0");
	struct app app = with_root(root);
	struct leaf leaf = leaf_new("192.0.2.2:0");
	struct lc_message message;

	open_as(&app, 2, LC_ROLE_LEAF, listener);
	leaf_asks(&leaf, SESSION);
	leaf_proves(&leaf);
	accept_by(&app, 3, handle);
	cr_assert_eq(hear(leaf.peer, &message, 5000), LC_MESSAGE_ACCEPT);
	app_free(&app);
	hear_refusal(leaf.peer, LC_MESSAGE_LEAVE, LEAFCAST_RESET);
	leaf_free(&leaf);
	/* Whoever asks meanwhile hears that nobody listens. */
	leaf = leaf_new("192.0.2.2:0");
	leaf_asks(&leaf, SESSION);
	hear_refusal(leaf.peer, LC_MESSAGE_REFUSE, LEAFCAST_NOBODY_LISTENING);
	leaf_free(&leaf);
	app = app_new();
	app_must(&app, resume_as(1, LC_ROLE_ROOT, true), dup(root));
	app_must(&app, resume_as(2, LC_ROLE_LEAF, false), dup(listener));
	cr_assert_eq(app_ask(&app, resume_as(3, LC_ROLE_LEAF, true), dup(handle)).reason,
		     LEAFCAST_LOST);
	app_must(&app, listen_to_it, -1);
	leaf = leaf_joins(&app, "192.0.2.2:0", 4, 5000);
	leaf_free(&leaf);
	app_free(&app);
	close(root);
	close(listener);
	close(handle);
}

/* Found by looking, and there for good: it must not cost two looks a second for ever. */
Behaves(resume, of_one_that_never_comes_looks_become_rare)
{
	int descriptor = udp_here(SESSION);
	struct app app = with_root(descriptor);
	struct watch watch;
	long second;

	daemon_is_killed();
	app_free(&app);
	daemon_starts_again("1");
	watch = watch_looks();
	cr_assert_neq(next_look(&watch, 5000), NO_LOOK);
	second = next_look(&watch, 5000);
	cr_assert_neq(second, NO_LOOK);
	cr_assert_geq(next_look(&watch, 10000), second + 1100);
	watch_no_more(&watch);
	app = app_new();
	app_must(&app, resume_as(1, LC_ROLE_ROOT, true), dup(descriptor));
	close_number(&app, 1);
	app_free(&app);
	close(descriptor);
}

/* ---- names that are wanted again ---- */

Behaves(resume, the_session_of_a_root_that_died_is_in_nobodys_way)
{
	int descriptor = udp_here(SESSION);
	struct app app = with_root(descriptor);

	daemon_is_killed();
	app_free(&app);
	close(descriptor);
	daemon_starts_again("60");
	app = app_with_root(SESSION, 5);
	cr_assert_eq(holding().sessions, 1);
	close_number(&app, 1);
	app_free(&app);
}

static int shared(const char *name)
{
	struct lc_endpoint endpoint = at(name);
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(&endpoint, &address);
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	cr_assert_eq(setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	cr_assert_eq(bind(descriptor, (struct sockaddr *)&address, length), 0);
	return descriptor;
}

/* One that has the name by SO_REUSEADDR proves nothing; nor does it cost a look each time. */
Behaves(resume, the_session_of_a_root_that_lives_is)
{
	int descriptor = shared(SESSION), other = shared(SESSION);
	struct app app = with_root(descriptor);
	struct watch watch;
	long begin, looks = 0;

	daemon_is_killed();
	app_free(&app);
	daemon_starts_again("60");
	app = app_new();
	open_as(&app, 2, LC_ROLE_ROOT, other);
	watch = watch_looks();
	begin = now_ms();
	for (int i = 0; i < 200; i++)
		cr_assert_eq(app_ask(&app,
				     (struct lc_local_message){
					     .kind = LC_LOCAL_LISTEN, .socket = 2, .backlog = 5},
				     -1)
				     .reason,
			     LEAFCAST_ADDRESS_IN_USE);
	while (next_look(&watch, 0) != NO_LOOK)
		looks++;
	cr_assert_leq(looks, 2 + (now_ms() - begin) / 50 + (now_ms() - begin) / 600);
	watch_no_more(&watch);
	app_must(&app, resume_as(1, LC_ROLE_ROOT, true), dup(descriptor));
	close_number(&app, 1);
	close_number(&app, 2);
	app_free(&app);
	close(descriptor);
	close(other);
}

/* ---- where the kernel does not say what sockets there are ---- */

Behaves(resume, where_nobody_can_look_its_user_is_believed)
{
	int descriptor = udp_here(SESSION);
	struct app app = with_root(descriptor);
	long deadline = now_ms() + 10000;

	daemon_is_killed();
	app_free(&app);
	daemon_starts_blind("60");
	app = app_new();
	app_must(&app, closed(descriptor), -1);
	while (holding().sessions && now_ms() < deadline)
		pause_ms(5);
	cr_assert_eq(holding().sessions, 0);
	app_free(&app);
	close(descriptor);
}

Behaves(resume, where_nobody_can_look_nothing_outlives_the_grace_time)
{
	int descriptor = udp_here(SESSION);
	struct app app = with_root(descriptor);

	daemon_is_killed();
	app_free(&app);
	daemon_starts_blind("1");
	cr_assert_eq(holding().admits, 1);
	holds_nothing(10);
	close(descriptor);
}
