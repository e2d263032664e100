/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Messages between nodes for the tests of their codec: whole ones, and what decoding must hold to. */
#ifndef TESTS_UNIT_NODE_MESSAGES_H
#define TESTS_UNIT_NODE_MESSAGES_H

#include <criterion/criterion.h>
#include <errno.h>

#include "protocol/codec.h"
#include "wire.h"

#define FIRST_KIND LC_MESSAGE_JOIN
#define LAST_KIND  LC_MESSAGE_DONE
#define MOST	   (LC_MESSAGE_MAX - LC_FRAME_HEADER)

/* Every field set, whatever the kind: what a kind does not list must not travel. Static storage. */
struct lc_message *everything(enum lc_message_kind kind);
/* The same with what the kind lists and nothing else. */
struct lc_message *listed(enum lc_message_kind kind);

/* Decodes from memory of exactly that length, so that a sanitizer sees the first byte too many. */
int decode(struct lc_message *out, const uint8_t *bytes, size_t length);
/* Nothing was written there by decode(). */
bool untouched(const struct lc_message *out);
/* decode(); fails the test unless the message is taken, or refused as -EBADMSG and untouched. */
int decode_bytes(struct lc_message *out, const struct wire_bytes *bytes);
/* What was taken is a message as the header promises, and says the same when sent on. */
void expect_sound(const struct lc_message *m);

#endif
