/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "protocol/codec.h"
#include "trunk/proof.h"
#include "trunks.h"
#include "wire.h"

TestSuite(trunk, .init = trunks_begin, .fini = trunks_end, .timeout = 120);

static void expect_joined(uint64_t number)
{
	struct member *here = member_of(&near, number), *there = member_of(&far, number);

	cr_assert(here && there, "%lu is not at both ends", number);
	cr_assert_eq(here->state, JOINED, "%lu is %d here", number, here->state);
	cr_assert_eq(there->state, JOINED, "%lu is %d there", number, there->state);
}

static void expect_gone(struct side *side, uint64_t number)
{
	struct member *member = member_of(side, number);

	cr_assert(!member || member->state == GONE, "%lu is %d at %s", number,
		  member ? member->state : 0, side->what);
}

/* ---- proofs ---- */

/* Made with Python's hmac from the formula in node.proto. */
Test(trunk, a_proof_is_what_the_schema_says)
{
	static const struct lc_identity want = {{0x79, 0x8e, 0xbb, 0xb8, 0x03, 0x9d, 0x92, 0x17,
						 0xe4, 0xe5, 0x3f, 0x51, 0x2f, 0x3d, 0x57, 0xf6}};
	struct lc_proof_terms terms = {
		.by_opener = true, .number = 0x0102030405060708, .drawn_by_opener = false};
	struct lc_identity secret, proof;

	for (int i = 0; i < 16; i++) {
		secret.bytes[i] = (uint8_t)i;
		terms.prover_nonce.bytes[i] = (uint8_t)(0x10 + i);
		terms.reader_nonce.bytes[i] = (uint8_t)(0x20 + i);
	}
	cr_assert_eq(lc_proof_make(&proof, &secret, &terms), 0);
	cr_expect_arr_eq(proof.bytes, want.bytes, sizeof(want));
}

Test(trunk, a_proof_is_of_one_connection_role_and_membership)
{
	const struct lc_proof_terms terms = {.by_opener = true, .number = 5};
	const struct lc_identity secret = {{1}};
	struct lc_proof_terms other;
	struct lc_identity proof;

	cr_assert_eq(lc_proof_make(&proof, &secret, &terms), 0);
	cr_expect(lc_proof_is_right(&proof, &secret, &terms));
	cr_expect_not(lc_proof_is_right(&proof, &(struct lc_identity){{2}}, &terms));
#define OTHER(field, value)                                                \
	do {                                                               \
		other = terms;                                             \
		other.field = value;                                       \
		cr_expect_not(lc_proof_is_right(&proof, &secret, &other)); \
	} while (0)
	OTHER(by_opener, false);
	OTHER(number, 6);
	OTHER(drawn_by_opener, true);
	OTHER(prover_nonce.bytes[15], 1);
	OTHER(reader_nonce.bytes[0], 1);
#undef OTHER
	for (int i = 0; i < 16; i++) {
		proof.bytes[i] ^= 0x80;
		cr_expect_not(lc_proof_is_right(&proof, &secret, &terms), "byte %d", i);
		proof.bytes[i] ^= 0x80;
	}
}

/* ---- opening ---- */

Test(trunk, one_connection_carries_all)
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
Test(trunk, a_number_is_of_who_drew_it)
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

Test(trunk, a_join_fails_with_the_connection)
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

Test(trunk, both_open_at_once_in_every_order)
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

Test(trunk, both_open_at_once_within_the_node)
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
Test(trunk, what_is_held_is_used_when_the_own_attempt_fails)
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

Test(trunk, what_is_held_waits_only_so_long)
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

/* ---- ends and resumes ---- */

/*
 * Both have it or none. Only where who drew the number has nothing any more, so
 * that nobody calls, the other waits for the end of its grace time.
 */
static void expect_end_agreed(struct side *drawer, uint64_t number)
{
	struct member *here = member_of(drawer, number), *there = member_of(drawer->other, number);
	enum play_state ours = here ? here->state : GONE, theirs = there ? there->state : GONE;
	bool waits = there && there->trunk.trunk && there->trunk.trunk->state == LC_TRUNK_DOWN;

	cr_assert((ours == JOINED && theirs == JOINED) ||
			  (ours == GONE && (theirs == GONE || waits)),
		  "%lu: %d where it was drawn, %d there", number, ours, theirs);
}

Test(trunk, a_membership_is_suspended_and_resumed)
{
	static const int errors[] = {0, -ECONNRESET, -EBADMSG};

	for (uint64_t number = 1; number <= 300; number++)
		joins(number % 3 ? &near : &far, number);
	play_on();
	for (int i = 0; i < 3; i++) {
		cut(errors[i]);
		play_on();
		for (uint64_t number = 1; number <= 300; number++) {
			expect_joined(number);
			cr_assert_eq(member_of(&near, number)->resumed, i + 1);
			cr_assert_eq(member_of(&far, number)->resumed, i + 1);
		}
		cr_assert_eq(open_wires(), 1);
	}
}

Test(trunk, death_is_told_as_such)
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
Test(trunk, who_calls_in_again_is_not_dead)
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

/* A second connection makes the first speak, so that one that is dead shows. */
Test(trunk, a_second_connection_asks_for_the_first)
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

Test(trunk, a_daemon_that_starts_anew_resumes)
{
	struct side *sides[] = {&near, &far};

	for (uint64_t number = 1; number <= 20; number++)
		joins(number % 2 ? &near : &far, number);
	play_on();
	for (int i = 0; i < 6; i++) {
		starts_anew(sides[i % 2]);
		if (i == 4)
			starts_anew(sides[1]);
		play_on();
		for (uint64_t number = 1; number <= 20; number++)
			expect_joined(number);
		cr_assert_eq(open_wires(), 1);
	}
}

/* Only who drew a number calls at once; the other waits. */
Test(trunk, who_asked_for_the_join_connects_again)
{
	joins(&near, 1);
	play_on();
	far.last_opened = near.last_opened = NULL;
	cut(0);
	play_on();
	expect_joined(1);
	cr_expect_not_null(near.last_opened);
	cr_expect_null(far.last_opened);
}

/* ...but not for ever: killed before it could write the membership down, who drew it knows nothing. */
Test(trunk, who_waits_calls_when_nobody_does)
{
	joins(&near, 1);
	play_on();
	lc_trunk_detach(&member_of(&near, 1)->trunk);
	member_of(&near, 1)->state = GONE;
	far.last_opened = near.last_opened = NULL;
	cut(0);
	cr_assert_not(play_steps(1000));
	cr_assert_eq(member_of(&far, 1)->state, SUSPENDED);
	cr_assert_null(far.last_opened, "not at once");
	run_out(LC_TRUNK_RETRY);
	cr_assert_not(play_steps(1000));
	cr_expect_not_null(far.last_opened);
	expect_gone(&far, 1);
	cr_expect_eq(member_of(&far, 1)->forgotten, 1);
}

Test(trunk, it_goes_on_trying_while_nobody_answers)
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

/* What only one side has is over; what none has proven too. */
Test(trunk, what_the_other_side_does_not_have_is_forgotten)
{
	joins(&near, 1);
	joins(&near, 2);
	joins(&far, 3);
	play_on();
	near.refuses = far.refuses = true;
	cut(-ECONNRESET);
	cr_assert_not(play_steps(100));
	cr_assert_eq(member_of(&far, 1)->state, SUSPENDED);
	lc_trunk_detach(&member_of(&far, 1)->trunk);
	member_of(&far, 1)->state = GONE;
	lc_trunk_detach(&member_of(&near, 3)->trunk);
	member_of(&near, 3)->state = GONE;
	near.refuses = far.refuses = false;
	play_on();
	expect_gone(&near, 1);
	cr_expect_eq(member_of(&near, 1)->forgotten, 1);
	expect_gone(&far, 3);
	cr_expect_eq(member_of(&far, 3)->forgotten, 1);
	expect_joined(2);
}

Test(trunk, a_wrong_proof_is_none)
{
	joins(&near, 1);
	joins(&near, 2);
	play_on();
	member_of(&far, 1)->trunk.secret.bytes[0] ^= 1;
	cut(0);
	play_on();
	cr_expect_eq(member_of(&near, 1)->forgotten, 1);
	cr_expect_eq(member_of(&far, 1)->forgotten, 1);
	expect_joined(2);
}

/* Whatever a message was the last to get through, both ends agree after the resume, and after two. */
static void join_and_leave(struct side *leaver, int first_cut, int second_cut, bool anew)
{
	trunks_end();
	trunks_begin();
	joins(&near, 1);
	joins(&far, 2);
	if (play_steps((unsigned int)first_cut) || first_cut > 60) {
		struct member *member = member_of(leaver, 1);

		if (member)
			leaves(member);
	}
	play_steps((unsigned int)second_cut);
	if (anew)
		starts_anew(second_cut % 2 ? &near : &far);
	else
		cut(-ECONNRESET);
	play_steps((unsigned int)first_cut);
	cut(0);
	play_on();
	expect_end_agreed(&near, 1);
	expect_end_agreed(&far, 2);
	cr_assert_leq(open_wires(), 1);
}

Test(trunk, lost_at_each_message)
{
	for (int i = 0; i < 40; i++)
		for (int j = 0; j < 40; j++) {
			join_and_leave(&near, i, j, false);
			join_and_leave(&far, i, j, false);
			join_and_leave(&near, i, j, true);
			join_and_leave(&far, i, j, true);
		}
}

/* One that has left says so when the other is back, with what it counted then. */
Test(trunk, what_was_left_meanwhile_is_said_at_the_resume)
{
	struct member *member = joins(&near, 1);

	play_on();
	far.refuses = true;
	cut(0);
	play_steps(100);
	cr_assert_eq(member->state, SUSPENDED);
	member->datagrams = 4711;
	leaves(member);
	far.refuses = false;
	play_on();
	cr_expect_eq(member_of(&far, 1)->state, GONE);
	cr_expect_eq(member_of(&far, 1)->last.kind, LC_MESSAGE_LEAVE);
	cr_expect_eq(member_of(&far, 1)->last.datagrams, 4711);
	cr_expect_eq(member->leaves_read, 1);
}

/* As many as a full table has, in parts; and a list longer than a window. */
Test(trunk, ten_thousand_are_resumed)
{
	for (uint64_t number = 1; number <= 10000; number++) {
		had(&near, number, true, number % 2 ? SUSPENDED : LEFT);
		had(&far, number, false, SUSPENDED);
	}
	play_on();
	for (uint64_t number = 1; number <= 10000; number++) {
		struct member *here = near.members[number - 1], *there = far.members[number - 1];

		cr_assert_eq(here->resumed, 1);
		cr_assert_eq(there->resumed, 1);
		cr_assert_eq(here->state, number % 2 ? JOINED : GONE);
		cr_assert_eq(there->state, number % 2 ? JOINED : GONE);
	}
	cr_expect_eq(open_wires(), 1);
	cr_expect_eq(wires->next, NULL, "one was enough");
}

/* No turn of the loop is as long as the table. */
Test(trunk, a_turn_does_a_part)
{
	unsigned int before = 0, most = 0;

	for (uint64_t number = 1; number <= 5000; number++)
		joins(&near, number);
	play_on();
	for (int what = 0; what < 2; what++) {
		before = 0;
		if (what == 0)
			cut(0);
		while (steps()) {
			unsigned int now = 0;

			step(0);
			for (unsigned int i = 0; i < near.member_count; i++)
				now += near.members[i]->state == (what ? JOINED : SUSPENDED);
			if (now > before && now - before > most)
				most = now - before;
			before = now;
			if (what == 0 && now == 5000)
				break;
		}
	}
	cr_expect_eq(most, LC_TRUNK_AT_ONCE);
}

/* ---- the window ---- */

/* What was said to `side` and it has not read. */
static struct lc_line *line_to(const struct side *side)
{
	return side->trunk.line;
}

Test(trunk, a_peer_that_is_stopped_has_no_more_than_a_window)
{
	for (uint64_t number = 1; number <= 2000; number++)
		joins(&near, number)->datagrams = number;
	play_on();
	far.stopped = true;
	for (int second = 0; second < 60; second++) {
		lc_trunk_report(&near.trunk);
		cr_assert_not(play_steps(10000));
		cr_assert_leq(line_to(&far)->reports, 1, "second %d", second);
	}
	cr_expect_eq(line_to(&far)->reports, 1);
	for (uint64_t number = 1; number <= 1000; number++)
		leaves(member_of(&near, number));
	for (uint64_t number = 5001; number <= 7000; number++)
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
	for (uint64_t number = 5001; number <= 7000; number++)
		expect_joined(number);
	cr_expect_eq(wires->next, NULL, "the connection held");
}

Test(trunk, reports_come_in_rounds_of_all_that_are_joined)
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
Test(trunk, a_round_of_reports_is_finished)
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

/* Requests are refused when too many wait, what must not be lost is not. */
Test(trunk, what_waits_is_bounded)
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

/* LEAVE_READ comes when the other has carried the LEAVE out, not when TCP took it. */
Test(trunk, a_leave_is_read_when_it_is_acknowledged)
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

/* ---- DONE ---- */

static void nothing_is_left(void)
{
	joins(&near, 1);
	play_on();
	leaves(member_of(&near, 1));
	play_on();
	cr_assert(near.timers[LC_TRUNK_IDLE] && far.timers[LC_TRUNK_IDLE]);
}

Test(trunk, an_idle_trunk_is_closed)
{
	nothing_is_left();
	near.timers[LC_TRUNK_IDLE] = false;
	lc_trunk_timer(&near.trunk, LC_TRUNK_IDLE);
	play_on();
	cr_expect_eq(open_wires(), 0);
	cr_expect(near.is_over && far.is_over);
}

Test(trunk, both_are_done_at_once)
{
	nothing_is_left();
	run_out(LC_TRUNK_IDLE);
	play_on();
	cr_expect_eq(open_wires(), 0);
	cr_expect(near.is_over && far.is_over);
}

Test(trunk, one_that_does_not_answer_done_is_closed)
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
Test(trunk, a_join_at_each_step_of_a_parting)
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

Test(trunk, a_parting_in_any_order)
{
	uint64_t seed = 0x1eafca57;

	for (int i = 0; i < 10000; i++)
		part_in_some_order(&seed);
}

Test(trunk, who_answered_done_says_nothing_more)
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

/* A connection that nobody waits for any more is not waited for either. */
Test(trunk, cancelled_while_it_is_opened)
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

/* ---- strangers ---- */

/* near is up with a stranger who has listed nothing. */
static struct lc_line *stranger_is_up(void)
{
	struct lc_line *line = stranger_comes();
	struct lc_message message;

	cr_assert_not(play_steps(100));
	stranger_says(line, &(struct lc_message){.kind = LC_MESSAGE_RESUME_END});
	cr_assert_not(play_steps(100));
	cr_assert_eq(near.trunk.state, LC_TRUNK_UP);
	while (stranger_hears(line, &message))
		;
	return line;
}

static bool is_closed(const struct lc_line *line)
{
	return line->wire->ends[1].closed;
}

static const enum lc_message_kind early[] = {
	LC_MESSAGE_JOIN,   LC_MESSAGE_INVITE, LC_MESSAGE_SEEN,	LC_MESSAGE_ACCEPT,
	LC_MESSAGE_JOINED, LC_MESSAGE_REFUSE, LC_MESSAGE_LEAVE, LC_MESSAGE_REPORT,
	LC_MESSAGE_HELLO,  LC_MESSAGE_DONE,
};

static struct lc_message any(enum lc_message_kind kind)
{
	struct lc_message message = {.kind = kind, .number = 9, .numbered_by_sender = true};

	message.session = message.leaf = (struct lc_endpoint){.family = LC_INET};
	message.version = 1;
	return message;
}

Test(trunk, nothing_but_lists_before_the_lists_are_through)
{
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		struct lc_message message = any(early[i]);
		struct lc_line *line = stranger_comes();

		cr_assert_not(play_steps(100));
		cr_assert_not(is_closed(line));
		stranger_says(line, &message);
		cr_assert_not(play_steps(100));
		cr_expect(is_closed(line), "kind %d", early[i]);
		cr_expect_eq(near.asked, 0);
	}
}

Test(trunk, no_lists_after_the_lists)
{
	static const enum lc_message_kind late[] = {LC_MESSAGE_HELLO, LC_MESSAGE_RESUME,
						    LC_MESSAGE_RESUME_END};

	for (int i = 0; i < 3; i++) {
		struct lc_message message = any(late[i]);
		struct lc_line *line = stranger_is_up();

		stranger_says(line, &message);
		cr_assert_not(play_steps(100));
		cr_expect(is_closed(line), "kind %d", late[i]);
	}
}

/* What is about a number that near does not have crossed its last word, or is nonsense: no matter. */
Test(trunk, unknown_numbers_end_nothing)
{
	struct lc_line *line = stranger_is_up();
	static const enum lc_message_kind kinds[] = {LC_MESSAGE_SEEN,	LC_MESSAGE_ACCEPT,
						     LC_MESSAGE_JOINED, LC_MESSAGE_REFUSE,
						     LC_MESSAGE_LEAVE,	LC_MESSAGE_REPORT};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct lc_message message = any(kinds[i]);

		message.entry_count = 1;
		message.entries[0].number = 9;
		stranger_says(line, &message);
	}
	cr_assert_not(play_steps(100));
	cr_expect_not(is_closed(line));
	cr_expect_eq(near.member_count, 0);
}

Test(trunk, a_join_under_a_number_in_use_is_that_memberships_matter)
{
	struct lc_line *line = stranger_is_up();
	struct lc_message message = any(LC_MESSAGE_JOIN);

	stranger_says(line, &message);
	stranger_says(line, &message);
	cr_assert_not(play_steps(100));
	cr_expect_eq(near.asked, 1);
	cr_expect_eq(member_of(&near, 9)->messages, 1);
	cr_expect_eq(member_of(&near, 9)->last.kind, LC_MESSAGE_JOIN);
	cr_expect_not(is_closed(line));
}

Test(trunk, more_cannot_be_read_than_was_sent)
{
	struct lc_line *line = stranger_comes();
	struct lc_message hello;
	uint8_t bytes[LC_MESSAGE_MAX];
	struct lc_message read = {.kind = LC_MESSAGE_READ};

	cr_assert_not(play_steps(100));
	while (stranger_hears(line, &hello))
		if (hello.kind != LC_MESSAGE_READ)
			read.read_bytes += (uint32_t)lc_message_encode(&hello, bytes);
	stranger_says(line, &read);
	cr_assert_not(play_steps(100));
	cr_expect_not(is_closed(line), "all of it can");
	read.read_bytes = 1;
	stranger_says(line, &read);
	cr_assert_not(play_steps(100));
	cr_expect(is_closed(line));
}

Test(trunk, an_endless_list_ends)
{
	struct lc_line *line = stranger_comes();
	struct lc_message list = {.kind = LC_MESSAGE_RESUME, .entry_count = LC_MESSAGE_ENTRIES_MAX};

	for (int i = 0; i < LC_MESSAGE_ENTRIES_MAX; i++)
		list.entries[i].number = 1;
	for (int i = 0; i < 65536 / LC_MESSAGE_ENTRIES_MAX; i++)
		stranger_says(line, &list);
	cr_assert_not(play_steps(10000));
	cr_expect_not(is_closed(line));
	stranger_says(line, &list);
	cr_assert_not(play_steps(100));
	cr_expect(is_closed(line));
}

/* near's own claim, given back, proves nothing; nor does one of another connection. */
static void claims_of(struct lc_line *line, struct lc_message *list)
{
	struct lc_message message;

	cr_assert_not(play_steps(100));
	list->kind = 0;
	while (stranger_hears(line, &message))
		if (message.kind == LC_MESSAGE_RESUME)
			*list = message;
	cr_assert_eq(list->kind, LC_MESSAGE_RESUME);
	cr_assert_eq(list->entry_count, 1);
}

Test(trunk, a_proof_cannot_be_given_back)
{
	struct lc_message list;
	struct lc_line *line;

	had(&near, 9, false, SUSPENDED);
	line = stranger_comes();
	claims_of(line, &list);
	list.entries[0].numbered_by_sender = true;
	stranger_says(line, &list);
	stranger_says(line, &(struct lc_message){.kind = LC_MESSAGE_RESUME_END});
	cr_assert_not(play_steps(100));
	cr_expect_eq(member_of(&near, 9)->forgotten, 1);
}

/* The right proof, made as the schema says, twice and with a wrong one behind it. */
Test(trunk, who_knows_the_secret_resumes_once)
{
	struct lc_proof_terms terms = {.by_opener = true, .number = 9, .drawn_by_opener = true};
	struct lc_message hello, list = {.kind = LC_MESSAGE_RESUME, .entry_count = 3};
	struct member *member = had(&near, 9, false, SUSPENDED);
	struct lc_line *line = stranger_comes();

	cr_assert_not(play_steps(100));
	cr_assert(stranger_hears(line, &hello));
	cr_assert_eq(hello.kind, LC_MESSAGE_HELLO);
	memset(&terms.prover_nonce, 0x77, sizeof(terms.prover_nonce));
	terms.reader_nonce = hello.nonce;
	for (int i = 0; i < 3; i++) {
		list.entries[i].number = 9;
		list.entries[i].numbered_by_sender = true;
		cr_assert_eq(lc_proof_make(&list.entries[i].proof, &member->trunk.secret, &terms),
			     0);
	}
	list.entries[2].proof.bytes[0] ^= 1;
	/* near's own claim is of the one that did not open the connection. */
	terms = (struct lc_proof_terms){.prover_nonce = hello.nonce,
					.reader_nonce = terms.prover_nonce,
					.number = 9,
					.drawn_by_opener = true};
	cr_assert(stranger_hears(line, &hello));
	cr_assert_eq(hello.kind, LC_MESSAGE_RESUME);
	cr_expect(lc_proof_is_right(&hello.entries[0].proof, &member->trunk.secret, &terms));
	stranger_says(line, &list);
	stranger_says(line, &list);
	stranger_says(line, &(struct lc_message){.kind = LC_MESSAGE_RESUME_END});
	cr_assert_not(play_steps(100));
	cr_expect_eq(member->resumed, 1);
	cr_expect_eq(member->forgotten, 0);
	/* On another connection the same bytes are worth nothing. */
	line->closed = true;
	cr_assert_not(play_steps(100));
	line = stranger_comes();
	stranger_says(line, &list);
	stranger_says(line, &(struct lc_message){.kind = LC_MESSAGE_RESUME_END});
	cr_assert_not(play_steps(100));
	cr_expect_eq(member->forgotten, 1);
}

/* A way that leads back here: no node resumes with itself. */
Test(trunk, it_does_not_talk_to_itself)
{
	struct lc_message hello = {.kind = LC_MESSAGE_HELLO, .version = 1, .instance = 1};
	struct lc_line *line = stranger_says_hello(&hello);

	cr_assert_not(play_steps(100));
	cr_expect(is_closed(line));
	cr_expect_eq(near.trunk.state, LC_TRUNK_DOWN);
}

Test(trunk, a_newer_peer_is_spoken_to)
{
	struct lc_message hello = {.kind = LC_MESSAGE_HELLO, .version = 7, .instance = 3}, answer;
	struct lc_line *line = stranger_says_hello(&hello);

	cr_assert_not(play_steps(100));
	cr_assert(stranger_hears(line, &answer));
	cr_expect_eq(answer.version, 1);
}

/* A stranger who says HELLO and no more is there for a while only. */
Test(trunk, who_only_says_hello_is_closed)
{
	struct lc_line *line = stranger_comes();

	cr_assert_not(play_steps(100));
	cr_assert_not(is_closed(line));
	run_out(LC_TRUNK_IDLE);
	cr_assert_not(play_steps(100));
	cr_expect(is_closed(line));
	cr_expect(near.is_over);
}

/* A membership may go, and take others along, whatever it is told. */
Test(trunk, members_go_while_they_are_told)
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
Test(trunk, members_go_in_the_middle_of_a_walk)
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

/* What comes for one that has not heard yet what the lists mean for it comes after that. */
Test(trunk, a_message_waits_for_no_turn)
{
	for (uint64_t number = 1; number <= 600; number++) {
		had(&near, number, true, SUSPENDED);
		had(&far, number, false, SUSPENDED);
	}
	while (near.trunk.state != LC_TRUNK_UP) {
		far.drowsy = far.trunk.state == LC_TRUNK_SETTLING;
		step(0);
	}
	far.drowsy = true;
	cr_assert_eq(member_of(&far, 600)->state, SUSPENDED);
	leaves(member_of(&near, 600));
	cr_assert_not(play_steps(1000));
	cr_expect_eq(member_of(&far, 600)->resumed, 1);
	cr_expect_eq(member_of(&far, 600)->state, GONE);
	far.drowsy = false;
	play_on();
	for (uint64_t number = 1; number < 600; number++) {
		expect_joined(number);
		cr_assert_eq(member_of(&far, number)->resumed, 1);
	}
}

/* Settled is settled: what crosses a LEAVE finds it left, not to be resumed. */
Test(trunk, what_crosses_a_leave_changes_nothing)
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

/* That earlier bytes are read does not mean that LEAVE is, which may even wait here. */
Test(trunk, a_leave_is_not_read_before_it_is_carried_out)
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

/* One message a second is enough to come round. */
Test(trunk, a_round_goes_on_where_it_was)
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

Test(trunk, only_what_is_joined_is_reported)
{
	struct lc_line *line = stranger_is_up();
	struct lc_message message = any(LC_MESSAGE_JOIN);
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

/* A peer that never stops talking hears all the same how much was read. */
Test(trunk, half_a_window_is_acknowledged)
{
	struct lc_line *line = stranger_is_up();
	struct lc_message message = any(LC_MESSAGE_SEEN);
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

/* An answer that answers nothing is not answered, or two would answer each other for ever. */
Test(trunk, an_answer_is_not_answered)
{
	struct lc_line *line = stranger_is_up();
	struct lc_message message = {.kind = LC_MESSAGE_DONE, .answers = true};

	stranger_says(line, &message);
	cr_assert_not(play_steps(100));
	while (stranger_hears(line, &message))
		cr_expect_eq(message.kind, LC_MESSAGE_READ);
	cr_expect_not(is_closed(line));
}

/* Who holds a second connection gives it up when it speaks unasked. */
Test(trunk, what_is_held_has_nothing_to_say)
{
	struct lc_line *first = stranger_is_up(), *second = stranger_comes();

	cr_assert_not(play_steps(100));
	cr_assert_not_null(near.trunk.held);
	stranger_says(second, &(struct lc_message){.kind = LC_MESSAGE_RESUME_END});
	cr_assert_not(play_steps(100));
	cr_expect(is_closed(second));
	cr_expect_not(is_closed(first));
	cr_expect_eq(near.trunk.state, LC_TRUNK_UP);
}

/* However many ask at once, and however much they say: they wait, none is refused. */
Test(trunk, many_joins_wait_for_room)
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

/* No way for a moment, when a connection is sought again, is not yet death; for a join it is an answer. */
Test(trunk, no_way_for_a_moment_is_not_death)
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

Test(trunk, no_way_at_all_is_death)
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
Test(trunk, a_connection_that_times_out_is_death)
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

/* ...and so is the end of one that was made, though the other side had not said a word on it. */
Test(trunk, a_connection_that_dies_unanswered_is_death)
{
	joins(&near, 1);
	play_on();
	far.stopped = true;
	cut(0);
	cr_assert_not(play_steps(1000));
	run_out(LC_TRUNK_RETRY);
	cr_assert_not(play_steps(1000));
	cr_assert_eq(near.trunk.state, LC_TRUNK_GREETING);
	lc_trunk_ended(&near.trunk, near.trunk.line, -EHOSTUNREACH);
	cr_assert_not(play_steps(1000));
	cr_expect_eq(member_of(&near, 1)->state, GONE);
}
