/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Finding the daemon: connecting and HELLO. */
#ifndef CTL_PROVIDER_HELLO_H
#define CTL_PROVIDER_HELLO_H

#include <stdint.h>

/*
 * Tries until `until_ns` (CLOCK_MONOTONIC). A descriptor, nonblocking, on which
 * HELLO has been answered; -ENETDOWN; -EMFILE, -ENFILE, -ENOMEM: it is not the
 * daemon that is missing. Nothing locked.
 */
int lc_hello_connect(uint64_t until_ns);

#endif
