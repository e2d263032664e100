/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Packets as bytes: built and checked by the RFCs, without any of the code
 * under test.
 */
#ifndef TESTS_BPF_PACKET_H
#define TESTS_BPF_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/endpoint.h"

struct packet {
	uint8_t bytes[2048];
	size_t length;
};

struct packet_spec {
	struct lc_endpoint from, to;
	uint8_t mac_to[6], mac_from[6];
	uint8_t hop_limit;
	uint16_t ip_id; /* IPv4 */
	bool no_udp_sum;
	const void *payload;
	size_t payload_bytes;
};

#define ETH_BYTES  14
#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define UDP_BYTES  8

/* "10.0.0.1" or "fd00::1" */
struct lc_endpoint endpoint(const char *address, uint16_t port);

struct packet packet_make(const struct packet_spec *spec);

/* The Internet checksum of RFC 1071 over `bytes`, added to a sum so far; not inverted. */
uint32_t rfc1071_sum(uint32_t sum, const uint8_t *bytes, size_t length);
/* Writes IPv4's header checksum anew. */
void packet_seal_ipv4(struct packet *packet);
/* Writes UDP's checksum anew over pseudo-header, header and payload (RFC 768, RFC 8200 8.1). */
void packet_seal_udp(struct packet *packet);
/* Whether both checksums of a whole packet are right, the way a receiver looks. */
bool packet_sums_right(const struct packet *packet);

size_t packet_ip_bytes(const struct packet *packet);
uint8_t *packet_ip(struct packet *packet);
uint8_t *packet_udp(struct packet *packet);
uint8_t *packet_payload(struct packet *packet);
size_t packet_payload_bytes(const struct packet *packet);
bool packet_is_udp(const struct packet *packet);
uint16_t packet_port_to(const struct packet *packet);

void put16(uint8_t *at, unsigned int value);
uint16_t get16(const uint8_t *at);

#endif
