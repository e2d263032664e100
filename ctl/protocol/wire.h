/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What node_codec.c and local_codec.c share: types.proto's messages to the
 * structs of core/ and back, and decoding without heap. Private to protocol/.
 *
 * put: fills *wire, which borrows from what it is filled from, and returns it,
 * or NULL where the field is absent.
 * get: 0 or -EBADMSG; absent is zero. need: the same, but absent is -EBADMSG.
 */
#ifndef CTL_PROTOCOL_WIRE_H
#define CTL_PROTOCOL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/message.h"
#include "protocol/types.pb-c.h"

/*
 * Memory for one decoded message. 64 unknown fields fit beside the longest
 * known message; bytes that expand to more than that are no message of ours.
 */
#define LC_ARENA_BYTES 16384

struct lc_arena {
	size_t used;
	_Alignas(max_align_t) uint8_t bytes[LC_ARENA_BYTES];
};

/*
 * Unpacks into the arena: nothing need be freed. NULL: no message of that
 * type, longer than LC_MESSAGE_MAX, or more than the arena holds.
 */
void *lc_wire_unpack(struct lc_arena *arena, const ProtobufCMessageDescriptor *type,
		     const uint8_t *bytes, size_t length);

struct lc_wire_flows {
	Leafcast__Flows flows;
	Leafcast__FlowSpec down;
	Leafcast__FlowSpec up;
};

Leafcast__Endpoint *lc_wire_put_endpoint(Leafcast__Endpoint *wire,
					 const struct lc_endpoint *endpoint);
Leafcast__ConnectData *lc_wire_put_data(Leafcast__ConnectData *wire,
					const struct lc_connect_data *data);
ProtobufCBinaryData lc_wire_put_identity(const struct lc_identity *identity);
Leafcast__Flows *lc_wire_put_flows(struct lc_wire_flows *wire, bool has_flows,
				   const struct lc_flows *flows);

int lc_wire_get_endpoint(struct lc_endpoint *endpoint, const Leafcast__Endpoint *wire);
int lc_wire_need_endpoint(struct lc_endpoint *endpoint, const Leafcast__Endpoint *wire);
int lc_wire_get_data(struct lc_connect_data *data, const Leafcast__ConnectData *wire);
int lc_wire_need_identity(struct lc_identity *identity, const ProtobufCBinaryData *wire);
int lc_wire_get_flows(bool *has_flows, struct lc_flows *flows, const Leafcast__Flows *wire);

/* The most callee data the caller takes: more than is ever carried is as much as is carried. */
uint16_t lc_wire_get_capacity(uint32_t capacity);

/*
 * The reason of that number, or `unknown` if it has none: a newer peer's "no,
 * because" must not become bytes that make no message, nor a success.
 */
enum leafcast_reason lc_wire_get_reason(uint32_t number, enum leafcast_reason unknown);

#endif
