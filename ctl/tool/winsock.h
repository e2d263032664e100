/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The Winsock calls, beside the C library's own of the same names. */
#ifndef CTL_TOOL_WINSOCK_H
#define CTL_TOOL_WINSOCK_H

#define LEAFCAST_KEEP_SOCKET_NAMES
#include <winsock2.h>

#endif
