// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "packet.h"

#include <arpa/inet.h>
#include <string.h>

void put16(uint8_t *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value & 0xff;
}

uint16_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

struct lc_endpoint endpoint(const char *address, uint16_t port)
{
	struct lc_endpoint made = {.port = htons(port), .family = LC_INET};

	if (inet_pton(AF_INET, address, made.addr) != 1) {
		made.family = LC_INET6;
		inet_pton(AF_INET6, address, made.addr);
	}
	return made;
}

uint32_t rfc1071_sum(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i += 2)
		sum += bytes[i] << 8 | (i + 1 < length ? bytes[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static bool is_ipv4(const struct packet *packet)
{
	return get16(packet->bytes + 12) == 0x0800;
}

size_t packet_ip_bytes(const struct packet *packet)
{
	return is_ipv4(packet) ? (packet->bytes[ETH_BYTES] & 15) * 4u : IPV6_BYTES;
}

uint8_t *packet_ip(struct packet *packet)
{
	return packet->bytes + ETH_BYTES;
}

uint8_t *packet_udp(struct packet *packet)
{
	return packet->bytes + ETH_BYTES + packet_ip_bytes(packet);
}

uint8_t *packet_payload(struct packet *packet)
{
	return packet_udp(packet) + UDP_BYTES;
}

size_t packet_payload_bytes(const struct packet *packet)
{
	return packet->length - ETH_BYTES - packet_ip_bytes(packet) - UDP_BYTES;
}

bool packet_is_udp(const struct packet *packet)
{
	const uint8_t *ip = packet->bytes + ETH_BYTES;

	if (packet->length < ETH_BYTES + IPV4_BYTES + UDP_BYTES)
		return false;
	if (is_ipv4(packet))
		return ip[9] == 17;
	return get16(packet->bytes + 12) == 0x86dd && ip[6] == 17;
}

uint16_t packet_port_to(const struct packet *packet)
{
	return get16(packet->bytes + ETH_BYTES + packet_ip_bytes(packet) + 2);
}

/* Pseudo-header, UDP header and payload. */
static uint32_t udp_sum(const struct packet *packet)
{
	const uint8_t *ip = packet->bytes + ETH_BYTES;
	const uint8_t *udp = ip + packet_ip_bytes(packet);
	size_t length = packet->bytes + packet->length - udp;
	uint8_t last[4] = {0, 17, length >> 8, length & 0xff};
	uint32_t sum = is_ipv4(packet) ? rfc1071_sum(0, ip + 12, 8) : rfc1071_sum(0, ip + 8, 32);

	sum = rfc1071_sum(sum, last, sizeof(last));
	return rfc1071_sum(sum, udp, length);
}

void packet_seal_ipv4(struct packet *packet)
{
	uint8_t *ip = packet_ip(packet);

	put16(ip + 10, 0);
	put16(ip + 10, ~rfc1071_sum(0, ip, packet_ip_bytes(packet)) & 0xffff);
}

void packet_seal_udp(struct packet *packet)
{
	uint8_t *check = packet_udp(packet) + 6;
	uint16_t sum;

	put16(check, 0);
	sum = ~udp_sum(packet) & 0xffff;
	put16(check, sum ? sum : 0xffff);
}

bool packet_sums_right(const struct packet *packet)
{
	const uint8_t *ip = packet->bytes + ETH_BYTES;

	if (is_ipv4(packet) && rfc1071_sum(0, ip, packet_ip_bytes(packet)) != 0xffff)
		return false;
	return get16(ip + packet_ip_bytes(packet) + 6) != 0 && udp_sum(packet) == 0xffff;
}

struct packet packet_make(const struct packet_spec *spec)
{
	struct packet packet = {0};
	bool ipv4 = spec->from.family == LC_INET;
	uint8_t *ip = packet_ip(&packet), *udp;
	size_t udp_bytes = UDP_BYTES + spec->payload_bytes;

	memcpy(packet.bytes, spec->mac_to, 6);
	memcpy(packet.bytes + 6, spec->mac_from, 6);
	put16(packet.bytes + 12, ipv4 ? 0x0800 : 0x86dd);
	if (ipv4) {
		ip[0] = 0x45;
		put16(ip + 2, IPV4_BYTES + udp_bytes);
		put16(ip + 4, spec->ip_id);
		ip[8] = spec->hop_limit;
		ip[9] = 17;
		memcpy(ip + 12, spec->from.addr, 4);
		memcpy(ip + 16, spec->to.addr, 4);
	} else {
		ip[0] = 0x60;
		put16(ip + 4, udp_bytes);
		ip[6] = 17;
		ip[7] = spec->hop_limit;
		memcpy(ip + 8, spec->from.addr, 16);
		memcpy(ip + 24, spec->to.addr, 16);
	}
	udp = packet_udp(&packet);
	memcpy(udp, &spec->from.port, 2);
	memcpy(udp + 2, &spec->to.port, 2);
	put16(udp + 4, udp_bytes);
	memcpy(udp + UDP_BYTES, spec->payload, spec->payload_bytes);
	packet.length = udp + udp_bytes - packet.bytes;
	if (ipv4)
		packet_seal_ipv4(&packet);
	if (!spec->no_udp_sum)
		packet_seal_udp(&packet);
	return packet;
}
