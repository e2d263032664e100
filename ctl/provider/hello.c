/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "leafcast/leafcast.h"
#include "local/local.h"
#include "provider/hello.h"

/* Between two tries. */
#define PAUSE_NS 50000000ull

static int wait_for_hello(int fd, uint64_t until_ns)
{
	struct lc_local_message reply;
	int descriptor, error;

	for (;;) {
		struct pollfd readable = {.fd = fd, .events = POLLIN};
		uint64_t now = lc_now_ns();

		if (now >= until_ns)
			return -ETIMEDOUT;
		poll(&readable, 1, (int)((until_ns - now) / LC_NS_PER_MS + 1));
		error = lc_local_receive(fd, &reply, &descriptor);
		if (error == -EAGAIN)
			continue;
		if (!error && descriptor >= 0)
			close(descriptor);
		return error ? error : reply.error;
	}
}

static int try_once(uint64_t until_ns)
{
	const struct lc_local_message hello = {
		.kind = LC_LOCAL_HELLO, .id = 1, .version = LC_LOCAL_VERSION};
	const char *directory = secure_getenv("LEAFCAST_RUNTIME_DIR");
	int fd = lc_local_connect(directory && *directory ? directory : LEAFCAST_RUNTIME_DIR);
	int error = fd < 0 ? fd : lc_local_send(fd, &hello, -1);

	if (!error)
		error = wait_for_hello(fd, until_ns);
	if (!error)
		return fd;
	if (fd >= 0)
		close(fd);
	return error;
}

static bool is_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

int lc_hello_connect(uint64_t until_ns)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (;;) {
		int fd = try_once(until_ns);

		if (fd >= 0 || is_shortage(fd))
			return fd;
		if (fd == -EPROTO || lc_now_ns() + PAUSE_NS >= until_ns)
			return -ENETDOWN;
		nanosleep(&pause, NULL);
	}
}
