/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Our own devices lc0/lc1, ls0/ls1; the topology is edges.h's. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
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

/* As a daemon does when the host's settings are recorded nowhere. */
static struct lc_host_before recorded;
/* Where its plane would be pinned. */
static const char *bpf_dir = "/sys/fs/bpf/lc test";

TestSuite(devices, .init = enter, .fini = leave, .timeout = 60);

static uint32_t make(struct lc_network *by)
{
	struct lc_error error = {""};
	struct lc_network_devices devices = {0};

	cr_assert_eq(lc_network_host_before(by, &recorded, &error), 0, "%s", error.text);
	cr_assert_eq(lc_network_make_devices(by, &recorded, bpf_dir, &devices, &error), 0, "%s",
		     error.text);
	cr_assert_eq(devices.cut, if_nametoindex("ls0"));
	cr_assert_eq(devices.cut_end, if_nametoindex("ls1"));
	return devices.sender;
}

/* As a purge: how many links go. */
static int take_down(void)
{
	struct lc_error error = {""};
	struct lc_host_before was;
	int removed;

	cr_assert_eq(lc_network_host_before(network, &was, &error), 0, "%s", error.text);
	cr_assert_eq(lc_network_restore_host(&was, &error), 0, "%s", error.text);
	removed = lc_network_remove_devices(network, &error);
	cr_assert_geq(removed, 0, "%s", error.text);
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = {"lc0", "lc1", "ls0", "ls1"};

		cr_assert_eq(if_nametoindex(names[i]), 0);
	}
	return removed;
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

static bool mtu_is(unsigned int mtu)
{
	return holds("ip link show lc0 | grep -q 'mtu %u '", mtu) &&
	       holds("ip link show lc1 | grep -q 'mtu %u '", mtu) &&
	       holds("ip link show ls0 | grep -q 'mtu %u '", mtu) &&
	       holds("ip link show ls1 | grep -q 'mtu %u '", mtu);
}

Test(devices, is_up_named_and_routed)
{
	uint32_t ifindex = make(network);

	cr_assert_eq(ifindex, if_nametoindex("lc0"));
	cr_assert(lc_network_is_up(network, ifindex));
	cr_assert(lc_network_is_up(network, if_nametoindex("lc1")));
	cr_assert(holds("ip link show lc0 | grep -q MULTICAST"));
	cr_assert(holds("ip link show lc0 | grep -q 'alias leafcast '"));
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
		cr_assert(holds("ip link show ls%d | grep -q 'alias leafcast '", i));
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

/* Which the kernel tells of links, addresses and routes, as numbers of all of ours. */
static void numbers_of_ours(uint32_t numbers[4])
{
	static const char *const names[] = {"lc0", "lc1", "ls0", "ls1"};

	for (int i = 0; i < 4; i++)
		numbers[i] = if_nametoindex(names[i]);
}

static pid_t start_monitor(void)
{
	pid_t monitor = fork();

	if (monitor == 0) {
		execlp("ip", "ip", "-o", "monitor", "link", "address", "route", "netconf", NULL);
		_exit(1);
	}
	return monitor;
}

/* All that anybody hears while an earlier daemon's devices are adopted, into `path`. */
static void adopt_monitored(const char *path)
{
	int output = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), old = dup(1);
	struct lc_network *next = open_network();
	pid_t monitor;

	cr_assert(output >= 0 && old >= 0);
	dup2(output, 1);
	monitor = start_monitor();
	dup2(old, 1);
	close(old);
	/* Until it hears a change it does not listen yet. */
	for (int i = 0; i < 100 && !holds("grep -q mark0 %s", path); i++)
		here("ip link add mark0 type dummy 2>/dev/null || ip link add mark0 type veth peer "
		     "name "
		     "mark1; ip link del mark0; sleep 0.1");
	make(next);
	here("ip link add mark2 type veth peer name mark3");
	for (int i = 0; i < 100 && !holds("grep -q mark3 %s", path); i++)
		here("sleep 0.1");
	kill(monitor, SIGKILL);
	waitpid(monitor, NULL, 0);
	close(output);
	lc_network_close(network);
	network = next;
}

Test(devices, what_is_whole_is_adopted_and_nobody_hears_of_it)
{
	char path[] = "/tmp/lc-monitor-XXXXXX";
	uint32_t earlier[4], now[4];

	close(mkstemp(path));
	here("ip link set near0 mtu 4000");
	make(network);
	numbers_of_ours(earlier);
	adopt_monitored(path);
	numbers_of_ours(now);
	cr_assert_arr_eq(now, earlier, sizeof(now));
	cr_expect(holds("grep -q mark3 %s", path));
	cr_expect_not(holds("grep -E 'l[cs][01]' %s >&2", path));
	unlink(path);
	cr_assert(pool_is_routed());
	cr_assert(mtu_is(4000));
	check_lo(1, 1);
}

/* A start that finds less than the whole; earlier numbers stay where `kept`. */
static void check_mended(const char *damage, bool kept)
{
	uint32_t earlier[4], now[4];
	struct lc_network *next;

	make(network);
	numbers_of_ours(earlier);
	here("%s", damage);
	next = open_network();
	make(next);
	numbers_of_ours(now);
	cr_expect_eq(memcmp(now, earlier, sizeof(now)) == 0, kept, "%s", damage);
	for (int i = 0; i < 4; i++)
		cr_expect(lc_network_is_up(next, now[i]), "%s: %d", damage, i);
	cr_expect(pool_is_routed(), "%s", damage);
	cr_expect(holds("test $(ip -6 addr show dev lc0 | grep -c inet6) = 1"), "%s", damage);
	cr_expect(holds("ip -d link show ls0 | grep -q 'gso_max_segs 1 '"), "%s", damage);
	cr_expect(holds("test $(cat /proc/sys/net/ipv6/conf/ls1/disable_ipv6) = 1"), "%s", damage);
	cr_expect(holds("ip -d link show lc0 | grep -q ' veth '"), "%s", damage);
	cr_expect_not(holds("ip -o link | grep -q 'l[cs][01][.]'"), "%s", damage);
	cr_expect(mtu_is(1500), "%s", damage);
	check_lo(1, 1);
	lc_network_close(network);
	network = next;
}

Test(devices, what_is_not_whole_is_mended)
{
	check_mended("ip link set ls0 gso_max_segs 100", true);
	check_mended("ip link set lc0 down", true);
	check_mended("ip link set ls1 down", true);
	check_mended("ip addr flush dev lc0; ip route flush dev lc0", true);
	check_mended("ip -6 route flush table local dev lc0", true);
	check_mended("sysctl -qw net.ipv6.conf.ls1.disable_ipv6=0", true);
	check_mended("sysctl -qw net.ipv4.conf.lo.accept_local=0", true);
	check_mended("for d in lc0 lc1 ls0 ls1; do ip link set $d mtu 1300; done", true);
	check_mended("ip link set ls1 mtu 1300", true);
}

Test(devices, what_is_only_half_there_is_made_anew)
{
	check_mended("ip link del lc0", false);
	check_mended("ip link del ls1", false);
	/* Of another kind, and ends of different pairs. */
	check_mended("ip link del lc0; ip link add lc0 type veth peer name lc1; ip link set lc0 "
		     "name x0; "
		     "ip link set lc1 alias leafcast; ip link set x0 alias leafcast; "
		     "ip link add name lc0 type bridge && ip link set lc0 alias leafcast",
		     false);
	check_mended("ip link set lc1 down; ip link set lc1 name lx1; ip link set ls1 down; "
		     "ip link set ls1 name lc1; ip link set lx1 name ls1",
		     false);
	here("ip link add ls0.77 type veth peer name ls1.77; ip link add lc0.78 type veth peer "
	     "name lc1.78");
	check_mended("true", true);
	/* Named halfway, as a daemon that was killed leaves them. */
	check_mended("ip link del lc0; ip link add lc0.5 type veth peer name lc1.5; "
		     "ip link set lc1.5 alias 'leafcast accept_local=0 route_localnet=0' name lc1",
		     false);
}

/* ---- what the aliases say ---- */

static const char alias_of_ours[] =
	"leafcast accept_local=0 route_localnet=7 bpf_dir=/sys/fs/bpf/lc test";

static bool all_say(const char *alias)
{
	return holds("for d in lc0 lc1 ls0 ls1; do "
		     "ip link show $d | grep -q '^ *alias %s$' || exit; done",
		     alias);
}

static void set_alias_of_all(const char *alias)
{
	here("for d in lc0 lc1 ls0 ls1; do ip link set $d alias '%s'; done", alias);
}

Test(devices, name_their_plane_and_remember_the_host)
{
	here("sysctl -qw net.ipv4.conf.lo.route_localnet=7");
	make(network);
	cr_expect(all_say(alias_of_ours));
	/* Of an earlier daemon that named none, and of one that pinned elsewhere. */
	set_alias_of_all("leafcast accept_local=0 route_localnet=7");
	make(network);
	cr_expect(all_say(alias_of_ours));
	set_alias_of_all("leafcast accept_local=0 route_localnet=7 bpf_dir=/elsewhere");
	make(network);
	cr_expect(all_say(alias_of_ours));
	take_down();
	check_lo(0, 7);
}

struct named {
	unsigned int count;
	char last[256];
};

static void note_plane(void *context, const char *named)
{
	struct named *planes = context;

	planes->count++;
	snprintf(planes->last, sizeof(planes->last), "%s", named);
}

static void check_planes(unsigned int count, const char *last)
{
	struct named planes = {0};

	cr_assert_eq(lc_network_each_plane(network, note_plane, &planes), 0);
	cr_expect_eq(planes.count, count);
	cr_expect_str_eq(planes.last, last);
}

Test(devices, tell_whose_they_are)
{
	check_planes(0, "");
	make(network);
	check_planes(4, bpf_dir);
	/* By any name. */
	here("ip link set lc0 down && ip link set lc0 name renamed0");
	check_planes(4, bpf_dir);
	here("ip link set near0 alias 'leafcast bpf_dir=relative'");
	check_planes(4, bpf_dir);
	here("ip link set ls0 alias leafcast");
	check_planes(3, bpf_dir);
	here("ip link set ls1 alias \"leafcast bpf_dir=/a$(printf '\\nb')\"");
	check_planes(2, bpf_dir);
}

/* Devices that remember nothing do not say that lo's settings are the host's. */
Test(devices, forgotten_settings_are_not_the_hosts)
{
	struct lc_error error = {""};
	struct lc_host_before was;

	make(network);
	cr_expect_eq(recorded.recorded, LC_BEFORE_RECORDED);
	here("for d in lc0 lc1 ls0 ls1; do ip link set $d alias leafcast; done");
	make(network);
	cr_expect_eq(recorded.recorded, LC_BEFORE_LOST);
	cr_assert_eq(lc_network_remembered_host(network, &was, &error), 0);
	cr_expect_eq(was.recorded, LC_BEFORE_LOST, "and does not become known");
	take_down();
	check_lo(1, 1);
	cr_assert_eq(lc_network_remembered_host(network, &was, &error), 0);
	cr_expect_eq(was.recorded, LC_BEFORE_NOTHING);
}

Test(devices, directory_that_no_alias_holds)
{
	struct lc_network_devices devices;
	struct lc_error error = {""};
	char path[256];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	/* The room for an alias is 255 bytes; no settings are recorded here. */
	path[255 - strlen("leafcast bpf_dir=") + 1] = '\0';
	cr_expect_eq(lc_network_make_devices(network, &recorded, path, &devices, &error),
		     -ENAMETOOLONG);
	cr_expect_not_null(strstr(error.text, "too long"), "%s", error.text);
	cr_expect_eq(if_nametoindex("lc0"), 0);
	path[255 - strlen("leafcast bpf_dir=")] = '\0';
	cr_expect_eq(lc_network_make_devices(network, &recorded, path, &devices, &error), 0);
	check_planes(4, path);
	cr_expect_eq(lc_network_make_devices(network, &recorded, "/a\nb", &devices, &error),
		     -EINVAL);
}

/* What was found stays, whatever else is taken back. */
Test(devices, what_this_process_made_can_be_taken_back)
{
	uint32_t sender;

	make(network);
	lc_network_unmake_devices(network);
	cr_expect_eq(if_nametoindex("lc0") + if_nametoindex("ls0"), 0);
	sender = make(network);
	here("ip link del ls0");
	lc_network_close(network);
	network = open_network();
	make(network);
	lc_network_unmake_devices(network);
	cr_expect_eq(if_nametoindex("lc0"), sender);
	cr_expect_eq(if_nametoindex("ls0"), 0);
	lc_network_unmake_devices(network);
	cr_expect_eq(if_nametoindex("lc0"), sender);
}

Test(devices, an_earlier_daemon_may_close_late)
{
	struct lc_network *earlier = open_network();
	uint32_t ifindex = make(earlier);

	cr_assert_eq(make(network), ifindex);
	lc_network_close(earlier);
	cr_assert_eq(if_nametoindex("lc0"), ifindex);
	/* The same daemon may ask for it again, too. */
	cr_assert_eq(make(network), ifindex);
}

static void check_refused(const char *name)
{
	struct lc_error error = {""};
	struct lc_network_devices devices = {.sender = 4711};

	cr_assert_eq(lc_network_make_devices(network, &recorded, bpf_dir, &devices, &error),
		     -EEXIST);
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
	cr_assert_eq(lc_network_make_devices(network, &recorded, bpf_dir, &devices, &error),
		     -EEXIST);
	cr_assert_not_null(strstr(error.text, "239.255.0.0/17"), "%s", error.text);
	cr_assert_eq(if_nametoindex("lc0"), 0);
	cr_assert_eq(if_nametoindex("lc1"), 0);
	cr_assert_eq(if_nametoindex("ls0"), 0);
	check_lo(0, 0);
}

Test(devices, failure_leaves_what_was_adopted)
{
	struct lc_error error = {""};
	struct lc_network_devices devices;
	uint32_t ifindex = make(network);

	here("ip route del multicast 239.255.0.0/17 dev lc0");
	here("ip route add multicast 239.255.0.0/17 dev near0");
	cr_assert_eq(lc_network_make_devices(network, &recorded, bpf_dir, &devices, &error),
		     -EEXIST);
	cr_assert_eq(if_nametoindex("lc0"), ifindex);
}

Test(devices, close_leaves_it)
{
	uint32_t ifindex = make(network);

	lc_network_close(network);
	cr_assert_eq(if_nametoindex("lc0"), ifindex);
	cr_assert(pool_is_routed());
	check_lo(1, 1);
	network = open_network();
}

static void check_taken_down(int accept_local, int route_localnet)
{
	here("sysctl -qw net.ipv4.conf.lo.accept_local=%d net.ipv4.conf.lo.route_localnet=%d",
	     accept_local, route_localnet);
	make(network);
	check_lo(1, 1);
	/* Once more, as the next daemon: our own values are nobody's. */
	make(network);
	cr_assert_eq(take_down(), 4);
	check_lo(accept_local, route_localnet);
	cr_assert_eq(take_down(), 0);
	check_lo(accept_local, route_localnet);
}

Test(devices, taking_down_undoes_it)
{
	check_taken_down(0, 0);
	check_taken_down(1, 0);
	check_taken_down(0, 1);
	check_taken_down(1, 1);
}

Test(devices, taking_down_takes_what_is_ours_and_no_more)
{
	make(network);
	here("ip link set ls0 down && ip link set ls0 name renamed0");
	here("ip link add lc0.99 type veth peer name lc1.99");
	here("ip link add lc0.12 type veth peer name far1.12");
	here("ip link add lc0.13 type veth peer name lc1.14");
	here("ip link add wordy0 type veth peer name wordy1 && ip link set wordy0 alias 'leafcast "
	     "uplink'");
	here("ip link add bridge0 type bridge && ip link set bridge0 alias leafcast");
	cr_assert_eq(take_down(), 6);
	cr_expect_eq(if_nametoindex("renamed0"), 0);
	cr_expect_eq(if_nametoindex("lc0.99"), 0);
	cr_expect_neq(if_nametoindex("lc0.12"), 0);
	cr_expect_neq(if_nametoindex("lc0.13"), 0);
	cr_expect_neq(if_nametoindex("wordy0"), 0);
	cr_expect_neq(if_nametoindex("bridge0"), 0);
	cr_expect_neq(if_nametoindex("near0"), 0);
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
	struct lc_error error = {""};
	struct lc_network_devices devices;
	uint32_t ifindex = make(network);

	settle();
	here("ip link del lc0");
	cr_assert(settle() > 0);
	cr_assert_not(lc_network_is_up(network, ifindex));
	/* What lo was before, its daemon knows still. */
	cr_assert_eq(lc_network_make_devices(network, &recorded, bpf_dir, &devices, &error), 0,
		     "%s", error.text);
	take_down();
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
	const struct lc_path_query query = {.to = address("fe80::1234")};
	struct lc_path path;

	make(network);
	cr_assert_eq(lc_network_path(network, &query, &path), 0);
	cr_assert_eq(path.usable, LC_HOP_NO_ROUTE);
}
