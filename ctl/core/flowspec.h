/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Flow specifications: what they mean, whether they make sense, how the two
 * ends' are merged, and the policer that enforces the result. Pure.
 *
 * struct lc_flowspec (abi/records.h) is Winsock's FLOWSPEC = RFC 2215 TSpec:
 * r token_rate, b token_bucket, p peak, M max_sdu, m min_policed, in bytes
 * (per second) of whole IP datagrams.
 *
 * Defaults for members left LC_NOT_SPECIFIED, which the documents leave open:
 *   b  15000 bytes (ten full Ethernet datagrams), at least M and m
 *   p  no peak (RFC 2215: positive infinity)
 *   M  the path MTU: nothing beyond what the interface enforces; but not above b
 *   m  0: every datagram counts as it is
 */
#ifndef CTL_CORE_FLOWSPEC_H
#define CTL_CORE_FLOWSPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "leafcast/reason.h"
#include "abi/records.h"

#define LC_NOT_SPECIFIED 0xFFFFFFFFu
#define LC_INFINITE_RATE 0xFFFFFFFEu

enum lc_service {
	LC_SERVICE_NOTRAFFIC = 0,
	LC_SERVICE_BESTEFFORT = 1,
	LC_SERVICE_CONTROLLEDLOAD = 2,
	LC_SERVICE_GUARANTEED = 3,
	LC_SERVICE_NOCHANGE = 6,
	LC_SERVICE_NETWORK_CONTROL = 0xA,
	LC_SERVICE_QUALITATIVE = 0xD,
	/* ORed into any of the above; ignored here: nothing is signalled to routers */
	LC_SERVICE_NO_TRAFFIC_CONTROL = (int)0x81000000,
	LC_SERVICE_NO_SIGNALLING = 0x40000000,
};

#define LC_DEFAULT_BUCKET_BYTES 15000u

/* The two directions of one member, named by the way the data goes. */
struct lc_flows {
	struct lc_flowspec down; /* root -> leaf */
	struct lc_flowspec up;	 /* leaf -> root */
};

/* A socket's flowspec at creation: all members LC_NOT_SPECIFIED, service NOCHANGE. */
extern const struct lc_flowspec lc_flowspec_default;

/* Whether it limits nothing: NOCHANGE, or no rate and no M, m. */
bool lc_flowspec_is_unlimited(const struct lc_flowspec *flow);

/*
 * Whether the flowspec makes sense by itself: known service; as a sender's, a
 * rate that is neither 0 nor unspecified, except for BESTEFFORT, QUALITATIVE,
 * NETWORK_CONTROL; as a receiver's a rate that is not 0 (GUARANTEED must have
 * one); p >= r; m <= M <= b where given (else no datagram of M bytes, or none
 * at all, could ever conform); M and b not 0 (RFC 2215 3.6), m at most 65535.
 * LEAFCAST_NO_REASON or LEAFCAST_BAD_FLOWSPEC. NOTRAFFIC and NOCHANGE make
 * always sense.
 */
enum leafcast_reason lc_flowspec_check(const struct lc_flowspec *flow, bool sender);

/*
 * Whether M (and m) fits the path, besides lc_flowspec_check(): an explicit M
 * above mtu is BAD_FLOWSPEC (RFC 2212: must be rejected). mtu in bytes of whole
 * IP datagrams, 0: unknown.
 */
enum leafcast_reason lc_flowspec_check_mtu(const struct lc_flowspec *flow, uint32_t mtu);

/*
 * What both ends can live with: minimum of r, b, p, M and maximum of m, where
 * unspecified means no opinion; the stricter service's number (notraffic,
 * guaranteed, network control, controlled load, best effort, qualitative).
 * NOCHANGE on one side leaves the other's. What cannot be met together, such as
 * m of one above M of the other, shows when the result is checked.
 */
struct lc_flowspec lc_flowspec_merge(const struct lc_flowspec *a, const struct lc_flowspec *b);

/*
 * The flow `next` put over `now`: NOCHANGE in `next` leaves `now` (a direction
 * at a time), anything else replaces it.
 */
struct lc_flowspec lc_flowspec_override(const struct lc_flowspec *now,
					const struct lc_flowspec *next);

/* ---- both directions ---- */

/* Whose flows are judged. */
enum lc_flows_of {
	LC_FLOWS_OF_ROOT, /* what a root asks or offers: it sends `down` and receives `up` */
	LC_FLOWS_OF_LEAF, /* what a leaf asks: it sends `up` and receives `down` */
	LC_FLOWS_MERGED,  /* what a join is about to agree on */
};

/* Which directions the member uses, and what both must fit. */
struct lc_flows_use {
	bool down, up;
	uint32_t mtu; /* of the path, in bytes of whole IP datagrams; 0: unknown */
};

/*
 * The one judgement of flows, for both directions and at every moment: when an
 * application sets or passes them, when a request comes in, and again each time
 * they have been merged. A direction not used is ignored (R59).
 * LEAFCAST_NO_REASON or LEAFCAST_BAD_FLOWSPEC.
 */
enum leafcast_reason lc_flows_check(const struct lc_flows *flows, enum lc_flows_of whose,
				    struct lc_flows_use use);
struct lc_flows lc_flows_merge(const struct lc_flows *a, const struct lc_flows *b);
/* `next` over `now`, a direction at a time. */
struct lc_flows lc_flows_override(const struct lc_flows *now, const struct lc_flows *next);
/* Whether they say anything at all: not NOCHANGE, with whatever flags, in both directions. */
bool lc_flows_are_set(const struct lc_flows *flows);
/*
 * A sender's TokenRate 0 with BESTEFFORT, QUALITATIVE or NETWORK_CONTROL, which
 * need not name a rate, means that none is named: LC_NOT_SPECIFIED. Anything
 * else comes back as it is.
 */
struct lc_flowspec lc_flowspec_of_sender(const struct lc_flowspec *flow);

/*
 * The policer that holds a member to `flow`, with the defaults above.
 *   controlled load, best effort, qualitative, network control: rT + b
 *   guaranteed: M + min(pT, rT + b - M), p infinite unless given
 *   NOTRAFFIC: nothing passes; unspecified rate: no limit but M; NOCHANGE: none
 * A datagram longer than b is oversize: no rate would let it pass. mtu: the
 * path's, in bytes of whole IP datagrams, 0: unknown. A rate of 0, and a flow
 * that lc_flowspec_check() refuses, never mean "no limit".
 */
struct lc_policer lc_policer_make(const struct lc_flowspec *flow, uint32_t mtu);

/* A bucket of `rate` bytes/s and `depth` bytes; saturates, never becomes "no limit" (abi/bucket.h). rate 0: nothing passes. */
struct lc_bucket lc_bucket_make(uint64_t rate_bytes_per_s, uint64_t depth_bytes);

/*
 * "rate=10mbit,bucket=15000,peak=20mbit,max=1500,min=64,service=guaranteed".
 * Members not named stay unspecified; service defaults to besteffort. Rates in
 * the units of tc(8): bit, kbit, mbit, gbit (and kibit, ...; k = 1000), bps,
 * kbps, ... for bytes; a bare number is bits per second. "peak=infinite" too.
 * Sizes in bytes, with b, k or kb, m or mb (1024). -EINVAL: *error (static
 * storage) says what is wrong, *flow is untouched. Whether the flow makes sense
 * is not asked here.
 */
int lc_flowspec_parse(struct lc_flowspec *flow, const char *text, const char **error);
/* A rate alone, in bytes per second, rounded down, at least 1. -EINVAL; -ERANGE: 0 or above 64 bits. */
int lc_rate_parse(uint64_t *bytes_per_s, const char *text);

#define LC_FLOWSPEC_TEXT 160
/* The same form back, only what is specified and no besteffort; "unlimited" if nothing is. */
const char *lc_flowspec_format(char text[LC_FLOWSPEC_TEXT], const struct lc_flowspec *flow);
const char *lc_service_word(uint32_t service);

#endif
