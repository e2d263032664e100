/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Addresses and options of TCP/IP: on Linux all of it (sockaddr_in6,
 * getaddrinfo, inet_pton, IP_* and IPV6_* options) is the system's own.
 */
#ifndef WINSOCK_WS2TCPIP_H
#define WINSOCK_WS2TCPIP_H

#include <netdb.h>

#include "winsock2.h"

typedef struct addrinfo ADDRINFOA, *PADDRINFOA;

#endif
