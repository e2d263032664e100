/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "core/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static size_t address_bytes(const struct lc_endpoint *endpoint)
{
	return endpoint->family == LC_INET6 ? 16 : 4;
}

/* Decimal digits only, at most five of them: no sign, no blank, nothing after. */
static int parse_number(unsigned int *number, const char *text, unsigned int most)
{
	unsigned int value = 0;
	size_t length = strspn(text, "0123456789");

	if (length == 0 || length > 5 || text[length] != '\0')
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		value = value * 10 + (unsigned int)(text[i] - '0');
	if (value > most)
		return -EINVAL;
	*number = value;
	return 0;
}

/* The first `length` characters of `text` as an address of the given family. */
static int parse_address(struct lc_endpoint *endpoint, const char *text, size_t length,
			 enum lc_family family)
{
	char copy[INET6_ADDRSTRLEN];
	struct lc_endpoint parsed = {.family = (__u8)family};

	if (length >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (inet_pton(lc_endpoint_af(&parsed), copy, parsed.addr) != 1)
		return -EINVAL;
	*endpoint = parsed;
	return 0;
}

int lc_endpoint_parse(struct lc_endpoint *endpoint, const char *text)
{
	struct lc_endpoint parsed;
	unsigned int port;
	const char *colon;
	int err;

	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (!end || end[1] != ':')
			return -EINVAL;
		colon = end + 1;
		err = parse_address(&parsed, text + 1, (size_t)(end - text - 1), LC_INET6);
	} else {
		colon = strchr(text, ':');
		if (!colon)
			return -EINVAL;
		err = parse_address(&parsed, text, (size_t)(colon - text), LC_INET);
	}
	if (err)
		return err;
	err = parse_number(&port, colon + 1, UINT16_MAX);
	if (err)
		return err;
	parsed.port = htons((uint16_t)port);
	*endpoint = parsed;
	return 0;
}

int lc_prefix_parse(struct lc_endpoint *address, unsigned int *prefix_length, const char *text)
{
	size_t length = strcspn(text, "/");
	struct lc_endpoint parsed;
	unsigned int bits;
	int err;

	err = parse_address(&parsed, text, length, memchr(text, ':', length) ? LC_INET6 : LC_INET);
	if (err)
		return err;
	bits = (unsigned int)address_bytes(&parsed) * 8;
	if (text[length] == '/') {
		err = parse_number(&bits, text + length + 1, bits);
		if (err)
			return err;
	}
	*address = parsed;
	*prefix_length = bits;
	return 0;
}

bool lc_prefix_holds(const struct lc_endpoint *prefix, unsigned int prefix_length,
		     const struct lc_endpoint *endpoint)
{
	const uint8_t *want = (const uint8_t *)prefix->addr;
	const uint8_t *have = (const uint8_t *)endpoint->addr;
	unsigned int bytes = prefix_length / 8, bits = prefix_length % 8;

	if (prefix->family != endpoint->family || prefix_length > address_bytes(prefix) * 8)
		return false;
	if (memcmp(want, have, bytes) != 0)
		return false;
	return bits == 0 || (want[bytes] ^ have[bytes]) >> (8 - bits) == 0;
}

const char *lc_address_format(char text[LC_ENDPOINT_TEXT], const struct lc_endpoint *endpoint)
{
	if (endpoint->family != LC_INET && endpoint->family != LC_INET6)
		snprintf(text, LC_ENDPOINT_TEXT, "-");
	else
		inet_ntop(lc_endpoint_af(endpoint), endpoint->addr, text, LC_ENDPOINT_TEXT);
	return text;
}

const char *lc_endpoint_format(char text[LC_ENDPOINT_TEXT], const struct lc_endpoint *endpoint)
{
	char address[LC_ENDPOINT_TEXT];
	bool brackets = endpoint->family == LC_INET6;

	lc_address_format(address, endpoint);
	snprintf(text, LC_ENDPOINT_TEXT, "%s%.*s%s:%u", brackets ? "[" : "", INET6_ADDRSTRLEN,
		 address, brackets ? "]" : "", lc_endpoint_port(endpoint));
	return text;
}

int lc_endpoint_from_sockaddr(struct lc_endpoint *endpoint, const struct sockaddr *address,
			      socklen_t length)
{
	struct lc_endpoint result = {0};
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	sa_family_t family;

	if (length < sizeof(family))
		return -EINVAL;
	/* Copied, not cast: what an application passes need not be aligned. */
	memcpy(&family, &address->sa_family, sizeof(family));
	switch (family) {
	case AF_INET:
		if (length < sizeof(in))
			return -EINVAL;
		memcpy(&in, address, sizeof(in));
		result.family = LC_INET;
		result.addr[0] = in.sin_addr.s_addr;
		result.port = in.sin_port;
		break;
	case AF_INET6:
		if (length < sizeof(in6))
			return -EINVAL;
		memcpy(&in6, address, sizeof(in6));
		result.family = LC_INET6;
		memcpy(result.addr, &in6.sin6_addr, sizeof(in6.sin6_addr));
		result.port = in6.sin6_port;
		break;
	default:
		return -EAFNOSUPPORT;
	}
	*endpoint = result;
	return 0;
}

socklen_t lc_endpoint_to_sockaddr(const struct lc_endpoint *endpoint,
				  struct sockaddr_storage *address)
{
	memset(address, 0, sizeof(*address));
	if (endpoint->family == LC_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = endpoint->port;
		memcpy(&in6->sin6_addr, endpoint->addr, sizeof(in6->sin6_addr));
		return sizeof(*in6);
	}

	struct sockaddr_in *in = (struct sockaddr_in *)address;

	in->sin_family = AF_INET;
	in->sin_port = endpoint->port;
	in->sin_addr.s_addr = endpoint->addr[0];
	return sizeof(*in);
}

bool lc_endpoint_equal(const struct lc_endpoint *a, const struct lc_endpoint *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool lc_address_equal(const struct lc_endpoint *a, const struct lc_endpoint *b)
{
	return a->family == b->family && memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

bool lc_address_is_any(const struct lc_endpoint *endpoint)
{
	static const __be32 any[4];

	return memcmp(endpoint->addr, any, sizeof(any)) == 0;
}

bool lc_address_is_unicast(const struct lc_endpoint *endpoint)
{
	const uint8_t *bytes = (const uint8_t *)endpoint->addr;

	if (lc_address_is_any(endpoint))
		return false;
	switch (endpoint->family) {
	case LC_INET:
		return bytes[0] < 224 || (bytes[0] >= 240 && endpoint->addr[0] != INADDR_BROADCAST);
	case LC_INET6:
		return bytes[0] != 0xff;
	default:
		return false;
	}
}

bool lc_address_can_be_members(const struct lc_endpoint *endpoint)
{
	const struct in6_addr *in6 = (const struct in6_addr *)endpoint->addr;

	if (!lc_address_is_unicast(endpoint))
		return false;
	if (endpoint->family == LC_INET)
		return *(const uint8_t *)endpoint->addr != 0;
	return !IN6_IS_ADDR_V4MAPPED(in6) && !IN6_IS_ADDR_LINKLOCAL(in6);
}

uint16_t lc_endpoint_port(const struct lc_endpoint *endpoint)
{
	return ntohs(endpoint->port);
}

unsigned int lc_header_bytes(const struct lc_endpoint *endpoint)
{
	return endpoint->family == LC_INET6 ? 40 + 8 : 20 + 8;
}

int lc_endpoint_af(const struct lc_endpoint *endpoint)
{
	return endpoint->family == LC_INET6 ? AF_INET6 : AF_INET;
}
