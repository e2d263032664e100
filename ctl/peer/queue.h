/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Bytes that wait for a socket to take them: bounded, allocated only while there are any. */
#ifndef CTL_PEER_QUEUE_H
#define CTL_PEER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LC_QUEUE_MAX (64 * 1024)

/* All zero: empty. */
struct lc_queue {
	uint8_t *bytes;
	size_t start, end, capacity;
};

bool lc_queue_is_empty(const struct lc_queue *queue);
void lc_queue_clear(struct lc_queue *queue);
/* Appends all or nothing. -ENOBUFS: full. -ENOMEM. */
int lc_queue_add(struct lc_queue *queue, const uint8_t *bytes, size_t length);
/*
 * Gives the kernel what it takes. 0, also while `fd` is not connected yet, or
 * the negative errno of send(2): then nothing can be sent any more, and the
 * queue is empty.
 */
int lc_queue_flush(struct lc_queue *queue, int fd);

#endif
