/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/timer.h"

#include <time.h>

static int on_time(sd_event_source *source, uint64_t now, void *context)
{
	struct timer *timer = context;

	(void)source, (void)now;
	timer->run_out(timer->context);
	return 0;
}

static int make(struct timer *timer, sd_event *event)
{
	int error = sd_event_add_time_relative(event, &timer->source, CLOCK_MONOTONIC, 0, 1,
					       on_time, timer);

	return error < 0 ? error : 0;
}

int timer_set(struct timer *timer, sd_event *event, uint64_t in_us, void (*run_out)(void *context),
	      void *context)
{
	int error = timer->source ? 0 : make(timer, event);

	if (error)
		return error;
	timer->run_out = run_out;
	timer->context = context;
	error = sd_event_source_set_time_relative(timer->source, in_us);
	/* 0 would be sd-event's own idea of accuracy, a quarter of a second. */
	if (error >= 0)
		error = sd_event_source_set_time_accuracy(timer->source, in_us / 100 + 1);
	if (error >= 0)
		error = sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
	return error < 0 ? error : 0;
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
