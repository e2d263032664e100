// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "common.h"

#include <arpa/inet.h>
#include <netinet/in.h>

bool name_parse(struct name *name, const char *address, int port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&name->address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&name->address;

	*name = (struct name){.length = sizeof(*four)};
	if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((in_port_t)port);
		return true;
	}
	if (inet_pton(AF_INET6, address, &six->sin6_addr) != 1)
		return false;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons((in_port_t)port);
	name->length = sizeof(*six);
	return true;
}

long long clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}
