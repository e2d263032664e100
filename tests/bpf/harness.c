// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "plane/pins.h"

static int open_tap(void)
{
	struct ifreq request = {.ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI};
	int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	cr_assert_geq(tap, 0, "/dev/net/tun: %m");
	cr_assert_eq(ioctl(tap, TUNSETIFF, &request), 0, "TUNSETIFF: %m");
	return tap;
}

/* A failed assertion ends the test where it stands: a child outlives it and takes the pins away. */
static void remove_pins_after_test(const char *bpf_dir)
{
	int ends[2];
	char ignored;

	cr_assert_eq(pipe(ends), 0);
	if (fork() == 0) {
		dup2(ends[0], 0);
		close_range(1, ~0u, 0);
		while (read(0, &ignored, 1) < 0)
			;
		lc_pins_remove(bpf_dir);
		_exit(0);
	}
	close(ends[0]);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
}

void net_open_bare(struct net *net)
{
	static const char *const set_up =
		"set -e; ip link set lo up\n"
		"echo 1 > /proc/sys/net/ipv4/conf/lo/accept_local\n"
		"ip link add lc0 type veth peer name lc1\n"
		"ip link add ls0 gso_max_segs 1 type veth peer name ls1\n"
		"for d in lc0 lc1 ls0 ls1 tap0; do ip link set $d addrgenmode none; done\n"
		"ip link set tap0 txqueuelen 20000 address 02:00:00:00:00:01\n"
		"ip addr add " ROOT4 "/24 dev tap0; ip addr add " ROOT6 "/64 dev tap0 nodad\n"
		"for d in lc0 lc1 ls0 ls1 tap0; do ip link set $d up; done\n";

	memset(net, 0, sizeof(*net));
	cr_assert_eq(unshare(CLONE_NEWNET), 0, "unshare: %m");
	net->tap = open_tap();
	cr_assert_eq(system(set_up), 0);
	net->lc0 = if_nametoindex("lc0");
	net->lo = if_nametoindex("lo");
	net->tap0 = if_nametoindex("tap0");
	snprintf(net->bpf_dir, sizeof(net->bpf_dir), "/sys/fs/bpf/leafcast-test-%d", getpid());
	remove_pins_after_test(net->bpf_dir);
}

void net_open_sized(struct net *net, uint32_t sessions, uint32_t leaves, uint32_t admits)
{
	struct lc_error error = {""};

	net_open_bare(net);
	net->options = (struct lc_plane_options){
		.bpf_dir = net->bpf_dir,
		.sessions = sessions,
		.leaves = leaves,
		.admits = admits,
	};
	net->devices = (struct lc_plane_devices){
		.sender = net->lc0,
		.cut = if_nametoindex("ls0"),
		.cut_end = if_nametoindex("ls1"),
		.loopback = net->lo,
	};
	cr_assert_eq(net_start(net, &error), 0, "%s", error.text);
	cr_assert_not(lc_plane_is_adopted(net->plane));
}

void net_kill(struct net *net)
{
	lc_plane_hand_over(net->plane);
	net->plane = NULL;
}

int net_start(struct net *net, struct lc_error *error)
{
	int err = lc_plane_open(&net->plane, &net->options, error);

	if (err)
		return err;
	err = lc_plane_attach(net->plane, &net->devices, error);
	if (err)
		net_kill(net);
	return err;
}

void net_open(struct net *net)
{
	net_open_sized(net, 0, 0, 0);
}

void net_close(struct net *net)
{
	struct lc_host_before before;
	struct lc_error error = {""};

	net_kill(net);
	cr_expect_eq(lc_plane_purge(net->bpf_dir, &before, &error), 0, "%s", error.text);
	close(net->tap);
	cr_expect_neq(access(net->bpf_dir, F_OK), 0, "%s is left over", net->bpf_dir);
}

static socklen_t to_sockaddr(const struct lc_endpoint *from, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof(*to));
	if (from->family == LC_INET) {
		struct sockaddr_in *in = (void *)to;

		in->sin_family = AF_INET;
		in->sin_port = from->port;
		in->sin_addr.s_addr = from->addr[0];
		return sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = (void *)to;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = from->port;
		memcpy(&in6->sin6_addr, from->addr, 16);
		return sizeof(*in6);
	}
}

int net_socket(const struct net *net, const char *address, uint16_t port)
{
	struct lc_endpoint name = endpoint(address, port);
	struct sockaddr_storage to;
	socklen_t length = to_sockaddr(&name, &to);
	int made = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int bytes = 64 << 20, interface = (int)net->lc0;
	struct ip_mreqn request = {.imr_ifindex = interface};

	cr_assert_geq(made, 0);
	cr_assert_eq(bind(made, (void *)&to, length), 0, "bind: %m");
	setsockopt(made, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(made, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (name.family == LC_INET)
		setsockopt(made, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request));
	else
		setsockopt(made, IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface, sizeof(interface));
	return made;
}

void send_to(int socket, const struct lc_endpoint *to, const void *data, size_t bytes, int flags)
{
	struct sockaddr_storage address;
	socklen_t length = to_sockaddr(to, &address);

	cr_assert_eq(sendto(socket, data, bytes, flags, (void *)&address, length), (ssize_t)bytes,
		     "sendto: %m");
}

struct session net_session(struct net *net, const char *root, const struct lc_policer *policer)
{
	struct session session = {
		.name = endpoint(root, ROOT_PORT),
		.root = net_socket(net, root, ROOT_PORT),
	};
	struct lc_session_spec spec = {
		.root = session.name,
		.sender = session.root,
		.now_ns = 1,
	};

	if (policer)
		spec.policer = *policer;
	cr_assert_eq(lc_plane_open_session(net->plane, &spec, &session.number, &session.channel),
		     0);
	return session;
}

static struct lc_endpoint leaf_address(const struct session *session, unsigned int i)
{
	char address[32];

	if (session->name.family == LC_INET)
		snprintf(address, sizeof(address), "10.9.0.%u", 10 + i);
	else
		snprintf(address, sizeof(address), "fd09::%x", 10 + i);
	return endpoint(address, 6000 + i);
}

struct lc_leaf_spec leaf_spec(const struct session *session, struct lc_endpoint to)
{
	return (struct lc_leaf_spec){
		.session = session->number,
		.from = session->name,
		.to = to,
		.receives = true,
		.hop_limit = 64,
		.now_ns = 1,
	};
}

struct lc_hop leaf_hop(const struct net *net, unsigned int i)
{
	return (struct lc_hop){
		.ifindex = net->tap0,
		.mtu = 1500,
		.destination = {2, 0, 0, 0, 1, i},
		.source = {2, 0, 0, 0, 0, 1},
	};
}

uint32_t net_leaf(struct net *net, const struct session *session, unsigned int i,
		  const struct lc_policer *policer)
{
	struct lc_leaf_spec spec = leaf_spec(session, leaf_address(session, i));
	struct lc_hop hop = leaf_hop(net, i);
	uint32_t leaf;

	if (policer)
		spec.down = *policer;
	cr_assert_eq(lc_plane_add_leaf(net->plane, &spec, &leaf), 0);
	lc_plane_set_hop(net->plane, leaf, LC_HOP_0, &hop);
	cr_assert_eq(lc_plane_enter_leaf(net->plane, leaf), 0);
	return leaf;
}

uint32_t net_local_leaf(struct net *net, const struct session *session, const char *address,
			uint16_t port)
{
	struct lc_leaf_spec spec = leaf_spec(session, endpoint(address, port));
	struct lc_hop hop = {.ifindex = net->lo, .mtu = 65535, .local = 1};
	uint32_t leaf;

	cr_assert_eq(lc_plane_add_leaf(net->plane, &spec, &leaf), 0);
	lc_plane_set_hop(net->plane, leaf, LC_HOP_0, &hop);
	cr_assert_eq(lc_plane_enter_leaf(net->plane, leaf), 0);
	return leaf;
}

struct packet leaf_packet(const struct session *session, unsigned int i, const void *payload,
			  size_t bytes)
{
	struct packet_spec spec = {
		.from = session->name,
		.to = leaf_address(session, i),
		.mac_to = {2, 0, 0, 0, 1, i},
		.mac_from = {2, 0, 0, 0, 0, 1},
		.hop_limit = 64,
		.payload = payload,
		.payload_bytes = bytes,
	};

	return packet_make(&spec);
}

bool tap_read(const struct net *net, struct packet *packet)
{
	for (;;) {
		ssize_t bytes = read(net->tap, packet->bytes, sizeof(packet->bytes));

		if (bytes < 0)
			return false;
		packet->length = (size_t)bytes;
		if (packet_is_udp(packet))
			return true;
	}
}

void tap_write(const struct net *net, const struct packet *packet)
{
	cr_assert_eq(write(net->tap, packet->bytes, packet->length), (ssize_t)packet->length);
}

void read_drops(const struct net *net, uint64_t drops[LC_DROP_COUNT])
{
	struct lc_error error;
	struct lc_plane_view *view;

	cr_assert_eq(lc_plane_view_open(&view, net->bpf_dir, &error), 0, "%s", error.text);
	cr_assert_eq(lc_plane_drops(view, drops), 0);
	lc_plane_view_close(view);
}

uint64_t sum_counts(const uint64_t drops[LC_DROP_COUNT])
{
	uint64_t sum = 0;

	for (int i = 0; i < LC_DROP_COUNT; i++)
		sum += drops[i];
	return sum;
}

uint64_t sum_drops(const struct lc_drops *drops)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < LC_DROP_SLOTS; i++)
		sum += lc_drop_count(drops, i);
	return sum;
}

bool net_process(struct net *net, void (*probed)(void *context, uint32_t admit, uint64_t token),
		 void *context)
{
	struct pollfd ready = {.fd = lc_plane_fd(net->plane), .events = POLLIN};

	if (poll(&ready, 1, 3000) != 1)
		return false;
	cr_assert_eq(lc_plane_process(net->plane, probed, context), 0);
	return true;
}

struct lc_policer policer(uint64_t rate, uint64_t depth)
{
	const uint64_t second = 256000000000ull; /* in ticks */
	struct lc_bucket bucket = {
		.cost_shift = 10,
		.burst = (uint64_t)((__uint128_t)depth * second / rate),
	};

	/* As many bits behind the point as bucket.h has room for. */
	while (((second << bucket.cost_shift) + rate - 1) / rate >> 40)
		bucket.cost_shift--;
	bucket.cost = ((second << bucket.cost_shift) + rate - 1) / rate;
	cr_assert_lt(bucket.burst, 1ull << 62);
	return (struct lc_policer){.rate = bucket};
}
