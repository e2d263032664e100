/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Timers of a loop that ran when they were due, or did not: as that of a process that was stopped. */
#include "daemon/timer.h"

#include <criterion/criterion.h>
#include <time.h>

static sd_event *event;
static struct timer timer;
static unsigned int ran_out;

static void begin(void)
{
	cr_assert_geq(sd_event_new(&event), 0);
}

static void end(void)
{
	timer_free(&timer);
	sd_event_unref(event);
}

TestSuite(timer, .init = begin, .fini = end, .timeout = 30);

static void count(void *context)
{
	cr_assert_eq(context, &ran_out);
	ran_out++;
}

static void set(uint64_t in_us)
{
	cr_assert_eq(timer_set(&timer, event, in_us, count, &ran_out), 0);
}

static void set_deadline(uint64_t in_us)
{
	cr_assert_eq(timer_set_deadline(&timer, event, in_us, count, &ran_out), 0);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec / 1000;
}

static uint64_t is_due_in(void)
{
	uint64_t due, at = now();

	cr_assert_geq(sd_event_source_get_time(timer.source, &due), 0);
	return due > at ? due - at : 0;
}

/* The loop runs next when that has been due for so long. */
static void comes_late(uint64_t by_us)
{
	cr_assert_geq(sd_event_source_set_time(timer.source, now() - by_us), 0);
	while (sd_event_run(event, 0) > 0)
		;
}

/* How long it takes until it has run out, in a loop that runs all the time. */
static uint64_t takes(void)
{
	unsigned int before = ran_out;
	uint64_t us = 0;

	for (int i = 0; i < 100 && ran_out == before; i++) {
		us += is_due_in();
		comes_late(0);
	}
	cr_assert_eq(ran_out, before + 1);
	return us;
}

/* The test's own steps take time, too. */
static bool is_about(uint64_t us, uint64_t wanted)
{
	return us > wanted - SECOND / 2 && us <= wanted;
}

Test(timer, a_timer_and_a_deadline_run_out_in_time)
{
	static const uint64_t times[] = {1 * SECOND, 3 * SECOND, 60 * SECOND};

	for (int i = 0; i < 3; i++) {
		set(times[i]);
		cr_expect(is_about(takes(), times[i]), "%lu", times[i]);
		set_deadline(times[i]);
		cr_expect(is_about(takes(), times[i]), "%lu", times[i]);
	}
	cr_expect_eq(ran_out, 6);
	set_deadline(0);
	cr_expect_eq(takes(), 0);
}

/* However long it was stopped, and whenever that began. */
Test(timer, half_of_a_deadline_is_left_when_the_loop_was_stopped)
{
	for (uint64_t ran_us = 0; ran_us < 59 * SECOND;) {
		uint64_t left_us = 60 * SECOND - ran_us, part_us;

		set_deadline(60 * SECOND);
		for (uint64_t us = 0; us < ran_us; us += part_us) {
			part_us = is_due_in();
			comes_late(0);
		}
		part_us = is_due_in();
		comes_late(3600 * SECOND);
		cr_expect_geq(takes(), left_us / 2 - SECOND / 2, "after %lu us", ran_us);
		ran_us += part_us;
	}
	cr_expect_gt(ran_out, 4);
}

/* But no deadline is longer for that when it is set anew, nor one that was stopped. */
Test(timer, a_deadline_that_is_set_anew_is_another)
{
	set_deadline(60 * SECOND);
	comes_late(0);
	set_deadline(6 * SECOND);
	cr_expect(is_about(takes(), 6 * SECOND));
	set_deadline(60 * SECOND);
	set(6 * SECOND);
	cr_expect(is_about(takes(), 6 * SECOND));
	set_deadline(60 * SECOND);
	timer_stop(&timer);
	comes_late(3600 * SECOND);
	cr_expect_eq(ran_out, 2);
}

/* Who looks every second looks now. */
Test(timer, what_is_no_deadline_runs_out_however_late)
{
	set(60 * SECOND);
	comes_late(3600 * SECOND);
	cr_expect_eq(ran_out, 1);
}
