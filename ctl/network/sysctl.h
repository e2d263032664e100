/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* /proc/sys/net as this process sees it; `path` is relative to it. */
#ifndef CTL_NETWORK_SYSCTL_H
#define CTL_NETWORK_SYSCTL_H

int lc_sysctl_read(const char *path, int *value);
/*
 * Writes it if it is another: a /proc that is read-only does not matter where
 * it says the right thing, and nobody hears of a change that is none.
 */
int lc_sysctl_set(const char *path, int value);

#endif
