// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A start that is stopped, or fails, at each call: the next one succeeds, members
 * are as they were, and a purge leaves nothing.
 *
 * A child starts the plane. Each of its calls that could change what outlives it
 * waits for this process (seccomp_unotify(2)), which kills it before the n-th,
 * or lets the n-th fail; n grows until the start gets through.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "books.h"

/* ---- the child ---- */

#define WATCH(nr)                                      \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)

/* Returns the listener's descriptor. */
static int be_watched(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		WATCH(SYS_bpf),
		WATCH(SYS_sendto),
		WATCH(SYS_flock),
		WATCH(SYS_mkdirat),
		WATCH(SYS_unlinkat),
		WATCH(SYS_renameat2),
		WATCH(SYS_fchmodat),
#ifdef SYS_mkdir
		WATCH(SYS_mkdir),
		WATCH(SYS_rmdir),
		WATCH(SYS_unlink),
		WATCH(SYS_rename),
		WATCH(SYS_chmod),
#endif
#ifdef SYS_renameat
		WATCH(SYS_renameat),
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

static void start_in_child(struct net *net, int tell)
{
	struct lc_error error;
	int listener = be_watched();

	if (write(tell, &listener, sizeof(listener)) != sizeof(listener))
		_exit(3);
	close(tell);
	_exit(net_start(net, &error) ? 1 : 0);
}

/* ---- who watches ---- */

enum way {
	KILLED,
	FAILS,
};

/* Loading programs and making maps leave nothing behind when the process ends: no need to be killed there. */
static bool counts(enum way way, const struct seccomp_data *call)
{
	if (way == FAILS || call->nr != SYS_bpf)
		return true;
	switch (call->args[0]) {
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_DELETE_ELEM:
	case BPF_OBJ_PIN:
		return true;
	}
	return false;
}

struct child {
	pid_t pid;
	int listener;
	unsigned int calls;
};

static struct child begin_child(struct net *net)
{
	struct child child = {0};
	int ends[2], pidfd, number = -1;

	cr_assert_eq(pipe(ends), 0);
	child.pid = fork();
	if (child.pid == 0)
		start_in_child(net, ends[1]);
	close(ends[1]);
	cr_assert_eq(read(ends[0], &number, sizeof(number)), (ssize_t)sizeof(number));
	close(ends[0]);
	cr_assert_geq(number, 0, "seccomp: %s", strerror(-number));
	pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
	child.listener = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	cr_assert_geq(child.listener, 0, "pidfd_getfd: %m");
	close(pidfd);
	return child;
}

/* Answers one call; false: the child has ended. */
static bool answer(struct child *child, enum way way, unsigned int nth)
{
	struct pollfd ready = {.fd = child->listener, .events = POLLIN};
	struct seccomp_notif call = {0};
	struct seccomp_notif_resp response = {0};

	cr_assert_eq(poll(&ready, 1, 30000), 1, "the child does nothing");
	if (!(ready.revents & POLLIN))
		return false;
	if (ioctl(child->listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
		return true;
	child->calls += counts(way, &call.data);
	response.id = call.id;
	response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (counts(way, &call.data) && child->calls == nth) {
		if (way == KILLED)
			kill(child->pid, SIGKILL);
		response.flags = 0;
		response.error = -ENOMEM;
	}
	ioctl(child->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	return true;
}

/* Whether there was an n-th call. */
static bool start_stopped_at(struct net *net, enum way way, unsigned int nth)
{
	struct child child = begin_child(net);
	int status;

	while (answer(&child, way, nth))
		;
	cr_assert_eq(waitpid(child.pid, &status, 0), child.pid);
	close(child.listener);
	if (child.calls < nth) {
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0,
			  "nothing stopped it, and it failed");
		return false;
	}
	if (way == KILLED)
		cr_expect(WIFSIGNALED(status), "call %u", nth);
	return true;
}

/* ---- from nothing ---- */

static void purge(struct net *net, const char *when, unsigned int nth)
{
	struct lc_host_before before;
	struct lc_error error = {""};
	int err = lc_plane_purge(net->bpf_dir, &before, &error);

	cr_expect(err == 0 || err == -ENOENT, "%s %u: %s", when, nth, error.text);
	cr_expect_neq(access(net->bpf_dir, F_OK), 0, "%s %u", when, nth);
}

/* All of them take two minutes: `make test-long`. */
static unsigned int stride(void)
{
	return getenv("LONG") ? 1 : 7;
}

static void from_nothing(enum way way)
{
	struct lc_error error = {""};
	unsigned int nth = 1;
	struct net net;

	net_open_sized(&net, 8, 16, 8);
	net_kill(&net);
	purge(&net, "before call", nth);
	for (; start_stopped_at(&net, way, nth); nth += stride()) {
		/* What failed and left nothing is followed by the next child's start. */
		bool left = access(net.bpf_dir, F_OK) == 0;

		if (left && nth % 4) {
			cr_assert_eq(net_start(&net, &error), 0, "call %u: %s", nth, error.text);
			net_kill(&net);
		}
		purge(&net, "after call", nth);
	}
	cr_expect_gt(nth, 30, "it has that many maps to pin");
	purge(&net, "at the end", nth);
}

Test(start, killed_at_each_call)
{
	from_nothing(KILLED);
}

Test(start, fails_at_each_call)
{
	from_nothing(FAILS);
}

/* ---- over what is there ---- */

/* A stream with a leaf behind tap0 gets its datagram after each. */
static void over_members(enum way way)
{
	struct lc_error error = {""};
	struct session session;
	struct lc_leaf_use use;
	struct packet packet;
	unsigned int nth = 1, sent = 0;
	uint32_t leaf;
	struct net net;

	net_open_sized(&net, 8, 16, 8);
	session = net_session(&net, ROOT4, NULL);
	leaf = net_leaf(&net, &session, 0, NULL);
	net_kill(&net);
	for (; start_stopped_at(&net, way, nth); nth += stride()) {
		send_to(session.root, &session.channel, "x", 1, 0);
		cr_expect(tap_read(&net, &packet), "call %u", nth);
		sent++;
		if (nth % 8)
			continue;
		cr_assert_eq(net_start(&net, &error), 0, "call %u: %s", nth, error.text);
		cr_assert(lc_plane_is_adopted(net.plane));
		lc_plane_leaf_use(net.plane, leaf, &use);
		cr_expect_eq(use.datagrams, sent);
		net_kill(&net);
	}
	cr_expect_gt(nth, 10, "programs are replaced and pinned");
	cr_assert_eq(net_start(&net, &error), 0, "%s", error.text);
	net_close(&net);
}

Test(start, over_members_killed)
{
	over_members(KILLED);
}

Test(start, over_members_fails)
{
	over_members(FAILS);
}

/* With other capacities, half of the tables are of the former size when it is stopped. */
Test(start, other_capacities)
{
	struct lc_error error = {""};
	unsigned int nth = 1;
	struct net net;

	net_open_sized(&net, 8, 16, 8);
	net_kill(&net);
	for (bool more = true; more; nth += stride()) {
		struct lc_plane_view *view;
		uint32_t size = 9 + nth % 2;

		net.options.sessions = net.options.leaves = net.options.admits = size;
		more = start_stopped_at(&net, KILLED, nth);
		cr_assert_eq(lc_plane_view_open(&view, net.bpf_dir, &error), 0, "%s", error.text);
		lc_plane_view_close(view);
		cr_assert_eq(net_start(&net, &error), 0, "call %u: %s", nth, error.text);
		cr_assert(lc_plane_is_adopted(net.plane));
		cr_expect_eq(net.plane->free_sessions.count, size - 1);
		cr_expect_eq(net.plane->free_leaves.count, size - 1);
		cr_expect_eq(net.plane->free_admits.count, size - 1);
		net_kill(&net);
	}
	cr_expect_gt(nth, 20, "tables are pinned anew");
	cr_assert_eq(net_start(&net, &error), 0, "%s", error.text);
	net_close(&net);
}
