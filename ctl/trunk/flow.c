/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "trunk/flow.h"

#include <errno.h>

#include "protocol/codec.h"

void lc_flow_break(struct lc_trunk *trunk)
{
	trunk->broken = true;
	trunk->world->wake(trunk);
}

/* That a line has ended is told separately. */
static void send_frame(struct lc_trunk *trunk, const uint8_t *frame, size_t length)
{
	int error = trunk->world->send(trunk, trunk->line, frame, length);

	if (error && error != -EPIPE)
		lc_flow_break(trunk);
}

void lc_flow_pump(struct lc_trunk *trunk)
{
	const uint8_t *frame;
	size_t length;

	while (!trunk->broken && (length = lc_window_take(&trunk->window, &frame)))
		send_frame(trunk, frame, length);
}

int lc_flow_say(struct lc_trunk *trunk, const struct lc_message *message, size_t limit)
{
	uint8_t frame[LC_MESSAGE_MAX];
	size_t length = lc_message_encode(message, frame);
	int error = lc_window_give(&trunk->window, frame, length, limit);

	if (error)
		return error;
	if (message->kind != LC_MESSAGE_DONE)
		trunk->has_said_done = false;
	lc_flow_pump(trunk);
	return 0;
}

static void say_read(struct lc_trunk *trunk, uint32_t bytes)
{
	const struct lc_message message = {.kind = LC_MESSAGE_READ, .read_bytes = bytes};
	uint8_t frame[LC_MESSAGE_MAX];

	trunk->has_said_done = false;
	send_frame(trunk, frame, lc_message_encode(&message, frame));
}

void lc_flow_acknowledge(struct lc_trunk *trunk)
{
	uint32_t bytes = trunk->window.heard;

	if (!bytes || trunk->is_silent || trunk->broken)
		return;
	trunk->window.heard = 0;
	say_read(trunk, bytes);
}

void lc_flow_heard(struct lc_trunk *trunk, size_t bytes)
{
	trunk->window.heard += (uint32_t)bytes;
	if (trunk->window.heard >= LC_WINDOW / 2)
		lc_flow_acknowledge(trunk);
}

void lc_flow_nudge(struct lc_trunk *trunk)
{
	if (!trunk->is_silent && !trunk->broken)
		say_read(trunk, 0);
}
