/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * killed_at NUMBER COMMAND [ARGUMENT]...: runs a command and kills it, with
 * SIGKILL, when it is about to make its NUMBERth system call that changes
 * something outside of it. Exit status 0: so it was; 1: it had made fewer when it
 * began to wait for events (it is killed then), or ended; 2: misuse.
 */
#include <linux/bpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of struct ptrace_syscall_info, which glibc and the kernel both define. */
struct entry {
	__u8 op; /* 1: entry */
	__u8 pad[3];
	__u32 arch;
	__u64 instruction_pointer, stack_pointer;
	__u64 number, arguments[6];
};
#define GET_SYSCALL_INFO 0x420e
#define OP_ENTRY	 1

static bool changes_something(const struct entry *call)
{
	switch (call->number) {
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_bind:
	case SYS_listen:
	case SYS_mkdirat:
	case SYS_unlinkat:
	case SYS_fchmodat:
#ifdef SYS_mkdir
	case SYS_mkdir:
	case SYS_unlink:
	case SYS_rmdir:
	case SYS_chmod:
	case SYS_rename:
#endif
	case SYS_renameat2:
		return true;
	case SYS_write:
		return call->arguments[0] > 2;
	case SYS_bpf:
		return call->arguments[0] == BPF_OBJ_PIN || call->arguments[0] == BPF_MAP_CREATE ||
		       call->arguments[0] == BPF_MAP_UPDATE_ELEM;
	}
	return false;
}

static bool waits(const struct entry *call)
{
#ifdef SYS_epoll_wait
	if (call->number == SYS_epoll_wait)
		return call->arguments[3] != 0;
#endif
	return call->number == SYS_epoll_pwait || call->number == SYS_epoll_pwait2;
}

static int end(pid_t child, int status)
{
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) == child)
		;
	return status;
}

static int follow(pid_t child, long number)
{
	struct entry call = {0};
	int status;

	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		int signal_number = WSTOPSIG(status);
		bool is_call = signal_number == (SIGTRAP | 0x80);

		if (is_call && ptrace(GET_SYSCALL_INFO, child, sizeof(call), &call) > 0 &&
		    call.op == OP_ENTRY) {
			if (changes_something(&call) && --number == 0)
				return end(child, 0);
			if (waits(&call))
				return end(child, 1);
		}
		if (is_call || signal_number == SIGTRAP || signal_number == SIGSTOP)
			signal_number = 0;
		ptrace(PTRACE_SYSCALL, child, NULL, signal_number);
	}
	return 1;
}

int main(int argc, char **argv)
{
	long number = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	pid_t child;

	if (number <= 0) {
		fprintf(stderr, "usage: killed_at NUMBER COMMAND [ARGUMENT]...\n");
		return 2;
	}
	child = fork();
	if (child < 0)
		return 2;
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	ptrace(PTRACE_SYSCALL, child, NULL, 0);
	return follow(child, number);
}
