/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The daemon under test, and what it holds. */
#include "hostile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plane/plane.h"

unsigned long memory_slack_kb = 1024;
unsigned int idle_descriptors;
pid_t daemon_pid;

char bpf_dir[96];

static char directory[64], runtime_dir[80], bpf_mount[80], log_file[80];
static struct holding at_start;

long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pause_ms(long ms)
{
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&pause, NULL);
}

/* ---- what it holds ---- */

static unsigned int count_descriptors(void)
{
	char path[64];
	unsigned int count = 0;
	DIR *list;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)daemon_pid);
	list = opendir(path);
	cr_assert(list, "the daemon has died");
	while (readdir(list))
		count++;
	closedir(list);
	return count - 2;
}

static unsigned long read_memory_kb(void)
{
	unsigned long kb = 0;
	char path[64], line[256];
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)daemon_pid);
	status = fopen(path, "re");
	cr_assert(status, "the daemon has died");
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "RssAnon: %lu kB", &kb) == 1)
			break;
	fclose(status);
	return kb;
}

static int count_session(void *context, uint32_t number, const struct lc_session *session,
			 const struct lc_session_use *use, uint32_t leaves)
{
	((struct holding *)context)->sessions++;
	return 0;
}

static int count_leaf(void *context, uint32_t number, const struct lc_leaf *leaf,
		      const struct lc_leaf_use *use)
{
	((struct holding *)context)->leaves++;
	return 0;
}

static int count_admit(void *context, uint32_t number, const struct lc_admit *admit,
		       const struct lc_admit_use *use)
{
	struct holding *held = context;

	held->admits++;
	held->anchors += admit->rule.kind == LC_ADMIT_ANCHOR;
	return 0;
}

struct holding holding(void)
{
	struct holding held = {.descriptors = count_descriptors(), .memory_kb = read_memory_kb()};
	struct lc_error error = {""};
	struct lc_plane_view *view;

	cr_assert_eq(lc_plane_view_open(&view, bpf_dir, &error), 0, "%s", error.text);
	lc_plane_each_session(view, count_session, &held);
	lc_plane_each_leaf(view, count_leaf, &held);
	lc_plane_each_admit(view, count_admit, &held);
	lc_plane_view_close(view);
	return held;
}

static bool is_as_at_start(const struct holding *held)
{
	return held->descriptors >= at_start.descriptors &&
	       held->descriptors <= at_start.descriptors + idle_descriptors && !held->sessions &&
	       !held->leaves && !held->admits;
}

void holds_nothing(unsigned int seconds)
{
	long deadline = now_ms() + seconds * 1000;
	struct holding held = holding();

	while (!is_as_at_start(&held) && now_ms() < deadline) {
		pause_ms(20);
		held = holding();
	}
	cr_assert(is_as_at_start(&held),
		  "%u descriptors of %u, %u sessions, %u leaves, %u sockets are left",
		  held.descriptors, at_start.descriptors, held.sessions, held.leaves, held.admits);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed */
	cr_assert_leq(held.memory_kb, at_start.memory_kb + memory_slack_kb,
		      "%lu kB, at the start %lu", held.memory_kb, at_start.memory_kb);
#endif
}

void has_leaves(unsigned int count)
{
	long deadline = now_ms() + 1000;

	while (holding().leaves != count && now_ms() < deadline)
		pause_ms(2);
	cr_assert_eq(holding().leaves, count, "%u leaves", holding().leaves);
}

unsigned long cpu_ms(void)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)daemon_pid);
	stat = fopen(path, "re");
	cr_assert(stat);
	cr_assert_eq(fscanf(stat, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			    &user, &system),
		     2);
	fclose(stat);
	return (user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK);
}

/* ---- its life ---- */

static void make_directories(void)
{
	snprintf(directory, sizeof(directory), "/tmp/lct-hostile-XXXXXX");
	cr_assert(mkdtemp(directory));
	cr_assert_eq(chmod(directory, 0755), 0);
	snprintf(runtime_dir, sizeof(runtime_dir), "%s/run", directory);
	snprintf(bpf_mount, sizeof(bpf_mount), "%s/bpf", directory);
	snprintf(bpf_dir, sizeof(bpf_dir), "%s/leafcast", bpf_mount);
	snprintf(log_file, sizeof(log_file), "%s/log", directory);
	cr_assert_eq(mkdir(bpf_mount, 0755), 0);
	/* Where the host sees it too: a daemon would not pin on any other. */
	cr_assert_eq(mount("bpf", bpf_mount, "bpf", 0, NULL), 0);
}

static char daemon_path[4096 + 32];

/* The one that was built along with this program. Before the mounts change: in a chroot the link is another after. */
static void find_daemon(void)
{
	ssize_t length = readlink("/proc/self/exe", daemon_path, 4096);

	cr_assert(length > 0);
	daemon_path[length] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(daemon_path, '/') = '\0';
	strcat(daemon_path, "/leafcastd");
}

/* What applications leave behind that hang up without a word is kept for so long. */
#define GRACE "1"
/* And a trunk without memberships is kept for so long: of trunk/trunk.h. */
#define IDLE_SECONDS 10

struct ways {
	unsigned int descriptors; /* 0: as many as we may have */
	const char *grace;
	bool blind;
};

/* NETLINK_SOCK_DIAG is none of the kernel's protocols. */
static void go_blind(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_SOCK_DIAG, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(steps) / sizeof(steps[0]), steps};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(1);
}

static void execute(const struct ways *ways)
{
	struct rlimit limit = {ways->descriptors, ways->descriptors};
	int log = open(log_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (log < 0)
		_exit(1);
	dup2(log, STDERR_FILENO);
	if (ways->descriptors)
		setrlimit(RLIMIT_NOFILE, &limit);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ways->blind)
		go_blind();
	execl(daemon_path, daemon_path, "--runtime-dir", runtime_dir, "--bpf-dir", bpf_dir,
	      "--insecure", "--grace", ways->grace, NULL);
	_exit(1);
}

unsigned int daemon_has_said(const char *text)
{
	char line[512];
	FILE *log = fopen(log_file, "re");
	unsigned int lines = 0;

	while (log && fgets(line, sizeof(line), log))
		lines += strstr(line, text) != NULL;
	if (log)
		fclose(log);
	return lines;
}

/* It says so; a connection would make it hold more than at the start. */
static bool is_ready(void)
{
	return daemon_has_said(": ready: ") > 0;
}

static void start(struct ways ways)
{
	long deadline = now_ms() + 20000;

	unlink(log_file); /* in which the one before was ready */
	daemon_pid = fork();
	if (daemon_pid == 0)
		execute(&ways);
	while (!is_ready() && now_ms() < deadline)
		pause_ms(10);
	cr_assert(is_ready(), "no daemon");
}

/* What it holds when it rests: just after it has said that it is ready it may have one more. */
static struct holding resting(void)
{
	struct holding held = holding(), before;
	int same = 0;

	while (same < 3) {
		pause_ms(10);
		before = held;
		held = holding();
		same = held.descriptors == before.descriptors ? same + 1 : 0;
	}
	return held;
}

void daemon_starts_with(unsigned int descriptors)
{
	signal(SIGPIPE, SIG_IGN);
	enter_topology();
	here("ip addr add 192.0.2.3/24 dev near0");
	for (int i = 10; i <= 25; i++)
		there("ip addr add 192.0.2.%d/24 dev far0", i);
	find_daemon();
	make_directories();
	start((struct ways){.descriptors = descriptors, .grace = GRACE});
	setenv("LEAFCAST_RUNTIME_DIR", runtime_dir, 1);
	at_start = resting();
}

void daemon_starts(void)
{
	daemon_starts_with(0);
}

void daemon_is_killed(void)
{
	cr_assert_eq(kill(daemon_pid, SIGKILL), 0);
	cr_assert_eq(waitpid(daemon_pid, NULL, 0), daemon_pid);
}

void daemon_starts_again(const char *grace)
{
	start((struct ways){.grace = grace});
}

void daemon_starts_blind(const char *grace)
{
	start((struct ways){.grace = grace, .blind = true});
}

void daemon_ends(void)
{
	idle_descriptors = 0;
	holds_nothing(IDLE_SECONDS + 5);
	kill(daemon_pid, SIGTERM);
	daemon_exits(now_ms() + 10000);
}

void daemon_exits(long deadline_ms)
{
	int status = -1;

	while (waitpid(daemon_pid, &status, WNOHANG) == 0 && now_ms() < deadline_ms)
		pause_ms(5);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with status %x", status);
	here("%s --purge --runtime-dir %s --bpf-dir %s 2>/dev/null", daemon_path, runtime_dir,
	     bpf_dir);
	cr_assert(access(bpf_dir, F_OK) < 0, "something is pinned");
	umount(bpf_mount);
	unlink(log_file);
	rmdir(runtime_dir);
	rmdir(bpf_mount);
	rmdir(directory);
}
