/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "provider/event_object.h"
#include "provider/upcalls.h"

struct lc_event_object {
	atomic_uint references;
	WSAEVENT event;
	int fd; /* -1: the event is the caller's own kind, set by upcalls */
};

static int descriptor_of(WSAEVENT event)
{
	return (int)(intptr_t)event;
}

/* Where there is no /proc nobody can tell, and the application is believed. */
static bool is_eventfd(int fd)
{
	static const char wanted[] = "anon_inode:[eventfd]";
	char path[32], target[sizeof(wanted)];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target));
	if (length < 0)
		return fcntl(fd, F_GETFD) >= 0 && access("/proc/self/fd", F_OK);
	return length == sizeof(wanted) - 1 && !memcmp(target, wanted, sizeof(wanted) - 1);
}

static int duplicate(WSAEVENT event, int *fd)
{
	*fd = -1;
	if (lc_upcall_set_event())
		return 0;
	*fd = fcntl(descriptor_of(event), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (*fd < 0)
		return errno == EBADF ? WSAEINVAL : WSAENOBUFS;
	if (is_eventfd(*fd))
		return 0;
	close(*fd);
	return WSAEINVAL;
}

int lc_event_object_new(WSAEVENT event, struct lc_event_object **object)
{
	struct lc_event_object *new = calloc(1, sizeof(*new));
	int error = new ? duplicate(event, &new->fd) : WSAENOBUFS;

	if (error) {
		free(new);
		return error;
	}
	atomic_init(&new->references, 1);
	new->event = event;
	*object = new;
	return 0;
}

struct lc_event_object *lc_event_object_reference(struct lc_event_object *object)
{
	if (object)
		atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
	return object;
}

void lc_event_object_release(struct lc_event_object *object)
{
	if (!object || atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) > 1)
		return;
	if (object->fd >= 0)
		close(object->fd);
	free(object);
}

void lc_event_object_set(struct lc_event_object *object)
{
	LPWPUSETEVENT set = lc_upcall_set_event();
	int ignored;

	if (object->fd < 0) {
		if (set)
			set(object->event, &ignored);
	} else if (eventfd_write(object->fd, 1)) {
		return; /* full: it is set */
	}
}

void lc_event_object_reset(struct lc_event_object *object, WSAEVENT event)
{
	LPWPURESETEVENT reset = lc_upcall_reset_event();
	eventfd_t value;
	int fd, ignored;

	if (reset) {
		reset(event, &ignored);
		return;
	}
	fd = object && object->event == event ? object->fd : descriptor_of(event);
	if (fd >= 0 && is_eventfd(fd) && eventfd_read(fd, &value))
		return; /* empty: it is reset */
}
