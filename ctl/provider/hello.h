/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Finding the daemon: connecting and HELLO. Nothing here waits. */
#ifndef CTL_PROVIDER_HELLO_H
#define CTL_PROVIDER_HELLO_H

/* A descriptor, nonblocking, on which HELLO has been said; negative errno: there is no daemon, or a shortage here. */
int lc_hello_say(void);
/* 0: it has been answered well; -EAGAIN: not yet; -EPROTO: the daemon speaks otherwise; other negative errno: it ended. */
int lc_hello_answer(int fd);

#endif
