/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "protocol/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "protocol/codec.h"

static void *arena_alloc(void *data, size_t size)
{
	struct lc_arena *arena = data;
	size_t unit = _Alignof(max_align_t), left = sizeof(arena->bytes) - arena->used;
	void *memory = arena->bytes + arena->used;

	/* `used` is always a multiple of the unit, and so is what is left */
	if (size > left)
		return NULL;
	arena->used += (size + unit - 1) / unit * unit;
	return memory;
}

static void arena_free(void *data, void *memory)
{
}

void *lc_wire_unpack(struct lc_arena *arena, const ProtobufCMessageDescriptor *type,
		     const uint8_t *bytes, size_t length)
{
	ProtobufCAllocator allocator = {
		.alloc = arena_alloc,
		.free = arena_free,
		.allocator_data = arena,
	};

	if (length > LC_MESSAGE_MAX)
		return NULL;
	arena->used = 0;
	return protobuf_c_message_unpack(type, &allocator, length, bytes);
}

Leafcast__Endpoint *lc_wire_put_endpoint(Leafcast__Endpoint *wire,
					 const struct lc_endpoint *endpoint)
{
	if (endpoint->family != LC_INET && endpoint->family != LC_INET6)
		return NULL;
	leafcast__endpoint__init(wire);
	wire->address.data = (uint8_t *)endpoint->addr;
	wire->address.len = endpoint->family == LC_INET6 ? 16 : 4;
	wire->port = ntohs(endpoint->port);
	return wire;
}

int lc_wire_get_endpoint(struct lc_endpoint *endpoint, const Leafcast__Endpoint *wire)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (!wire)
		return 0;
	switch (wire->address.len) {
	case 4:
		endpoint->family = LC_INET;
		break;
	case 16:
		endpoint->family = LC_INET6;
		break;
	default:
		return -EBADMSG;
	}
	if (wire->port > UINT16_MAX)
		return -EBADMSG;
	memcpy(endpoint->addr, wire->address.data, wire->address.len);
	endpoint->port = htons((uint16_t)wire->port);
	return 0;
}

int lc_wire_need_endpoint(struct lc_endpoint *endpoint, const Leafcast__Endpoint *wire)
{
	return wire ? lc_wire_get_endpoint(endpoint, wire) : -EBADMSG;
}

Leafcast__ConnectData *lc_wire_put_data(Leafcast__ConnectData *wire,
					const struct lc_connect_data *data)
{
	if (!data->present)
		return NULL;
	leafcast__connect_data__init(wire);
	wire->bytes.data = (uint8_t *)data->bytes;
	wire->bytes.len = data->length <= sizeof(data->bytes) ? data->length : sizeof(data->bytes);
	return wire;
}

int lc_wire_get_data(struct lc_connect_data *data, const Leafcast__ConnectData *wire)
{
	memset(data, 0, sizeof(*data));
	if (!wire)
		return 0;
	if (wire->bytes.len > sizeof(data->bytes))
		return -EBADMSG;
	data->present = true;
	data->length = (uint16_t)wire->bytes.len;
	if (wire->bytes.len)
		memcpy(data->bytes, wire->bytes.data, wire->bytes.len);
	return 0;
}

ProtobufCBinaryData lc_wire_put_identity(const struct lc_identity *identity)
{
	return (ProtobufCBinaryData){.data = (uint8_t *)identity->bytes,
				     .len = sizeof(identity->bytes)};
}

int lc_wire_need_identity(struct lc_identity *identity, const ProtobufCBinaryData *wire)
{
	if (wire->len != sizeof(identity->bytes))
		return -EBADMSG;
	memcpy(identity->bytes, wire->data, sizeof(identity->bytes));
	return 0;
}

static Leafcast__FlowSpec *put_flowspec(Leafcast__FlowSpec *wire, const struct lc_flowspec *flow)
{
	leafcast__flow_spec__init(wire);
	wire->token_rate = flow->token_rate;
	wire->token_bucket = flow->token_bucket;
	wire->peak = flow->peak;
	wire->latency_us = flow->latency_us;
	wire->delay_variation_us = flow->delay_variation_us;
	wire->service = flow->service;
	wire->max_sdu = flow->max_sdu;
	wire->min_policed = flow->min_policed;
	return wire;
}

static struct lc_flowspec get_flowspec(const Leafcast__FlowSpec *wire)
{
	return (struct lc_flowspec){
		.token_rate = wire->token_rate,
		.token_bucket = wire->token_bucket,
		.peak = wire->peak,
		.latency_us = wire->latency_us,
		.delay_variation_us = wire->delay_variation_us,
		.service = wire->service,
		.max_sdu = wire->max_sdu,
		.min_policed = wire->min_policed,
	};
}

Leafcast__Flows *lc_wire_put_flows(struct lc_wire_flows *wire, bool has_flows,
				   const struct lc_flows *flows)
{
	if (!has_flows)
		return NULL;
	leafcast__flows__init(&wire->flows);
	wire->flows.down = put_flowspec(&wire->down, &flows->down);
	wire->flows.up = put_flowspec(&wire->up, &flows->up);
	return &wire->flows;
}

int lc_wire_get_flows(bool *has_flows, struct lc_flows *flows, const Leafcast__Flows *wire)
{
	*has_flows = wire != NULL;
	memset(flows, 0, sizeof(*flows));
	if (!wire)
		return 0;
	/* An absent direction would read as a rate of 0, not as "not specified". */
	if (!wire->down || !wire->up)
		return -EBADMSG;
	flows->down = get_flowspec(wire->down);
	flows->up = get_flowspec(wire->up);
	return 0;
}

uint16_t lc_wire_get_capacity(uint32_t capacity)
{
	return capacity < LEAFCAST_CONNECT_DATA_MAX ? (uint16_t)capacity
						    : LEAFCAST_CONNECT_DATA_MAX;
}

enum leafcast_reason lc_wire_get_reason(uint32_t number, enum leafcast_reason unknown)
{
	switch (number) {
#define KNOWN(value, name, word, wsa, text) \
	case LEAFCAST_##name:               \
		return LEAFCAST_##name;
		LEAFCAST_REASONS(KNOWN)
#undef KNOWN
	}
	return unknown;
}
