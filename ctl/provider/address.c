/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/endpoint.h"
#include "provider/address.h"
#include "provider/memory.h"

static int length_of(int family)
{
	return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

int lc_address_read(struct lc_endpoint *endpoint, const struct sockaddr *name, int namelen,
		    int family)
{
	struct sockaddr_storage copy;
	size_t length = (size_t)length_of(family);

	if (namelen < (int)sizeof(sa_family_t) || lc_memory_read(&copy, name, sizeof(sa_family_t)))
		return WSAEFAULT;
	if (copy.ss_family != family)
		return WSAEAFNOSUPPORT;
	if ((size_t)namelen < length || lc_memory_read(&copy, name, length))
		return WSAEFAULT;
	if (lc_endpoint_from_sockaddr(endpoint, (struct sockaddr *)&copy, (socklen_t)length))
		return WSAEAFNOSUPPORT;
	return 0;
}

/*
 * The kernel's routes know: it connects a UDP socket to a broadcast address
 * with SO_BROADCAST alone, and without it says EACCES, as it does for routes
 * that forbid. No packet is sent. Whatever else fails is for the join to find.
 */
static bool is_broadcast(const struct lc_endpoint *endpoint)
{
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(endpoint, &address);
	bool refused, allowed;
	int fd, on = 1;

	if (endpoint->family != LC_INET)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (struct sockaddr *)&address, length) && errno == EACCES;
	allowed = refused && !setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) &&
		  !connect(fd, (struct sockaddr *)&address, length);
	close(fd);
	return allowed;
}

int lc_address_check_peer(const struct lc_endpoint *endpoint)
{
	if (!lc_address_can_be_members(endpoint) || !lc_endpoint_port(endpoint) ||
	    is_broadcast(endpoint))
		return WSAEADDRNOTAVAIL;
	return 0;
}

int lc_address_check_own(const struct lc_endpoint *endpoint)
{
	if (lc_address_is_any(endpoint))
		return 0;
	return lc_address_can_be_members(endpoint) && !is_broadcast(endpoint) ? 0
									      : WSAEADDRNOTAVAIL;
}

int lc_address_check_room(int family, struct sockaddr *name, LPINT namelen)
{
	int room;

	if (lc_memory_read(&room, namelen, sizeof(room)) || room < length_of(family) ||
	    lc_memory_check_writable(namelen, sizeof(room)) ||
	    lc_memory_check_writable(name, (size_t)length_of(family)))
		return WSAEFAULT;
	return 0;
}

int lc_address_write(const struct lc_endpoint *endpoint, struct sockaddr *name, LPINT namelen)
{
	struct sockaddr_storage address;
	int length = (int)lc_endpoint_to_sockaddr(endpoint, &address);
	int error = lc_address_check_room(address.ss_family, name, namelen);

	if (error)
		return error;
	if (lc_memory_write(name, &address, (size_t)length) ||
	    lc_memory_write(namelen, &length, sizeof(length)))
		return WSAEFAULT;
	return 0;
}
