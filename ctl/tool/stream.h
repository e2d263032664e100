/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Datagrams from standard input and to standard output; every wait ends when lc_stop is asked for. */
#ifndef CTL_TOOL_STREAM_H
#define CTL_TOOL_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The next datagram's payload from standard input: as much as fits or comes
 * without a pause (20 ms), so that files and fast pipes give full datagrams
 * and what a person types goes out at once. 0: end of input. -EINTR: asked to
 * stop.
 */
ssize_t lc_stream_read(void *buffer, size_t size);

/* All of it to standard output. 0, -EINTR or a negative errno. */
int lc_stream_write(const void *buffer, size_t length);

#endif
