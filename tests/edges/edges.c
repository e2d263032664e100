/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "edges.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static pid_t other;

static bool shell(const char *before, const char *format, va_list arguments)
{
	char command[1024];
	int length = snprintf(command, sizeof(command), "%s", before);

	vsnprintf(command + length, sizeof(command) - (size_t)length, format, arguments);
	return system(command) == 0;
}

void here(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	cr_assert(shell("", format, arguments), "%s", format);
	va_end(arguments);
}

bool holds(const char *format, ...)
{
	va_list arguments;
	bool held;

	va_start(arguments, format);
	held = shell("exec 2>/dev/null; ", format, arguments);
	va_end(arguments);
	return held;
}

void there(const char *format, ...)
{
	char before[64];
	va_list arguments;

	snprintf(before, sizeof(before), "nsenter -t %d -n ", (int)other);
	va_start(arguments, format);
	cr_assert(shell(before, format, arguments), "%s", format);
	va_end(arguments);
}

/* A process that does nothing but keep a namespace. */
static void start_other(void)
{
	int ready[2];
	char byte;

	cr_assert_eq(pipe(ready), 0);
	other = fork();
	if (other == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

void enter_topology(void)
{
	cr_assert_eq(unshare(CLONE_NEWNET), 0, "needs root");
	start_other();
	here("ip link set lo up");
	there("ip link set lo up");
	here("ip link add near0 address 02:00:00:00:00:01 type veth "
	     "peer name far0 address 02:00:00:00:00:02 netns %d",
	     (int)other);
	/* Link-local addresses of our own: the kernel's arrive a second later, as a change in the midst of a test. */
	here("ip link set near0 addrgenmode none");
	there("ip link set far0 addrgenmode none");
	here("ip addr add 192.0.2.1/24 dev near0 && ip addr add 2001:db8::1/64 dev near0 nodad");
	there("ip addr add 192.0.2.2/24 dev far0");
	there("ip addr add 2001:db8::2/64 dev far0 nodad");
	here("ip link set near0 up && ip addr add fe80::1/64 dev near0 nodad");
	there("ip link set far0 up");
	there("ip addr add fe80::2/64 dev far0 nodad");
}

static void enter(int namespace)
{
	cr_assert(namespace >= 0);
	cr_assert_eq(setns(namespace, CLONE_NEWNET), 0);
	close(namespace);
}

static int home = -1;

void go_there(void)
{
	char path[64];

	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)other);
	enter(open(path, O_RDONLY | O_CLOEXEC));
}

void come_back(void)
{
	enter(home);
}

struct lc_endpoint address(const char *text)
{
	struct lc_endpoint endpoint;
	unsigned int ignored;

	cr_assert_eq(lc_prefix_parse(&endpoint, &ignored, text), 0, "%s", text);
	return endpoint;
}
