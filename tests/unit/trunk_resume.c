/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What both sides have after a connection ended, and how they find out. */
#include <criterion/criterion.h>
#include <errno.h>

#include "trunk/proof.h"
#include "trunks.h"

TestSuite(trunk_resume, .init = trunks_begin, .fini = trunks_end, .timeout = 120);

/* Made with Python's hmac from the formula in node.proto. */
Test(trunk_resume, a_proof_is_what_the_schema_says)
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

Test(trunk_resume, a_proof_is_of_one_connection_role_and_membership)
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

Test(trunk_resume, a_membership_is_suspended_and_resumed)
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

Test(trunk_resume, a_daemon_that_starts_anew_resumes)
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
Test(trunk_resume, who_asked_for_the_join_connects_again)
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
Test(trunk_resume, who_waits_calls_when_nobody_does)
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

/* What only one side has is over; what none has proven too. */
Test(trunk_resume, what_the_other_side_does_not_have_is_forgotten)
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

/* Who has lost all its records knows of none: they are over at the other side when the two meet. */
Test(trunk_resume, what_was_lost_with_the_records_is_forgotten)
{
	struct side *losers[] = {&near, &far};

	for (int i = 0; i < 2; i++) {
		struct side *loser = losers[i], *keeper = loser->other;

		trunks_end();
		trunks_begin();
		joins(&near, 1);
		joins(&far, 2);
		play_on();
		for (unsigned int j = 0; j < loser->member_count; j++) {
			lc_trunk_detach(&loser->members[j]->trunk);
			loser->members[j]->state = GONE;
		}
		starts_anew(loser);
		play_on();
		for (uint64_t number = 1; number <= 2; number++) {
			expect_gone(keeper, number);
			cr_expect_eq(member_of(keeper, number)->forgotten, 1);
			cr_expect_eq(member_of(keeper, number)->resumed, 0);
		}
		joins(keeper, 3);
		play_on();
		expect_joined(3);
	}
}

Test(trunk_resume, a_wrong_proof_is_none)
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

Test(trunk_resume, lost_at_each_message)
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
Test(trunk_resume, what_was_left_meanwhile_is_said_at_the_resume)
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
Test(trunk_resume, ten_thousand_are_resumed)
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

/* What comes for one that has not heard yet what the lists mean for it comes after that. */
Test(trunk_resume, a_message_waits_for_no_turn)
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
