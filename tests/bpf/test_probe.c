// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Probes, from the daemon's own socket along the data path to a leaf's filter. */
#include <arpa/inet.h>
#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

struct probed {
	uint32_t admit;
	uint64_t token;
	int times;
};

static void on_probed(void *context, uint32_t admit, uint64_t token)
{
	struct probed *probed = context;

	*probed = (struct probed){admit, token, probed->times + 1};
}

static void send_probe(int socket, const struct session *session, uint32_t leaf, uint64_t token)
{
	struct lc_probe probe = {
		.magic = htobe64(LC_PROBE_MAGIC),
		.token = htobe64(token),
		.leaf = htonl(leaf),
	};

	send_to(socket, &session->channel, &probe, sizeof(probe), 0);
}

static bool wait_probed(struct net *net, struct probed *probed)
{
	int before = probed->times;

	while (probed->times == before)
		if (!net_process(net, on_probed, probed))
			return false;
	return true;
}

/* To a leaf that has not entered, past an empty bucket, and without a trace in the counters of data. */
static void check_probe(const char *root)
{
	struct probed probed = {0};
	struct lc_policer nothing = policer(1, 1);
	uint64_t drops[LC_DROP_COUNT];
	struct lc_admit_use admit_use;
	struct lc_leaf_use leaf_use;
	struct session session, other;
	int prober, leaf_socket;
	uint32_t leaf, others, admit;
	struct net net;

	net_open(&net);
	session = net_session(&net, root, NULL);
	prober = net_socket(&net, root, 0);
	leaf_socket = net_socket(&net, root, 7000);
	cr_assert_eq(lc_plane_set_probers(net.plane, strchr(root, ':') ? -1 : prober,
					  strchr(root, ':') ? prober : -1),
		     0);
	cr_assert_eq(lc_plane_admit_socket(net.plane, leaf_socket, 0, LC_ROLE_LEAF, &admit), 0);
	lc_plane_admit_anchor(net.plane, admit, &session.name, true, 0x1122334455667788, false);
	leaf = net_local_leaf(&net, &session, root, 7000);
	lc_leaf_of(net.plane, leaf)->down = nothing;
	lc_plane_leave_leaf(net.plane, leaf);

	send_probe(prober, &session, leaf, 0x1122334455667788);
	cr_assert(wait_probed(&net, &probed));
	cr_expect_eq(probed.times, 1);
	cr_expect_eq(probed.admit, admit);
	cr_expect_eq(probed.token, 0x1122334455667788);
	lc_plane_admit_use(net.plane, admit, &admit_use);
	cr_expect_eq(admit_use.probes, 1);
	cr_expect_eq(admit_use.datagrams, 0);
	lc_plane_leaf_use(net.plane, leaf, &leaf_use);
	cr_expect_eq(leaf_use.datagrams, 0);
	read_drops(&net, drops);
	cr_expect_eq(sum_counts(drops), 0);

	/* A token that nobody waits for is data, which this leaf does not take. */
	send_probe(prober, &session, leaf, 0x1122334455667789);
	/* Another session's leaf, or none, and what is no probe. */
	other = net_session(&net, strchr(root, ':') ? ROOT4 : ROOT6, NULL);
	others = net_leaf(&net, &other, 0, NULL);
	send_probe(prober, &session, others, 0x1122334455667788);
	send_probe(prober, &session, 1u << 31, 0x1122334455667788);
	send_to(prober, &session.channel, "not a probe, but as long", 24, 0);
	send_to(prober, &session.channel, "short", 5, 0);
	/* The right bytes from a socket that is not the daemon's. */
	send_probe(leaf_socket, &session, leaf, 0x1122334455667788);
	usleep(50000);
	while (net_process(&net, on_probed, &probed))
		;
	cr_expect_eq(probed.times, 1);
	read_drops(&net, drops);
	cr_expect_eq(drops[LC_DROP_NOT_ADMITTED], 1);
	cr_expect_eq(drops[LC_DROP_NO_LEAVES], 2);
	cr_expect_eq(drops[LC_DROP_MALFORMED], 2);
	cr_expect_eq(drops[LC_DROP_FOREIGN_SENDER], 1);
	net_close(&net);
}

Test(probe, ipv4)
{
	check_probe(ROOT4);
}
Test(probe, ipv6)
{
	check_probe(ROOT6);
}
