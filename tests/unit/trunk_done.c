/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A connection without memberships is given up by both, or by none. */
#include <criterion/criterion.h>

#include "trunks.h"
#include "wire.h"

TestSuite(trunk_done, .init = trunks_begin, .fini = trunks_end, .timeout = 120);

static void nothing_is_left(void)
{
	joins(&near, 1);
	play_on();
	leaves(member_of(&near, 1));
	play_on();
	cr_assert(near.timers[LC_TRUNK_IDLE] && far.timers[LC_TRUNK_IDLE]);
}

Test(trunk_done, an_idle_trunk_is_closed)
{
	nothing_is_left();
	near.timers[LC_TRUNK_IDLE] = false;
	lc_trunk_timer(&near.trunk, LC_TRUNK_IDLE);
	play_on();
	cr_expect_eq(open_wires(), 0);
	cr_expect(near.is_over && far.is_over);
}

Test(trunk_done, both_are_done_at_once)
{
	nothing_is_left();
	run_out(LC_TRUNK_IDLE);
	play_on();
	cr_expect_eq(open_wires(), 0);
	cr_expect(near.is_over && far.is_over);
}

Test(trunk_done, one_that_does_not_answer_done_is_closed)
{
	nothing_is_left();
	far.stopped = true;
	run_out(LC_TRUNK_IDLE);
	play_steps(100);
	cr_expect_eq(open_wires(), 1);
	run_out(LC_TRUNK_IDLE);
	play_steps(100);
	cr_expect_eq(open_wires(), 0);
	cr_expect(near.is_over);
}

/* A join at either side after each step of a parting comes through, whoever was first. */
Test(trunk_done, a_join_at_each_step_of_a_parting)
{
	for (int who = 0; who < 4; who++)
		for (unsigned int after = 0; after < 20; after++) {
			trunks_end();
			trunks_begin();
			nothing_is_left();
			if (who & 1)
				run_out(LC_TRUNK_IDLE);
			else
				lc_trunk_timer(&near.trunk, LC_TRUNK_IDLE);
			play_steps(after);
			joins(who & 2 ? &near : &far, 2);
			play_steps(after % 5);
			joins(who & 2 ? &far : &near, 3);
			play_on();
			expect_joined(2);
			expect_joined(3);
			cr_assert_eq(open_wires(), 1);
		}
}

/* ...and in any order of steps, with joins at any of them. */
static void part_in_some_order(uint64_t *seed)
{
	unsigned int first = (unsigned int)(wire_random(seed) % 16);
	unsigned int second = (unsigned int)(wire_random(seed) % 16), count;
	bool near_first = wire_random(seed) % 2;

	trunks_end();
	trunks_begin();
	nothing_is_left();
	far.timers[LC_TRUNK_IDLE] = false; /* due as well, unless it is set anew */
	lc_trunk_timer(&near.trunk, LC_TRUNK_IDLE);
	for (unsigned int i = 0; i < 32; i++) {
		if (i == first)
			joins(near_first ? &near : &far, 2);
		if (i == second)
			joins(near_first ? &far : &near, 3);
		if (i == 1 && wire_random(seed) % 2 && !far.timers[LC_TRUNK_IDLE])
			lc_trunk_timer(&far.trunk, LC_TRUNK_IDLE);
		count = steps();
		if (count)
			step((unsigned int)(wire_random(seed) % count));
	}
	play_on();
	expect_joined(2);
	expect_joined(3);
	cr_assert_eq(open_wires(), 1);
}

Test(trunk_done, a_parting_in_any_order)
{
	uint64_t seed = 0x1eafca57;

	for (int i = 0; i < 10000; i++)
		part_in_some_order(&seed);
}

Test(trunk_done, who_answered_done_says_nothing_more)
{
	struct lc_line *line = stranger_comes();
	struct lc_message message;
	struct member *member;

	play_on();
	stranger_says(line, &(struct lc_message){.kind = LC_MESSAGE_RESUME_END});
	play_on();
	while (stranger_hears(line, &message))
		;
	stranger_says(line, &(struct lc_message){.kind = LC_MESSAGE_DONE});
	play_on();
	cr_assert(stranger_hears(line, &message));
	cr_expect_eq(message.kind, LC_MESSAGE_DONE);
	cr_expect(message.answers);
	member = joins(&near, 1);
	play_on();
	cr_expect_not(stranger_hears(line, &message), "kind %d", message.kind);
	cr_expect_eq(member->connected, 0);
	/* Something else came: so it stays. */
	stranger_says(line, &(struct lc_message){.kind = LC_MESSAGE_READ});
	play_on();
	cr_expect_eq(member->connected, 1);
}

/* An answer that answers nothing is not answered, or two would answer each other for ever. */
Test(trunk_done, an_answer_is_not_answered)
{
	struct lc_line *line = stranger_is_up();
	struct lc_message message = {.kind = LC_MESSAGE_DONE, .answers = true};

	stranger_says(line, &message);
	cr_assert_not(play_steps(100));
	while (stranger_hears(line, &message))
		cr_expect_eq(message.kind, LC_MESSAGE_READ);
	cr_expect_not(is_closed(line));
}
