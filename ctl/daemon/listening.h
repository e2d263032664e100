/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Descriptors at which others knock, looked at so often and no more. */
#ifndef CTL_DAEMON_LISTENING_H
#define CTL_DAEMON_LISTENING_H

#include <systemd/sd-event.h>

/* Calls `on_connection` when there are connections to accept; *source is the caller's to end. */
int listening_start(sd_event_source **source, sd_event *event, int descriptor,
		    sd_event_io_handler_t on_connection, void *context);

#endif
