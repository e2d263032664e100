/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/timer.h"

#include <time.h>

/* So much of a deadline is not cut up any more. */
#define LAST_US (SECOND / 2)

static int arm(struct timer *timer, uint64_t in_us)
{
	int error = sd_event_source_set_time_relative(timer->source, in_us);

	/* 0 would be sd-event's own idea of accuracy, a quarter of a second. */
	if (error >= 0)
		error = sd_event_source_set_time_accuracy(timer->source, in_us / 100 + 1);
	if (error >= 0)
		error = sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
	return error < 0 ? error : 0;
}

/* The next part of a deadline: however late that ends, the rest comes after it. */
static int arm_part(struct timer *timer, uint64_t left_us)
{
	uint64_t part_us = left_us > LAST_US ? left_us / 2 : left_us;

	timer->left_us = left_us - part_us;
	return arm(timer, part_us);
}

static int on_time(sd_event_source *source, uint64_t due, void *context)
{
	struct timer *timer = context;

	(void)source, (void)due;
	if (!timer->left_us || arm_part(timer, timer->left_us) < 0)
		timer->run_out(timer->context);
	return 0;
}

static int make(struct timer *timer, sd_event *event)
{
	int error = sd_event_add_time_relative(event, &timer->source, CLOCK_MONOTONIC, 0, 1,
					       on_time, timer);

	return error < 0 ? error : 0;
}

static int prepare(struct timer *timer, sd_event *event, void (*run_out)(void *context),
		   void *context)
{
	int error = timer->source ? 0 : make(timer, event);

	if (error)
		return error;
	timer->run_out = run_out;
	timer->context = context;
	timer->left_us = 0;
	return 0;
}

int timer_set(struct timer *timer, sd_event *event, uint64_t in_us, void (*run_out)(void *context),
	      void *context)
{
	int error = prepare(timer, event, run_out, context);

	return error ?: arm(timer, in_us);
}

int timer_set_deadline(struct timer *timer, sd_event *event, uint64_t in_us,
		       void (*run_out)(void *context), void *context)
{
	int error = prepare(timer, event, run_out, context);

	return error ?: arm_part(timer, in_us);
}

void timer_stop(struct timer *timer)
{
	if (timer->source)
		sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
}

void timer_free(struct timer *timer)
{
	timer->source = sd_event_source_disable_unref(timer->source);
}
