/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The application's socket addresses in and out, its memory not trusted. */
#ifndef CTL_PROVIDER_ADDRESS_H
#define CTL_PROVIDER_ADDRESS_H

#include "abi/endpoint.h"
#include "provider/provider.h"

/* WSAEFAULT: unreadable or too short for the family; WSAEAFNOSUPPORT: not `family`. */
int lc_address_read(struct lc_endpoint *endpoint, const struct sockaddr *name, int namelen,
		    int family);
/*
 * R14: WSAEADDRNOTAVAIL unless a rooted session or a leaf can have this name:
 * not any, port 0, a group, 255.255.255.255 or the broadcast address of a
 * network that this host is on; of IPv6 neither IPv4-mapped nor link-local.
 */
int lc_address_check_peer(const struct lc_endpoint *endpoint);
/* The same for a name that one of our sockets is to have: any and port 0 are left to the system to fill in. */
int lc_address_check_own(const struct lc_endpoint *endpoint);
/* WSAEFAULT, and nothing is written: no room for it, or none at all. */
int lc_address_write(const struct lc_endpoint *endpoint, struct sockaddr *name, LPINT namelen);
/* Whether lc_address_write() would succeed for an address of `family`. */
int lc_address_check_room(int family, struct sockaddr *name, LPINT namelen);

#endif
