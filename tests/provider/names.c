/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* R14 and friends: names that no member can have. */
#include "fake.h"

#include <arpa/inet.h>

TestSuite(names, .init = setup, .fini = teardown, .timeout = 20);

static SOCKET new_leaf_of(int family)
{
	int code = 0;
	SOCKET s = wsp.lpWSPSocket(family, SOCK_DGRAM, LEAFCAST_IPPROTO_ROOTED, NULL, 0, LEAF_FLAGS,
				   &code);

	cr_assert_neq(s, INVALID_SOCKET, "%d", code);
	return s;
}

/* Returns its length. */
static int make_name(struct sockaddr_storage *name, const char *text, uint16_t port, uint32_t scope)
{
	struct sockaddr_in *in = (struct sockaddr_in *)name;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)name;

	memset(name, 0, sizeof(*name));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	cr_assert_eq(inet_pton(AF_INET6, text, &in6->sin6_addr), 1, "%s", text);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	in6->sin6_scope_id = scope;
	return sizeof(*in6);
}

static const struct {
	const char *address;
	uint16_t port;
	uint32_t scope;
	bool bindable; /* any, and port 0, are for bind to fill in */
} rows[] = {
	{"0.0.0.0", 7000, 0, true},
	{"127.0.0.1", 0, 0, true},
	{"0.0.0.1", 7000, 0, false},
	{"255.255.255.255", 7000, 0, false},
	{"127.255.255.255", 7000, 0, false}, /* the broadcast address of lo's network */
	{"239.1.1.1", 7000, 0, false},
	{"224.0.0.1", 7000, 0, false},
	{"::", 7000, 0, true},
	{"::1", 0, 0, true},
	{"ff02::1", 7000, 1, false},
	{"ff3e::8000:1", 7000, 0, false},
	{"::ffff:127.0.0.1", 7000, 0, false},
	{"::ffff:192.0.2.1", 7000, 0, false},
	{"::ffff:0.0.0.0", 7000, 0, false},
	{"fe80::1", 7000, 0, false},
	{"fe80::1", 7000, 1, false},
};

Test(names, R14_no_member_can_have_them)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_storage name;
		int code = 0, length;
		SOCKET s;

		length = make_name(&name, rows[i].address, rows[i].port, rows[i].scope);
		s = new_leaf_of(name.ss_family);
		cr_expect_eq(wsp.lpWSPJoinLeaf(s, (struct sockaddr *)&name, length, NULL, NULL,
					       NULL, NULL, JL_BOTH, &code),
			     INVALID_SOCKET);
		cr_expect_eq(code, WSAEADDRNOTAVAIL, "join %s %u: %d", rows[i].address,
			     rows[i].port, code);
		code = 0;
		wsp.lpWSPBind(s, (struct sockaddr *)&name, length, &code);
		cr_expect_eq(code, rows[i].bindable ? 0 : WSAEADDRNOTAVAIL, "bind %s %u: %d",
			     rows[i].address, rows[i].port, code);
	}
	cr_expect_eq(fake_count(LC_LOCAL_JOIN), 0);
}

Test(names, members_can_have_these)
{
	const char *const addresses[] = {"127.0.0.1", "127.255.255.254", "198.51.100.255", "::1",
					 "2001:db8::1"};

	/* It goes on to the daemon, that is all: the fake one admits to whatever it is asked. */
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct sockaddr_storage name;
		int code = 0, length = make_name(&name, addresses[i], 7000, 0);
		SOCKET s = new_leaf_of(name.ss_family);

		wsp.lpWSPJoinLeaf(s, (struct sockaddr *)&name, length, NULL, NULL, NULL, NULL,
				  JL_BOTH, &code);
		cr_expect_eq(code, 0, "%s: %d", addresses[i], code);
		cr_expect_eq(fake_count(LC_LOCAL_JOIN), (int)i + 1, "%s", addresses[i]);
	}
}

/* Of a c_root, whose name is a leaf's: the same. */
Test(names, R14_invitations)
{
	struct sockaddr_storage name;
	SOCKET root = new_root();
	int code = 0, length = make_name(&name, "127.255.255.255", 7000, 0);

	cr_expect_eq(wsp.lpWSPJoinLeaf(root, (struct sockaddr *)&name, length, NULL, NULL, NULL,
				       NULL, JL_BOTH, &code),
		     INVALID_SOCKET);
	assert_code(WSAEADDRNOTAVAIL, code);
	cr_expect_eq(fake_count(LC_LOCAL_JOIN), 0);
}
