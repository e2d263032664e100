/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Applications here, without the library: it would not let them misbehave. */
#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local/local.h"

#define PATIENCE_MS 5000

struct lc_endpoint at(const char *text)
{
	struct lc_endpoint endpoint;

	cr_assert_eq(lc_endpoint_parse(&endpoint, text), 0, "%s", text);
	return endpoint;
}

int udp_here(const char *name)
{
	struct lc_endpoint endpoint = at(name);
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(&endpoint, &address);
	int descriptor = socket(lc_endpoint_af(&endpoint), SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert(descriptor >= 0);
	cr_assert_eq(bind(descriptor, (struct sockaddr *)&address, length), 0, "%s", name);
	return descriptor;
}

int udp_there(const char *name)
{
	int descriptor;

	go_there();
	descriptor = udp_here(name);
	come_back();
	return descriptor;
}

struct app app_new(void)
{
	struct app app = {.connection = lc_local_connect(getenv("LEAFCAST_RUNTIME_DIR"))};

	cr_assert(app.connection >= 0, "no daemon: %d", app.connection);
	app_must(&app,
		 (struct lc_local_message){.kind = LC_LOCAL_HELLO, .version = LC_LOCAL_VERSION},
		 -1);
	return app;
}

void app_free(struct app *app)
{
	close(app->connection);
}

uint64_t app_tell(struct app *app, struct lc_local_message message, int descriptor)
{
	struct pollfd ready = {.fd = app->connection, .events = POLLOUT};

	message.id = ++app->last_id;
	while (lc_local_send(app->connection, &message, descriptor) == -EAGAIN &&
	       poll(&ready, 1, PATIENCE_MS) == 1)
		;
	if (descriptor >= 0)
		close(descriptor);
	return message.id;
}

/* 0, -EAGAIN after that time, or why there is nothing more. */
static int receive(struct app *app, struct lc_local_message *message, int ms)
{
	struct pollfd ready = {.fd = app->connection, .events = POLLIN};
	int descriptor;

	if (poll(&ready, 1, ms) <= 0)
		return -EAGAIN;
	return lc_local_receive(app->connection, message, &descriptor);
}

struct lc_local_message app_answer(struct app *app, uint64_t id)
{
	struct lc_local_message message;

	for (;;) {
		int error = receive(app, &message, PATIENCE_MS);

		cr_assert_eq(error, 0, "no answer to %u: %d", (unsigned int)id, error);
		if (message.kind == LC_LOCAL_REPLY && message.id == id)
			return message;
		cr_assert_neq(message.kind, LC_LOCAL_REPLY, "a second answer to %u",
			      (unsigned int)message.id);
		cr_assert(app->events < sizeof(app->event) / sizeof(app->event[0]));
		app->event[app->events++] = message;
	}
}

struct lc_local_message app_ask(struct app *app, struct lc_local_message message, int descriptor)
{
	return app_answer(app, app_tell(app, message, descriptor));
}

void app_must(struct app *app, struct lc_local_message message, int descriptor)
{
	struct lc_local_message reply = app_ask(app, message, descriptor);

	cr_assert(reply.error == 0 && reply.reason == 0, "kind %d: error %d, reason %d",
		  message.kind, reply.error, reply.reason);
}

struct lc_local_message app_event(struct app *app, enum lc_local_kind kind)
{
	struct lc_local_message message;

	if (app->events) {
		message = app->event[0];
		app->events--;
		for (unsigned int i = 0; i < app->events; i++)
			app->event[i] = app->event[i + 1];
	} else {
		int error = receive(app, &message, PATIENCE_MS);

		cr_assert_eq(error, 0, "no event %d: %d", kind, error);
	}
	cr_assert_eq(message.kind, kind);
	return message;
}

bool app_is_cut(struct app *app)
{
	struct lc_local_message message;
	int error;

	while ((error = receive(app, &message, 2000)) == 0)
		;
	return error != -EAGAIN;
}

bool app_is_answered(struct app *app)
{
	struct lc_local_message message;

	return receive(app, &message, PATIENCE_MS) == 0;
}

bool app_next(struct app *app, struct lc_local_message *message, int ms)
{
	int error = receive(app, message, ms);

	cr_assert(error == 0 || error == -EAGAIN, "cut off: %d", error);
	return error == 0;
}

bool app_hears_nothing(struct app *app, int ms)
{
	struct lc_local_message message;

	return app->events == 0 && receive(app, &message, ms) == -EAGAIN;
}

struct lc_local_message resume_as(uint64_t number, enum lc_local_role role, bool member)
{
	return (struct lc_local_message){
		.kind = LC_LOCAL_RESUME, .socket = number, .role = role, .member = member};
}

struct lc_local_message closed(int descriptor)
{
	struct lc_local_message message = {.kind = LC_LOCAL_CLOSED_MEANWHILE};
	socklen_t length = sizeof(message.cookie);

	cr_assert_eq(getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &message.cookie, &length), 0);
	return message;
}

static struct app app_with(enum lc_local_role role, const char *name, unsigned int backlog)
{
	struct app app = app_new();

	app_must(&app, (struct lc_local_message){.kind = LC_LOCAL_OPEN, .socket = 1, .role = role},
		 udp_here(name));
	if (backlog)
		app_must(&app,
			 (struct lc_local_message){
				 .kind = LC_LOCAL_LISTEN, .socket = 1, .backlog = backlog},
			 -1);
	return app;
}

struct app app_with_root(const char *name, unsigned int backlog)
{
	return app_with(LC_ROLE_ROOT, name, backlog);
}

struct app app_with_leaf(const char *name, unsigned int backlog)
{
	return app_with(LC_ROLE_LEAF, name, backlog);
}

void app_accepts(struct app *app, uint64_t other)
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
		 udp_here("0.0.0.0:0"));
}
