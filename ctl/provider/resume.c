/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "provider/connection.h"
#include "provider/errors.h"
#include "provider/events.h"
#include "provider/farewell.h"
#include "provider/loop.h"
#include "provider/membership.h"
#include "provider/resume.h"
#include "provider/table.h"

/* Descriptors on their way count against RLIMIT_NOFILE: so few at a time. */
#define AT_ONCE 64
/* Before what failed for a shortage is tried again. */
#define PAUSE_NS LC_NS_PER_S

/* A RESUME or LISTEN under way. */
struct resumption {
	struct lc_asked asked; /* first */
	struct lc_socket *socket;
	enum lc_local_kind kind;
	uint64_t link;
};

static void begin_again(void);
static struct lc_timer retry = {.fire = begin_again};

/* The hidden thread's alone. */
static struct {
	uint64_t link;		 /* 0: none is up */
	enum lc_local_role role; /* which are being gone through; 0: all have been */
	uint64_t cursor;
	unsigned int under_way;
} progress;

static bool is_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -ENOBUFS ||
	       error == -ETOOMANYREFS || error == -EAGAIN;
}

/* --- the answers */

static void later(void)
{
	lc_timer_set_earlier(&retry, lc_now_ns() + PAUSE_NS);
}

/* Locked. True: a root's session is over. */
static bool ended(struct lc_socket *socket, enum leafcast_reason reason)
{
	if (!lc_member_stands(socket))
		return false;
	lc_member_ended(socket, reason, false);
	return socket->role == LC_ROLE_ROOT;
}

/* Locked. The same. */
static bool take_resume(struct lc_socket *socket, const struct lc_local_message *reply)
{
	socket->awaited = false;
	if (is_shortage(reply->error)) {
		socket->link = LC_LINK_LOST;
		later();
		return false;
	}
	if (reply->error) {
		socket->link = 0;
		return ended(socket, LEAFCAST_NETWORK_DOWN);
	}
	if (reply->reason)
		return ended(socket, reply->reason);
	if (reply->channel.family != LC_FAMILY_NONE && lc_member_stands(socket) &&
	    socket->role == LC_ROLE_ROOT)
		socket->channel = reply->channel;
	return false;
}

static void take_listen(struct lc_socket *socket, const struct lc_local_message *reply)
{
	if (!reply->error && !reply->reason)
		return;
	socket->listen_due = true;
	later();
}

static void answered(struct lc_asked *asked, const struct lc_local_message *reply)
{
	struct resumption *resumption = (struct resumption *)asked;
	struct lc_socket *socket = resumption->socket;
	bool session_ended = false;

	lc_socket_lock(socket);
	if (reply && !socket->closing && socket->link == resumption->link) {
		if (resumption->kind == LC_LOCAL_RESUME)
			session_ended = take_resume(socket, reply);
		else
			take_listen(socket, reply);
		lc_socket_changed(socket);
	}
	lc_socket_unlock(socket);
	if (session_ended)
		lc_member_end_handles(socket->number);
	lc_socket_release(socket);
	free(resumption);
	progress.under_way--;
	if (reply)
		lc_resume_go_on();
}

/* --- asking; locked, 0 or a negative errno */

static int ask(struct lc_socket *socket, struct lc_local_message *message, int descriptor)
{
	struct resumption *resumption = calloc(1, sizeof(*resumption));
	int error;

	if (!resumption)
		return -ENOMEM;
	resumption->asked.answered = answered;
	resumption->socket = socket;
	resumption->kind = message->kind;
	resumption->link = progress.link;
	message->socket = socket->number;
	error = lc_connection_try_ask(&resumption->asked, progress.link, message, descriptor);
	if (error) {
		free(resumption);
		return error;
	}
	lc_socket_reference(socket);
	progress.under_way++;
	return 0;
}

/* What has left by WSPShutdown is a member until it has been told of that. */
static int ask_to_resume(struct lc_socket *socket)
{
	struct lc_local_message message = {
		.kind = LC_LOCAL_RESUME,
		.role = socket->role,
		.other = socket->root,
		.member = socket->left || lc_member_stands(socket),
		.flows = socket->flows,
	};
	int error;

	message.has_flows =
		memcmp(&message.flows.down, &lc_flowspec_default, sizeof(lc_flowspec_default)) ||
		memcmp(&message.flows.up, &lc_flowspec_default, sizeof(lc_flowspec_default));
	if (!message.has_flows)
		memset(&message.flows, 0, sizeof(message.flows));
	error = ask(socket, &message, socket->fd);
	if (error)
		return error;
	socket->link = progress.link;
	socket->awaited = true;
	socket->listen_due = socket->listening && socket->membership != LC_ENDED;
	if (socket->left)
		lc_tell_close(socket, LEAFCAST_CLOSED);
	return 0;
}

static int ask_to_listen(struct lc_socket *socket)
{
	struct lc_local_message message = {.kind = LC_LOCAL_LISTEN, .backlog = socket->backlog};
	int error = ask(socket, &message, -1);

	if (!error)
		socket->listen_due = false;
	return error;
}

/* A socket that is being closed says so itself; what the application closed by close(2) it gives up itself. */
static int resume_one(struct lc_socket *socket)
{
	int error = 0;

	if (socket->role != progress.role || !socket->link || socket->closing)
		return 0;
	if (socket->link != progress.link && lc_socket_owns_descriptor(socket))
		error = ask_to_resume(socket);
	if (!error && socket->link == progress.link && socket->listen_due && socket->listening)
		error = ask_to_listen(socket);
	return error;
}

/* --- all of them */

/* The next of the sockets is looked at. -EAGAIN: it will be looked at again. */
static int step(void)
{
	uint64_t before = progress.cursor;
	struct lc_socket *socket = lc_table_next(&progress.cursor);
	int error;

	if (!socket) {
		progress.role = progress.role == LC_ROLE_ROOT ? LC_ROLE_LEAF : 0;
		progress.cursor = 0;
		return 0;
	}
	lc_socket_lock(socket);
	error = resume_one(socket);
	lc_socket_unlock(socket);
	lc_socket_release(socket);
	if (error == -EAGAIN)
		progress.cursor = before;
	else if (error && error != -EPIPE)
		later();
	return error == -EAGAIN || error == -EPIPE ? error : 0;
}

void lc_resume_go_on(void)
{
	while (progress.link && progress.role && progress.under_way < AT_ONCE)
		if (step())
			return;
}

static void begin_again(void)
{
	progress.role = LC_ROLE_ROOT;
	progress.cursor = 0;
	lc_resume_go_on();
}

void lc_resume_begin(uint64_t link)
{
	progress.link = link;
	begin_again();
}

void lc_resume_end(void)
{
	progress.link = 0;
}

void lc_resume_forget(void)
{
	memset(&progress, 0, sizeof(progress));
}
