/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <sys/epoll.h>

#include "daemon/daemon.h"

/*
 * A listener from which nothing can be accepted, because descriptors or memory
 * have run out, stays ready: so often it is looked at and no more, which also
 * bounds what a flood of connections costs.
 */
#define PERIOD_US 20000
#define MOST	  200

int listening_start(struct daemon *daemon, int descriptor, sd_event_io_handler_t on_connection)
{
	sd_event_source **source = &daemon->listening[daemon->listening_count];
	int error = sd_event_add_io(daemon->event, source, descriptor, EPOLLIN, on_connection,
				    daemon);

	if (error < 0)
		return error;
	daemon->listening_count++;
	error = sd_event_source_set_ratelimit(*source, PERIOD_US, MOST);
	return error < 0 ? error : 0;
}

void listening_stop(struct daemon *daemon)
{
	while (daemon->listening_count)
		sd_event_source_disable_unref(daemon->listening[--daemon->listening_count]);
}
