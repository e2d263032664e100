/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * kill_at PID NUMBER: kills a running process, with SIGKILL, when it is about to
 * make its NUMBERth system call from now on that changes something outside of
 * it. Prints "watching", and then "killed at CALL" and exits with 0. Ended before
 * that, it leaves the process alone. Exit status 1 after a sentence.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* glibc's header and the kernel's do not go together. */
long ptrace(int request, pid_t pid, unsigned long address, unsigned long data);

#define CALL_STOP (SIGTRAP | 0x80) /* by PTRACE_O_TRACESYSGOOD */

/* NULL: it changes nothing that another process could see. */
static const char *change(const struct ptrace_syscall_info *info)
{
	switch (info->entry.nr) {
	case SYS_sendto:
		return "sendto";
	case SYS_sendmsg:
		return "sendmsg";
	case SYS_write:
		return "write";
	case SYS_setsockopt:
		return "setsockopt";
	case SYS_socket:
		return "socket";
	case SYS_bind:
		return "bind";
	case SYS_connect:
		return "connect";
	case SYS_accept4:
		return "accept4";
	case SYS_close:
		return "close";
	case SYS_bpf:
		switch (info->entry.args[0]) {
		case BPF_MAP_UPDATE_ELEM:
			return "bpf update";
		case BPF_MAP_DELETE_ELEM:
			return "bpf delete";
		}
	}
	return NULL;
}

static int fail(const char *what)
{
	fprintf(stderr, "kill_at: ");
	perror(what);
	return 1;
}

static int follow(pid_t process, long number)
{
	struct ptrace_syscall_info info;
	int status;

	while (waitpid(process, &status, __WALL) == process && WIFSTOPPED(status)) {
		int signal = WSTOPSIG(status);
		const char *call = NULL;

		/* An event of the tracing, the first stop too, brings no signal. */
		if (signal == CALL_STOP || status >> 16)
			signal = 0;
		if (WSTOPSIG(status) == CALL_STOP &&
		    ptrace(PTRACE_GET_SYSCALL_INFO, process, sizeof(info), (unsigned long)&info) >
			    0 &&
		    info.op == PTRACE_SYSCALL_INFO_ENTRY)
			call = change(&info);
		if (call && --number == 0) {
			kill(process, SIGKILL);
			printf("killed at %s\n", call);
			return 0;
		}
		ptrace(PTRACE_SYSCALL, process, 0, (unsigned long)signal);
	}
	fprintf(stderr, "kill_at: it has ended by itself\n");
	return 1;
}

int main(int argc, char **argv)
{
	pid_t process = argc == 3 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
	long number = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (process <= 0 || number <= 0) {
		fprintf(stderr, "usage: kill_at PID NUMBER\n");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (ptrace(PTRACE_SEIZE, process, 0, PTRACE_O_TRACESYSGOOD))
		return fail("seize");
	if (ptrace(PTRACE_INTERRUPT, process, 0, 0))
		return fail("interrupt");
	/* What it does from now on waits for us at its first stop. */
	printf("watching\n");
	return follow(process, number);
}
