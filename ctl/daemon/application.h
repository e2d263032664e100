/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The connections of applications: a process each. One whose connection is gone
 * and whose sockets are kept for it is away: it has no connection, what it is
 * told is lost, and it is no more when it has no sockets.
 */
#ifndef CTL_DAEMON_APPLICATION_H
#define CTL_DAEMON_APPLICATION_H

#include <sys/types.h>

#include "core/local.h"
#include "daemon/daemon.h"
#include "daemon/timer.h"

#define MAX_APPLICATIONS 512

struct application_handler {
	/* One message; takes `*descriptor` (sets it to -1) if it keeps it. */
	void (*message)(struct application *application, const struct lc_local_message *message,
			int *descriptor);
	/* The connection is gone, and the process may be alive: application_leave() or application_free(). */
	void (*hung_up)(struct application *application);
	/* The process has ended; then application_free(). */
	void (*ended)(struct application *application);
	/* It has been away for the grace time; its process lives as long as `ended` is to come. */
	void (*lapsed)(struct application *application);
};

struct application {
	struct node *node;
	LIST_ENTRY(application) entry;
	const struct application_handler *handler;
	int connection; /* -1: away */
	bool adopted;	/* stands for all processes of this user that an earlier daemon served */
	pid_t pid;	/* 0: of one that is adopted */
	uid_t uid;
	bool greeted;
	bool listens; /* some socket does or did */
	sd_event_source *io,
		*exit;	    /* exit: NULL where the kernel does not tell, or of an adopted one */
	struct timer grace; /* while it is away */
	unsigned int room;  /* bytes of messages that it need not have read */
	struct socket *sockets; /* socket.c: by number */
	unsigned int socket_count;
};

/* Accepts from `listener` from now on; *source is the caller's to end. */
int applications_accept(struct node *node, int listener, const struct application_handler *handler,
			sd_event_source **source);
/* The one of this user that is adopted; made if there is none. NULL: no memory. */
struct application *application_adopted(struct node *node, uid_t uid,
					const struct application_handler *handler);
/* It is away from now on: `lapsed` is called if it stays so for the grace time. */
void application_leave(struct application *application);
static inline bool application_is_away(const struct application *application)
{
	return application->connection < 0;
}
/* Its sockets are closed. */
void application_free(struct application *application);
/* Frees one that is away and has no sockets any more. */
void application_forget_if_idle(struct application *application);
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
