/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Messages to bytes and back. Pure; the bytes may come from anybody.
 *
 * Between nodes a message is framed by its length, 32 bits in network order.
 * Locally a packet is a message.
 *
 * decode: 0, or -EBADMSG for bytes that are no valid message: truncated,
 * unknown kind, an address of no family, data or a list longer than allowed, a
 * number out of range, a membership without one. Unknown fields are skipped, so that the schema can grow. The
 * out-parameter is untouched on failure, wholly written on success.
 *
 * What a newer peer may send is read as the nearest that is known: a reason
 * without a number here as PROTOCOL (of LEAVE, as CLOSED), a capacity above
 * LEAFCAST_CONNECT_DATA_MAX as that. No reason in REFUSE and LEAVE likewise.
 *
 * Order: wire < node_codec, local_codec
 */
#ifndef CTL_PROTOCOL_CODEC_H
#define CTL_PROTOCOL_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "core/local.h"
#include "core/message.h"

/* Longest encoding, frame header included: 64 entries, about 3000 bytes. */
#define LC_MESSAGE_MAX	4096
#define LC_FRAME_HEADER 4

/* Encodes with frame header; returns the length. `bytes` holds LC_MESSAGE_MAX. */
size_t lc_message_encode(const struct lc_message *message, uint8_t *bytes);
/* Decodes one message without frame header. */
int lc_message_decode(struct lc_message *message, const uint8_t *bytes, size_t length);
/*
 * Looks at the start of a stream: returns the length of the message behind the
 * frame header once all of it is there, 0 while more bytes are needed, or
 * -EMSGSIZE (stream is broken).
 */
int lc_frame_length(const uint8_t *bytes, size_t length);

/* Encodes one packet; returns the length. `bytes` holds LC_MESSAGE_MAX. */
size_t lc_local_encode(const struct lc_local_message *message, uint8_t *bytes);
int lc_local_decode(struct lc_local_message *message, const uint8_t *bytes, size_t length);

#endif
