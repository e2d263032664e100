/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Paths and notifications; the topology is edges.h's. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include "edges.h"
#include "network/network.h"

#define LOOPBACK     1
#define LOOPBACK_MTU 65536

static const uint8_t near_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t far_mac[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t no_mac[6];

static struct lc_network *network;
static int changes;

static void count(void *context)
{
	changes++;
}

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

TestSuite(network, .init = enter, .fini = leave, .timeout = 30);

static struct lc_path path_from(const char *from, const char *to)
{
	struct lc_path_query query = {.to = address(to)};
	struct lc_path path;

	if (from)
		query.from = address(from);
	memset(&path, 0xee, sizeof(path));
	cr_assert_eq(lc_network_path(network, &query, &path), 0, "to %s", to);
	return path;
}

static struct lc_path path_to(const char *to)
{
	return path_from(NULL, to);
}

/* Waits for a change, five seconds at most. */
static bool await_change(void)
{
	struct pollfd ready = {.fd = lc_network_fd(network), .events = POLLIN};
	int before = changes;

	for (int i = 0; i < 50 && changes == before; i++) {
		poll(&ready, 1, 100);
		cr_assert_eq(lc_network_process(network, count, NULL), 0);
	}
	return changes != before;
}

/* Takes what has been notified up to now, and until nothing comes for 300 ms. Returns the changes in it. */
static int settle(void)
{
	struct pollfd ready = {.fd = lc_network_fd(network), .events = POLLIN};
	int before = changes;

	while (poll(&ready, 1, 300) > 0)
		cr_assert_eq(lc_network_process(network, count, NULL), 0);
	return changes - before;
}

/* Asks as the daemon does: again after each change, until it is usable. */
static struct lc_path resolved(const char *to)
{
	struct lc_path path = path_to(to);

	for (int i = 0; i < 20 && path.usable == LC_HOP_NO_NEIGHBOUR && await_change(); i++)
		path = path_to(to);
	return path;
}

static void check_ethernet(const struct lc_path *path, uint32_t mtu)
{
	cr_assert_eq(path->usable, LC_HOP_0);
	cr_assert_eq(path->hop.local, 0);
	cr_assert_eq(path->hop.mtu, mtu);
	cr_assert_arr_eq(path->hop.source, near_mac, 6);
	cr_assert_arr_eq(path->hop.destination, far_mac, 6);
	cr_assert(holds("ip -o link show dev near0 | grep -q '^%u:'", path->hop.ifindex));
}

Test(network, own_address_is_reached_by_loopback)
{
	static const char *own[] = {"192.0.2.1", "127.0.0.1", "2001:db8::1", "::1"};

	for (size_t i = 0; i < 4; i++) {
		struct lc_path path = path_to(own[i]);

		cr_assert_eq(path.usable, LC_HOP_0, "%s", own[i]);
		cr_assert_eq(path.hop.local, 1);
		cr_assert_eq(path.hop.ifindex, LOOPBACK);
		cr_assert_eq(path.hop.mtu, LOOPBACK_MTU);
		cr_assert_arr_eq(path.hop.source, no_mac, 6);
		cr_assert_arr_eq(path.hop.destination, no_mac, 6);
	}
}

Test(network, loopback_that_is_down_is_a_link_down)
{
	here("ip link set lo down");
	cr_assert_eq(path_to("192.0.2.1").usable, LC_HOP_LINK_DOWN);
}

Test(network, only_own_unicast_addresses_are_local)
{
	static const struct {
		const char *text;
		bool local;
	} rows[] = {
		{"192.0.2.1", true},	 {"127.0.0.1", true},	 {"2001:db8::1", true},
		{"192.0.2.2", false},	 {"192.0.2.255", false}, {"2001:db8::2", false},
		{"239.255.0.1", false},	 {"0.0.0.0", false},	 {"::", false},
		{"198.51.100.1", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lc_endpoint endpoint = address(rows[i].text);

		cr_assert_eq(lc_network_is_local(network, &endpoint), rows[i].local, "%s",
			     rows[i].text);
	}
}

Test(network, neighbour_is_resolved_and_announced)
{
	struct lc_endpoint own = address("192.0.2.1"), own6 = address("2001:db8::1");
	struct lc_path path;

	cr_assert_eq(path_to("192.0.2.2").usable, LC_HOP_NO_NEIGHBOUR);
	path = resolved("192.0.2.2");
	check_ethernet(&path, 1500);
	cr_assert(lc_endpoint_equal(&path.source, &own));
	cr_assert_eq(path_to("2001:db8::2").usable, LC_HOP_NO_NEIGHBOUR);
	path = resolved("2001:db8::2");
	check_ethernet(&path, 1500);
	cr_assert(lc_endpoint_equal(&path.source, &own6));
}

Test(network, silent_neighbour_is_announced_when_the_kernel_gives_up)
{
	here("sysctl -qw net.ipv4.neigh.near0.mcast_solicit=1 "
	     "net.ipv4.neigh.near0.retrans_time_ms=100");
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(path_to("192.0.2.77").usable, LC_HOP_NO_NEIGHBOUR);
		cr_assert(await_change(), "round %d", i);
	}
}

Test(network, neighbour_with_a_new_mac_is_a_change)
{
	struct lc_path path = resolved("192.0.2.2");
	static const uint8_t moved[6] = {2, 0, 0, 0, 0, 9};

	check_ethernet(&path, 1500);
	settle();
	here("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:09 nud reachable dev near0");
	cr_assert_eq(settle(), 1);
	path = path_to("192.0.2.2");
	cr_assert_arr_eq(path.hop.destination, moved, 6);
}

Test(network, neighbour_noise_is_no_change)
{
	resolved("192.0.2.2");
	settle();
	/* Nobody asked for this one... */
	here("ip neigh add 192.0.2.50 lladdr 02:00:00:00:00:50 nud reachable dev near0");
	here("ip neigh del 192.0.2.50 dev near0");
	/* ...and this one is as usable as it was. */
	here("ip neigh change 192.0.2.2 lladdr 02:00:00:00:00:02 nud stale dev near0");
	cr_assert_eq(settle(), 0);
}

Test(network, stale_neighbour_is_usable_and_verified)
{
	struct lc_path path = resolved("192.0.2.2");

	settle();
	here("sysctl -qw net.ipv4.neigh.near0.delay_first_probe_time=0");
	/* The notification alone makes us verify it... */
	here("ip neigh change 192.0.2.2 lladdr 02:00:00:00:00:02 nud stale dev near0");
	settle();
	path = path_to("192.0.2.2");
	check_ethernet(&path, 1500);
	for (int i = 0; i < 30 && !holds("ip neigh show 192.0.2.2 | grep -q REACHABLE"); i++)
		settle();
	cr_assert(holds("ip neigh show 192.0.2.2 | grep -q REACHABLE"));
	/* ...so that the end of one that has gone away is noticed. */
	there("ip addr del 192.0.2.2/24 dev far0");
	here("ip neigh change 192.0.2.2 lladdr 02:00:00:00:00:02 nud stale dev near0");
	cr_assert(await_change());
	cr_assert_eq(path_to("192.0.2.2").usable, LC_HOP_NO_NEIGHBOUR);
}

Test(network, gateway_is_the_next_hop)
{
	struct lc_path path;

	here("ip route add 203.0.113.0/24 via 192.0.2.2 mtu 1400");
	here("ip route add 2001:db8:1::/64 via 2001:db8::2");
	path = resolved("203.0.113.9");
	check_ethernet(&path, 1400);
	path = resolved("2001:db8:1::9");
	check_ethernet(&path, 1500);
}

Test(network, gateway_of_the_other_family)
{
	struct lc_path path;

	here("ip route add 203.0.113.0/24 via inet6 2001:db8::2 dev near0");
	path = resolved("203.0.113.9");
	check_ethernet(&path, 1500);
}

Test(network, mtu_is_the_smaller_of_device_and_route)
{
	struct lc_path path;

	here("ip link set near0 mtu 1300");
	here("ip route add 203.0.113.0/24 via 192.0.2.2 mtu 1400");
	path = resolved("203.0.113.9");
	check_ethernet(&path, 1300);
}

Test(network, no_route)
{
	static const char *targets[] = {
		"198.51.100.1",	 "198.51.100.2",  "198.51.100.3",  "203.0.113.1",    "192.0.2.255",
		"2001:db8:2::1", "2001:db8:2::2", "2001:db8:2::3", "2001:db8:ff::1", "fe80::1234",
	};
	const struct lc_hop none = {0};

	here("ip route add blackhole 198.51.100.1 && ip route add unreachable 198.51.100.2 && "
	     "ip route add prohibit 198.51.100.3");
	here("ip route add blackhole 2001:db8:2::1 && ip route add unreachable 2001:db8:2::2 && "
	     "ip route add prohibit 2001:db8:2::3");
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct lc_path path = path_to(targets[i]);

		cr_assert_eq(path.usable, LC_HOP_NO_ROUTE, "%s: %d", targets[i], path.usable);
		cr_assert_arr_eq(&path.hop, &none, sizeof(none), "%s", targets[i]);
	}
}

Test(network, targets_that_are_no_unicast_address)
{
	static const char *targets[] = {"239.255.0.1", "0.0.0.0", "255.255.255.255", "ff3e::1",
					"::"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		const struct lc_path_query query = {.to = address(targets[i])};
		struct lc_path path;

		cr_assert_eq(lc_network_path(network, &query, &path), -EINVAL, "%s", targets[i]);
	}
}

Test(network, lost_carrier_is_a_link_down)
{
	uint32_t ifindex;
	struct lc_path path = resolved("192.0.2.2");

	check_ethernet(&path, 1500);
	ifindex = path.hop.ifindex;
	cr_assert(lc_network_is_up(network, ifindex));
	there("ip link set far0 down");
	cr_assert(await_change());
	settle();
	cr_assert_eq(path_to("192.0.2.2").usable, LC_HOP_LINK_DOWN);
	cr_assert_not(lc_network_is_up(network, ifindex));
	there("ip link set far0 up");
	cr_assert(await_change());
	settle();
	cr_assert(lc_network_is_up(network, ifindex));
	cr_assert_not(lc_network_is_up(network, 4711));
}

Test(network, rules_by_source_are_followed)
{
	struct lc_endpoint own = address("192.0.2.5");
	struct lc_path path;

	here("ip addr add 192.0.2.5/24 dev near0");
	here("ip rule add from 192.0.2.5 lookup 100");
	here("ip route add blackhole default table 100");
	here("ip route add 203.0.113.0/24 via 192.0.2.2");
	path = resolved("203.0.113.9");
	check_ethernet(&path, 1500);
	path = path_from("192.0.2.5", "203.0.113.9");
	cr_assert_eq(path.usable, LC_HOP_NO_ROUTE);
	cr_assert(lc_endpoint_equal(&path.source, &own));
}

Test(network, source_must_be_ours)
{
	struct lc_endpoint foreign = address("192.0.2.2"), foreign6 = address("2001:db8::2");
	struct lc_path_query query = {.from = foreign, .to = foreign};
	struct lc_path path;

	cr_assert_eq(lc_network_path(network, &query, &path), -EADDRNOTAVAIL);
	query.from = query.to = foreign6;
	cr_assert_eq(lc_network_path(network, &query, &path), -EADDRNOTAVAIL);
	query.to = foreign;
	cr_assert_eq(lc_network_path(network, &query, &path), -EAFNOSUPPORT);
}

Test(network, device_without_addresses_needs_no_neighbour)
{
	struct ifreq request = {.ifr_name = "bare0", .ifr_flags = IFF_TUN | IFF_NO_PI};
	struct lc_path path;
	int tun = open("/dev/net/tun", O_RDWR);

	if (tun < 0)
		cr_skip("no /dev/net/tun");
	cr_assert_eq(ioctl(tun, TUNSETIFF, &request), 0);
	here("ip addr add 198.51.100.1/24 dev bare0 && ip link set bare0 up mtu 1420");
	path = path_to("198.51.100.7");
	cr_assert_eq(path.usable, LC_HOP_0);
	cr_assert_eq(path.hop.mtu, 1420);
	cr_assert_arr_eq(path.hop.source, no_mac, 6);
	cr_assert_arr_eq(path.hop.destination, no_mac, 6);
}

Test(network, each_kind_of_change_is_announced)
{
	static const char *commands[] = {
		"ip addr add 192.0.2.9/24 dev near0",
		"ip addr add 2001:db8::9/64 dev near0 nodad",
		"ip route add 203.0.113.0/24 via 192.0.2.2",
		"ip route add 2001:db8:7::/64 via 2001:db8::2",
		"ip rule add from 192.0.2.9 lookup 100",
		"ip nexthop add id 7 via 192.0.2.2 dev near0",
		"ip nexthop replace id 7 via 192.0.2.3 dev near0",
		"ip link set near0 mtu 1400",
		"ip link set near0 down",
	};

	settle();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		here("%s", commands[i]);
		cr_assert(settle() > 0, "%s", commands[i]);
	}
	cr_assert_eq(settle(), 0);
}

Test(network, lost_notifications_are_one_change)
{
	resolved("192.0.2.2");
	settle();
	here("i=0; while [ $i -lt 20000 ]; do "
	     "echo route add 10.$((i / 250 %% 250)).$((i %% 250)).0/24 via 192.0.2.2; "
	     "i=$((i + 1)); done | ip -batch -");
	cr_assert(settle() >= 1);
	cr_assert_eq(path_to("10.0.1.9").usable, LC_HOP_0);
}
