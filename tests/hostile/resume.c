/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What an application may not have by RESUME, nor end by CLOSED_MEANWHILE. */
#include "hostile.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(resume, .timeout = 60);

/* A root, number 1, that listens on SESSION by `descriptor`, of an application that is gone. */
static void root_is_left_behind(int descriptor)
{
	struct app app = app_new();

	app_must(
		&app,
		(struct lc_local_message){.kind = LC_LOCAL_OPEN, .socket = 1, .role = LC_ROLE_ROOT},
		dup(descriptor));
	app_must(&app,
		 (struct lc_local_message){.kind = LC_LOCAL_LISTEN, .socket = 1, .backlog = 5}, -1);
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
