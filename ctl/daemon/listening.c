/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/listening.h"

#include <sys/epoll.h>

/*
 * A listener from which nothing can be accepted, because descriptors or memory
 * have run out, stays ready: so often it is looked at and no more, which also
 * bounds what a flood of connections costs.
 */
#define PERIOD_US 20000
#define MOST	  200

int listening_start(sd_event_source **source, sd_event *event, int descriptor,
		    sd_event_io_handler_t on_connection, void *context)
{
	int error = sd_event_add_io(event, source, descriptor, EPOLLIN, on_connection, context);

	if (error < 0)
		return error;
	error = sd_event_source_set_ratelimit(*source, PERIOD_US, MOST);
	return error < 0 ? error : 0;
}
