/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tool/stop.h"

static atomic_bool asked;
static int stop_fd = -1;
static WSAEVENT stop_event;
static sigset_t signals;

void lc_stop_ask(void)
{
	uint64_t one = 1;
	/* An eventfd's write fails only when it is full, and then it is readable. */
	ssize_t written;

	atomic_store(&asked, true);
	written = write(stop_fd, &one, sizeof(one));
	(void)written;
	WSASetEvent(stop_event);
}

bool lc_stop_asked(void)
{
	return atomic_load(&asked);
}

int lc_stop_fd(void)
{
	return stop_fd;
}

static void *wait_for_signals(void *unused)
{
	int signal_number;

	for (;;)
		if (!sigwait(&signals, &signal_number))
			lc_stop_ask();
	return NULL;
}

int lc_stop_begin(WSAEVENT event)
{
	pthread_t thread;
	int error;

	stop_event = event;
	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	error = pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (!error)
		error = pthread_create(&thread, NULL, wait_for_signals, NULL);
	if (error)
		return -error;
	pthread_detach(thread);
	return 0;
}
