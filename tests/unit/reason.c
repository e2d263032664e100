/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "leafcast/reason.h"

static const struct reason {
	int number;
	const char *word;
	const char *wsa;
	const char *text;
} list[] = {
#define ROW(number, name, word, wsa, text) {number, word, #wsa, text},
	LEAFCAST_REASONS(ROW)
#undef ROW
};

#define REASONS (sizeof(list) / sizeof(list[0]))

Test(reason, numbers_and_words_are_unique)
{
	for (size_t i = 0; i < REASONS; i++) {
		cr_expect_gt(list[i].number, 0);
		for (size_t j = 0; j < i; j++) {
			cr_expect_neq(list[i].number, list[j].number);
			cr_expect_str_neq(list[i].word, list[j].word);
		}
	}
}

/* The list of errors that Winsock's documents give for a join and for FD_CLOSE; 0 is a graceful close. */
Test(reason, winsock_names_exist)
{
	static const char *const names[] = {
		"0",	       "WSAEINTR",	 "WSAEOPNOTSUPP",   "WSAEADDRINUSE",
		"WSAENETDOWN", "WSAENETUNREACH", "WSAECONNABORTED", "WSAECONNRESET",
		"WSAENOBUFS",  "WSAETIMEDOUT",	 "WSAECONNREFUSED",
	};

	for (size_t i = 0; i < REASONS; i++) {
		bool known = false;

		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			known = known || strcmp(list[i].wsa, names[j]) == 0;
		cr_expect(known, "%s", list[i].wsa);
	}
}

/* The numbers travel between nodes: these were given away, with these words. */
Test(reason, never_renumbered)
{
	static const char *const words[] = {
		NULL,
		"nobody-listening",
		"backlog-full",
		"rejected-by-application",
		"policy",
		"no-capacity",
		"bad-flowspec",
		"limit",
		"not-supported",
		"unreachable",
		"path-blocked",
		"timed-out",
		"cancelled",
		"no-control",
		"protocol-error",
		"address-in-use",
		"network-down",
		"closed",
		"reset",
		"lost",
		"internal-fault",
	};

	for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++)
		cr_expect_str_eq(leafcast_reason_word((enum leafcast_reason)i), words[i]);
}

/* R16, R22-R28 of the seed: which code a joiner gets for which refusal. */
Test(reason, winsock_code_of_each_refusal)
{
	static const char *const rows[][2] = {
		{"nobody-listening", "WSAECONNREFUSED"},
		{"backlog-full", "WSAECONNREFUSED"},
		{"rejected-by-application", "WSAECONNREFUSED"},
		{"bad-flowspec", "WSAEOPNOTSUPP"},
		{"limit", "WSAENOBUFS"},
		{"unreachable", "WSAENETUNREACH"},
		{"timed-out", "WSAETIMEDOUT"},
		{"cancelled", "WSAEINTR"},
		{"address-in-use", "WSAEADDRINUSE"},
		{"network-down", "WSAENETDOWN"},
		{"closed", "0"},
		{"reset", "WSAECONNRESET"},
		{"lost", "WSAECONNABORTED"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *wsa = "";

		for (size_t j = 0; j < REASONS; j++)
			if (strcmp(list[j].word, rows[i][0]) == 0)
				wsa = list[j].wsa;
		cr_expect_str_eq(wsa, rows[i][1], "%s", rows[i][0]);
	}
}

Test(reason, words_and_sentences)
{
	for (size_t i = 0; i < REASONS; i++) {
		enum leafcast_reason reason = (enum leafcast_reason)list[i].number;
		size_t length = strlen(list[i].text);

		cr_expect_str_eq(leafcast_reason_text(reason), list[i].text);
		cr_expect(length > 0 && list[i].text[length - 1] != '.', "%s", list[i].word);
		cr_expect_eq(strspn(list[i].word, "abcdefghijklmnopqrstuvwxyz-"),
			     strlen(list[i].word));
	}
	cr_expect_str_eq(leafcast_reason_word(LEAFCAST_NO_REASON), "none");
	cr_expect_str_eq(leafcast_reason_word((enum leafcast_reason)9999), "unknown");
	cr_expect_not_null(leafcast_reason_text((enum leafcast_reason)9999));
}
