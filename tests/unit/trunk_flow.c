/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What is said and read: the window, reports, and how much at a time. */
#include <criterion/criterion.h>
#include <errno.h>

#include "protocol/codec.h"
#include "trunks.h"

TestSuite(trunk_flow, .init = trunks_begin, .fini = trunks_end, .timeout = 120);

/* The most that become so at near in one step. */
static unsigned int most_at_once(enum play_state state)
{
	unsigned int before = 0, most = 0;

	while (steps()) {
		unsigned int now = 0;

		step(0);
		for (unsigned int i = 0; i < near.member_count; i++)
			now += near.members[i]->state == state;
		if (now > before && now - before > most)
			most = now - before;
		before = now;
	}
	return most;
}

/* No turn of the loop is as long as the table. */
Test(trunk_flow, a_turn_does_a_part)
{
	for (uint64_t number = 1; number <= 5000; number++)
		joins(&near, number);
	play_on();
	cut(0);
	cr_expect_eq(most_at_once(SUSPENDED), LC_TRUNK_AT_ONCE);
	run_out(LC_TRUNK_RETRY);
	cr_expect_eq(most_at_once(JOINED), LC_TRUNK_AT_ONCE);
	for (uint64_t number = 1; number <= 5000; number++)
		expect_joined(number);
}

/* What was said to `side` and it has not read. */
static struct lc_line *line_to(const struct side *side)
{
	return side->trunk.line;
}

Test(trunk_flow, a_peer_that_is_stopped_has_no_more_than_a_window)
{
	for (uint64_t number = 1; number <= 10000; number++)
		joins(&near, number)->datagrams = number;
	play_on();
	far.stopped = true;
	for (int second = 0; second < 60; second++) {
		lc_trunk_report(&near.trunk);
		cr_assert_not(play_steps(100000));
		cr_assert_leq(line_to(&far)->reports, 1, "second %d", second);
	}
	cr_expect_eq(line_to(&far)->reports, 1);
	for (uint64_t number = 1; number <= 1000; number++)
		leaves(member_of(&near, number));
	for (uint64_t number = 10001; number <= 12000; number++)
		joins(&near, number);
	cr_assert_not(play_steps(100000));
	cr_assert_leq(line_to(&far)->unread, 32 * 1024);
	cr_assert_geq(line_to(&far)->unread, 31 * 1024, "and it is used");
	cr_expect_eq(member_of(&near, 1)->state, LEFT);
	cr_expect_eq(member_of(&near, 1001)->state, JOINED);
	far.stopped = false;
	play_on();
	for (uint64_t number = 1; number <= 1000; number++) {
		expect_gone(&near, number);
		expect_gone(&far, number);
		cr_assert_eq(member_of(&near, number)->leaves_read, 1);
	}
	for (uint64_t number = 10001; number <= 12000; number++)
		expect_joined(number);
	for (uint64_t number = 1001; number <= 10000; number++)
		cr_assert_eq(member_of(&near, number)->state, JOINED);
	cr_expect_eq(wires->next, NULL, "the connection held");
}

Test(trunk_flow, reports_come_in_rounds_of_all_that_are_joined)
{
	for (uint64_t number = 1; number <= 200; number++)
		joins(number % 2 ? &near : &far, number)->datagrams = number;
	play_on();
	for (uint64_t number = 1; number <= 200; number++)
		member_of(number % 2 ? &far : &near, number)->datagrams = 1000 + number;
	lc_trunk_report(&near.trunk);
	lc_trunk_report(&far.trunk);
	play_on();
	for (uint64_t number = 1; number <= 200; number++) {
		bool drawn_near = number % 2;

		cr_assert_eq(member_of(&near, number)->reported,
			     drawn_near ? 1000 + number : number);
		cr_assert_eq(member_of(&far, number)->reported,
			     drawn_near ? number : 1000 + number);
	}
}

/* A long round is not begun again and again from its start. */
Test(trunk_flow, a_round_of_reports_is_finished)
{
	for (uint64_t number = 1; number <= 300; number++)
		joins(&near, number)->datagrams = 1;
	play_on();
	for (int i = 0; i < 5; i++) {
		lc_trunk_report(&near.trunk);
		play_steps(8);
	}
	play_on();
	for (uint64_t number = 1; number <= 300; number++)
		cr_assert_eq(member_of(&far, number)->reported, 1);
}

/* One message a second is enough to come round. */
Test(trunk_flow, a_round_goes_on_where_it_was)
{
	for (uint64_t number = 1; number <= 300; number++)
		joins(&near, number)->datagrams = number;
	play_on();
	near.drowsy = true;
	for (int second = 0; second < 5; second++) {
		lc_trunk_report(&near.trunk);
		play_on();
	}
	for (uint64_t number = 1; number <= 300; number++)
		cr_assert_eq(member_of(&far, number)->reported, number);
}

Test(trunk_flow, only_what_is_joined_is_reported)
{
	struct lc_line *line = stranger_is_up();
	struct lc_message message = any_message(LC_MESSAGE_JOIN);
	unsigned int reports = 0;

	joins(&near, 1); /* is not answered */
	stranger_says(line, &message);
	cr_assert_not(play_steps(100));
	lc_trunk_report(&near.trunk);
	while (stranger_hears(line, &message)) {
		if (message.kind != LC_MESSAGE_REPORT)
			continue;
		reports++;
		cr_expect_eq(message.entry_count, 1);
		cr_expect_eq(message.entries[0].number, 9);
		cr_expect_not(message.entries[0].numbered_by_sender);
	}
	cr_expect_eq(reports, 1);
}

/* Requests are refused when too many wait, what must not be lost is not. */
Test(trunk_flow, what_waits_is_bounded)
{
	struct lc_message join = {.kind = LC_MESSAGE_JOIN, .secret = {{1}}};
	struct member *member = joins(&near, 1);
	int error, taken = 0;

	join.session = join.leaf = (struct lc_endpoint){.family = LC_INET6};
	join.data = (struct lc_connect_data){.present = true, .length = 1024};
	play_on();
	far.stopped = true;
	while ((error = lc_trunk_send(&member->trunk, &join)) == 0)
		taken++;
	cr_expect_eq(error, -ENOBUFS);
	cr_expect(taken > 200 && taken < 400, "%d", taken);
	cr_expect_eq(lc_trunk_send(&member->trunk, &(struct lc_message){.kind = LC_MESSAGE_SEEN}),
		     0);
	while ((error = lc_trunk_send(&member->trunk,
				      &(struct lc_message){.kind = LC_MESSAGE_SEEN})) == 0)
		;
	cr_expect_eq(error, -ENOBUFS);
	cr_expect_not_null(common_wire());
	/* Now the connection ends, and the resume settles it. */
	leaves(member);
	cr_expect_eq(member->state, LEFT);
	far.stopped = false;
	play_on();
	expect_gone(&near, 1);
	expect_gone(&far, 1);
	cr_expect_eq(member->leaves_read, 1);
}

/* However many ask at once, and however much they say: they wait, none is refused. */
Test(trunk_flow, many_joins_wait_for_room)
{
	near.data_length = LEAFCAST_CONNECT_DATA_MAX;
	for (uint64_t number = 1; number <= 3000; number++)
		joins(&near, number);
	while (far.trunk.state != LC_TRUNK_UP)
		step(0);
	far.stopped = true;
	cr_assert_not(play_steps(100000));
	cr_expect_not_null(TAILQ_FIRST(&near.trunk.wanting));
	far.stopped = false;
	play_on();
	for (uint64_t number = 1; number <= 3000; number++)
		expect_joined(number);
	cr_expect_null(wires->next, "the connection held");
}

/* A peer that never stops talking hears all the same how much was read. */
Test(trunk_flow, half_a_window_is_acknowledged)
{
	struct lc_line *line = stranger_is_up();
	struct lc_message message = any_message(LC_MESSAGE_SEEN);
	uint8_t bytes[LC_MESSAGE_MAX];
	size_t length = lc_message_encode(&message, bytes), said = 0;
	uint32_t read = 0;

	for (; said < 32 * 1024; said += length)
		stranger_says(line, &message);
	cr_assert(play_steps((unsigned int)(20 * 1024 / length)));
	cr_assert_not_null(line->wire->ends[1].first, "there is more");
	while (stranger_hears(line, &message))
		if (message.kind == LC_MESSAGE_READ)
			read += message.read_bytes;
	cr_expect(read >= 16 * 1024 && read < 16 * 1024 + length, "%u", read);
}

/* LEAVE_READ comes when the other has carried the LEAVE out, not when TCP took it. */
Test(trunk_flow, a_leave_is_read_when_it_is_acknowledged)
{
	struct member *member = joins(&near, 1);

	play_on();
	far.stopped = true;
	leaves(member);
	play_steps(1000);
	cr_expect_eq(member->state, LEFT);
	far.stopped = false;
	play_on();
	cr_expect_eq(member->state, GONE);
	cr_expect_eq(member->leaves_read, 1);
}

/* That earlier bytes are read does not mean that LEAVE is, which may even wait here. */
Test(trunk_flow, a_leave_is_not_read_before_it_is_carried_out)
{
	struct member *member = joins(&near, 1);

	play_on();
	far.stopped = true;
	for (uint64_t number = 2; number <= 2000; number++)
		joins(&near, number);
	cr_assert_not(play_steps(10000));
	leaves(member);
	far.stopped = false;
	while (steps()) {
		step(0);
		cr_assert(member->state == LEFT || member_of(&far, 1)->state == GONE);
	}
	cr_expect_eq(member->leaves_read, 1);
}

/* Settled is settled: what crosses a LEAVE finds it left, not to be resumed. */
Test(trunk_flow, what_crosses_a_leave_changes_nothing)
{
	struct member *member = joins(&near, 1);

	play_on();
	lc_trunk_report(&far.trunk);
	leaves(member);
	play_on();
	cr_expect_eq(member->last.kind, LC_MESSAGE_REPORT);
	cr_expect_eq(member->resumed + member->forgotten, 0);
	cr_expect_eq(member->leaves_read, 1);
}
