// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* abi/bucket.h against the token bucket of RFC 2215 3.2, which it is to be in other words. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "harness.h"

#define SECOND 1000000000ull

static enum lc_conformance send_one(const struct lc_policer *police, struct lc_meter *meter,
				    uint64_t ns, uint32_t bytes)
{
	return lc_police(police, meter, lc_ticks(ns), bytes, 1, bytes);
}

/* Tokens as the RFC counts them: never above b, r a second, and a datagram that conforms takes its length. */
struct tokens {
	__uint128_t have; /* byte-nanoseconds */
	uint64_t at_ns;
};

static bool rfc_conforms(struct tokens *tokens, uint64_t r, uint64_t b, uint64_t ns, uint64_t bytes)
{
	__uint128_t full = (__uint128_t)b * SECOND;

	tokens->have += (__uint128_t)r * (ns - tokens->at_ns);
	tokens->at_ns = ns;
	if (tokens->have > full)
		tokens->have = full;
	if (tokens->have < (__uint128_t)bytes * SECOND)
		return false;
	tokens->have -= (__uint128_t)bytes * SECOND;
	return true;
}

/*
 * Random traffic near the rate. The two may differ on a datagram only where
 * rounding decides, and then the bucket has let through less; so its sum stays
 * below the RFC's by a hair at most.
 */
static void compare(uint64_t r, uint64_t b, unsigned int seed)
{
	struct lc_policer police = policer(r, b);
	struct lc_meter meter = {0};
	struct tokens tokens = {.have = (__uint128_t)b * SECOND, .at_ns = 1000 * SECOND};
	uint64_t ns = 1000 * SECOND, ours = 0, rfcs = 0;

	srandom(seed);
	for (int i = 0; i < 20000; i++) {
		uint32_t bytes = 28 + (uint32_t)random() % 1473;

		ns += (uint64_t)random() % (3 * bytes * SECOND / r + 1) / 2;
		if (send_one(&police, &meter, ns, bytes) == LC_CONFORMS)
			ours += bytes;
		if (rfc_conforms(&tokens, r, b, ns, bytes))
			rfcs += bytes;
	}
	cr_expect_leq(ours, rfcs + 1500, "r=%lu b=%lu", r, b);
	cr_expect_geq((double)ours, (double)rfcs * 0.998, "r=%lu b=%lu: %lu of %lu", r, b, ours,
		      rfcs);
}

Test(bucket, is_the_token_bucket)
{
	const uint64_t rates[] = {1000, 125000, 12500000, 1250000000, 4000000000};
	const uint64_t depths[] = {1500, 3000, 15000, 1000000};

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		for (size_t j = 0; j < sizeof(depths) / sizeof(*depths); j++)
			compare(rates[i], depths[j], (unsigned int)(i * 10 + j));
}

/* Over every window of T seconds at most rT + b passes: all pairs of datagrams are tried. */
Test(bucket, every_window)
{
	enum {
		COUNT = 2000
	};
	static uint64_t when[COUNT], passed[COUNT + 1];
	const uint64_t r = 1000000, b = 9000;
	struct lc_policer police = policer(r, b);
	struct lc_meter meter = {0};
	uint64_t ns = 5 * SECOND;

	srandom(11);
	for (int i = 0; i < COUNT; i++) {
		uint32_t bytes = 28 + (uint32_t)random() % 1473;

		ns += random() % 8 ? (uint64_t)random() % 400000 : (uint64_t)random() % 9000000;
		when[i] = ns;
		passed[i + 1] = passed[i];
		if (send_one(&police, &meter, ns, bytes) == LC_CONFORMS)
			passed[i + 1] += bytes;
	}
	for (int i = 0; i < COUNT; i++)
		for (int j = i; j < COUNT; j++)
			cr_assert_leq((passed[j + 1] - passed[i]) * SECOND,
				      r * (when[j] - when[i]) + b * SECOND, "from %d to %d", i, j);
	cr_expect_gt(passed[COUNT], b);
}

/* Before anything was sent all of b is there, and no byte more; after b/r it is again. */
Test(bucket, starts_full)
{
	struct lc_policer police = policer(1000, 3000);
	struct lc_meter meter = {0};

	cr_expect_eq(send_one(&police, &meter, 1, 3001), LC_OVER_RATE);
	cr_expect_eq(send_one(&police, &meter, 1, 3000), LC_CONFORMS);
	cr_expect_eq(send_one(&police, &meter, 1, 1), LC_OVER_RATE);
	cr_expect_eq(send_one(&police, &meter, 3 * SECOND - 1000000, 3000), LC_OVER_RATE);
	cr_expect_eq(send_one(&police, &meter, 3 * SECOND + 1000000, 3000), LC_CONFORMS);
}

/* A time that steps back, as another CPU's may by a little, gives nothing away. */
Test(bucket, time_steps_back)
{
	struct lc_policer police = policer(1000, 3000);
	struct lc_meter meter = {0};

	cr_expect_eq(send_one(&police, &meter, 10 * SECOND, 3000), LC_CONFORMS);
	cr_expect_eq(send_one(&police, &meter, 9 * SECOND, 1), LC_OVER_RATE);
	cr_expect_eq(send_one(&police, &meter, 10 * SECOND, 1), LC_OVER_RATE);
}

/* m: shorter datagrams count as this long, each one of a super-packet's. */
Test(bucket, minimum_policed_unit)
{
	struct lc_policer police = policer(1, 1000);
	struct lc_meter meter = {0};
	int passed = 0;

	police.min_policed_bytes = 100;
	for (int i = 0; i < 50; i++)
		passed += send_one(&police, &meter, 1, 29) == LC_CONFORMS;
	cr_expect_eq(passed, 10);
	meter = (struct lc_meter){0};
	cr_expect_eq(lc_police(&police, &meter, 256, 11 * 29, 11, 29), LC_OVER_RATE);
	cr_expect_eq(lc_police(&police, &meter, 256, 10 * 29, 10, 29), LC_CONFORMS);
}

/* M: a longer datagram does not conform and takes no tokens. */
Test(bucket, maximum_size)
{
	struct lc_policer police = policer(1, 1000);
	struct lc_meter meter = {0};

	police.max_sdu_bytes = 500;
	cr_expect_eq(send_one(&police, &meter, 1, 501), LC_OVERSIZE);
	cr_expect_eq(send_one(&police, &meter, 1, 500), LC_CONFORMS);
	cr_expect_eq(send_one(&police, &meter, 1, 500), LC_CONFORMS);
}

/* What (p, M) refuses has not been taken from (r, b). */
Test(bucket, peak_refunds_rate)
{
	struct lc_policer police = policer(1000, 3000);
	struct lc_meter meter = {0};
	uint64_t ns = SECOND;
	int passed = 0;

	police.peak = policer(2000, 1000).rate;
	/* Every half second the peak lets one of 1000 bytes pass and refuses nine. */
	for (int i = 0; i < 40; i++, ns += i % 10 ? 0 : SECOND / 2 + 1000000)
		passed += send_one(&police, &meter, ns, 1000) == LC_CONFORMS;
	/* 3000 at once and 500 each half second: all four are within the rate. */
	cr_expect_eq(passed, 4);
}

Test(bucket, no_limit)
{
	struct lc_policer police = {0};
	struct lc_meter meter = {0};

	for (int i = 0; i < 1000; i++)
		cr_assert_eq(send_one(&police, &meter, 1, 65535), LC_CONFORMS);
}

/* ---- several CPUs on one bucket ---- */

struct crowd {
	const struct lc_policer *police;
	struct lc_meter *meter;
	uint64_t passed;
};

static void *push(void *argument)
{
	struct crowd *crowd = argument;

	for (int i = 0; i < 200000; i++)
		crowd->passed += send_one(crowd->police, crowd->meter, SECOND, 100) == LC_CONFORMS;
	return NULL;
}

/* Time stands still, so together they get b and not a datagram more; nor less, but for lost races. */
Test(bucket, is_shared_rightly)
{
	struct lc_policer police = policer(1000, 100 * 100000);
	struct lc_meter meter = {0};
	struct crowd crowds[4];
	pthread_t threads[4];
	uint64_t passed = 0;

	for (int i = 0; i < 4; i++) {
		crowds[i] = (struct crowd){&police, &meter, 0};
		cr_assert_eq(pthread_create(&threads[i], NULL, push, &crowds[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		passed += crowds[i].passed;
	}
	cr_expect_eq(passed, 100000);
}

/* To look is to know what taking would say, and takes nothing. */
Test(bucket, looking_takes_nothing)
{
	struct lc_policer police = policer(1000, 3000);
	struct lc_meter meter = {0}, before;
	uint64_t ns = 1000 * SECOND;

	police.min_policed_bytes = 500;
	srandom(3);
	for (int i = 0; i < 2000; i++) {
		uint32_t bytes = (uint32_t)random() % 4000;
		bool could;

		ns += (uint64_t)random() % (2 * SECOND);
		before = meter;
		could = lc_could_conform(&police, &meter, lc_ticks(ns), bytes);
		cr_assert_arr_eq(&meter, &before, sizeof(meter));
		cr_assert_eq(could, send_one(&police, &meter, ns, bytes) == LC_CONFORMS);
		if (i == 1000) /* from here on the peak decides */
			police.peak = policer(500, 2000).rate;
	}
}
