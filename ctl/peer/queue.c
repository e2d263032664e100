/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "peer/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_CAPACITY 4096

bool lc_queue_is_empty(const struct lc_queue *queue)
{
	return queue->start == queue->end;
}

void lc_queue_clear(struct lc_queue *queue)
{
	free(queue->bytes);
	*queue = (struct lc_queue){0};
}

/* Makes room for `length` more bytes behind `end`, which the limit allows. */
static int reserve(struct lc_queue *queue, size_t length)
{
	size_t used = queue->end - queue->start, capacity = queue->capacity;
	uint8_t *bytes;

	if (queue->end + length <= capacity)
		return 0;
	if (queue->start) {
		memmove(queue->bytes, queue->bytes + queue->start, used);
		queue->start = 0;
		queue->end = used;
	}
	if (used + length <= capacity)
		return 0;
	if (!capacity)
		capacity = FIRST_CAPACITY;
	while (capacity < used + length)
		capacity *= 2;
	bytes = realloc(queue->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	queue->bytes = bytes;
	queue->capacity = capacity;
	return 0;
}

int lc_queue_add(struct lc_queue *queue, const uint8_t *bytes, size_t length)
{
	int error;

	if (queue->end - queue->start + length > LC_QUEUE_MAX)
		return -ENOBUFS;
	error = reserve(queue, length);
	if (error)
		return error;
	memcpy(queue->bytes + queue->end, bytes, length);
	queue->end += length;
	return 0;
}

int lc_queue_flush(struct lc_queue *queue, int fd)
{
	int error = 0;

	while (!lc_queue_is_empty(queue) && !error) {
		ssize_t sent = send(fd, queue->bytes + queue->start, queue->end - queue->start,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return 0;
		if (sent > 0)
			queue->start += (size_t)sent;
		else if (sent < 0 && errno != EINTR)
			error = -errno;
	}
	lc_queue_clear(queue);
	return error;
}
