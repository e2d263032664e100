/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * One line to standard error, which systemd's journal understands; `level` as
 * in sd-daemon.h's SD_*. Peers and applications can make us say much: beyond a
 * burst, SAY_RATE lines a second are said and the rest counted. Errors are
 * always said.
 */
#ifndef CTL_DAEMON_SAY_H
#define CTL_DAEMON_SAY_H

#include <systemd/sd-daemon.h>

#define SAY_BURST 1000
#define SAY_RATE  50

__attribute__((format(printf, 2, 3))) void say(const char *level, const char *format, ...);
/* What an unprivileged caller can do about a failure, to go behind it; "": that is not it. */
const char *remedy(int error);

#endif
