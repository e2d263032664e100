/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Who opens the connection, and which of several is used. */
#include <criterion/criterion.h>
#include <errno.h>

#include "trunks.h"

TestSuite(trunk_opening, .init = trunks_begin, .fini = trunks_end, .timeout = 120);

Test(trunk_opening, one_connection_carries_all)
{
	for (uint64_t number = 1; number <= 600; number++)
		joins(number % 2 ? &near : &far, number);
	play_on();
	for (uint64_t number = 1; number <= 600; number++)
		expect_joined(number);
	cr_expect_not_null(common_wire());
	cr_expect_eq(open_wires(), 1);
	cr_expect_eq(near.asked, 300);
	cr_expect_eq(far.asked, 300);
}

/* The same number is two memberships if each side has drawn it. */
Test(trunk_opening, a_number_is_of_who_drew_it)
{
	struct member *ours = joins(&near, 5), *theirs;

	play_on();
	theirs = joins(&far, 5);
	play_on();
	cr_expect_eq(ours->state, JOINED);
	cr_expect_eq(theirs->state, JOINED);
	cr_expect_eq(ours->messages, 1, "ACCEPT");
	leaves(theirs);
	play_on();
	cr_expect_eq(ours->state, JOINED);
	cr_expect_eq(theirs->state, GONE);
}

Test(trunk_opening, a_join_fails_with_the_connection)
{
	struct member *member = joins(&near, 1);

	far.refuses = true;
	play_on();
	cr_expect_eq(member->state, GONE);
	cr_expect_eq(member->error, -ECONNREFUSED);
	cr_expect(near.is_over);
	near.open_error = -ENETUNREACH;
	member = joins(&near, 2);
	play_on();
	cr_expect_eq(member->error, -ENETUNREACH);
}

/*
 * Every order in which the steps of two sides can come that both open: depth
 * first, each play from the beginning. The sides' own turns are taken at once.
 */
#define DEEPEST 64

struct path {
	unsigned int taken[DEEPEST], possible[DEEPEST];
	unsigned int length;
};

static void both_join(void)
{
	joins(&near, 1);
	joins(&far, 2);
}

static void play(struct path *path, void (*both_open)(void))
{
	unsigned int depth = 0, count;

	trunks_end();
	trunks_begin();
	both_open();
	while ((count = steps())) {
		if (near.wakes || far.wakes)
			count = 1;
		cr_assert_lt(depth, DEEPEST);
		if (depth >= path->length)
			path->taken[path->length++] = 0;
		path->possible[depth] = count;
		step(path->taken[depth++]);
	}
}

static bool next_path(struct path *path)
{
	while (path->length) {
		unsigned int last = path->length - 1;

		if (++path->taken[last] < path->possible[last])
			return true;
		path->length--;
	}
	return false;
}

Test(trunk_opening, both_open_at_once_in_every_order)
{
	struct path path = {.length = 0};
	unsigned int plays = 0, won = 0;

	do {
		struct wire *wire;

		play(&path, both_join);
		plays++;
		expect_joined(1);
		expect_joined(2);
		wire = common_wire();
		cr_assert_not_null(wire);
		cr_assert_eq(open_wires(), 1);
		cr_assert(!near.trunk.held && !far.trunk.held);
		cr_assert_eq(member_of(&near, 1)->connected, 1);
		cr_assert_eq(member_of(&far, 2)->connected, 1);
		cr_assert_eq(near.asked + far.asked, 2);
		won += wire->ends[0].side == &far;
	} while (next_path(&path));
	cr_expect_gt(plays, 1000);
	cr_expect_gt(won, plays / 2, "the greater address wins");
	cr_log_info("%u orders, in %u of them the greater address's", plays, won);
}

/* Within the node the addresses are the same: near asks anew, far has one that near lost. */
static void who_is_asked_calls_too(void)
{
	near.trunk.within_node = far.trunk.within_node = true;
	far.trunk.own = far.trunk.other = near.trunk.other = near.trunk.own;
	had(&far, 1, false, SUSPENDED);
	cr_assert_not(play_steps(100));
	run_out(LC_TRUNK_RETRY);
	joins(&near, 2);
}

Test(trunk_opening, both_open_at_once_within_the_node)
{
	struct path path = {.length = 0};

	do {
		play(&path, who_is_asked_calls_too);
		expect_gone(&far, 1);
		cr_assert_eq(member_of(&far, 1)->forgotten, 1);
		expect_joined(2);
		cr_assert_eq(open_wires(), 1);
	} while (next_path(&path));
}

/* far, which wins, is slow to connect, and near's connection comes in meanwhile. */
static void far_holds(void)
{
	far.is_slow = true;
	joins(&far, 1);
	play_on();
	joins(&near, 2);
	play_on();
	cr_assert_not_null(far.trunk.held);
	cr_assert_eq(far.trunk.state, LC_TRUNK_OPENING);
	cr_assert_eq(near.trunk.state, LC_TRUNK_GREETING, "it is not answered");
}

/* The winner's attempt can fail where the other's does not: a firewall that is open one way. */
Test(trunk_opening, what_is_held_is_used_when_the_own_attempt_fails)
{
	static const int errors[] = {-ECONNREFUSED, -ETIMEDOUT};

	for (int i = 0; i < 2; i++) {
		trunks_end();
		trunks_begin();
		far_holds();
		lc_trunk_ended(&far.trunk, far.trunk.line, errors[i]);
		play_on();
		expect_joined(1);
		expect_joined(2);
		cr_expect_eq(member_of(&far, 1)->connected, 1);
		cr_expect_eq(common_wire()->ends[0].side, &near);
	}
}

Test(trunk_opening, what_is_held_waits_only_so_long)
{
	far_holds();
	cr_assert(far.timers[LC_TRUNK_HELD]);
	run_out(LC_TRUNK_HELD);
	cr_expect_null(far.trunk.held);
	play_on();
	far.trunk.line->wire->slow = far.is_slow = false;
	play_on();
	expect_joined(1);
	cr_expect_eq(member_of(&near, 2)->state, GONE, "its connection was ended");
}

/* A second connection makes the first speak, so that one that is dead shows. */
Test(trunk_opening, a_second_connection_asks_for_the_first)
{
	struct lc_line *first = stranger_comes(), *second;
	struct lc_message message;
	bool nudged = false;

	play_on();
	stranger_says(first, &(struct lc_message){.kind = LC_MESSAGE_RESUME_END});
	play_on();
	while (stranger_hears(first, &message))
		;
	second = stranger_comes();
	play_on();
	cr_expect_not(stranger_hears(second, &message), "it is not answered");
	while (stranger_hears(first, &message))
		nudged |= message.kind == LC_MESSAGE_READ && message.read_bytes == 0;
	cr_expect(nudged);
	first->closed = true;
	play_on();
	cr_assert(stranger_hears(second, &message));
	cr_expect_eq(message.kind, LC_MESSAGE_HELLO);
}

/* A connection that nobody waits for any more is not waited for either. */
Test(trunk_opening, cancelled_while_it_is_opened)
{
	struct member *member;

	near.is_slow = true;
	member = joins(&near, 1);
	play_on();
	cr_assert_eq(near.trunk.state, LC_TRUNK_OPENING);
	lc_trunk_detach(&member->trunk);
	play_on();
	cr_expect(near.is_over);
	cr_expect_eq(open_wires(), 0);
	joins(&near, 2);
	near.is_slow = false;
	play_on();
	expect_joined(2);
}
