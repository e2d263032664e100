/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "tool/stop.h"
#include "tool/stream.h"

#define PAUSE_MS 20

/* 1: ready; 0: not within the time; -EINTR: asked to stop. */
static int wait_ready(int fd, short events, int timeout_ms)
{
	struct pollfd waits[] = {
		{.fd = lc_stop_fd(), .events = POLLIN},
		{.fd = fd, .events = events},
	};

	if (poll(waits, 2, timeout_ms) < 0)
		return errno == EINTR ? 0 : -errno;
	if (waits[0].revents)
		return -EINTR;
	return waits[1].revents != 0;
}

ssize_t lc_stream_read(void *buffer, size_t size)
{
	size_t have = 0;

	while (have < size) {
		int ready = wait_ready(STDIN_FILENO, POLLIN, have ? PAUSE_MS : -1);
		ssize_t got;

		if (ready < 0)
			return ready;
		if (!ready && have)
			break;
		if (!ready)
			continue;
		got = read(STDIN_FILENO, (char *)buffer + have, size - have);
		if (!got)
			break;
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (got > 0)
			have += (size_t)got;
	}
	return (ssize_t)have;
}

int lc_stream_write(const void *buffer, size_t length)
{
	size_t written = 0;

	while (written < length) {
		int ready = wait_ready(STDOUT_FILENO, POLLOUT, -1);
		ssize_t put;

		if (ready < 0)
			return ready;
		put = write(STDOUT_FILENO, (const char *)buffer + written, length - written);
		if (put < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (put > 0)
			written += (size_t)put;
	}
	return 0;
}
