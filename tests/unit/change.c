/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which paths a notification may have to do with. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "core/endpoint.h"
#include "network/change.h"

static struct lc_endpoint endpoint(const char *text)
{
	struct lc_endpoint endpoint;
	unsigned int ignored;

	cr_assert_eq(lc_prefix_parse(&endpoint, &ignored, text), 0, "%s", text);
	return endpoint;
}

/* 192.0.2.1 -> 203.0.113.9 by interface 3, next hop 192.0.2.254. */
static struct lc_path_facts facts(void)
{
	struct lc_path_facts facts = {
		.query = {.from = endpoint("192.0.2.1"), .to = endpoint("203.0.113.9")},
		.path.source = endpoint("192.0.2.1"),
		.ifindex = 3,
		.next = {.ifindex = 3, .af = AF_INET, .address = {192, 0, 2, 254}},
	};

	return facts;
}

static bool concerns(struct lc_change change, const struct lc_path_facts *facts)
{
	struct lc_changes changes = {0};

	lc_changes_add(&changes, &change);
	return lc_changes_concern(&changes, facts);
}

static struct lc_change route(const char *prefix)
{
	struct lc_change change = {.kind = LC_CHANGE_ROUTE};

	cr_assert_eq(lc_prefix_parse(&change.address, &change.bits, prefix), 0, "%s", prefix);
	return change;
}

Test(change, nothing_concerns_nobody)
{
	const struct lc_changes none = {0};
	struct lc_path_facts path = facts();

	cr_assert_not(lc_changes_concern(&none, &path));
}

Test(change, a_route_concerns_what_its_prefix_covers)
{
	static const struct {
		const char *prefix;
		bool concerns;
	} rows[] = {
		{"0.0.0.0/0", true},	   {"203.0.113.0/24", true},  {"203.0.113.9/32", true},
		{"203.0.113.8/31", true},  {"203.0.112.0/23", true},  {"203.0.113.10/31", false},
		{"203.0.113.8/32", false}, {"203.0.112.0/24", false}, {"192.0.2.2/32", false},
		{"192.0.2.0/24", true}, /* where the source is ours by */
		{"::/0", false},	   {"202.0.0.0/8", false},
	};
	struct lc_path_facts path = facts();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(concerns(route(rows[i].prefix), &path), rows[i].concerns, "%s",
			     rows[i].prefix);
	path.query.from = endpoint("2001:db8:1::1");
	path.query.to = endpoint("2001:db8::9");
	cr_expect(concerns(route("::/0"), &path));
	cr_expect(concerns(route("2001:db8::8/125"), &path));
	cr_expect_not(concerns(route("2001:db8::10/124"), &path));
	cr_expect_not(concerns(route("0.0.0.0/0"), &path));
}

Test(change, a_link_concerns_what_leaves_by_it_and_what_has_no_way)
{
	struct lc_path_facts path = facts();

	cr_expect(concerns((struct lc_change){.kind = LC_CHANGE_LINK, .ifindex = 3}, &path));
	cr_expect_not(concerns((struct lc_change){.kind = LC_CHANGE_LINK, .ifindex = 4}, &path));
	path.query.by.device = 4;
	cr_expect(concerns((struct lc_change){.kind = LC_CHANGE_LINK, .ifindex = 4}, &path));
	path = facts();
	path.ifindex = 0;
	cr_expect(concerns((struct lc_change){.kind = LC_CHANGE_LINK, .ifindex = 4}, &path));
}

Test(change, an_address_concerns_both_ends_and_its_link)
{
	static const char *const about[] = {"192.0.2.1", "203.0.113.9"};
	struct lc_change change = {.kind = LC_CHANGE_ADDRESS, .ifindex = 9};
	struct lc_path_facts path = facts();

	for (size_t i = 0; i < 2; i++) {
		change.address = endpoint(about[i]);
		cr_expect(concerns(change, &path), "%s", about[i]);
	}
	change.address = endpoint("198.51.100.1");
	cr_expect_not(concerns(change, &path));
	change.ifindex = 3;
	cr_expect(concerns(change, &path));
	change.address = endpoint("2001:db8::77");
	cr_expect_not(concerns(change, &path), "of the other family");
	/* A route may have preferred it as its source, and the kernel does not say that it is gone. */
	change = (struct lc_change){.kind = LC_CHANGE_ADDRESS, .ifindex = 9, .gone = true};
	change.address = endpoint("198.51.100.1");
	cr_expect(concerns(change, &path));
}

Test(change, a_neighbour_concerns_what_it_is_the_next_hop_of)
{
	struct lc_path_facts path = facts();
	struct lc_change change = {.kind = LC_CHANGE_NEIGHBOUR, .next = path.next};

	cr_expect(concerns(change, &path));
	change.next.address[3] = 253;
	cr_expect_not(concerns(change, &path));
	change.next = path.next;
	change.next.ifindex = 4;
	cr_expect_not(concerns(change, &path));
}

/* However much changes, what is gathered is bounded, and nothing is missed. */
Test(change, too_many_concern_everybody)
{
	struct lc_path_facts path = facts();
	struct lc_changes changes = {0};

	for (unsigned int i = 0; i < LC_CHANGES_MOST; i++)
		lc_changes_add(&changes,
			       &(struct lc_change){.kind = LC_CHANGE_LINK, .ifindex = 10 + i});
	for (unsigned int i = 0; i < LC_CHANGES_MOST; i++)
		lc_changes_add(&changes,
			       &(struct lc_change){.kind = LC_CHANGE_LINK, .ifindex = 10 + i});
	cr_expect_not(changes.all, "the same again is no more");
	cr_expect_not(lc_changes_concern(&changes, &path));
	lc_changes_add(&changes, &(struct lc_change){.kind = LC_CHANGE_LINK, .ifindex = 9});
	cr_expect(changes.all);
	cr_expect(lc_changes_concern(&changes, &path));
}
