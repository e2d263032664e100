/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core/endpoint.h"

static struct lc_endpoint endpoint(const char *text)
{
	struct lc_endpoint result;

	cr_assert_eq(lc_endpoint_parse(&result, text), 0, "%s", text);
	return result;
}

static const struct {
	const char *text;
	int family;
	unsigned int port;
	const char *formatted; /* NULL: as given */
} good[] = {
	{"192.0.2.1:9000", LC_INET, 9000, NULL},
	{"0.0.0.0:0", LC_INET, 0, NULL},
	{"255.255.255.255:65535", LC_INET, 65535, NULL},
	{"192.0.2.1:00080", LC_INET, 80, "192.0.2.1:80"},
	{"[2001:db8::1]:65535", LC_INET6, 65535, NULL},
	{"[::]:0", LC_INET6, 0, NULL},
	{"[2001:DB8:0:0:0:0:0:1]:7", LC_INET6, 7, "[2001:db8::1]:7"},
	{"[::ffff:192.0.2.1]:7", LC_INET6, 7, NULL},
};

Test(endpoint, parse_and_format)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char text[LC_ENDPOINT_TEXT];
		struct lc_endpoint parsed = endpoint(good[i].text);

		cr_expect_eq(parsed.family, good[i].family, "%s", good[i].text);
		cr_expect_eq(lc_endpoint_port(&parsed), good[i].port, "%s", good[i].text);
		cr_expect_eq(parsed.zero, 0);
		cr_expect_str_eq(lc_endpoint_format(text, &parsed),
				 good[i].formatted ? good[i].formatted : good[i].text);
	}
}

Test(endpoint, bytes_are_in_network_order)
{
	static const uint8_t want[20] = {192, 0, 2, 1, [16] = 0x23, 0x28, LC_INET, 0};
	struct lc_endpoint parsed = endpoint("192.0.2.1:9000");

	cr_expect_eq(memcmp(&parsed, want, sizeof(want)), 0);
}

static const char *const bad[] = {
	"",
	":",
	"192.0.2.1",
	"192.0.2.1:",
	"192.0.2.1:65536",
	"192.0.2.1:-1",
	"192.0.2.1:+1",
	"192.0.2.1: 1",
	"192.0.2.1:1 ",
	"192.0.2.1:1x",
	"192.0.2.1:000001",
	"192.0.2.1:99999999999999999999",
	" 192.0.2.1:1",
	"192.0.2:1",
	"192.0.2.256:1",
	"192.0.2.1.1:1",
	"localhost:1",
	":1",
	"[192.0.2.1]:1",
	"2001:db8::1:1",
	"[2001:db8::1]",
	"[2001:db8::1]1",
	"[2001:db8::1]12",
	"[2001:db8::1:1",
	"[2001:db8::1]:",
	"[2001:db8::1%eth0]:1",
	"[]:1",
	"[[::1]]:1",
	"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:1",
	"11111111111111111111111111111111111111111111111111111111111111111111111111111111:1",
};

Test(endpoint, refused_and_untouched)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lc_endpoint out, before;

		memset(&out, 0xa5, sizeof(out));
		before = out;
		cr_expect_eq(lc_endpoint_parse(&out, bad[i]), -EINVAL, "'%s'", bad[i]);
		cr_expect_eq(memcmp(&out, &before, sizeof(out)), 0, "'%s'", bad[i]);
	}
}

static const struct {
	const char *prefix;
	int err;
	unsigned int length;
	const char *inside;  /* endpoint it holds */
	const char *outside; /* endpoint it does not hold */
} prefixes[] = {
	{"192.0.2.1", 0, 32, "192.0.2.1:5", "192.0.2.0:5"},
	{"192.0.2.0/24", 0, 24, "192.0.2.255:5", "192.0.3.0:5"},
	{"192.0.2.128/25", 0, 25, "192.0.2.255:5", "192.0.2.127:5"},
	{"192.0.2.7/31", 0, 31, "192.0.2.6:5", "192.0.2.8:5"},
	{"192.0.2.1/0", 0, 0, "8.8.8.8:1", "[::]:1"},
	{"2001:db8::/32", 0, 32, "[2001:db8:ffff::1]:1", "[2001:db9::1]:1"},
	{"2001:db8::1", 0, 128, "[2001:db8::1]:1", "[2001:db8::2]:1"},
	{"2001:db8::8000/113", 0, 113, "[2001:db8::ffff]:1", "[2001:db8::7fff]:1"},
	{"::/0", 0, 0, "[ffff::]:1", "192.0.2.1:1"},
	{"192.0.2.0/33", -EINVAL, 0, NULL, NULL},
	{"2001:db8::/129", -EINVAL, 0, NULL, NULL},
	{"192.0.2.0/", -EINVAL, 0, NULL, NULL},
	{"192.0.2.0/-1", -EINVAL, 0, NULL, NULL},
	{"192.0.2.0/2 ", -EINVAL, 0, NULL, NULL},
	{"192.0.2.0/2/3", -EINVAL, 0, NULL, NULL},
	{"192.0.2.0:1", -EINVAL, 0, NULL, NULL},
	{"[2001:db8::]/32", -EINVAL, 0, NULL, NULL},
	{"/24", -EINVAL, 0, NULL, NULL},
	{"", -EINVAL, 0, NULL, NULL},
};

Test(endpoint, prefixes)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		struct lc_endpoint prefix, inside, outside;
		unsigned int length = 99;
		const char *text = prefixes[i].prefix;

		cr_expect_eq(lc_prefix_parse(&prefix, &length, text), prefixes[i].err, "%s", text);
		if (prefixes[i].err) {
			cr_expect_eq(length, 99, "%s: touched", text);
			continue;
		}
		inside = endpoint(prefixes[i].inside);
		outside = endpoint(prefixes[i].outside);
		cr_expect_eq(length, prefixes[i].length, "%s", text);
		cr_expect_eq(prefix.port, 0);
		cr_expect(lc_prefix_holds(&prefix, length, &inside), "%s", text);
		cr_expect_not(lc_prefix_holds(&prefix, length, &outside), "%s", text);
	}
}

Test(endpoint, sockaddr_there_and_back)
{
	static const char *const texts[] = {"192.0.2.1:9000", "[2001:db8::1]:9000"};

	for (size_t i = 0; i < 2; i++) {
		struct lc_endpoint from = endpoint(texts[i]), to;
		struct sockaddr_storage address;
		socklen_t length = lc_endpoint_to_sockaddr(&from, &address);

		cr_expect_eq(address.ss_family, i ? AF_INET6 : AF_INET);
		cr_expect_eq(length, i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		cr_expect_eq(lc_endpoint_from_sockaddr(&to, (void *)&address, length), 0);
		cr_expect(lc_endpoint_equal(&from, &to));
		/* one byte less than the family needs, and nothing at all */
		cr_expect_eq(lc_endpoint_from_sockaddr(&to, (void *)&address, length - 1), -EINVAL);
		cr_expect_eq(lc_endpoint_from_sockaddr(&to, (void *)&address, 0), -EINVAL);
	}
}

Test(endpoint, sockaddr_details)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
				   .sin6_port = htons(7),
				   .sin6_flowinfo = 1,
				   .sin6_scope_id = 3};
	struct sockaddr local = {.sa_family = AF_UNIX};
	struct lc_endpoint parsed, want = endpoint("[fe80::1]:7");

	inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr);
	cr_expect_eq(lc_endpoint_from_sockaddr(&parsed, (void *)&in6, sizeof(in6)), 0);
	cr_expect(lc_endpoint_equal(&parsed, &want), "scope ids are dropped");
	cr_expect_eq(lc_endpoint_from_sockaddr(&parsed, &local, sizeof(local)), -EAFNOSUPPORT);
}

static const struct {
	const char *text;
	bool any, unicast, members;
	unsigned int header;
} properties[] = {
	{"0.0.0.0:5", true, false, false, 28},
	{"0.0.0.1:5", false, true, false, 28},
	{"0.255.255.255:5", false, true, false, 28},
	{"1.0.0.0:5", false, true, true, 28},
	{"127.0.0.1:5", false, true, true, 28},
	{"169.254.1.1:5", false, true, true, 28},
	{"192.0.2.1:5", false, true, true, 28},
	{"223.255.255.255:5", false, true, true, 28},
	{"224.0.0.0:5", false, false, false, 28},
	{"239.255.255.255:5", false, false, false, 28},
	{"240.0.0.1:5", false, true, true, 28},
	{"255.255.255.255:5", false, false, false, 28},
	{"[::]:5", true, false, false, 48},
	{"[::1]:5", false, true, true, 48},
	{"[2001:db8::1]:5", false, true, true, 48},
	{"[fdff::1]:5", false, true, true, 48},
	/* fe80::/10, RFC 4291 2.5.6 */
	{"[fe7f:ffff::1]:5", false, true, true, 48},
	{"[fe80::1]:5", false, true, false, 48},
	{"[febf::1]:5", false, true, false, 48},
	{"[fec0::1]:5", false, true, true, 48},
	{"[ff02::1]:5", false, false, false, 48},
	/* ::ffff:0:0/96, RFC 4291 2.5.5.2 */
	{"[::ffff:192.0.2.1]:5", false, true, false, 48},
	{"[::ffff:0.0.0.0]:5", false, true, false, 48},
	{"[::fffe:192.0.2.1]:5", false, true, true, 48},
	{"[::1:ffff:192.0.2.1]:5", false, true, true, 48},
};

Test(endpoint, properties)
{
	for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
		struct lc_endpoint e = endpoint(properties[i].text);
		const char *text = properties[i].text;

		cr_expect_eq(lc_address_is_any(&e), properties[i].any, "%s", text);
		cr_expect_eq(lc_address_is_unicast(&e), properties[i].unicast, "%s", text);
		cr_expect_eq(lc_address_can_be_members(&e), properties[i].members, "%s", text);
		cr_expect_eq(lc_header_bytes(&e), properties[i].header, "%s", text);
	}
}

Test(endpoint, equality)
{
	struct lc_endpoint a = endpoint("192.0.2.1:5"), b = endpoint("192.0.2.1:6");
	struct lc_endpoint any = endpoint("0.0.0.0:5"), any6 = endpoint("[::]:5");

	cr_expect(lc_address_equal(&a, &b));
	cr_expect_not(lc_endpoint_equal(&a, &b));
	cr_expect_not(lc_address_equal(&any, &any6));
}
