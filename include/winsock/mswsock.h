/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Of Microsoft's additions to Winsock what programs for UDP need. */
#ifndef WINSOCK_MSWSOCK_H
#define WINSOCK_MSWSOCK_H

#include "winsock2.h"

/*
 * A BOOL: whether receive calls report that a peer's port is unreachable. Here
 * they never do, whichever it is.
 */
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)

#endif
