/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "core/flowspec.h"

#define SERVICE_FLAGS ((uint32_t)LC_SERVICE_NO_TRAFFIC_CONTROL | LC_SERVICE_NO_SIGNALLING)

/* No IP datagram is longer (IPv4; an IPv6 one of UDP has 40 bytes more, which no path carries). */
#define MOST_DATAGRAM_BYTES 65535u

#define TICKS_PER_SECOND (1000000000ull << LC_TICK_BITS)

/*
 * Bounds of abi/bucket.h, so that nothing there overflows: a datagram counts
 * at most MOST_DATAGRAM_BYTES times 128 segments < 2^23 bytes, which at 2^40
 * stays below 2^63, and at 1 byte/s lasts less than 2^61 ticks.
 */
#define MOST_COST  (1ull << 40)
#define MOST_SHIFT 60
#define MOST_BURST ((1ull << 62) - 1)

__extension__ typedef unsigned __int128 u128;

const struct lc_flowspec lc_flowspec_default = {
	.token_rate = LC_NOT_SPECIFIED,
	.token_bucket = LC_NOT_SPECIFIED,
	.peak = LC_NOT_SPECIFIED,
	.latency_us = LC_NOT_SPECIFIED,
	.delay_variation_us = LC_NOT_SPECIFIED,
	.service = LC_SERVICE_NOCHANGE,
	.max_sdu = LC_NOT_SPECIFIED,
	.min_policed = LC_NOT_SPECIFIED,
};

static uint32_t service_of(const struct lc_flowspec *flow)
{
	return flow->service & ~SERVICE_FLAGS;
}

static bool given(uint32_t value)
{
	return value != LC_NOT_SPECIFIED;
}

static uint32_t given_or(uint32_t value, uint32_t otherwise)
{
	return given(value) ? value : otherwise;
}

static uint32_t min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

bool lc_flowspec_is_unlimited(const struct lc_flowspec *flow)
{
	switch (service_of(flow)) {
	case LC_SERVICE_NOCHANGE:
		return true;
	case LC_SERVICE_NOTRAFFIC:
		return false;
	}
	return !given(flow->token_rate) && !given(flow->max_sdu) && !given(flow->min_policed);
}

static bool rate_makes_sense(const struct lc_flowspec *flow, bool sender)
{
	uint32_t service = service_of(flow);

	if (!sender) {
		if (!given(flow->token_rate))
			return service != LC_SERVICE_GUARANTEED;
		return flow->token_rate != 0;
	}
	switch (service) {
	case LC_SERVICE_BESTEFFORT:
	case LC_SERVICE_QUALITATIVE:
	case LC_SERVICE_NETWORK_CONTROL:
		return true;
	}
	return given(flow->token_rate) && flow->token_rate != 0;
}

/* Whether some datagram could conform. LC_NOT_SPECIFIED is above every number, so it satisfies an upper bound. */
static bool sizes_make_sense(const struct lc_flowspec *flow)
{
	uint32_t shortest = given_or(flow->min_policed, 0);

	if (flow->token_bucket == 0 || flow->max_sdu == 0)
		return false;
	if (given(flow->max_sdu) && flow->token_bucket < flow->max_sdu)
		return false;
	return shortest <= flow->max_sdu && shortest <= flow->token_bucket &&
	       shortest <= MOST_DATAGRAM_BYTES;
}

enum leafcast_reason lc_flowspec_check(const struct lc_flowspec *flow, bool sender)
{
	switch (service_of(flow)) {
	case LC_SERVICE_NOTRAFFIC:
	case LC_SERVICE_NOCHANGE:
		return LEAFCAST_NO_REASON;
	case LC_SERVICE_BESTEFFORT:
	case LC_SERVICE_CONTROLLEDLOAD:
	case LC_SERVICE_GUARANTEED:
	case LC_SERVICE_NETWORK_CONTROL:
	case LC_SERVICE_QUALITATIVE:
		break;
	default:
		return LEAFCAST_BAD_FLOWSPEC;
	}
	if (!rate_makes_sense(flow, sender) || !sizes_make_sense(flow))
		return LEAFCAST_BAD_FLOWSPEC;
	if (given(flow->token_rate) && flow->peak < flow->token_rate)
		return LEAFCAST_BAD_FLOWSPEC;
	return LEAFCAST_NO_REASON;
}

enum leafcast_reason lc_flowspec_check_mtu(const struct lc_flowspec *flow, uint32_t mtu)
{
	switch (service_of(flow)) {
	case LC_SERVICE_NOTRAFFIC:
	case LC_SERVICE_NOCHANGE:
		return LEAFCAST_NO_REASON;
	}
	if (mtu == 0)
		return LEAFCAST_NO_REASON;
	/* M left open is the path's MTU, so m must fit that. */
	if (given_or(flow->max_sdu, mtu) > mtu || given_or(flow->min_policed, 0) > mtu)
		return LEAFCAST_BAD_FLOWSPEC;
	return LEAFCAST_NO_REASON;
}

/* Lower is stricter: what is policed more closely, then what asks more of the network. */
static unsigned int leniency(uint32_t service)
{
	switch (service) {
	case LC_SERVICE_NOTRAFFIC:
		return 0;
	case LC_SERVICE_GUARANTEED:
		return 1;
	case LC_SERVICE_NETWORK_CONTROL:
		return 2;
	case LC_SERVICE_CONTROLLEDLOAD:
		return 3;
	case LC_SERVICE_BESTEFFORT:
		return 4;
	case LC_SERVICE_QUALITATIVE:
		return 5;
	}
	return 6;
}

struct lc_flowspec lc_flowspec_merge(const struct lc_flowspec *a, const struct lc_flowspec *b)
{
	uint32_t service_a = service_of(a), service_b = service_of(b);

	if (service_a == LC_SERVICE_NOCHANGE && service_b == LC_SERVICE_NOCHANGE)
		return lc_flowspec_default;
	if (service_a == LC_SERVICE_NOCHANGE)
		return *b;
	if (service_b == LC_SERVICE_NOCHANGE)
		return *a;

	struct lc_flowspec merged = {
		.token_rate = min(a->token_rate, b->token_rate),
		.token_bucket = min(a->token_bucket, b->token_bucket),
		.peak = min(a->peak, b->peak),
		.latency_us = min(a->latency_us, b->latency_us),
		.delay_variation_us = min(a->delay_variation_us, b->delay_variation_us),
		.service = leniency(service_a) <= leniency(service_b) ? service_a : service_b,
		.max_sdu = min(a->max_sdu, b->max_sdu),
		.min_policed = max(a->min_policed, b->min_policed),
	};

	/* The one maximum, of which LC_NOT_SPECIFIED must not be part. */
	if (!given(a->min_policed))
		merged.min_policed = b->min_policed;
	else if (!given(b->min_policed))
		merged.min_policed = a->min_policed;
	return merged;
}

struct lc_flowspec lc_flowspec_override(const struct lc_flowspec *now,
					const struct lc_flowspec *next)
{
	return service_of(next) == LC_SERVICE_NOCHANGE ? *now : *next;
}

static enum leafcast_reason check_direction(const struct lc_flowspec *flow, bool sender,
					    uint32_t mtu)
{
	enum leafcast_reason reason = lc_flowspec_check(flow, sender);

	return reason ? reason : lc_flowspec_check_mtu(flow, mtu);
}

enum leafcast_reason lc_flows_check(const struct lc_flows *flows, enum lc_flows_of whose,
				    struct lc_flows_use use)
{
	enum leafcast_reason reason = LEAFCAST_NO_REASON;

	if (use.down)
		reason = check_direction(&flows->down, whose == LC_FLOWS_OF_ROOT, use.mtu);
	if (!reason && use.up)
		reason = check_direction(&flows->up, whose == LC_FLOWS_OF_LEAF, use.mtu);
	return reason;
}

struct lc_flows lc_flows_merge(const struct lc_flows *a, const struct lc_flows *b)
{
	return (struct lc_flows){.down = lc_flowspec_merge(&a->down, &b->down),
				 .up = lc_flowspec_merge(&a->up, &b->up)};
}

struct lc_flows lc_flows_override(const struct lc_flows *now, const struct lc_flows *next)
{
	return (struct lc_flows){.down = lc_flowspec_override(&now->down, &next->down),
				 .up = lc_flowspec_override(&now->up, &next->up)};
}

bool lc_flows_are_set(const struct lc_flows *flows)
{
	return service_of(&flows->down) != LC_SERVICE_NOCHANGE ||
	       service_of(&flows->up) != LC_SERVICE_NOCHANGE;
}

struct lc_flowspec lc_flowspec_of_sender(const struct lc_flowspec *flow)
{
	struct lc_flowspec read = *flow;

	switch (service_of(flow)) {
	case LC_SERVICE_BESTEFFORT:
	case LC_SERVICE_QUALITATIVE:
	case LC_SERVICE_NETWORK_CONTROL:
		if (read.token_rate == 0)
			read.token_rate = LC_NOT_SPECIFIED;
	}
	return read;
}

static uint64_t divide_up(u128 value, uint64_t by)
{
	return (uint64_t)((value + by - 1) / by);
}

struct lc_bucket lc_bucket_make(uint64_t rate_bytes_per_s, uint64_t depth_bytes)
{
	/* A cost and no burst: even one byte is too much. */
	struct lc_bucket bucket = {.cost = 1};
	uint32_t shift = 0;
	u128 burst;

	if (rate_bytes_per_s == 0)
		return bucket;
	while (shift < MOST_SHIFT &&
	       divide_up((u128)TICKS_PER_SECOND << (shift + 1), rate_bytes_per_s) < MOST_COST)
		shift++;
	bucket.cost_shift = shift;
	bucket.cost = divide_up((u128)TICKS_PER_SECOND << shift, rate_bytes_per_s);
	/*
	 * What lc_bucket_take() will charge for the whole depth, rounding
	 * included: else a datagram just as long as the bucket is deep, such as
	 * one of M bytes in (p, M), would never conform.
	 */
	burst = ((u128)depth_bytes * bucket.cost + (1ull << shift) - 1) >> shift;
	bucket.burst = burst < MOST_BURST ? (uint64_t)burst : MOST_BURST;
	return bucket;
}

struct lc_policer lc_policer_make(const struct lc_flowspec *flow, uint32_t mtu)
{
	uint32_t longest = given_or(flow->max_sdu, mtu ? mtu : MOST_DATAGRAM_BYTES);
	uint32_t shortest = given_or(flow->min_policed, 0);
	uint32_t service = service_of(flow);
	struct lc_policer policer = {0};
	uint32_t depth;

	if (service == LC_SERVICE_NOCHANGE)
		return policer;
	/* A member that means "no limit" to the policer must not come from a number that means none. */
	if (service == LC_SERVICE_NOTRAFFIC || flow->max_sdu == 0 ||
	    shortest > MOST_DATAGRAM_BYTES) {
		policer.rate = lc_bucket_make(0, 0);
		return policer;
	}
	policer.max_sdu_bytes = given_or(flow->max_sdu, 0);
	policer.min_policed_bytes = shortest;
	if (!given(flow->token_rate))
		return policer;
	depth = given_or(flow->token_bucket,
			 max(LC_DEFAULT_BUCKET_BYTES, max(given_or(flow->max_sdu, mtu), shortest)));
	policer.rate = lc_bucket_make(flow->token_rate, depth);
	/* What is longer than the bucket is deep never conforms: too long, not too early. */
	if (depth < longest)
		policer.max_sdu_bytes = depth;
	if (service == LC_SERVICE_GUARANTEED && flow->peak < LC_INFINITE_RATE)
		policer.peak = lc_bucket_make(flow->peak, longest);
	return policer;
}
