/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Token buckets by virtual scheduling (GCRA): the arithmetic that BPF runs
 * and unit tests check. Pure; the clock is an argument.
 *
 * A bucket (r bytes/s, b bytes) is one 64-bit word, its theoretical arrival
 * time: the moment at which it will be full again. A datagram of L bytes
 * moves it by L/r and conforms if it then lies at most b/r ahead of now. That
 * is the token bucket of RFC 2215 3.2, which starts full (word = 0), and over
 * every interval T lets through at most rT + b.
 *
 * Time is CLOCK_MONOTONIC in ticks of 1/256 ns (LC_TICK_BITS). The counter
 * wraps after 2.3 years of uptime, so words are compared by their signed
 * difference, and one that lies further ahead than a burst can take it is the
 * word of a bucket that has been idle for a year, and full. Costs round up: an
 * error of the rate is always in the direction of less, at most 2^-14 of a rate
 * of 4 GB/s. The burst is the cost of the whole depth, so that a datagram as
 * long as the bucket is deep conforms; that is at most one tick more than b/r.
 */
#ifndef ABI_BUCKET_H
#define ABI_BUCKET_H

#include "abi/types.h"

#define LC_TICK_BITS 8

/* One (rate, depth) pair, made by lc_policer_make() of ctl/core/flowspec.h. */
struct lc_bucket {
	__u64 cost;  /* ticks per byte << cost_shift, < 2^40; 0: no limit */
	__u64 burst; /* ticks the word may lie ahead of now, < 2^62 */
	__u32 cost_shift;
	__u32 zero;
};
LC_ASSERT_SIZE(struct lc_bucket, 24);

/* What one direction of one member is held to. All zero: no limit. */
struct lc_policer {
	struct lc_bucket rate;	 /* (r, b) */
	struct lc_bucket peak;	 /* (p, M) */
	__u32 min_policed_bytes; /* m: shorter datagrams count as this long */
	__u32 max_sdu_bytes;	 /* M: longer ones do not conform; 0: any */
};
LC_ASSERT_SIZE(struct lc_policer, 56);

/* The words of a policer. All zero: both buckets full. */
struct lc_meter {
	__u64 rate;
	__u64 peak;
};

/* Attempts at a word that other CPUs keep moving, before the datagram is called non-conforming. */
#define LC_BUCKET_TRIES 16

/* By how much CPUs may disagree about now, generously: one second in ticks. */
#define LC_CLOCK_SLACK (1000000000ll << LC_TICK_BITS)

static inline __u64 lc_ticks(__u64 mono_ns)
{
	return mono_ns << LC_TICK_BITS;
}

static inline __u64 lc_bucket_cost(const struct lc_bucket *bucket, __u64 bytes)
{
	return (bytes * bucket->cost + (1ull << bucket->cost_shift) - 1) >> bucket->cost_shift;
}

/* What the word becomes when `cost` is taken now. */
static inline __u64 lc_bucket_next(const struct lc_bucket *bucket, __u64 word, __u64 now,
				   __u64 cost)
{
	__s64 ahead = (__s64)(word - now);

	if (word != 0 && ahead > 0 && ahead <= (__s64)bucket->burst + LC_CLOCK_SLACK)
		return word + cost;
	return now + cost;
}

/* Whether `bytes` would conform now; takes nothing. */
static inline _Bool lc_bucket_holds(const struct lc_bucket *bucket, __u64 word, __u64 now,
				    __u64 bytes)
{
	__u64 next = lc_bucket_next(bucket, word, now, lc_bucket_cost(bucket, bytes));

	return (__s64)(next - now) <= (__s64)bucket->burst;
}

/*
 * Takes `bytes` from the bucket and says whether they conform. On true *taken
 * is the word now written; pass it to lc_bucket_refund() to undo. Never
 * blocks; bytes < 2^23 (65535 of m for each of 128 segments), so nothing overflows.
 */
static inline _Bool lc_bucket_take(const struct lc_bucket *bucket, __u64 *word, __u64 now,
				   __u64 bytes, __u64 *before, __u64 *taken)
{
	__u64 cost = lc_bucket_cost(bucket, bytes);

	for (int i = 0; i < LC_BUCKET_TRIES; i++) {
		__u64 old = *(volatile __u64 *)word;
		__u64 next = lc_bucket_next(bucket, old, now, cost);

		if ((__s64)(next - now) > (__s64)bucket->burst)
			return 0;
		if (__sync_val_compare_and_swap(word, old, next) == old) {
			*before = old;
			*taken = next;
			return 1;
		}
	}
	return 0;
}

/* Gives back what lc_bucket_take() took, unless another CPU has used the bucket since: then it is forfeit. */
static inline void lc_bucket_refund(__u64 *word, __u64 before, __u64 taken)
{
	__sync_val_compare_and_swap(word, taken, before);
}

enum lc_conformance {
	LC_CONFORMS,
	LC_OVER_RATE,
	LC_OVERSIZE,
};

static inline _Bool lc_has_bucket(const struct lc_policer *policer)
{
	return policer->rate.cost || policer->peak.cost;
}

static inline _Bool lc_is_oversize(const struct lc_policer *policer, __u32 datagram_bytes)
{
	return policer->max_sdu_bytes && datagram_bytes > policer->max_sdu_bytes;
}

/* Whether one datagram of `bytes` would find room in both buckets now; takes nothing. */
static inline _Bool lc_could_conform(const struct lc_policer *policer, const struct lc_meter *meter,
				     __u64 now, __u32 bytes)
{
	__u64 counted = bytes < policer->min_policed_bytes ? policer->min_policed_bytes : bytes;

	if (policer->rate.cost &&
	    !lc_bucket_holds(&policer->rate, *(const volatile __u64 *)&meter->rate, now, counted))
		return 0;
	return !policer->peak.cost ||
	       lc_bucket_holds(&policer->peak, *(const volatile __u64 *)&meter->peak, now, counted);
}

/*
 * Judges `segments` datagrams of `datagram_bytes` each at most (IP header
 * included; `bytes` is their sum), which pass or fail as one: of what a sender
 * may send, that is the limit of what it may send at once.
 */
static inline enum lc_conformance lc_police(const struct lc_policer *policer,
					    struct lc_meter *meter, __u64 now, __u32 bytes,
					    __u32 segments, __u32 datagram_bytes)
{
	__u64 counted = bytes, least = (__u64)policer->min_policed_bytes * segments;
	__u64 before = 0, taken = 0, ignored;

	if (lc_is_oversize(policer, datagram_bytes))
		return LC_OVERSIZE;
	if (counted < least)
		counted = least;
	if (policer->rate.cost &&
	    !lc_bucket_take(&policer->rate, &meter->rate, now, counted, &before, &taken))
		return LC_OVER_RATE;
	if (policer->peak.cost &&
	    !lc_bucket_take(&policer->peak, &meter->peak, now, counted, &ignored, &ignored)) {
		if (policer->rate.cost)
			lc_bucket_refund(&meter->rate, before, taken);
		return LC_OVER_RATE;
	}
	return LC_CONFORMS;
}

#endif
