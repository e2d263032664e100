/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Our own devices lc0/lc1, ls0/ls1; the topology is edges.h's. */
#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edges.h"
#include "network/network.h"

static struct lc_network *network;
static int changes;

static void count(void *context)
{
	changes++;
}

static struct lc_network *open_network(void)
{
	struct lc_error error;
	struct lc_network *opened;

	cr_assert_eq(lc_network_open(&opened, &error), 0);
	return opened;
}

static void enter(void)
{
	enter_topology();
	network = open_network();
}

static void leave(void)
{
	lc_network_close(network);
}

TestSuite(devices, .init = enter, .fini = leave, .timeout = 60);

static uint32_t make(struct lc_network *by)
{
	struct lc_error error = {""};
	struct lc_network_devices devices = {0};

	cr_assert_eq(lc_network_make_devices(by, &devices, &error), 0, "%s", error.text);
	cr_assert_eq(devices.cut, if_nametoindex("ls0"));
	cr_assert_eq(devices.cut_end, if_nametoindex("ls1"));
	return devices.sender;
}

static int settle(void)
{
	struct pollfd ready = {.fd = lc_network_fd(network), .events = POLLIN};
	int before = changes;

	while (poll(&ready, 1, 300) > 0)
		cr_assert_eq(lc_network_process(network, count, NULL), 0);
	return changes - before;
}

static int setting_of_lo(const char *name)
{
	char path[128];
	FILE *file;
	int value = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/lo/%s", name);
	file = fopen(path, "r");
	cr_assert_eq(fscanf(file, "%d", &value), 1);
	fclose(file);
	return value;
}

static void check_lo(int accept_local, int route_localnet)
{
	cr_assert_eq(setting_of_lo("accept_local"), accept_local);
	cr_assert_eq(setting_of_lo("route_localnet"), route_localnet);
}

static bool pool_is_routed(void)
{
	return holds("ip route show table main | grep -q '^multicast 239.255.0.0/17 dev lc0 '") &&
	       holds("ip -6 route show table local | grep -q '^multicast ff3e::/16 dev lc0 '");
}

Test(devices, is_up_named_and_routed)
{
	uint32_t ifindex = make(network);

	cr_assert_eq(ifindex, if_nametoindex("lc0"));
	cr_assert(lc_network_is_up(network, ifindex));
	cr_assert(lc_network_is_up(network, if_nametoindex("lc1")));
	cr_assert(holds("ip link show lc0 | grep -q MULTICAST"));
	cr_assert(holds("ip link show lc0 | grep -q 'alias leafcast$'"));
	cr_assert(pool_is_routed());
	/* One address, and usable at once. */
	cr_assert(holds("ip -6 addr show dev lc0 scope link | grep -q 'inet6 fe80::'"));
	cr_assert(holds("test $(ip -6 addr show dev lc0 | grep -c inet6) = 1"));
	cr_assert_not(holds("ip -6 addr show dev lc0 tentative | grep -q inet6"));
	cr_assert_not(holds("ip -6 addr show dev lc1 | grep -q inet6"));
	cr_assert_not(holds("ip -o link | grep -q 'l[cs][01][.]'"));
}

/* What cuts super-packets up carries nothing of its own. */
Test(devices, has_the_pair_of_the_segments_beside_it)
{
	make(network);
	for (int i = 0; i < 2; i++) {
		cr_assert(lc_network_is_up(network, if_nametoindex(i ? "ls1" : "ls0")));
		cr_assert(holds("ip link show ls%d | grep -q 'alias leafcast$'", i));
		cr_assert(holds("test -z \"$(ip -o addr show dev ls%d)\"", i));
		cr_assert(holds("test $(cat /proc/sys/net/ipv6/conf/ls%d/disable_ipv6) = 1", i));
	}
	cr_assert(holds("ip -d link show ls0 | grep -q 'gso_max_segs 1 '"));
	cr_assert_not(holds("ip -d link show lc0 | grep -q 'gso_max_segs 1 '"));
}

/* As a root does (design: IP_MULTICAST_IF to lc0, bound source); the datagram must come out of lc1. */
static void check_send(int af, const char *source, const char *group)
{
	struct lc_endpoint from = address(source), to = address(group);
	int lc0 = (int)if_nametoindex("lc0"), sock = socket(af, SOCK_DGRAM, 0);
	struct ip_mreqn interface = {.imr_ifindex = lc0};
	struct sockaddr_storage name;

	if (af == AF_INET)
		setsockopt(sock, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof(interface));
	else
		setsockopt(sock, IPPROTO_IPV6, IPV6_MULTICAST_IF, &lc0, sizeof(lc0));
	from.port = 0;
	to.port = htons(4711);
	cr_assert_eq(bind(sock, (struct sockaddr *)&name, lc_endpoint_to_sockaddr(&from, &name)),
		     0);
	for (int i = 0; i < 100; i++) {
		socklen_t length = lc_endpoint_to_sockaddr(&to, &name);

		cr_assert_eq(sendto(sock, "x", 1, 0, (struct sockaddr *)&name, length), 1, "%s: %m",
			     group);
	}
	close(sock);
}

static unsigned long received_at_lc1(void)
{
	FILE *command = popen("awk '/lc1:/ { print $3 }' /proc/thread-self/net/dev", "r");
	unsigned long packets = 0;

	cr_assert_eq(fscanf(command, "%lu", &packets), 1);
	pclose(command);
	return packets;
}

Test(devices, carries_what_roots_send)
{
	unsigned long before;

	make(network);
	before = received_at_lc1();
	check_send(AF_INET, "192.0.2.1", "239.255.0.5");
	check_send(AF_INET, "192.0.2.1", "239.255.127.255");
	cr_assert(received_at_lc1() >= before + 200);
	before = received_at_lc1();
	check_send(AF_INET6, "2001:db8::1", "ff3e::5");
	cr_assert(received_at_lc1() >= before + 100);
}

Test(devices, own_work_is_no_change)
{
	settle();
	make(network);
	cr_assert_eq(settle(), 0);
}

Test(devices, a_pair_of_an_earlier_daemon_is_replaced)
{
	struct lc_network *earlier = open_network();

	make(earlier);
	cr_assert_eq(make(network), if_nametoindex("lc0"));
	cr_assert(pool_is_routed());
	/* The earlier one finds nothing of its own to remove. */
	lc_network_close(earlier);
	cr_assert_neq(if_nametoindex("lc0"), 0);
	/* The same daemon may make it again, too. */
	cr_assert_eq(make(network), if_nametoindex("lc0"));
}

static void check_refused(const char *name)
{
	struct lc_error error = {""};
	struct lc_network_devices devices = {.sender = 4711};

	cr_assert_eq(lc_network_make_devices(network, &devices, &error), -EEXIST);
	cr_assert_eq(devices.sender, 4711);
	cr_assert_not_null(strstr(error.text, name), "%s", error.text);
	cr_assert_neq(if_nametoindex(name), 0);
	check_lo(0, 0);
}

Test(devices, foreign_device_of_that_name_is_left_alone)
{
	here("ip link add lc0 type veth peer name foreign0");
	check_refused("lc0");
	here("ip link set lc0 alias leafcaster");
	check_refused("lc0");
	here("ip link set lc0 name lc1");
	check_refused("lc1");
	here("ip link set lc1 name ls0");
	check_refused("ls0");
	here("ip link set ls0 name ls1");
	check_refused("ls1");
	lc_network_close(network);
	network = NULL;
	cr_assert_neq(if_nametoindex("ls1"), 0);
}

Test(devices, failure_leaves_nothing)
{
	struct lc_error error = {""};
	struct lc_network_devices devices;

	here("ip route add multicast 239.255.0.0/17 dev near0");
	cr_assert_eq(lc_network_make_devices(network, &devices, &error), -EEXIST);
	cr_assert_not_null(strstr(error.text, "239.255.0.0/17"), "%s", error.text);
	cr_assert_eq(if_nametoindex("lc0"), 0);
	cr_assert_eq(if_nametoindex("lc1"), 0);
	cr_assert_eq(if_nametoindex("ls0"), 0);
	check_lo(0, 0);
}

Test(devices, close_undoes_it)
{
	check_lo(0, 0);
	make(network);
	check_lo(1, 1);
	lc_network_close(network);
	check_lo(0, 0);
	cr_assert_eq(if_nametoindex("lc0"), 0);
	cr_assert_eq(if_nametoindex("ls0"), 0);
	here("sysctl -qw net.ipv4.conf.lo.accept_local=1");
	network = open_network();
	make(network);
	lc_network_close(network);
	check_lo(1, 0);
	here("sysctl -qw net.ipv4.conf.lo.accept_local=0 net.ipv4.conf.lo.route_localnet=1");
	network = open_network();
	make(network);
	lc_network_close(network);
	network = NULL;
	check_lo(0, 1);
}

Test(devices, settings_of_lo_survive_a_killed_daemon)
{
	struct lc_network *killed = open_network();

	make(killed); /* and never closed in time */
	make(network);
	lc_network_close(network);
	network = NULL;
	check_lo(0, 0);
	lc_network_close(killed); /* for the leak checker's sake */
}

static bool mtu_is(unsigned int mtu)
{
	return holds("ip link show lc0 | grep -q 'mtu %u '", mtu) &&
	       holds("ip link show lc1 | grep -q 'mtu %u '", mtu) &&
	       holds("ip link show ls0 | grep -q 'mtu %u '", mtu) &&
	       holds("ip link show ls1 | grep -q 'mtu %u '", mtu);
}

Test(devices, mtu_follows_the_largest_of_the_others)
{
	make(network);
	cr_assert(mtu_is(1500));
	here("ip link set near0 mtu 9000");
	settle();
	cr_assert(mtu_is(9000));
	here("ip link set near0 mtu 1400");
	settle();
	cr_assert(mtu_is(1400));
	cr_assert(pool_is_routed());
	here("ip link set near0 down");
	settle();
	cr_assert(mtu_is(1500));
}

Test(devices, small_mtu_of_the_others_does_not_cost_ipv6)
{
	here("ip addr flush dev near0 && ip link set near0 mtu 576");
	make(network);
	cr_assert(mtu_is(1280));
	cr_assert(pool_is_routed());
}

Test(devices, comes_back_after_somebody_set_it_down)
{
	uint32_t ifindex = make(network);

	settle();
	here("ip link set lc0 down");
	cr_assert(settle() > 0);
	cr_assert_not(lc_network_is_up(network, ifindex));
	here("ip link set lc0 up");
	settle();
	cr_assert(pool_is_routed());
	cr_assert(holds("ip -6 addr show dev lc0 scope link | grep -q 'inet6 fe80::'"));
	check_send(AF_INET6, "2001:db8::1", "ff3e::5");
}

Test(devices, its_deletion_is_a_change)
{
	uint32_t ifindex = make(network);

	settle();
	here("ip link del lc0");
	cr_assert(settle() > 0);
	cr_assert_not(lc_network_is_up(network, ifindex));
	make(network);
	lc_network_close(network);
	network = NULL;
	check_lo(0, 0);
}

Test(devices, node_without_ipv6_has_ipv4)
{
	here("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
	make(network);
	check_send(AF_INET, "192.0.2.1", "239.255.0.5");
}

Test(devices, unicast_never_goes_there)
{
	const struct lc_endpoint any = {0};
	struct lc_endpoint target = address("fe80::1234");
	struct lc_path path;

	make(network);
	cr_assert_eq(lc_network_path(network, &any, &target, &path), 0);
	cr_assert_eq(path.usable, LC_HOP_NO_ROUTE);
}
