/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast root: the thread that attends to the leaves. */
#ifndef CTL_TOOL_ATTEND_H
#define CTL_TOOL_ATTEND_H

#include <pthread.h>
#include <stdbool.h>

#include "tool/root.h"

/* The root listens already. False after a sentence. */
bool lc_attend_begin(struct lc_root *root, pthread_t *attendant);
/* Ends the thread; the leaves' sockets stay open. */
void lc_attend_end(struct lc_root *root, pthread_t attendant);

#endif
