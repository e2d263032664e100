/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Being asked to stop, by SIGINT, SIGTERM, SIGHUP or by another thread. A thread
 * takes the signals, so that no call is interrupted and every wait says for
 * itself, by lc_stop_fd() or the event, that it can be stopped.
 */
#ifndef CTL_TOOL_STOP_H
#define CTL_TOOL_STOP_H

#include <stdbool.h>

#include "tool/winsock.h"

/*
 * Before any other thread is started: blocks the signals and begins to wait
 * for them; ignores SIGPIPE. `event` is set when the program is to stop.
 * Returns 0 or a negative errno.
 */
int lc_stop_begin(WSAEVENT event);

/* As a signal would. */
void lc_stop_ask(void);
bool lc_stop_asked(void);

/* Readable for ever once asked. */
int lc_stop_fd(void);

#endif
