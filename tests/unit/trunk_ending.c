/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the end of a connection, or of the attempt to make one, means for who is on it. */
#include <criterion/criterion.h>
#include <errno.h>

#include "trunks.h"

TestSuite(trunk_ending, .init = trunks_begin, .fini = trunks_end, .timeout = 120);

Test(trunk_ending, death_is_told_as_such)
{
	static const int deaths[] = {-ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH};

	for (uint64_t i = 0; i < 3; i++) {
		joins(&near, i + 1);
		play_on();
		cut(deaths[i]);
		play_on();
		expect_gone(&near, i + 1);
		expect_gone(&far, i + 1);
		cr_expect_eq(member_of(&near, i + 1)->error, deaths[i]);
	}
}

/* A host that was gone for longer than TCP waits, and calls in again, is alive. */
Test(trunk_ending, who_calls_in_again_is_not_dead)
{
	joins(&far, 1);
	play_on();
	starts_anew(&far);
	for (struct wire *wire = wires; wire; wire = wire->next)
		wire->ends[1].told = true; /* near hears nothing of it yet */
	cr_assert_not(play_steps(1000));
	cr_assert_not_null(near.trunk.held);
	cr_assert_eq(member_of(&near, 1)->state, JOINED);
	lc_trunk_ended(&near.trunk, near.trunk.line, -ETIMEDOUT);
	play_on();
	expect_joined(1);
	cr_expect_eq(member_of(&near, 1)->error, -ECONNRESET);
}

Test(trunk_ending, it_goes_on_trying_while_nobody_answers)
{
	joins(&near, 1);
	play_on();
	far.refuses = true;
	cut(0);
	for (int i = 0; i < 50; i++) {
		cr_assert_not(play_steps(1000));
		cr_assert_eq(member_of(&near, 1)->state, SUSPENDED);
		cr_assert(near.timers[LC_TRUNK_RETRY], "try %d", i);
		cr_assert_eq(steps(), 0, "no second attempt before its time");
		run_out(LC_TRUNK_RETRY);
	}
	far.refuses = false;
	play_on();
	expect_joined(1);
}

/* No way for a moment, when a connection is sought again, is not yet death; for a join it is an answer. */
Test(trunk_ending, no_way_for_a_moment_is_not_death)
{
	static const int errors[] = {-ENETUNREACH, -EHOSTUNREACH};

	for (int i = 0; i < 2; i++) {
		trunks_end();
		trunks_begin();
		joins(&near, 1);
		play_on();
		near.open_error = errors[i];
		cut(0);
		cr_assert_not(play_steps(1000));
		joins(&near, 2); /* it tries at once */
		cr_assert_not(play_steps(1000));
		cr_expect_eq(member_of(&near, 2)->error, errors[i]);
		cr_assert_eq(member_of(&near, 1)->state, SUSPENDED);
		run_out(LC_TRUNK_RETRY);
		cr_assert_not(play_steps(1000));
		cr_assert_eq(member_of(&near, 1)->state, SUSPENDED, "twice");
		near.open_error = 0;
		play_on();
		expect_joined(1);
	}
}

Test(trunk_ending, no_way_at_all_is_death)
{
	joins(&near, 1);
	play_on();
	near.open_error = -EHOSTUNREACH;
	cut(0);
	for (int i = 0; i < 3; i++) {
		cr_assert_not(play_steps(1000));
		run_out(LC_TRUNK_RETRY);
	}
	cr_assert_not(play_steps(1000));
	cr_expect_eq(member_of(&near, 1)->state, GONE);
	cr_expect_eq(member_of(&near, 1)->error, -EHOSTUNREACH);
}

/* Who does not answer a connection has been waited for already. */
Test(trunk_ending, a_connection_that_times_out_is_death)
{
	joins(&near, 1);
	play_on();
	near.open_error = -ETIMEDOUT;
	cut(0);
	cr_assert_not(play_steps(1000));
	cr_expect_eq(member_of(&near, 1)->state, SUSPENDED);
	run_out(LC_TRUNK_RETRY);
	cr_assert_not(play_steps(1000));
	cr_expect_eq(member_of(&near, 1)->state, GONE);
}

/* ...and so is the end of one that was made, by either side, though the other had not said a word on it. */
Test(trunk_ending, a_connection_that_dies_unanswered_is_death)
{
	struct side *callers[] = {&near, &far};

	for (int i = 0; i < 2; i++) {
		struct side *caller = callers[i];

		trunks_end();
		trunks_begin();
		joins(&near, 1);
		play_on();
		caller->other->stopped = true;
		cut(0);
		cr_assert_not(play_steps(1000));
		run_out(LC_TRUNK_RETRY);
		cr_assert_not(play_steps(1000));
		cr_assert_eq(caller->trunk.state, LC_TRUNK_GREETING);
		lc_trunk_ended(&caller->trunk, caller->trunk.line, -EHOSTUNREACH);
		cr_assert_not(play_steps(1000));
		cr_expect_eq(member_of(caller, 1)->state, GONE, "%s", caller->what);
	}
}

/* Its attempt is given up by TCP. */
static void cannot_be_called(struct side *caller, int error)
{
	run_out(LC_TRUNK_RETRY);
	cr_assert_eq(caller->trunk.state, LC_TRUNK_OPENING);
	lc_trunk_ended(&caller->trunk, caller->trunk.line, error);
	cr_assert_not(play_steps(1000));
}

/* Who drew the number may let nobody in, and calls itself: that it cannot be called is no death. */
Test(trunk_ending, who_lets_nobody_in_is_not_dead)
{
	static const int errors[] = {-ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH};

	for (int i = 0; i < 3; i++) {
		trunks_end();
		trunks_begin();
		joins(&near, 1);
		play_on();
		near.stopped = far.is_slow = true;
		cut(0);
		cr_assert_not(play_steps(1000));
		for (int tries = 0; tries < 2 * LC_TRUNK_FAILURES; tries++) {
			cannot_be_called(&far, errors[i]);
			cr_assert_eq(member_of(&far, 1)->state, SUSPENDED, "%d", tries);
			cr_assert_eq(member_of(&far, 1)->error, -ECONNRESET);
		}
		near.stopped = false;
		play_on();
		expect_joined(1);
	}
}

/* ...for that one membership: whose number was drawn here has nobody who would call for it. */
Test(trunk_ending, who_lets_nobody_in_does_not_call_for_others)
{
	joins(&near, 1);
	joins(&far, 2);
	play_on();
	near.stopped = far.is_slow = true;
	cut(0);
	cr_assert_not(play_steps(1000));
	cannot_be_called(&far, -ETIMEDOUT);
	cr_expect_eq(member_of(&far, 1)->state, SUSPENDED);
	cr_expect_eq(member_of(&far, 2)->state, GONE);
	cr_expect_eq(member_of(&far, 2)->error, -ETIMEDOUT);
	near.stopped = false;
	play_on();
	expect_joined(1);
	expect_gone(&near, 2);
}

/* A membership may go, and take others along, whatever it is told. */
Test(trunk_ending, members_go_while_they_are_told)
{
	struct member *member;

	for (uint64_t number = 1; number <= 50; number++)
		joins(&near, number);
	play_on();
	for (uint64_t number = 2; number <= 50; number += 2) {
		member = member_of(&far, number);
		lc_trunk_detach(&member->trunk);
		member->state = GONE;
	}
	cut(-ETIMEDOUT);
	play_on();
	cr_expect(near.is_over && far.is_over);
	for (uint64_t number = 1; number <= 50; number++)
		expect_gone(&near, number);
}

/* ...whether they are next in a walk, the last of it, or behind it. */
Test(trunk_ending, members_go_in_the_middle_of_a_walk)
{
	for (uint64_t number = 1; number <= 600; number++)
		joins(&near, number);
	play_on();
	near.refuses = far.refuses = true;
	cut(0);
	far.drowsy = true;
	while (member_of(&near, 256)->state == JOINED)
		step(0);
	cr_assert_eq(member_of(&near, 257)->state, JOINED, "one part is told");
	for (uint64_t number = 257; number <= 600; number += 343) {
		lc_trunk_detach(&member_of(&near, number)->trunk);
		member_of(&near, number)->state = GONE;
	}
	far.drowsy = near.refuses = far.refuses = false;
	play_on();
	for (uint64_t number = 1; number <= 600; number++)
		if (number == 257 || number == 600)
			expect_gone(&far, number);
		else
			expect_joined(number);
}
