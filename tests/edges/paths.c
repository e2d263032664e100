/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a route may ask about, and paths that are kept; the topology is edges.h's. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>

#include "edges.h"
#include "network/network.h"

static struct lc_network *network;

static void enter(void)
{
	struct lc_error error;

	enter_topology();
	cr_assert_eq(lc_network_open(&network, &error), 0);
}

static void leave(void)
{
	lc_network_close(network);
}

TestSuite(paths, .init = enter, .fini = leave, .timeout = 30);

/* ---- what a route may ask about ---- */

static struct lc_path_query query(const char *from, uint16_t from_port, const char *to,
				  uint16_t to_port)
{
	struct lc_path_query query = {.from = address(from), .to = address(to)};

	query.from.port = htons(from_port);
	query.to.port = htons(to_port);
	return query;
}

static bool has_route(const struct lc_path_query *query)
{
	struct lc_path path;

	cr_assert_eq(lc_network_path(network, query, &path), 0);
	return path.usable != LC_HOP_NO_ROUTE;
}

static void check_rules(const char *family, const char *from, const char *to)
{
	struct lc_path_query plain = query(from, 5000, to, 4000);
	struct {
		const char *rule;
		struct lc_path_query meant;
	} rows[] = {
		{"dport 4001", plain},
		{"sport 5001", plain},
		{"fwmark 7", plain},
		{"uidrange 1234-1234", plain},
		{"ipproto udp dport 4002", plain},
		{"tos 0x10", plain},
	};

	rows[0].meant.to.port = htons(4001);
	rows[1].meant.from.port = htons(5001);
	rows[2].meant.by.mark = 7;
	rows[3].meant.by.uid = 1234;
	rows[4].meant.to.port = htons(4002);
	rows[5].meant.by.tos = 0x10;
	here("ip %s route add unreachable default table 100", family);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		here("ip %s rule add %s lookup 100 priority 50", family, rows[i].rule);
		cr_expect(has_route(&plain), "%s: not by this rule", rows[i].rule);
		cr_expect_not(has_route(&rows[i].meant), "%s", rows[i].rule);
		here("ip %s rule del priority 50", family);
	}
}

Test(paths, rules_by_port_mark_and_user_ipv4)
{
	check_rules("-4", "192.0.2.1", "192.0.2.2");
}

Test(paths, rules_by_port_mark_and_user_ipv6)
{
	check_rules("-6", "2001:db8::1", "2001:db8::2");
}

Test(paths, a_socket_that_is_bound_to_a_device)
{
	struct lc_path_query by = query("192.0.2.1", 5000, "203.0.113.9", 4000);
	struct lc_path path;

	here("ip link add near1 type veth peer name far1 && ip link set near1 up && "
	     "ip link set far1 up");
	here("ip route add 203.0.113.0/24 dev near0 && ip route add default dev near1");
	by.by.device = if_nametoindex("near1");
	cr_assert_eq(lc_network_path(network, &by, &path), 0);
	cr_expect_eq(path.usable, LC_HOP_NO_NEIGHBOUR, "by near1 there is a default route");
	here("ip route del default");
	here("ip route add unreachable default metric 9");
	here("ip link del near1");
	cr_assert_eq(lc_network_path(network, &by, &path), 0);
	cr_expect_eq(path.usable, LC_HOP_NO_ROUTE, "and there is no near1 any more");
}

/* The kernel's answer to a question with a source prefers near0; the socket would not leave by it. */
Test(paths, a_socket_of_ipv6_that_is_bound_to_a_device)
{
	struct lc_path_query by = query("2001:db8::1", 5000, "2001:db8:7::9", 4000);
	struct lc_path path;

	here("ip link add near1 address 02:00:00:00:01:01 type veth "
	     "peer name far1 address 02:00:00:00:01:02 && ip link set near1 addrgenmode none up && "
	     "ip link set far1 addrgenmode none up && ip addr add 2001:db8:1::1/64 dev near1 "
	     "nodad");
	here("ip neigh replace 2001:db8::2 lladdr 02:00:00:00:00:02 dev near0 nud reachable");
	here("ip neigh replace 2001:db8:1::2 lladdr 02:00:00:00:01:02 dev near1 nud reachable");
	here("ip route add 2001:db8:7::/64 via 2001:db8::2 dev near0");
	here("ip route add 2001:db8:7::/48 via 2001:db8:1::2 dev near1");
	cr_assert_eq(lc_network_path(network, &by, &path), 0);
	cr_expect_eq(path.hop.ifindex, if_nametoindex("near0"));
	by.by.device = if_nametoindex("near1");
	cr_assert_eq(lc_network_path(network, &by, &path), 0);
	cr_expect_eq(path.usable, LC_HOP_0);
	cr_expect_eq(path.hop.ifindex, if_nametoindex("near1"));
	here("ip route del 2001:db8:7::/48");
	cr_assert_eq(lc_network_path(network, &by, &path), 0);
	cr_expect_eq(path.usable, LC_HOP_NO_ROUTE);
}

/* ---- paths that are kept ---- */

struct user {
	struct lc_path_use use;
	struct lc_path_query query;
	struct lc_path path;
	unsigned int told;
	int error;	     /* since then */
	struct user *leaves; /* when it is told */
};

static void use(struct user *user, const char *to)
{
	user->query = query("192.0.2.1", 5000, to, 4000);
	cr_assert_eq(lc_network_use_path(network, &user->use, &user->query, &user->path), 0);
}

static void on_moved(void *context, struct lc_path_use *use)
{
	struct user *user = (struct user *)use;

	cr_assert_eq(context, network);
	user->told++;
	if (user->leaves)
		lc_network_leave_path(network, &user->leaves->use);
	if (use->path)
		user->error = lc_network_use_path(network, use, &user->query, &user->path);
}

static void on_changed(void *context)
{
	*(bool *)context = true;
}

/* Takes what is notified until nothing comes for a while, and follows it. */
static void follow(void)
{
	struct pollfd ready = {.fd = lc_network_fd(network), .events = POLLIN};
	bool changed = false;

	while (poll(&ready, 1, 200) > 0)
		cr_assert_eq(lc_network_process(network, on_changed, &changed), 0);
	while (changed && lc_network_follow(network, 2, on_moved, network))
		;
}

Test(paths, one_is_kept_for_all_who_ask_the_same)
{
	static struct user one, same, other;

	here("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev near0 nud reachable");
	use(&one, "203.0.113.9");
	use(&same, "203.0.113.9");
	use(&other, "198.51.100.9");
	cr_assert_eq(one.use.path, same.use.path);
	cr_assert_neq(one.use.path, other.use.path);
	cr_assert_eq(one.path.usable, LC_HOP_NO_ROUTE);
	here("ip route add 203.0.113.0/24 via 192.0.2.2");
	follow();
	cr_expect_eq(one.told, 1);
	cr_expect_eq(same.told, 1);
	cr_expect_eq(other.told, 0, "what is nothing to it costs it nothing");
	cr_expect_eq(one.path.usable, LC_HOP_0);
	here("ip route change 203.0.113.0/24 via 192.0.2.2 mtu 1300");
	follow();
	cr_expect_eq(same.path.hop.mtu, 1300);
	here("ip route add 10.0.0.0/8 via 192.0.2.2 && ip addr add 10.1.1.1/32 dev lo");
	follow();
	cr_expect_eq(one.told + same.told + other.told, 4);
	lc_network_leave_path(network, &one.use);
	lc_network_leave_path(network, &one.use);
	here("ip route del 203.0.113.0/24");
	follow();
	cr_expect_eq(one.told, 2, "who has left is not told");
	cr_expect_eq(same.told, 3);
	cr_expect_eq(same.path.usable, LC_HOP_NO_ROUTE);
}

Test(paths, who_is_told_may_leave_and_take_others_along)
{
	static struct user first, second, third;

	use(&first, "203.0.113.9");
	use(&second, "203.0.113.9");
	use(&third, "203.0.113.9");
	/* Told in the order of their coming, or the reverse: both leave, or one is left. */
	first.leaves = &third;
	third.leaves = &first;
	second.leaves = &second;
	here("ip route add 203.0.113.0/24 via 192.0.2.2");
	follow();
	cr_expect_eq(first.told + third.told, 1);
	cr_expect_eq(second.told, 1);
	cr_expect_null(second.use.path);
	here("ip route del 203.0.113.0/24");
	follow();
	cr_expect_eq(first.told + third.told, 2);
	lc_network_leave_path(network, &first.use);
	lc_network_leave_path(network, &third.use);
}

Test(paths, next_hop_objects_are_followed)
{
	static struct user user;

	here("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev near0 nud reachable");
	here("ip neigh replace 192.0.2.3 lladdr 02:00:00:00:00:03 dev near0 nud reachable");
	here("ip nexthop add id 7 via 192.0.2.2 dev near0 && ip route add 203.0.113.0/24 nhid 7");
	use(&user, "203.0.113.9");
	cr_assert_eq(user.path.hop.destination[5], 2);
	here("ip nexthop replace id 7 via 192.0.2.3 dev near0");
	follow();
	cr_expect_eq(user.path.hop.destination[5], 3);
	here("ip nexthop del id 7");
	follow();
	cr_expect_eq(user.path.usable, LC_HOP_NO_ROUTE, "its routes went with it");
}

/* As a PMTU exception is; here the news are not read. */
Test(paths, what_nobody_tells_of_is_found_by_looking_again)
{
	static struct user users[5];

	here("ip route add 203.0.113.0/24 via 192.0.2.2");
	for (unsigned int i = 0; i < 5; i++) {
		char to[] = "203.0.113.1";

		to[10] = (char)('1' + i);
		use(&users[i], to);
	}
	here("ip route del 203.0.113.0/24");
	lc_network_look_again(network, 2, on_moved, network);
	cr_expect_eq(users[0].told + users[1].told, 2, "the longest ago first");
	cr_expect_eq(users[2].told + users[3].told + users[4].told, 0);
	lc_network_look_again(network, 2, on_moved, network);
	lc_network_look_again(network, 100, on_moved, network);
	for (unsigned int i = 0; i < 5; i++) {
		cr_expect_eq(users[i].told, 1, "%u", i);
		cr_expect_eq(users[i].path.usable, LC_HOP_NO_ROUTE, "%u", i);
	}
}

/* A source that goes and comes back: the use is kept, though there is no path for it. */
Test(paths, the_source_comes_back)
{
	static struct user user;

	here("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev near0 nud reachable");
	here("ip addr add 192.0.2.77/24 dev near0");
	user.query = query("192.0.2.77", 5000, "192.0.2.2", 4000);
	cr_assert_eq(lc_network_use_path(network, &user.use, &user.query, &user.path), 0);
	here("ip addr del 192.0.2.77/24 dev near0");
	follow();
	cr_expect_eq(user.told, 1);
	cr_expect_eq(user.error, -EADDRNOTAVAIL);
	cr_expect_eq(user.path.usable, LC_HOP_NO_ROUTE);
	here("ip addr add 192.0.2.77/24 dev near0");
	follow();
	cr_expect_eq(user.told, 2);
	cr_expect_eq(user.error, 0);
	cr_expect_eq(user.path.usable, LC_HOP_0);
}

/* Who looks later must not take the news away from who looked before. */
Test(paths, a_neighbour_is_news_to_all_who_need_it)
{
	static struct user before, after;

	here("ip route add 203.0.113.0/24 via 192.0.2.77");
	use(&before, "203.0.113.9");
	cr_assert_eq(before.path.usable, LC_HOP_NO_NEIGHBOUR);
	follow();
	before.told = 0;
	here("ip neigh replace 192.0.2.77 lladdr 02:00:00:00:00:77 dev near0 nud reachable");
	use(&after, "203.0.113.10");
	cr_assert_eq(after.path.usable, LC_HOP_0);
	follow();
	cr_expect_eq(before.told, 1);
	cr_expect_eq(before.path.usable, LC_HOP_0);
}

/* Its routes are used again, of which nothing is said. */
Test(paths, a_link_that_comes_back_concerns_all)
{
	static struct user user;

	here("sysctl -qw net.ipv4.conf.all.ignore_routes_with_linkdown=1");
	here("ip link add near1 type veth peer name far1 && ip link set near1 up && "
	     "ip link set far1 up && ip addr add 198.51.100.1/24 dev near1");
	here("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev near0 nud reachable");
	here("ip neigh replace 198.51.100.2 lladdr 02:00:00:00:00:99 dev near1 nud permanent");
	here("ip route add 203.0.113.0/24 via 198.51.100.2 metric 1 && "
	     "ip route add 203.0.113.0/24 via 192.0.2.2 metric 2");
	follow();
	use(&user, "203.0.113.9");
	cr_assert_eq(user.path.hop.ifindex, if_nametoindex("near1"));
	here("ip link set far1 down");
	follow();
	cr_expect_eq(user.path.hop.ifindex, if_nametoindex("near0"));
	here("ip link set far1 up");
	follow();
	cr_expect_eq(user.path.hop.ifindex, if_nametoindex("near1"));
}

/* What failed for once is asked again by who asks again, and the others hear of it. */
Test(paths, what_was_of_no_use_is_asked_again)
{
	static struct user asks, other;

	use(&asks, "203.0.113.9");
	use(&other, "203.0.113.9");
	cr_assert_eq(asks.path.usable, LC_HOP_NO_ROUTE);
	here("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev near0 nud reachable");
	here("ip route add 203.0.113.0/24 via 192.0.2.2");
	use(&asks, "203.0.113.9");
	cr_expect_eq(asks.path.usable, LC_HOP_0);
	lc_network_look_again(network, 1, on_moved, network);
	cr_expect_eq(other.told, 1);
	cr_expect_eq(other.path.usable, LC_HOP_0);
}
