/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which UDP sockets there are; the topology is edges.h's. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edges.h"
#include "network/network.h"

TestSuite(udp, .init = enter_topology, .timeout = 30);

static uint64_t cookie_of(int descriptor)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	cr_assert_eq(getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &length), 0);
	return cookie;
}

static int bound(int family, int type)
{
	const struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
	int descriptor = socket(family, type | SOCK_CLOEXEC, 0);

	cr_assert(descriptor >= 0);
	cr_assert_eq(
		bind(descriptor, (const struct sockaddr *)&any,
		     family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)),
		0);
	return descriptor;
}

struct search {
	uint64_t cookie;
	unsigned int found, all;
};

static void compare(void *context, uint64_t cookie)
{
	struct search *search = context;

	search->found += cookie == search->cookie;
	search->all++;
}

static unsigned int times_named(uint64_t cookie)
{
	struct search search = {.cookie = cookie};

	cr_assert_eq(lc_network_each_udp_socket(compare, &search), 0);
	return search.found;
}

Test(udp, what_is_bound_is_named_once)
{
	int families[] = {AF_INET, AF_INET6};

	for (int i = 0; i < 2; i++) {
		int descriptor = bound(families[i], SOCK_DGRAM);
		uint64_t cookie = cookie_of(descriptor);

		cr_assert_eq(times_named(cookie), 1, "family %d", families[i]);
		close(descriptor);
		cr_assert_eq(times_named(cookie), 0, "family %d", families[i]);
	}
}

/* A duplicate keeps it alive. */
Test(udp, until_the_last_descriptor_is_closed)
{
	int descriptor = bound(AF_INET, SOCK_DGRAM), other = dup(descriptor);
	uint64_t cookie = cookie_of(descriptor);

	close(descriptor);
	cr_assert_eq(times_named(cookie), 1);
	close(other);
	cr_assert_eq(times_named(cookie), 0);
}

Test(udp, nothing_else_is)
{
	int unbound = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int stream = bound(AF_INET, SOCK_STREAM), away;

	cr_assert_eq(listen(stream, 1), 0);
	go_there();
	away = bound(AF_INET, SOCK_DGRAM);
	come_back();
	cr_assert_eq(times_named(cookie_of(unbound)), 0);
	cr_assert_eq(times_named(cookie_of(stream)), 0);
	cr_assert_eq(times_named(cookie_of(away)), 0);
}

/* More than fit into one answer of the kernel. */
Test(udp, many)
{
	enum {
		MANY = 900
	};
	static int descriptors[MANY];
	struct search search = {0};

	for (int i = 0; i < MANY; i++)
		descriptors[i] = bound(i % 2 ? AF_INET6 : AF_INET, SOCK_DGRAM);
	cr_assert_eq(lc_network_each_udp_socket(compare, &search), 0);
	cr_assert_eq(search.all, MANY);
	cr_assert_eq(times_named(cookie_of(descriptors[MANY - 1])), 1);
}
