/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "leafcast/reason.h"

const char *leafcast_reason_word(enum leafcast_reason reason)
{
	switch (reason) {
	case LEAFCAST_NO_REASON:
		return "none";
#define REASON_WORD(number, name, word, wsa, text) \
	case LEAFCAST_##name:                      \
		return word;
		LEAFCAST_REASONS(REASON_WORD)
#undef REASON_WORD
	}
	return "unknown";
}

const char *leafcast_reason_text(enum leafcast_reason reason)
{
	switch (reason) {
	case LEAFCAST_NO_REASON:
		return "no reason";
#define REASON_TEXT(number, name, word, wsa, text) \
	case LEAFCAST_##name:                      \
		return text;
		LEAFCAST_REASONS(REASON_TEXT)
#undef REASON_TEXT
	}
	return "a reason this version does not know";
}
