/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From flow specification to what passes: the policers of core/flowspec.c run
 * by the arithmetic of abi/bucket.h, against RFC 2211 (rT + b) and RFC 2212
 * (M + min(pT, rT + b - M)) in a simulated second.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "core/flowspec.h"
#include "wire.h"

#define NS     LC_NOT_SPECIFIED
#define SECOND 1000000000ull

__extension__ typedef unsigned __int128 u128;

struct run {
	struct lc_policer policer;
	struct lc_meter meter;
};

static struct run start(uint32_t service, uint32_t r, uint32_t b, uint32_t p, uint32_t M,
			uint32_t m, uint32_t mtu)
{
	struct lc_flowspec flow = {
		.token_rate = r,
		.token_bucket = b,
		.peak = p,
		.latency_us = NS,
		.delay_variation_us = NS,
		.service = service,
		.max_sdu = M,
		.min_policed = m,
	};

	return (struct run){.policer = lc_policer_make(&flow, mtu)};
}

static enum lc_conformance offer(struct run *run, uint64_t ns, uint32_t bytes)
{
	return lc_police(&run->policer, &run->meter, lc_ticks(ns), bytes, 1, bytes);
}

/* How many datagrams of that length pass at one moment, one after the other. */
static unsigned int burst(struct run *run, uint64_t ns, uint32_t bytes)
{
	unsigned int passed = 0;

	while (passed < 100000 && offer(run, ns, bytes) == LC_CONFORMS)
		passed++;
	return passed;
}

/*
 * The curve rate * T + depth as an observer sees it: the backlog of a queue
 * served at `rate` stays below `depth` if and only if no interval carries more
 * than rate * T + depth. In bytes * 10^9, exact.
 */
struct curve {
	uint64_t rate, depth, last_ns;
	u128 backlog;
};

static bool curve_holds(struct curve *curve, uint64_t ns, uint32_t bytes)
{
	u128 served = (u128)curve->rate * (ns - curve->last_ns);
	/* One tick of 1/256 ns, where bytes and ticks do not divide evenly (abi/bucket.h). */
	u128 tick = 256 * SECOND % curve->rate ? curve->rate / 256 + 1 : 0;

	curve->backlog = curve->backlog > served ? curve->backlog - served : 0;
	curve->backlog += (u128)bytes * SECOND;
	curve->last_ns = ns;
	return curve->backlog <= (u128)curve->depth * SECOND + tick;
}

/* N11: the bucket starts full, with the default or the given depth. */
Test(bucket, starts_full)
{
	static const struct {
		uint32_t r, b, M, m, mtu, bytes;
		unsigned int pass;
	} rows[] = {
		{1000000, 15000, NS, NS, 1500, 1500, 10},
		{1000000, 15000, NS, NS, 1500, 1000, 15},
		{1000000, 14999, NS, NS, 1500, 1500, 9},
		{1000000, NS, NS, NS, 1500, 1500, 10}, /* default b: 15000 */
		{1000000, NS, NS, NS, 0, 1500, 10},
		{1000000, NS, NS, NS, 65535, 65535, 1},	   /* at least M, the path's */
		{1000000, NS, 20000, NS, 65535, 20000, 1}, /* at least M, as given */
		{1000000, NS, NS, 20000, 65535, 100, 3},   /* M is the path's: three times m */
		{1, 1, NS, NS, 1500, 1, 1},
		{7, 1500, NS, NS, 1500, 1500, 1},
		{0xFFFFFFFD, 1500, NS, NS, 1500, 1500, 1},
		/* N12: short datagrams count as m */
		{1000000, 15000, NS, 500, 1500, 40, 30},
		{1000000, 15000, NS, 500, 1500, 499, 30},
		{1000000, 15000, NS, 500, 1500, 500, 30},
		{1000000, 15000, NS, 500, 1500, 600, 25},
		{1000000, 15000, NS, 0, 1500, 40, 375},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run = start(LC_SERVICE_CONTROLLEDLOAD, rows[i].r, rows[i].b, NS,
				       rows[i].M, rows[i].m, rows[i].mtu);

		cr_expect_eq(burst(&run, 5 * SECOND, rows[i].bytes), rows[i].pass, "row %zu", i);
	}
}

/*
 * At rates that ticks do not divide each datagram costs up to a tick more. Two
 * in one nanosecond may lose that; two a nanosecond apart have it back.
 */
Test(bucket, starts_full_at_an_odd_rate)
{
	struct run run = start(LC_SERVICE_CONTROLLEDLOAD, 1234567, 15000, NS, NS, NS, 1500);

	for (unsigned int i = 0; i < 10; i++)
		cr_expect_eq(offer(&run, SECOND + i, 1500), LC_CONFORMS, "datagram %u", i);
	cr_expect_eq(offer(&run, SECOND + 10, 1500), LC_OVER_RATE);
}

/* A token comes after 1/r and not before; idle time fills the bucket and no more. */
Test(bucket, refills_at_the_rate)
{
	struct run run = start(LC_SERVICE_CONTROLLEDLOAD, 1000000, 3000, NS, NS, NS, 1500);
	uint64_t t = 7 * SECOND;

	cr_expect_eq(burst(&run, t, 1500), 2);
	/* 1500 bytes at 1 MB/s: 1.5 ms */
	cr_expect_eq(offer(&run, t + 1500000 - 1, 1500), LC_OVER_RATE);
	cr_expect_eq(offer(&run, t + 1500000, 1500), LC_CONFORMS);
	cr_expect_eq(offer(&run, t + 1500000, 1), LC_OVER_RATE);
	cr_expect_eq(burst(&run, t + 1000 * SECOND, 1500), 2);
}

/* Half the range of the ticks is 2^55 ns = 1.14 years: a bucket idle for longer is full, not locked. */
Test(bucket, idle_for_more_than_a_year)
{
	uint64_t half_range = 1ull << 55;

	for (uint64_t idle = half_range / 2; idle < 4 * half_range; idle += half_range / 4) {
		struct run run = start(LC_SERVICE_CONTROLLEDLOAD, 1000000, 3000, NS, NS, NS, 1500);

		cr_assert_eq(burst(&run, SECOND, 1500), 2);
		if (idle != 2 * half_range) /* where the clock reads the same again */
			cr_expect_eq(burst(&run, SECOND + idle, 1500), 2, "idle for %" PRIu64,
				     idle);
	}
}

Test(bucket, longer_than_max_sdu)
{
	struct run run = start(LC_SERVICE_BESTEFFORT, 1000000, 15000, NS, 1000, NS, 1500);

	cr_expect_eq(offer(&run, SECOND, 1001), LC_OVERSIZE);
	cr_expect_eq(burst(&run, SECOND, 1000), 15, "an oversized datagram costs no tokens");
	run = start(LC_SERVICE_BESTEFFORT, NS, NS, NS, 1000, NS, 1500);
	cr_expect_eq(offer(&run, SECOND, 1001), LC_OVERSIZE, "without a rate too");
	cr_expect_eq(burst(&run, SECOND, 1000), 100000);
}

/* Nothing longer than b can conform: where M is left open that is what M comes to. */
Test(bucket, longer_than_the_bucket)
{
	static const struct {
		uint32_t service, b, M, mtu;
		uint32_t longest; /* that conforms */
	} rows[] = {
		{LC_SERVICE_CONTROLLEDLOAD, 500, NS, 1500, 500},
		{LC_SERVICE_CONTROLLEDLOAD, 500, 400, 1500, 400},
		{LC_SERVICE_CONTROLLEDLOAD, 500, NS, 0, 500},
		{LC_SERVICE_BESTEFFORT, 1499, NS, 1500, 1499},
		{LC_SERVICE_GUARANTEED, 500, NS, 1500, 500},
		/* the default b */
		{LC_SERVICE_CONTROLLEDLOAD, NS, NS, 0, 15000},
		{LC_SERVICE_CONTROLLEDLOAD, NS, 20000, 0, 20000},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run = start(rows[i].service, 1000000, rows[i].b, 2000000, rows[i].M, NS,
				       rows[i].mtu);

		cr_expect_eq(offer(&run, SECOND, rows[i].longest + 1), LC_OVERSIZE, "row %zu", i);
		cr_expect_eq(offer(&run, SECOND, rows[i].longest), LC_CONFORMS, "row %zu", i);
	}
	/* As deep as the path is wide: what is longer does not come that far */
	cr_expect_eq(start(LC_SERVICE_CONTROLLEDLOAD, 1000000, 1500, NS, NS, NS, 1500)
			     .policer.max_sdu_bytes,
		     0);
}

/* RFC 2212: M + min(pT, ...), so M at one moment; M left open is the path's MTU and not 64 KiB. */
Test(bucket, guaranteed_burst_of_an_open_M_is_the_mtu)
{
	static const struct {
		uint32_t b, M, mtu, bytes;
		unsigned int pass;
	} rows[] = {
		{60000, NS, 1500, 100, 15}, {60000, NS, 1500, 1500, 1},
		{60000, NS, 9000, 100, 90}, {60000, 500, 1500, 100, 5}, /* as given */
		{1000, NS, 1500, 100, 10},				/* not above b */
		{60000, NS, 0, 100, 600}, /* unknown: b is all there is */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run = start(LC_SERVICE_GUARANTEED, 1000000, rows[i].b, 2000000,
				       rows[i].M, NS, rows[i].mtu);

		cr_expect_eq(burst(&run, SECOND, rows[i].bytes), rows[i].pass, "row %zu", i);
	}
}

/* Nothing passes, ever, of what must not; and "no limit" is only what says so. */
Test(bucket, nothing_passes)
{
	struct run runs[] = {
		start(LC_SERVICE_NOTRAFFIC, NS, NS, NS, NS, NS, 1500),
		start(LC_SERVICE_NOTRAFFIC, 1000000, 15000, NS, NS, NS, 1500),
		start(LC_SERVICE_BESTEFFORT, 0, NS, NS, NS, NS, 1500),
		start(LC_SERVICE_BESTEFFORT, 1000, 0, NS, NS, NS, 1500),
		start(LC_SERVICE_BESTEFFORT, NS, NS, NS, 0, NS, 1500),
		start(LC_SERVICE_BESTEFFORT, 1000, NS, NS, NS, 65536, 1500),
		start(LC_SERVICE_GUARANTEED, 1000, NS, 0, NS, NS, 1500),
	};

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		for (uint64_t ns = 1; ns < 1000000 * SECOND; ns *= 3)
			cr_expect_neq(offer(&runs[i], ns, 28), LC_CONFORMS, "row %zu", i);
}

Test(bucket, no_limit)
{
	struct run runs[] = {
		start(LC_SERVICE_NOCHANGE, NS, NS, NS, NS, NS, 1500),
		start(LC_SERVICE_BESTEFFORT, NS, NS, NS, NS, NS, 1500),
		start(LC_SERVICE_BESTEFFORT, NS, 1500, NS, NS, NS, 1500),
		start(LC_SERVICE_CONTROLLEDLOAD, NS, NS, NS, NS, NS, 1500), /* a receiver's */
	};

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		cr_expect_eq(burst(&runs[i], SECOND, 65535), 100000, "row %zu", i);
}

/* "Never unlimited by accident": whatever the number, a given rate is a limit. */
Test(bucket, a_given_rate_is_a_limit)
{
	static const uint32_t services[] = {1, 2, 3, 0xA, 0xD, 0x40000001, 0x81000002, 77};
	uint64_t seed = 20;

	for (int i = 0; i < 20000; i++) {
		uint32_t r = (uint32_t)wire_random(&seed) >> wire_random(&seed) % 32;
		struct run run = start(services[i % 8], r == NS ? 0 : r,
				       (uint32_t)wire_random(&seed), (uint32_t)wire_random(&seed),
				       (uint32_t)wire_random(&seed), (uint32_t)wire_random(&seed),
				       (uint32_t)wire_random(&seed));

		cr_assert_neq(run.policer.rate.cost, 0, "r = %u", r);
	}
}

/* The bounds of abi/bucket.h, at the ends of what can be asked. */
Test(bucket, arithmetic_stays_in_64_bits)
{
	for (int rate = 0; rate < 64; rate++) {
		for (int depth = 0; depth < 64; depth++) {
			for (int less = 0; less < 2; less++) {
				uint64_t r = (2ull << rate) - (uint64_t)less;
				uint64_t b = (2ull << depth) - (uint64_t)less;
				struct lc_bucket bucket = lc_bucket_make(r, b);
				u128 most = (u128)bucket.cost * ((1 << 23) - 1) +
					    (1ull << bucket.cost_shift) - 1;

				cr_assert_neq(bucket.cost, 0);
				cr_assert_lt(bucket.cost_shift, 63);
				cr_assert(most <= UINT64_MAX, "r %" PRIu64, r);
				cr_assert_lt((uint64_t)most >> bucket.cost_shift, 1ull << 62);
				cr_assert_lt(bucket.burst, 1ull << 62);
			}
		}
	}
}

/* 256e9 ticks a second: 1 MB/s is 256000 ticks a byte, exactly. */
Test(bucket, cost_of_a_byte)
{
	struct lc_bucket bucket = lc_bucket_make(1000000, 15000);
	__u64 word = 0, before, taken, now = lc_ticks(SECOND);

	cr_expect_eq(bucket.cost, 256000ull << bucket.cost_shift);
	cr_expect_eq(bucket.burst, 256000ull * 15000);
	cr_expect(lc_bucket_take(&bucket, &word, now, 1, &before, &taken));
	cr_expect_eq(word, now + 256000);
}

/* A super-packet passes or fails as one, and each of its datagrams counts as m at least. */
Test(bucket, segments)
{
	struct run run = start(LC_SERVICE_CONTROLLEDLOAD, 1000000, 64000, NS, 1500, 500, 1500);
	uint64_t now = lc_ticks(SECOND);

	cr_expect_eq(lc_police(&run.policer, &run.meter, now, 40 * 100, 40, 100), LC_CONFORMS);
	/* 40 * 500 of 64000 are gone: two more fit */
	cr_expect_eq(lc_police(&run.policer, &run.meter, now, 40 * 100, 40, 100), LC_CONFORMS);
	cr_expect_eq(lc_police(&run.policer, &run.meter, now, 40 * 100, 40, 100), LC_CONFORMS);
	cr_expect_eq(lc_police(&run.policer, &run.meter, now, 40 * 100, 40, 100), LC_OVER_RATE);
	cr_expect_eq(lc_police(&run.policer, &run.meter, now, 8 * 500, 8, 500), LC_CONFORMS);
	cr_expect_eq(lc_police(&run.policer, &run.meter, now, 1, 1, 1), LC_OVER_RATE);
	/* the longest there is, at the lowest rate: no overflow makes it cheap */
	run = start(LC_SERVICE_CONTROLLEDLOAD, 1, 0xFFFFFFFD, NS, NS, 65535, 65535);
	cr_expect_eq(lc_police(&run.policer, &run.meter, now, 128 * 28, 128, 28), LC_CONFORMS);
	cr_expect_gt((int64_t)(run.meter.rate - now), (int64_t)(127 * 65535ull * 256 * SECOND));
}

/* RFC 2212: at most M at once, then p, and r in the long run. */
Test(bucket, guaranteed_step_by_step)
{
	/* r 1 MB/s, b 3000, p 2 MB/s, M 1500: a datagram at p takes 750 us, at r 1500 us */
	struct run run = start(LC_SERVICE_GUARANTEED, 1000000, 3000, 2000000, 1500, NS, 1500);
	uint64_t t = 3 * SECOND;

	cr_expect_eq(offer(&run, t, 1500), LC_CONFORMS);
	cr_expect_eq(offer(&run, t, 1500), LC_OVER_RATE, "M + pT, T = 0");
	cr_expect_eq(offer(&run, t + 749999, 1500), LC_OVER_RATE);
	/* b holds 750 of 3000 + 750 after this one; what the peak refused was given back */
	cr_expect_eq(offer(&run, t + 750000, 1500), LC_CONFORMS);
	cr_expect_eq(offer(&run, t + 1499999, 1500), LC_OVER_RATE);
	cr_expect_eq(offer(&run, t + 1500000, 1500), LC_CONFORMS);
	/* 4500 sent in 1.5 ms = rT + b; the peak would allow the next at 2250 us, the rate at 3000 */
	cr_expect_eq(offer(&run, t + 2250000, 1500), LC_OVER_RATE);
	cr_expect_eq(offer(&run, t + 2999999, 1500), LC_OVER_RATE);
	cr_expect_eq(offer(&run, t + 3000000, 1500), LC_CONFORMS);
}

/* RFC 2211: p may be ignored, and is; without p, or an infinite one, guaranteed is rT + b. */
Test(bucket, peak_is_for_guaranteed)
{
	struct run runs[] = {
		start(LC_SERVICE_CONTROLLEDLOAD, 1000000, 15000, 2000000, 1500, NS, 1500),
		start(LC_SERVICE_BESTEFFORT, 1000000, 15000, 2000000, 1500, NS, 1500),
		start(LC_SERVICE_QUALITATIVE, 1000000, 15000, 2000000, 1500, NS, 1500),
		start(LC_SERVICE_NETWORK_CONTROL, 1000000, 15000, 2000000, 1500, NS, 1500),
		start(LC_SERVICE_GUARANTEED, 1000000, 15000, NS, 1500, NS, 1500),
		start(LC_SERVICE_GUARANTEED, 1000000, 15000, 0xFFFFFFFE, 1500, NS, 1500),
	};
	struct run guaranteed = start(0x40000000 | LC_SERVICE_GUARANTEED, 1000000, 15000, 2000000,
				      NS, NS, 1500);

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		cr_expect_eq(burst(&runs[i], SECOND, 1500), 10, "row %zu", i);
	cr_expect_eq(burst(&guaranteed, SECOND, 1500), 1, "M left open is the path's");
}

static const struct {
	const char *what;
	uint32_t service, r, b, p, M;
	uint32_t bytes;		  /* of a datagram */
	uint32_t offered_percent; /* of r */
} loads[] = {
	{"10 Mbit/s", LC_SERVICE_CONTROLLEDLOAD, 1250000, 15000, NS, NS, 1500, 200},
	{"1 Mbit/s, one datagram deep", LC_SERVICE_CONTROLLEDLOAD, 125000, 1500, NS, NS, 1500, 200},
	{"an odd rate", LC_SERVICE_CONTROLLEDLOAD, 1234567, 15001, NS, NS, 1499, 200},
	{"1 Gbit/s", LC_SERVICE_CONTROLLEDLOAD, 125000000, 15000, NS, NS, 1500, 200},
	{"short datagrams", LC_SERVICE_BESTEFFORT, 333333, 15000, NS, NS, 29, 200},
	{"ten times too much", LC_SERVICE_CONTROLLEDLOAD, 1250000, 15000, NS, NS, 1500, 1000},
	{"a little too much", LC_SERVICE_CONTROLLEDLOAD, 1250000, 15000, NS, NS, 1500, 101},
	{"guaranteed, p = 2r", LC_SERVICE_GUARANTEED, 1250000, 15000, 2500000, 1500, 1500, 400},
	{"guaranteed, p = r", LC_SERVICE_GUARANTEED, 1250000, 15000, 1250000, 1500, 1500, 200},
};

/* Ten seconds of too much: at most rT + b in every window, at least 99.9 % of rT in all. */
Test(bucket, sustained_overload, .timeout = 60)
{
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct run run = start(loads[i].service, loads[i].r, loads[i].b, loads[i].p,
				       loads[i].M, NS, 1500);
		struct curve rate = {.rate = loads[i].r, .depth = loads[i].b};
		struct curve peak = {.rate = loads[i].p, .depth = loads[i].M};
		uint64_t per_s = (uint64_t)loads[i].r * loads[i].offered_percent / 100;
		uint64_t begin = 12345678901, sent = 0, passed = 0;
		bool held = true;

		for (;;) {
			uint64_t ns = begin + (uint64_t)((u128)sent * SECOND / per_s);

			if (ns > begin + 10 * SECOND)
				break;
			sent += loads[i].bytes;
			if (offer(&run, ns, loads[i].bytes) != LC_CONFORMS)
				continue;
			passed += loads[i].bytes;
			held = held && curve_holds(&rate, ns, loads[i].bytes);
			if (loads[i].p != NS)
				held = held && curve_holds(&peak, ns, loads[i].bytes);
		}
		cr_expect(held, "%s: more than the curve", loads[i].what);
		cr_expect(passed * 1000 >= UINT64_C(10) * loads[i].r * 999,
			  "%s: %" PRIu64 " of %" PRIu64, loads[i].what, passed,
			  UINT64_C(10) * loads[i].r);
	}
}

/* The same for traffic of no pattern: lengths, gaps and flows at random, bursts included. */
Test(bucket, random_traffic_stays_below_the_curve, .timeout = 60)
{
	uint64_t seed = 99;

	for (int round = 0; round < 300; round++) {
		uint32_t r = 1000 + (uint32_t)(wire_random(&seed) % 100000000);
		uint32_t M = 100 + (uint32_t)(wire_random(&seed) % 1400);
		uint32_t b = M + (uint32_t)(wire_random(&seed) % 20000);
		uint32_t p = r + (uint32_t)(wire_random(&seed) % r);
		struct run run = start(LC_SERVICE_GUARANTEED, r, b, p, M, NS, 1500);
		struct curve rate = {.rate = r, .depth = b}, peak = {.rate = p, .depth = M};
		uint64_t ns = 1 + wire_random(&seed) % (1000 * SECOND);

		for (int n = 0; n < 2000; n++) {
			uint32_t bytes = 28 + (uint32_t)(wire_random(&seed) % M);

			if (wire_random(&seed) % 4)
				ns += wire_random(&seed) % (2 * SECOND * bytes / r + 1);
			if (offer(&run, ns, bytes) != LC_CONFORMS)
				continue;
			cr_assert_leq(bytes, M);
			cr_assert(curve_holds(&rate, ns, bytes), "r %u b %u", r, b);
			cr_assert(curve_holds(&peak, ns, bytes), "p %u M %u", p, M);
		}
	}
}
