/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "trunk/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/codec.h"

#define FIRST_CAPACITY 4096

void lc_window_clear(struct lc_window *window)
{
	free(window->queue);
	*window = (struct lc_window){0};
}

size_t lc_window_waiting(const struct lc_window *window)
{
	return window->end - window->start;
}

bool lc_window_has_room(const struct lc_window *window, size_t length)
{
	return !lc_window_waiting(window) && window->sent - window->read + length <= LC_WINDOW;
}

/* Makes room for `length` more bytes behind `end`. */
static int reserve(struct lc_window *window, size_t length)
{
	size_t used = lc_window_waiting(window), capacity = window->capacity;
	uint8_t *queue;

	if (window->end + length <= capacity)
		return 0;
	/* Not for each frame once it is nearly full: only when half of it is free. */
	if (capacity && used + length <= capacity / 2) {
		memmove(window->queue, window->queue + window->start, used);
		window->start = 0;
		window->end = used;
		return 0;
	}
	if (!capacity)
		capacity = FIRST_CAPACITY;
	while (capacity < window->end + length)
		capacity *= 2;
	queue = realloc(window->queue, capacity);
	if (!queue)
		return -ENOMEM;
	window->queue = queue;
	window->capacity = capacity;
	return 0;
}

int lc_window_give(struct lc_window *window, const uint8_t *frame, size_t length, size_t limit)
{
	int error;

	if (lc_window_waiting(window) + length > limit)
		return -ENOBUFS;
	error = reserve(window, length);
	if (error)
		return error;
	memcpy(window->queue + window->end, frame, length);
	window->end += length;
	window->given += length;
	return 0;
}

size_t lc_window_take(struct lc_window *window, const uint8_t **frame)
{
	size_t length;

	if (!lc_window_waiting(window)) {
		/* Memory is kept only while something waits. */
		free(window->queue);
		window->queue = NULL;
		window->start = window->end = window->capacity = 0;
		return 0;
	}
	length = LC_FRAME_HEADER + (size_t)lc_frame_length(window->queue + window->start,
							   window->end - window->start);
	if (window->sent - window->read + length > LC_WINDOW)
		return 0;
	*frame = window->queue + window->start;
	window->start += length;
	window->sent += length;
	return length;
}

int lc_window_read(struct lc_window *window, uint32_t bytes)
{
	if (bytes > window->sent - window->read)
		return -EBADMSG;
	window->read += bytes;
	return 0;
}
