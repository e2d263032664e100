/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the other side says out of order, or without the right to. */
#include <criterion/criterion.h>
#include <string.h>

#include "protocol/codec.h"
#include "trunk/proof.h"
#include "trunks.h"

TestSuite(trunk_strangers, .init = trunks_begin, .fini = trunks_end, .timeout = 120);

static const enum lc_message_kind early[] = {
	LC_MESSAGE_JOIN,   LC_MESSAGE_INVITE, LC_MESSAGE_SEEN,	LC_MESSAGE_ACCEPT,
	LC_MESSAGE_JOINED, LC_MESSAGE_REFUSE, LC_MESSAGE_LEAVE, LC_MESSAGE_REPORT,
	LC_MESSAGE_HELLO,  LC_MESSAGE_DONE,
};

Test(trunk_strangers, nothing_but_lists_before_the_lists_are_through)
{
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		struct lc_message message = any_message(early[i]);
		struct lc_line *line = stranger_comes();

		cr_assert_not(play_steps(100));
		cr_assert_not(is_closed(line));
		stranger_says(line, &message);
		cr_assert_not(play_steps(100));
		cr_expect(is_closed(line), "kind %d", early[i]);
		cr_expect_eq(near.asked, 0);
	}
}

Test(trunk_strangers, no_lists_after_the_lists)
{
	static const enum lc_message_kind late[] = {LC_MESSAGE_HELLO, LC_MESSAGE_RESUME,
						    LC_MESSAGE_RESUME_END};

	for (int i = 0; i < 3; i++) {
		struct lc_message message = any_message(late[i]);
		struct lc_line *line = stranger_is_up();

		stranger_says(line, &message);
		cr_assert_not(play_steps(100));
		cr_expect(is_closed(line), "kind %d", late[i]);
	}
}

/* What is about a number that near does not have crossed its last word, or is nonsense: no matter. */
Test(trunk_strangers, unknown_numbers_end_nothing)
{
	struct lc_line *line = stranger_is_up();
	static const enum lc_message_kind kinds[] = {LC_MESSAGE_SEEN,	LC_MESSAGE_ACCEPT,
						     LC_MESSAGE_JOINED, LC_MESSAGE_REFUSE,
						     LC_MESSAGE_LEAVE,	LC_MESSAGE_REPORT};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct lc_message message = any_message(kinds[i]);

		message.entry_count = 1;
		message.entries[0].number = 9;
		stranger_says(line, &message);
	}
	cr_assert_not(play_steps(100));
	cr_expect_not(is_closed(line));
	cr_expect_eq(near.member_count, 0);
}

Test(trunk_strangers, a_join_under_a_number_in_use_is_that_memberships_matter)
{
	struct lc_line *line = stranger_is_up();
	struct lc_message message = any_message(LC_MESSAGE_JOIN);

	stranger_says(line, &message);
	stranger_says(line, &message);
	cr_assert_not(play_steps(100));
	cr_expect_eq(near.asked, 1);
	cr_expect_eq(member_of(&near, 9)->messages, 1);
	cr_expect_eq(member_of(&near, 9)->last.kind, LC_MESSAGE_JOIN);
	cr_expect_not(is_closed(line));
}

Test(trunk_strangers, more_cannot_be_read_than_was_sent)
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

Test(trunk_strangers, an_endless_list_ends)
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

Test(trunk_strangers, a_proof_cannot_be_given_back)
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
Test(trunk_strangers, who_knows_the_secret_resumes_once)
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
Test(trunk_strangers, it_does_not_talk_to_itself)
{
	struct lc_message hello = {.kind = LC_MESSAGE_HELLO, .version = 1, .instance = 1};
	struct lc_line *line = stranger_says_hello(&hello);

	cr_assert_not(play_steps(100));
	cr_expect(is_closed(line));
	cr_expect_eq(near.trunk.state, LC_TRUNK_DOWN);
}

Test(trunk_strangers, a_newer_peer_is_spoken_to)
{
	struct lc_message hello = {.kind = LC_MESSAGE_HELLO, .version = 7, .instance = 3}, answer;
	struct lc_line *line = stranger_says_hello(&hello);

	cr_assert_not(play_steps(100));
	cr_assert(stranger_hears(line, &answer));
	cr_expect_eq(answer.version, 1);
}

/* A stranger who says HELLO and no more is there for a while only. */
Test(trunk_strangers, who_only_says_hello_is_closed)
{
	struct lc_line *line = stranger_comes();

	cr_assert_not(play_steps(100));
	cr_assert_not(is_closed(line));
	run_out(LC_TRUNK_IDLE);
	cr_assert_not(play_steps(100));
	cr_expect(is_closed(line));
	cr_expect(near.is_over);
}

/* Who holds a second connection gives it up when it speaks unasked. */
Test(trunk_strangers, what_is_held_has_nothing_to_say)
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
