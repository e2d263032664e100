/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Endpoints (include/abi/endpoint.h) as text, as sockaddr, and their properties. Pure.
 *
 * No header has the module's name, so its order stands here.
 * Order: endpoint, reason, join, flowspec < flowspec_text
 */
#ifndef CTL_CORE_ENDPOINT_H
#define CTL_CORE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "abi/endpoint.h"

/* "[2001:db8::1]:65535" and its end. */
#define LC_ENDPOINT_TEXT 64

/*
 * "ADDR:PORT" or "[ADDR6]:PORT", numbers only, port 0 to 65535. -EINVAL:
 * anything else; *endpoint is then untouched.
 */
int lc_endpoint_parse(struct lc_endpoint *endpoint, const char *text);
/* "ADDR" or "ADDR/LEN" of either family; without /LEN the whole address. -EINVAL. */
int lc_prefix_parse(struct lc_endpoint *address, unsigned int *prefix_length, const char *text);
/* Whether the address lies in the prefix; the port does not matter. */
bool lc_prefix_holds(const struct lc_endpoint *prefix, unsigned int prefix_length,
		     const struct lc_endpoint *endpoint);

/* Writes text (always terminated) and returns it: for use as a printf argument. */
const char *lc_endpoint_format(char text[LC_ENDPOINT_TEXT], const struct lc_endpoint *endpoint);
/* The address alone, without port and brackets. */
const char *lc_address_format(char text[LC_ENDPOINT_TEXT], const struct lc_endpoint *endpoint);

/* -EAFNOSUPPORT: neither AF_INET nor AF_INET6; -EINVAL: length too small for the family. Scope ids are dropped. */
int lc_endpoint_from_sockaddr(struct lc_endpoint *endpoint, const struct sockaddr *address,
			      socklen_t length);
/* Returns the length used. */
socklen_t lc_endpoint_to_sockaddr(const struct lc_endpoint *endpoint,
				  struct sockaddr_storage *address);

bool lc_endpoint_equal(const struct lc_endpoint *a, const struct lc_endpoint *b);
bool lc_address_equal(const struct lc_endpoint *a, const struct lc_endpoint *b);
bool lc_address_is_any(const struct lc_endpoint *endpoint);
/* Unicast: not any, not multicast, not 255.255.255.255. */
bool lc_address_is_unicast(const struct lc_endpoint *endpoint);
/*
 * Whether a member can have this address, as far as the number tells: unicast,
 * not of 0.0.0.0/8 ("this network", RFC 1122 3.2.1.3), not IPv4-mapped (an
 * IPv6 member's socket carries no IPv4) and not IPv6 link-local, which needs a
 * scope that struct lc_endpoint has not.
 */
bool lc_address_can_be_members(const struct lc_endpoint *endpoint);
uint16_t lc_endpoint_port(const struct lc_endpoint *endpoint); /* host order */
/* 20 + 8 or 40 + 8: bytes of IP and UDP header before a payload. */
unsigned int lc_header_bytes(const struct lc_endpoint *endpoint);
/* AF_INET or AF_INET6. */
int lc_endpoint_af(const struct lc_endpoint *endpoint);

#endif
