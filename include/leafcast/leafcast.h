/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What Leafcast adds to the Winsock calls. The calls themselves are in
 * winsock2.h and ws2spi.h beside this header.
 */
#ifndef LEAFCAST_LEAFCAST_H
#define LEAFCAST_LEAFCAST_H

#include <stdint.h>

#include "leafcast/reason.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest connect data a join carries in either direction, in bytes (R21). */
#define LEAFCAST_CONNECT_DATA_MAX 1024

/* The TCP port on which the daemons of all nodes talk to each other. */
#define LEAFCAST_CONTROL_PORT 19750

/* Where the daemon's sockets are unless LEAFCAST_RUNTIME_DIR says otherwise. */
#define LEAFCAST_RUNTIME_DIR "/run/leafcast"

/* Where its maps are pinned. */
#define LEAFCAST_BPF_DIR "/sys/fs/bpf/leafcast"

#pragma GCC visibility push(default)
/*
 * Why the last join on this socket failed, or its session ended;
 * LEAFCAST_NO_REASON while neither happened. `socket` is a Winsock SOCKET.
 * LEAFCAST_NO_REASON also for a handle that is not one of ours.
 */
enum leafcast_reason leafcast_socket_reason(uintptr_t socket);

/*
 * Memberships outlive their daemon: while it is gone or stopped, data flows on
 * and they wait for it, without limit. From now on those of this process end
 * with WSAENETDOWN once no daemon has answered for so long; 0: without limit
 * again. LEAFCAST_ABSENCE in the environment, in seconds, says the same for
 * processes that do not call it.
 */
void leafcast_set_absence(unsigned int milliseconds);

/* "WSAECONNREFUSED" for 10061; "0", and "unknown" for a number that is no Winsock code; static storage. */
const char *leafcast_code_name(int code);

/* The library's version, "major.minor.patch"; static storage. */
const char *leafcast_version(void);
#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
