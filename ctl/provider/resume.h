/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Tells a new connection of the sockets that earlier ones knew: RESUME of each,
 * roots before their handles, LISTEN behind it of those that listen. By the
 * hidden thread, nothing locked, so never waiting: a few at a time.
 *
 * What is answered with a reason is a membership that ended so meanwhile; a
 * root's takes its handles along. A shortage of the daemon's is tried again
 * every second, as is a LISTEN that fails; any other error means that this
 * daemon will never know the socket: what it stands for ends with NETWORK_DOWN.
 */
#ifndef CTL_PROVIDER_RESUME_H
#define CTL_PROVIDER_RESUME_H

#include <stdint.h>

/* A connection is up. */
void lc_resume_begin(uint64_t link);
/* It was lost. */
void lc_resume_end(void);
/* There is room to send again. */
void lc_resume_go_on(void);

/* In a forked child. */
void lc_resume_forget(void);

#endif
