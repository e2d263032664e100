/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The connections of applications: a process each. */
#ifndef CTL_DAEMON_APPLICATION_H
#define CTL_DAEMON_APPLICATION_H

#include <sys/types.h>

#include "core/local.h"
#include "daemon/daemon.h"

#define MAX_APPLICATIONS 512

struct application_handler {
	/* One message; takes `*descriptor` (sets it to -1) if it keeps it. */
	void (*message)(struct application *application, const struct lc_local_message *message,
			int *descriptor);
	/* The process has ended, or hung up; then application_free(). */
	void (*ended)(struct application *application);
};

struct application {
	struct node *node;
	LIST_ENTRY(application) entry;
	const struct application_handler *handler;
	int connection;
	pid_t pid;
	uid_t uid;
	bool greeted;
	bool listens; /* some socket does or did */
	sd_event_source *io, *exit;
	unsigned int room;	/* bytes of messages that it need not have read */
	struct socket *sockets; /* socket.c: by number */
	unsigned int socket_count;
};

/* Accepts from `listener` from now on; *source is the caller's to end. */
int applications_accept(struct node *node, int listener, const struct application_handler *handler,
			sd_event_source **source);
/* Its sockets are closed. */
void application_free(struct application *application);
/* One that does not read is cut off, from the loop. */
void application_send(struct application *application, const struct lc_local_message *message);
/* Answers request `id` about `socket`. */
void application_reply(struct application *application, uint64_t id, uint64_t socket, int error,
		       enum leafcast_reason reason);
/* Room for what its sockets will have to be told, and for requests if it listens. */
void application_make_room(struct application *application, bool listens);
/* Does not read: it is asked nothing more, so that only what it must hear fills its connection. */
bool application_is_behind(const struct application *application);

#endif
