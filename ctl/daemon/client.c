/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "local/local.h"

/* Messages taken from one client before others get their turn. */
#define MESSAGES_AT_ONCE 16

/* What the kernel is told to keep unread; it allows itself twice as much for its own overhead. */
#define ROOM_AT_FIRST	  (256 << 10)
#define ROOM_FOR_SOCKET	  (1 << 10) /* the answer to its join, and its end */
#define ROOM_FOR_REQUESTS (1 << 20)
/* Grows by so much, so that not every socket makes it grow. */
#define ROOM_STEP (128 << 10)

void client_make_room(struct client *client, bool listens)
{
	unsigned int room = ROOM_AT_FIRST + client->socket_count * ROOM_FOR_SOCKET;
	int bytes;

	client->listens |= listens;
	if (client->listens)
		room += ROOM_FOR_REQUESTS;
	if (room <= client->room)
		return;
	client->room = room + ROOM_STEP;
	bytes = (int)client->room;
	setsockopt(client->channel, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
}

bool client_is_behind(const struct client *client)
{
	int unread = 0;

	return ioctl(client->channel, SIOCOUTQ, &unread) == 0 &&
	       (unsigned int)unread > client->room;
}

static bool may_have_all(uid_t user)
{
	return user == 0 || user == geteuid();
}

static bool has_most_clients(const struct daemon *daemon, uid_t user)
{
	const struct client *client;
	unsigned int count = 0;

	LIST_FOREACH(client, &daemon->clients, entry)
		count += client->uid == user;
	return count >= MAX_CLIENTS_OF_USER && !may_have_all(user);
}

bool client_has_most_sockets(const struct client *client)
{
	const struct client *other;
	unsigned int count = 0;

	LIST_FOREACH(other, &client->daemon->clients, entry)
		if (other->uid == client->uid)
			count += other->socket_count;
	return count >= MAX_SOCKETS_OF_USER && !may_have_all(client->uid);
}

bool client_has_most_sessions(const struct client *client)
{
	const struct session *session;
	unsigned int count = 0;

	LIST_FOREACH(session, &client->daemon->sessions, entry)
		count += session->root->client->uid == client->uid;
	return count >= MAX_SESSIONS_OF_USER && !may_have_all(client->uid);
}

void client_send(struct client *client, const struct lc_local_message *message)
{
	/* One that does not read is cut off, but from the loop: its members may be in mid-step. */
	if (lc_local_send(client->channel, message, -1) < 0)
		shutdown(client->channel, SHUT_RDWR);
}

void client_reply(struct client *client, uint64_t id, uint64_t socket, int error,
		  enum leafcast_reason reason)
{
	client_send(client, &(struct lc_local_message){.kind = LC_LOCAL_REPLY,
						       .id = id,
						       .socket = socket,
						       .error = error,
						       .reason = reason});
}

void client_free(struct client *client)
{
	struct socket *socket;

	while ((socket = LIST_FIRST(&client->sockets)))
		socket_close(socket, true);
	sd_event_source_disable_unref(client->io);
	sd_event_source_disable_unref(client->exit);
	close(client->channel);
	LIST_REMOVE(client, entry);
	client->daemon->client_count--;
	free(client);
}

/* False: the client is to be freed. */
static bool take_message(struct client *client)
{
	struct lc_local_message message;
	int descriptor = -1;
	int error = lc_local_receive(client->channel, &message, &descriptor);

	if (error)
		return error == -EAGAIN;
	request_handle(client, &message, &descriptor);
	if (descriptor >= 0)
		close(descriptor);
	return true;
}

static int on_ready(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct client *client = context;

	(void)source, (void)descriptor, (void)events;
	for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
		if (!take_message(client)) {
			client_free(client);
			return 0;
		}
	}
	return 0;
}

/* A forked child may hold the channel open; the members end with the process that joined. */
static int on_exit_of_process(sd_event_source *source, int descriptor, uint32_t events,
			      void *context)
{
	(void)source, (void)descriptor, (void)events;
	client_free(context);
	return 0;
}

/* Takes `pidfd` over. */
static int start(struct client *client, int pidfd)
{
	sd_event *event = client->daemon->event;
	int error = 0;

	client_make_room(client, false);
	if (pidfd >= 0) {
		error = sd_event_add_io(event, &client->exit, pidfd, EPOLLIN, on_exit_of_process,
					client);
		if (error < 0) {
			close(pidfd);
			return error;
		}
		sd_event_source_set_io_fd_own(client->exit, true);
		/* What a process said before it ended is heard first. */
		error = sd_event_source_set_priority(client->exit, SD_EVENT_PRIORITY_NORMAL + 1);
	}
	if (error < 0)
		return error;
	return sd_event_add_io(event, &client->io, client->channel, EPOLLIN, on_ready, client);
}

static int on_connection(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct daemon *daemon = context;
	struct client *client;
	int pidfd = -1, channel;
	pid_t pid;
	uid_t uid;

	(void)source, (void)events;
	channel = lc_local_accept(descriptor, &pidfd, &pid, &uid);
	if (channel < 0)
		return 0;
	client = daemon->client_count < MAX_CLIENTS && !has_most_clients(daemon, uid)
			 ? calloc(1, sizeof(*client))
			 : NULL;
	if (!client) {
		say(SD_WARNING, "process %d of user %u turned away: %u applications are connected",
		    (int)pid, (unsigned int)uid, daemon->client_count);
		close(channel);
		if (pidfd >= 0)
			close(pidfd);
		return 0;
	}
	client->daemon = daemon;
	client->channel = channel;
	client->pid = pid;
	client->uid = uid;
	LIST_INSERT_HEAD(&daemon->clients, client, entry);
	daemon->client_count++;
	if (start(client, pidfd) < 0)
		client_free(client);
	return 0;
}

int client_listen(struct daemon *daemon, pid_t *owner)
{
	int listener = lc_local_listen(daemon->options.runtime_dir, owner);

	if (listener < 0)
		return listener;
	daemon->local_listener = listener;
	return listening_start(daemon, listener, on_connection);
}
