/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/application.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/listening.h"
#include "daemon/say.h"
#include "daemon/user.h"
#include "local/local.h"

/* Messages taken from one application before others get their turn. */
#define MESSAGES_AT_ONCE 16

/* What the kernel is told to keep unread; it allows itself twice as much for its own overhead. */
#define ROOM_AT_FIRST	  (256 << 10)
#define ROOM_FOR_SOCKET	  (1 << 10) /* the answer to its join, and its end */
#define ROOM_FOR_REQUESTS (1 << 20)
/* Grows by so much, so that not every socket makes it grow. */
#define ROOM_STEP (128 << 10)

void application_make_room(struct application *application, bool listens)
{
	unsigned int room = ROOM_AT_FIRST + application->socket_count * ROOM_FOR_SOCKET;
	int bytes;

	application->listens |= listens;
	if (application->listens)
		room += ROOM_FOR_REQUESTS;
	if (room <= application->room || application_is_away(application))
		return;
	application->room = room + ROOM_STEP;
	bytes = (int)application->room;
	setsockopt(application->connection, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
}

bool application_is_behind(const struct application *application)
{
	int unread = 0;

	if (application_is_away(application))
		return true;
	return ioctl(application->connection, SIOCOUTQ, &unread) == 0 &&
	       (unsigned int)unread > application->room;
}

void application_send(struct application *application, const struct lc_local_message *message)
{
	if (application_is_away(application))
		return;
	if (lc_local_send(application->connection, message, -1) < 0)
		shutdown(application->connection, SHUT_RDWR);
}

void application_reply(struct application *application, uint64_t id, uint64_t socket, int error,
		       enum leafcast_reason reason)
{
	application_send(application, &(struct lc_local_message){.kind = LC_LOCAL_REPLY,
								 .id = id,
								 .socket = socket,
								 .error = error,
								 .reason = reason});
}

static void hang_up(struct application *application)
{
	application->io = sd_event_source_disable_unref(application->io);
	if (application->connection >= 0)
		close(application->connection);
	application->connection = -1;
}

void application_free(struct application *application)
{
	struct node *node = application->node;

	hang_up(application);
	sd_event_source_disable_unref(application->exit);
	timer_free(&application->grace);
	LIST_REMOVE(application, entry);
	if (!application->adopted) {
		node->application_count--;
		user_gives(node, application->uid, HOLDS_APPLICATION);
	}
	free(application);
}

void application_forget_if_idle(struct application *application)
{
	if (application_is_away(application) && !application->socket_count)
		application_free(application);
}

static void on_grace(void *context)
{
	struct application *application = context;

	application->handler->lapsed(application);
}

void application_leave(struct application *application)
{
	struct node *node = application->node;

	hang_up(application);
	application->greeted = application->listens = false;
	application->room = 0;
	/* Without memory for that it is away until its process ends, or its sockets are found to be gone. */
	if (timer_set_deadline(&application->grace, node->event, node->options.grace_us, on_grace,
			       application) < 0)
		say(SD_WARNING, "no memory: sockets of user %u are kept for longer",
		    (unsigned int)application->uid);
}

struct application *application_adopted(struct node *node, uid_t uid,
					const struct application_handler *handler)
{
	struct application *application;

	LIST_FOREACH(application, &node->applications, entry)
		if (application->adopted && application->uid == uid)
			return application;
	application = calloc(1, sizeof(*application));
	if (!application)
		return NULL;
	*application = (struct application){
		.node = node, .connection = -1, .adopted = true, .uid = uid, .handler = handler};
	LIST_INSERT_HEAD(&node->applications, application, entry);
	application_leave(application);
	return application;
}

static int on_ready(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct application *application = context;

	(void)source, (void)descriptor, (void)events;
	for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
		struct lc_local_message message;
		int passed = -1;
		int error = lc_local_receive(application->connection, &message, &passed);

		if (error == -EAGAIN)
			break;
		if (error) {
			application->handler->hung_up(application);
			break;
		}
		application->handler->message(application, &message, &passed);
		if (passed >= 0)
			close(passed);
	}
	return 0;
}

/* A forked child may hold the connection open; the members end with the process that joined. */
static int on_exit_of_process(sd_event_source *source, int descriptor, uint32_t events,
			      void *context)
{
	struct application *application = context;

	(void)source, (void)descriptor, (void)events;
	application->handler->ended(application);
	return 0;
}

/* Takes `pidfd` over. */
static int watch_process(struct application *application, int pidfd)
{
	int error = sd_event_add_io(application->node->event, &application->exit, pidfd, EPOLLIN,
				    on_exit_of_process, application);

	if (error < 0) {
		close(pidfd);
		return error;
	}
	sd_event_source_set_io_fd_own(application->exit, true);
	/* What a process said before it ended is heard first. */
	return sd_event_source_set_priority(application->exit, SD_EVENT_PRIORITY_NORMAL + 1);
}

static int start(struct application *application, int pidfd)
{
	int error = pidfd >= 0 ? watch_process(application, pidfd) : 0;

	if (error < 0)
		return error;
	application_make_room(application, false);
	return sd_event_add_io(application->node->event, &application->io, application->connection,
			       EPOLLIN, on_ready, application);
}

static struct application *make(struct node *node, int connection, pid_t pid, uid_t uid)
{
	struct application *application = node->application_count < MAX_APPLICATIONS
						  ? calloc(1, sizeof(*application))
						  : NULL;

	if (!application || !user_takes(node, uid, HOLDS_APPLICATION)) {
		free(application);
		return NULL;
	}
	*application = (struct application){
		.node = node, .connection = connection, .pid = pid, .uid = uid};
	LIST_INSERT_HEAD(&node->applications, application, entry);
	node->application_count++;
	return application;
}

/* What on_connection() needs, for as long as the daemon runs. */
struct acceptance {
	struct node *node;
	const struct application_handler *handler;
};

static int on_connection(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	const struct acceptance *acceptance = context;
	struct node *node = acceptance->node;
	struct application *application;
	int pidfd = -1, connection;
	pid_t pid;
	uid_t uid;

	(void)source, (void)events;
	connection = lc_local_accept(descriptor, &pidfd, &pid, &uid);
	if (connection < 0)
		return 0;
	application = make(node, connection, pid, uid);
	if (!application) {
		say(SD_WARNING, "process %d of user %u turned away: %u applications are connected",
		    (int)pid, (unsigned int)uid, node->application_count);
		close(connection);
		if (pidfd >= 0)
			close(pidfd);
		return 0;
	}
	application->handler = acceptance->handler;
	if (start(application, pidfd) < 0)
		application_free(application);
	return 0;
}

int applications_accept(struct node *node, int listener, const struct application_handler *handler,
			sd_event_source **source)
{
	static struct acceptance acceptance;

	acceptance = (struct acceptance){node, handler};
	return listening_start(source, node->event, listener, on_connection, &acceptance);
}
