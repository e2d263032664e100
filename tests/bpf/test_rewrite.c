// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The one leaf's packet, byte for byte, against one built from scratch. */
#include <stdlib.h>
#include <string.h>

#include "run.h"

static void expect_same(const struct packet *got, const struct packet *wanted, const char *what)
{
	cr_expect_eq(got->length, wanted->length, "%s: %zu bytes instead of %zu", what, got->length,
		     wanted->length);
	for (size_t i = 0; i < wanted->length && i < got->length; i++)
		cr_assert_eq(got->bytes[i], wanted->bytes[i],
			     "%s: byte %zu is %02x instead of %02x", what, i, got->bytes[i],
			     wanted->bytes[i]);
}

static void check_rewrite(struct bench *bench, const uint8_t *payload, size_t bytes, bool no_sum)
{
	static const struct run run = {.description = "rewrite"};
	struct packet in = sent_packet(bench, payload, bytes), out;
	struct packet wanted = leaf_packet(&bench->session, 0, payload, bytes);
	struct counts ignored;

	if (bench->session.name.family == LC_INET) {
		put16(packet_ip(&wanted) + 4, 0x4711);
		packet_seal_ipv4(&wanted);
	}
	if (no_sum) {
		put16(packet_udp(&in) + 6, 0);
		put16(packet_udp(&wanted) + 6, 0);
	}
	cr_assert_eq(bench_run(bench, &in, &run, &out, &ignored), TC_ACT_REDIRECT);
	expect_same(&out, &wanted, no_sum ? "without a sum" : "with a sum");
}

static void check_rewrites(const char *root)
{
	struct bench bench;
	uint8_t payload[1400];

	bench_open(&bench, root);
	srandom(1);
	for (int i = 0; i < 300; i++) {
		size_t bytes = (size_t)random() % sizeof(payload);

		for (size_t j = 0; j < bytes; j++)
			payload[j] = (uint8_t)random();
		check_rewrite(&bench, payload, bytes, false);
	}
	if (bench.session.name.family == LC_INET)
		check_rewrite(&bench, payload, 100, true);
	net_close(&bench.net);
}

Test(rewrite, ipv4)
{
	check_rewrites(ROOT4);
}

Test(rewrite, ipv6)
{
	check_rewrites(ROOT6);
}

/* A sum that comes out as 0 is sent as 0xffff: 0 would say that there is none (RFC 768). */
Test(rewrite, sum_of_zero)
{
	const char *roots[] = {ROOT4, ROOT6};

	for (int i = 0; i < 2; i++) {
		uint8_t payload[2] = {0, 0};
		struct bench bench;
		struct packet wanted;

		bench_open(&bench, roots[i]);
		/* What is missing to all ones goes into the payload. */
		wanted = leaf_packet(&bench.session, 0, payload, sizeof(payload));
		memcpy(payload, packet_udp(&wanted) + 6, 2);
		wanted = leaf_packet(&bench.session, 0, payload, sizeof(payload));
		cr_assert_eq(get16(packet_udp(&wanted) + 6), 0xffff);
		check_rewrite(&bench, payload, sizeof(payload), false);
		net_close(&bench.net);
	}
}
