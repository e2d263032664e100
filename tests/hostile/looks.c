/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* When the daemon looks at what sockets there are. */
#include "hostile.h"

#include <linux/netlink.h>
#include <linux/ptrace.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* glibc's header and the kernel's do not go together. */
long ptrace(int request, pid_t pid, unsigned long address, unsigned long data);

#define CALL_STOP (SIGTRAP | 0x80) /* by PTRACE_O_TRACESYSGOOD */

static bool is_look(pid_t process)
{
	struct ptrace_syscall_info info = {0};

	return ptrace(PTRACE_GET_SYSCALL_INFO, process, sizeof(info), (unsigned long)&info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_socket &&
	       info.entry.args[0] == AF_NETLINK && info.entry.args[2] == NETLINK_SOCK_DIAG;
}

static void report(int to)
{
	long now = now_ms();

	if (write(to, &now, sizeof(now)) != sizeof(now))
		_exit(1);
}

/* First that it watches, then before each look. */
static void follow(pid_t process, int to)
{
	int status;

	if (ptrace(PTRACE_SEIZE, process, 0, PTRACE_O_TRACESYSGOOD) ||
	    ptrace(PTRACE_INTERRUPT, process, 0, 0))
		_exit(1);
	report(to);
	while (waitpid(process, &status, __WALL) == process && WIFSTOPPED(status)) {
		int signal = WSTOPSIG(status);

		if (signal == CALL_STOP && is_look(process))
			report(to);
		/* An event of the tracing, the first stop too, brings no signal. */
		if (signal == CALL_STOP || status >> 16)
			signal = 0;
		ptrace(PTRACE_SYSCALL, process, 0, (unsigned long)signal);
	}
	_exit(1);
}

struct watch watch_looks(void)
{
	struct watch watch;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	watch = (struct watch){.process = fork(), .looks = ends[0]};
	if (watch.process == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		follow(daemon_pid, ends[1]);
	}
	cr_assert(watch.process > 0);
	close(ends[1]);
	cr_assert_neq(next_look(&watch, 5000), NO_LOOK, "the daemon cannot be watched");
	return watch;
}

long next_look(const struct watch *watch, int ms)
{
	struct pollfd ready = {.fd = watch->looks, .events = POLLIN};
	long when;

	if (poll(&ready, 1, ms) != 1)
		return NO_LOOK;
	cr_assert_eq(read(watch->looks, &when, sizeof(when)), (ssize_t)sizeof(when));
	return when;
}

void watch_no_more(struct watch *watch)
{
	kill(watch->process, SIGKILL);
	waitpid(watch->process, NULL, 0);
	close(watch->looks);
}
