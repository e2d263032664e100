// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* ctl/plane against a real kernel: opening and its errors, numbers and grace periods, hops, the view. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* ---- opening ---- */

static int try_open(const struct net *net, const char *bpf_dir, struct lc_error *error)
{
	struct lc_plane_options options = {.bpf_dir = bpf_dir};
	struct lc_plane *plane = NULL;
	int err = lc_plane_open(&plane, &options, error);

	if (err)
		cr_expect_null(plane);
	lc_plane_hand_over(plane);
	return err;
}

static int count_one(void *context, uint32_t number, const struct lc_session *session)
{
	++*(unsigned int *)context;
	return 0;
}

static unsigned int count_sessions(const struct net *net)
{
	unsigned int count = 0;

	lc_plane_each_own_session(net->plane, count_one, &count);
	return count;
}

Test(plane, no_bpffs)
{
	struct lc_error error = {""};
	char directory[] = "/tmp/leafcast-test-XXXXXX", below[64];
	struct stat info;
	struct net net;

	net_open_bare(&net);
	cr_assert_not_null(mkdtemp(directory));
	snprintf(below, sizeof(below), "%s/leafcast", directory);
	cr_expect_eq(try_open(&net, below, &error), -ENOENT);
	cr_expect_not_null(strstr(error.text, "mount -t bpf"), "%s", error.text);
	cr_expect_not_null(strstr(error.text, below), "%s", error.text);
	cr_expect_neq(stat(below, &info), 0, "nothing is left over");
	rmdir(directory);
	cr_expect_eq(try_open(&net, "/nowhere/at/all", &error), -ENOENT);
	cr_expect_not_null(strstr(error.text, "/nowhere/at/all"), "%s", error.text);
}

/* Refused where it would end with this mount namespace; the host's is taken from within one too. */
Test(plane, bpffs_of_another_mount_namespace)
{
	char directory[] = "/tmp/leafcast-test-XXXXXX", below[64];
	struct lc_error error = {""};
	struct net net;

	net_open_bare(&net);
	cr_assert_not_null(mkdtemp(directory));
	snprintf(below, sizeof(below), "%s/leafcast", directory);
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("bpf", directory, "bpf", 0, NULL), 0, "%m");
	cr_expect_eq(try_open(&net, below, &error), -ENOENT);
	cr_expect_not_null(strstr(error.text, "mount namespace"), "%s", error.text);
	cr_expect_neq(access(below, F_OK), 0, "nothing is left over");
	cr_expect_eq(try_open(&net, net.bpf_dir, &error), 0, "%s", error.text);
	umount(directory);
	rmdir(directory);
}

/* A child without privileges, since they do not come back. */
Test(plane, no_privileges)
{
	struct net net;
	int status;
	pid_t child;

	net_open_bare(&net);
	cr_assert_eq(mkdir(net.bpf_dir, 0700), 0);
	cr_assert_eq(chown(net.bpf_dir, 65534, 65534), 0);
	child = fork();
	if (child == 0) {
		struct lc_error error = {""};
		struct lc_plane_view *view = NULL;
		struct lc_plane_options options = {
			.bpf_dir = net.bpf_dir,
		};
		struct lc_plane *plane = NULL;
		bool right;

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(2);
		right = lc_plane_open(&plane, &options, &error) == -EPERM && !plane &&
			(strstr(error.text, "CAP_BPF") || strstr(error.text, "cannot make"));
		right = right && lc_plane_view_open(&view, "/sys/fs/bpf", &error) != 0;
		_exit(right ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
	rmdir(net.bpf_dir);
}

/* The plane is whole all the same, and the call may be repeated. */
Test(plane, no_device)
{
	struct lc_error error = {""};
	uint32_t lc0;
	struct net net;

	net_open(&net);
	net_kill(&net);
	lc0 = net.devices.sender;
	net.devices.sender = 4711;
	cr_expect_eq(net_start(&net, &error), -ENODEV);
	cr_expect_not_null(strstr(error.text, "4711"), "%s", error.text);
	net.devices.sender = lc0;
	cr_expect_eq(net_start(&net, &error), 0, "%s", error.text);
	net_close(&net);
}

Test(plane, capacities)
{
	struct lc_plane_options options = {.sessions = 40000};
	struct lc_error error = {""};
	struct lc_plane *plane = NULL;

	cr_expect_eq(lc_plane_open(&plane, &options, &error), -EINVAL);
	options = (struct lc_plane_options){.leaves = 1};
	cr_expect_eq(lc_plane_open(&plane, &options, &error), -EINVAL);
	cr_expect_null(plane);
}

/* Without its configuration it is half a plane, which is replaced; what is not ours is left alone. */
Test(plane, replaces_stale_pins)
{
	struct lc_host_before before;
	struct lc_error error = {""};
	char foreign[128], config[128];
	struct session session;
	struct stat info;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	net_leaf(&net, &session, 0, NULL);
	snprintf(config, sizeof(config), "%s/lc_config", net.bpf_dir);
	snprintf(foreign, sizeof(foreign), "%s/other", net.bpf_dir);
	cr_assert_eq(bpf_obj_pin(lc_programs_sender(net.plane->programs), foreign), 0);
	cr_expect_eq(stat(net.bpf_dir, &info), 0);
	cr_expect_eq(info.st_mode & 0777, 0700);
	/* A second daemon, while the first one is at work there... */
	cr_expect_eq(try_open(&net, net.bpf_dir, &error), -EADDRINUSE);
	cr_expect_eq(lc_plane_purge(net.bpf_dir, &before, &error), -EADDRINUSE);
	cr_expect_not_null(strstr(error.text, "another leafcastd"), "%s", error.text);
	cr_expect_eq(stat(config, &info), 0);
	/* ...and when it was killed before it had pinned all. */
	net_kill(&net);
	cr_assert_eq(unlink(config), 0);
	cr_expect_eq(net_start(&net, &error), 0, "%s", error.text);
	cr_expect_not(lc_plane_is_adopted(net.plane));
	cr_expect_eq(count_sessions(&net), 0);
	cr_expect_eq(stat(foreign, &info), 0);
	/* With somebody else's pin in it the directory has to stay. */
	net_kill(&net);
	cr_expect_eq(lc_plane_purge(net.bpf_dir, &before, &error), 0, "%s", error.text);
	cr_expect_neq(stat(config, &info), 0);
	cr_expect_eq(stat(foreign, &info), 0);
	unlink(foreign);
	cr_expect_eq(rmdir(net.bpf_dir), 0);
}

/* Only what is pinned keeps a plane; the filters stay for the next, with the devices. */
Test(plane, hand_over_leaves_all)
{
	struct net net;

	net_open(&net);
	net_kill(&net);
	cr_expect_eq(system("tc filter show dev lc0 egress | grep -q lc_sender"), 0);
	cr_expect_eq(system("tc filter show dev ls1 ingress | grep -q lc_segments"), 0);
	net_close(&net);
}

/* ---- numbers ---- */

/* A number rests for a grace period, then is used again, and its counts begin at zero. */
Test(plane, numbers_rest)
{
	uint32_t first, second, leaves[3];
	struct session session;
	struct lc_leaf_spec spec;
	struct lc_leaf_use use;
	struct net net;

	net_open_sized(&net, 2, 4, 2);
	session = net_session(&net, ROOT4, NULL);
	for (unsigned int i = 0; i < 3; i++)
		leaves[i] = net_leaf(&net, &session, i, NULL);
	send_to(session.root, &session.channel, "x", 1, 0);
	spec = leaf_spec(&session, endpoint("10.9.0.99", 1));
	cr_expect_eq(lc_plane_add_leaf(net.plane, &spec, &first), -ENOSPC);
	while (net.plane->leaf_states[leaves[2]].spare_busy)
		cr_assert(net_process(&net, NULL, NULL));
	lc_plane_remove_leaf(net.plane, leaves[1]);
	cr_expect_eq(lc_plane_add_leaf(net.plane, &spec, &first), -ENOSPC, "it rests");
	while (net.plane->free_leaves.count == 0)
		cr_assert(net_process(&net, NULL, NULL));
	cr_expect_eq(lc_plane_add_leaf(net.plane, &spec, &second), 0);
	cr_expect_eq(second, leaves[1]);
	lc_plane_leaf_use(net.plane, second, &use);
	cr_expect_eq(use.datagrams, 0);
	net_close(&net);
}

Test(plane, tables_are_finite)
{
	struct lc_session_spec spec = {.root = endpoint(ROOT4, 1)};
	struct lc_endpoint channel;
	uint32_t number, admit;
	int sockets[2];
	struct net net;

	net_open_sized(&net, 2, 2, 2);
	for (int i = 0; i < 2; i++)
		sockets[i] = net_socket(&net, ROOT4, 7000 + i);
	spec.sender = sockets[0];
	cr_expect_eq(lc_plane_open_session(net.plane, &spec, &number, &channel), 0);
	cr_expect_eq(lc_plane_open_session(net.plane, &spec, &number, &channel), -ENOSPC);
	cr_expect_eq(lc_plane_admit_socket(net.plane, sockets[0], 0, LC_ROLE_LEAF, &admit), 0);
	cr_expect_eq(lc_plane_admit_socket(net.plane, sockets[1], 0, LC_ROLE_LEAF, &admit),
		     -ENOSPC);
	lc_plane_close_session(net.plane, number);
	lc_plane_forget_socket(net.plane, admit);
	while (net.plane->free_sessions.count == 0 || net.plane->free_admits.count == 0)
		cr_assert(net_process(&net, NULL, NULL));
	cr_expect_eq(lc_plane_open_session(net.plane, &spec, &number, &channel), 0);
	cr_expect_eq(lc_plane_admit_socket(net.plane, sockets[1], 0, LC_ROLE_LEAF, &admit), 0);
	net_close(&net);
}

/* 239.255.0.0 + number and ff3e:: + number, with the root's port. */
Test(plane, channels)
{
	struct lc_endpoint wanted4, wanted6;
	struct session session4, session6;
	char address[64];
	struct net net;

	net_open(&net);
	session4 = net_session(&net, ROOT4, NULL);
	session6 = net_session(&net, ROOT6, NULL);
	snprintf(address, sizeof(address), "239.255.0.%u", session4.number);
	wanted4 = endpoint(address, ROOT_PORT);
	snprintf(address, sizeof(address), "ff3e::%x", session6.number);
	wanted6 = endpoint(address, ROOT_PORT);
	cr_expect_eq(memcmp(&session4.channel, &wanted4, sizeof(wanted4)), 0);
	cr_expect_eq(memcmp(&session6.channel, &wanted6, sizeof(wanted6)), 0);
	net_close(&net);
}

Test(plane, leaf_once)
{
	struct session session, other;
	struct lc_leaf_spec spec;
	uint32_t leaf, again = 99;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	other = net_session(&net, ROOT6, NULL);
	spec = leaf_spec(&session, endpoint("10.9.0.40", 1));
	cr_expect_eq(lc_plane_add_leaf(net.plane, &spec, &leaf), 0);
	cr_expect_eq(lc_plane_add_leaf(net.plane, &spec, &again), -EEXIST);
	cr_expect_eq(again, leaf, "it says which one has the endpoint");
	again = 99;
	spec.session = other.number;
	cr_expect_eq(lc_plane_add_leaf(net.plane, &spec, &again), -EAFNOSUPPORT);
	cr_expect_eq(again, 99);
	spec.session = session.number;
	lc_plane_remove_leaf(net.plane, leaf);
	cr_expect_eq(lc_plane_add_leaf(net.plane, &spec, &again), 0);
	net_close(&net);
}

/* ---- flows ---- */

static uint64_t leaf_datagrams(struct net *net, uint32_t leaf)
{
	struct lc_leaf_use use;

	lc_plane_leaf_use(net->plane, leaf, &use);
	return use.datagrams;
}

static void send_many(const struct session *session, int count)
{
	static const uint8_t payload[100]; /* 128 bytes with both headers */

	for (int i = 0; i < count; i++)
		send_to(session->root, &session->channel, payload, sizeof(payload), 0);
}

/* A new depth counts from what has been used of the old one: nothing is given back. */
Test(plane, session_flow_changes)
{
	struct lc_policer ten = policer(1, 10 * 128), twelve = policer(1, 12 * 128);
	struct lc_flowspec flow = {.token_rate = 1, .token_bucket = 12 * 128};
	struct session session;
	uint32_t leaf;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, &ten);
	leaf = net_leaf(&net, &session, 0, NULL);
	send_many(&session, 20);
	cr_expect_eq(leaf_datagrams(&net, leaf), 10);
	lc_plane_set_session_flow(net.plane, session.number, &flow, &twelve);
	send_many(&session, 20);
	cr_expect_eq(leaf_datagrams(&net, leaf), 12);
	cr_expect_eq(lc_session_of(net.plane, session.number)->flow.token_bucket, 12 * 128);
	twelve = (struct lc_policer){.max_sdu_bytes = 128};
	lc_plane_set_session_flow(net.plane, session.number, &flow, &twelve);
	send_many(&session, 20);
	cr_expect_eq(leaf_datagrams(&net, leaf), 32);
	net_close(&net);
}

/* A leaf that has entered is fed until it leaves, and a session that is closed feeds nobody. */
Test(plane, enter_and_leave)
{
	struct session session;
	struct lc_leaf_spec spec;
	struct lc_hop hop;
	uint64_t drops[LC_DROP_COUNT];
	uint32_t leaf;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	spec = leaf_spec(&session, endpoint("10.9.0.40", 1));
	hop = leaf_hop(&net, 0);
	cr_assert_eq(lc_plane_add_leaf(net.plane, &spec, &leaf), 0);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hop);
	send_many(&session, 1);
	cr_expect_eq(leaf_datagrams(&net, leaf), 0);
	cr_expect_eq(lc_plane_enter_leaf(net.plane, leaf), 0);
	cr_expect_eq(lc_plane_enter_leaf(net.plane, leaf), 0, "entering twice is entering");
	send_many(&session, 3);
	cr_expect_eq(leaf_datagrams(&net, leaf), 3);
	lc_plane_leave_leaf(net.plane, leaf);
	lc_plane_leave_leaf(net.plane, leaf);
	send_many(&session, 1);
	cr_expect_eq(leaf_datagrams(&net, leaf), 3);
	cr_expect_eq(lc_plane_enter_leaf(net.plane, leaf), 0);
	send_many(&session, 1);
	cr_expect_eq(leaf_datagrams(&net, leaf), 4, "the record and its counts stay");
	lc_plane_remove_leaf(net.plane, leaf);
	lc_plane_close_session(net.plane, session.number);
	send_many(&session, 1);
	read_drops(&net, drops);
	cr_expect_eq(drops[LC_DROP_NO_LEAVES], 2);
	cr_expect_eq(drops[LC_DROP_NO_SESSION], 1);
	net_close(&net);
}

/* ---- hops ---- */

static const struct lc_hop *hop_in_use(struct net *net, uint32_t leaf)
{
	const struct lc_leaf *record = lc_leaf_of(net->plane, leaf);

	return &record->hop[record->hop_in_use & 1];
}

/* A hop that programs may be reading is never written; of changes that wait, the last one wins. */
Test(plane, hops)
{
	struct session session;
	const struct lc_hop *before;
	struct lc_hop hops[4], was;
	uint32_t leaf;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	leaf = net_leaf(&net, &session, 0, NULL);
	for (unsigned int i = 0; i < 4; i++)
		hops[i] = leaf_hop(&net, 10 + i);
	while (net.plane->leaf_states[leaf].spare_busy)
		cr_assert(net_process(&net, NULL, NULL));
	before = hop_in_use(&net, leaf);
	was = *before;
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hops[0]);
	cr_expect_neq(hop_in_use(&net, leaf), before);
	cr_expect_eq(memcmp(hop_in_use(&net, leaf), &hops[0], sizeof(was)), 0);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hops[1]);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hops[2]);
	cr_expect_eq(memcmp(before, &was, sizeof(was)), 0, "still readable");
	cr_expect_eq(memcmp(hop_in_use(&net, leaf), &hops[0], sizeof(was)), 0);
	while (lc_leaf_of(net.plane, leaf)->hop_waits)
		cr_assert(net_process(&net, NULL, NULL));
	cr_expect_eq(memcmp(hop_in_use(&net, leaf), &hops[2], sizeof(was)), 0);

	/* Losing the route overrides a change that waits. */
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hops[3]);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_NO_ROUTE, NULL);
	while (net.plane->leaf_states[leaf].spare_busy)
		cr_assert(net_process(&net, NULL, NULL));
	cr_expect_eq(lc_leaf_of(net.plane, leaf)->hop_in_use, LC_HOP_NO_ROUTE);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hops[2]);
	cr_expect_eq(memcmp(hop_in_use(&net, leaf), &hops[2], sizeof(was)), 0);
	cr_expect_leq(lc_leaf_of(net.plane, leaf)->hop_in_use, LC_HOP_1);
	net_close(&net);
}

/* ---- what the daemon counts ---- */

/* A count goes up only, and stands among the node's drops, which programs count, too. */
Test(plane, full_buffers)
{
	static const uint64_t told[] = {5, 7, 7, 6};
	uint64_t drops[LC_DROP_COUNT];
	struct session session;
	struct lc_admit_use use;
	uint32_t admit;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	send_many(&session, 3);
	cr_assert_eq(lc_plane_admit_socket(net.plane, session.root, 0, LC_ROLE_LEAF, &admit), 0);
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		lc_plane_note_full_buffer(net.plane, admit, told[i]);
	lc_plane_admit_use(net.plane, admit, &use);
	cr_expect_eq(use.drops.buffer_full, 7);
	read_drops(&net, drops);
	cr_expect_eq(drops[LC_DROP_BUFFER_FULL], 7);
	cr_expect_eq(drops[LC_DROP_NO_LEAVES], 3);
	cr_expect_eq(sum_counts(drops), 10);
	net_close(&net);
}

/* ---- the view ---- */

struct seen {
	int sessions, leaves, admits;
	uint32_t number, receiving;
	uint64_t datagrams;
};

static int see_session(void *context, uint32_t number, const struct lc_session *session,
		       const struct lc_session_use *use, uint32_t receiving)
{
	struct seen *seen = context;

	seen->sessions++;
	seen->number = number;
	seen->receiving = receiving;
	seen->datagrams = use->datagrams;
	return 0;
}

static int see_leaf(void *context, uint32_t number, const struct lc_leaf *leaf,
		    const struct lc_leaf_use *use)
{
	struct seen *seen = context;

	seen->leaves++;
	return number == 2 ? 77 : 0;
}

static int see_admit(void *context, uint32_t number, const struct lc_admit *admit,
		     const struct lc_admit_use *use)
{
	struct seen *seen = context;

	seen->admits++;
	return 0;
}

Test(view, shows_what_is_there)
{
	struct lc_error error = {""};
	struct lc_plane_view *view = NULL;
	uint64_t drops[LC_DROP_COUNT];
	struct seen seen = {0};
	struct session session;
	uint32_t leaves[7], admit;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	for (unsigned int i = 0; i < 7; i++)
		leaves[i] = net_leaf(&net, &session, i, NULL);
	lc_plane_leave_leaf(net.plane, leaves[6]); /* its record stays */
	cr_assert_eq(lc_plane_admit_socket(net.plane, session.root, 0, LC_ROLE_LEAF, &admit), 0);
	send_to(session.root, &session.channel, "x", 1, 0);
	send_to(session.root, &session.channel, "y", 1, 0);
	cr_assert_eq(lc_plane_view_open(&view, net.bpf_dir, &error), 0, "%s", error.text);
	cr_expect_eq(lc_plane_each_session(view, see_session, &seen), 0);
	cr_expect_eq(seen.sessions, 1);
	cr_expect_eq(seen.number, session.number);
	cr_expect_eq(seen.receiving, 6);
	cr_expect_eq(seen.datagrams, 2);
	cr_expect_eq(lc_plane_each_leaf(view, see_leaf, &seen), 77, "the walk ends");
	cr_expect_eq(seen.leaves, 2);
	cr_expect_eq(lc_plane_each_admit(view, see_admit, &seen), 0);
	cr_expect_eq(seen.admits, 1);
	cr_expect_eq(lc_plane_drops(view, drops), 0);
	cr_expect_eq(sum_counts(drops), 0);
	lc_plane_view_close(view);
	net_close(&net);
}

/* Nobody has taken the pins away from a plane whose process is gone. */
Test(view, knows_whether_there_is_a_daemon)
{
	struct lc_error error = {""};
	struct net net;

	net_open(&net);
	cr_expect(lc_plane_has_daemon(net.bpf_dir));
	net_kill(&net);
	cr_expect_not(lc_plane_has_daemon(net.bpf_dir));
	cr_assert_eq(net_start(&net, &error), 0, "%s", error.text);
	cr_expect(lc_plane_has_daemon(net.bpf_dir));
	net_close(&net);
}

Test(view, errors)
{
	struct lc_error error = {""};
	struct lc_plane_view *view = NULL;
	char reads[32];
	struct net net;

	net_open(&net);
	cr_expect_eq(lc_plane_view_open(&view, "/nowhere", &error), -ENOENT);
	cr_expect_not_null(strstr(error.text, "/nowhere"), "%s", error.text);
	lc_config_of(net.plane)->layout = LC_LAYOUT_VERSION + 1;
	lc_config_of(net.plane)->readable_by = LC_LAYOUT_VERSION + 1;
	cr_expect_eq(lc_plane_view_open(&view, net.bpf_dir, &error), -EPROTO);
	cr_expect_null(view);
	snprintf(reads, sizeof(reads), "reads layout %d", LC_LAYOUT_VERSION);
	cr_expect_not_null(strstr(error.text, reads), "%s", error.text);
	net_close(&net);
}
