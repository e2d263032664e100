/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What is under way on a line. Each side counts the bytes of all its frames but
 * READ; the other acknowledges by READ what it has carried out, and no more than
 * LC_WINDOW bytes are ever unread. What is sent beyond that waits here, bounded.
 *
 * So a daemon that is stopped, and reads nothing, still has room in its TCP
 * window: keepalives are answered, nothing is unsent, and TCP does not give the
 * connection up, however long it takes. (TCP_USER_TIMEOUT ends one whose peer
 * acknowledges but keeps its window at zero.)
 */
#ifndef CTL_TRUNK_WINDOW_H
#define CTL_TRUNK_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LC_WINDOW (32 * 1024)
/* Frames that wait: enough for each of a full table's members to leave at once. */
#define LC_WINDOW_QUEUE (512 * 1024)
/* ...of which those that ask for something get no more than so much. */
#define LC_WINDOW_REQUESTS (LC_WINDOW_QUEUE / 2)

/* All zero: of a connection on which nothing was said. In bytes. */
struct lc_window {
	uint64_t given; /* to lc_window_give() */
	uint64_t sent;	/* given to the line */
	uint64_t read;	/* acknowledged */
	uint32_t heard; /* carried out here and not yet acknowledged */
	uint8_t *queue; /* whole frames */
	size_t start, end, capacity;
};

/* Of a connection that ended. */
void lc_window_clear(struct lc_window *window);

/* Queues a whole frame. -ENOBUFS: no more than `limit` bytes may wait; -ENOMEM. */
int lc_window_give(struct lc_window *window, const uint8_t *frame, size_t length, size_t limit);
/* The next frame that may be sent now: its length, 0 if there is none. Then it counts as sent. */
size_t lc_window_take(struct lc_window *window, const uint8_t **frame);
/* Whether `length` bytes given now would be sent at once. */
bool lc_window_has_room(const struct lc_window *window, size_t length);
/* Bytes that wait. */
size_t lc_window_waiting(const struct lc_window *window);

/* The other side has read so much more. -EBADMSG: more than was sent. */
int lc_window_read(struct lc_window *window, uint32_t bytes);

#endif
