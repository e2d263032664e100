/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * All that a trunk reaches outside itself: connections (lines), the memberships
 * that it carries, chance and timers. The daemon carries these out; unit tests
 * play two trunks against each other without a socket or a clock.
 *
 * Rules for whoever implements them:
 *   - what is asked of a line or a timer calls no function of the trunk from within;
 *   - what a membership is told may have any consequence: that membership and
 *     others send, are detached, attached, freed. Only the trunk itself stays;
 *   - `int` is 0 or a negative errno, and nothing was changed on failure.
 */
#ifndef CTL_TRUNK_WORLD_H
#define CTL_TRUNK_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/message.h"

struct lc_line; /* a connection, the implementer's own */
struct lc_trunk;
struct lc_trunk_member;

enum lc_trunk_timer {
	LC_TRUNK_RETRY, /* until the next attempt to connect */
	LC_TRUNK_IDLE,	/* since the last membership went */
	LC_TRUNK_HELD,	/* since a second connection waits */
	LC_TRUNK_TIMER_COUNT,
};

struct lc_trunk_world {
	/* ---- lines ---- */
	/* Starts to connect to the other node; lc_trunk_opened() or lc_trunk_ended() follows. */
	int (*open)(struct lc_trunk *trunk, struct lc_line **line);
	/* -EPIPE: it has ended, which is told separately; -ENOBUFS: its peer does not even let TCP go on. */
	int (*send)(struct lc_trunk *trunk, struct lc_line *line, const uint8_t *frame,
		    size_t length);
	/* Ends it and forgets it: nothing of it is told any more. */
	void (*close)(struct lc_trunk *trunk, struct lc_line *line);

	/* ---- memberships ---- */
	/* A join may speak from here on; not from within lc_trunk_join(). */
	void (*connected)(struct lc_trunk_member *member);
	void (*message)(struct lc_trunk_member *member, const struct lc_message *message);
	/* The connection ended, or none could be made; `error` as LC_PEER_CLOSED has it, 0 in order. */
	void (*hung_up)(struct lc_trunk_member *member, int error);
	/* The other node has proven that it has it too; or it has it no more. */
	void (*resumed)(struct lc_trunk_member *member);
	void (*forgotten)(struct lc_trunk_member *member);
	void (*leave_read)(struct lc_trunk_member *member);
	/* Whether it is suspended or left: the two nodes have to settle it. */
	bool (*is_resumable)(const struct lc_trunk_member *member);
	/* Fills in the counters; false: it is not joined, nothing is reported. */
	bool (*count)(struct lc_trunk_member *member, struct lc_message_entry *entry);
	/* JOIN or INVITE under a number that is not in use: who takes it attaches a member. */
	void (*asked)(struct lc_trunk *trunk, const struct lc_message *message);

	/* ---- chance and time ---- */
	/* So many bytes that nobody can guess. */
	int (*draw)(struct lc_trunk *trunk, void *bytes, size_t length);
	/* lc_trunk_timer() after `in_us` microseconds; replaces an earlier one. */
	void (*set_timer)(struct lc_trunk *trunk, enum lc_trunk_timer timer, uint64_t in_us);
	void (*stop_timer)(struct lc_trunk *trunk, enum lc_trunk_timer timer);
	/* lc_trunk_run() soon, after what else is waiting. */
	void (*wake)(struct lc_trunk *trunk);
	/* Nothing is left of it: it may be freed, not from within. Told again if it was not. */
	void (*over)(struct lc_trunk *trunk);
};

#endif
