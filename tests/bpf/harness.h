/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A network namespace of the test's own with a plane in it:
 *
 *     root's socket --> lc0 [lc_sender] ==> tap0 ==> this process, as bytes
 *       10.9.0.1        (lc1)          \==> lo   ==> sockets in here
 *       fd09::1         ls0 --> ls1 [lc_segments] ==> both, of what is policed one by one
 *
 * tap0 offers no offloads, so what is read from it is what a wire would carry:
 * segmented and with whole checksums. What is written to it arrives from a
 * wire. Criterion gives each test a process; the namespace and the devices go
 * with it.
 */
#ifndef TESTS_BPF_HARNESS_H
#define TESTS_BPF_HARNESS_H

#include <criterion/criterion.h>

#include "core/local.h"
#include "packet.h"
#include "plane/internal.h"

#define ROOT4	  "10.9.0.1"
#define ROOT6	  "fd09::1"
#define ROOT_PORT 5000

struct net {
	int tap;
	uint32_t lc0, lo, tap0;
	char bpf_dir[64];
	struct lc_plane_options options;
	struct lc_plane_devices devices;
	struct lc_plane *plane;
};

/* Cannot fail but by failing the test. */
void net_open(struct net *net);
/* The same with capacities. */
void net_open_sized(struct net *net, uint32_t sessions, uint32_t leaves, uint32_t admits);
/* Namespace and devices without a plane. */
void net_open_bare(struct net *net);
void net_close(struct net *net);
/* Ends the plane as a killed daemon would... */
void net_kill(struct net *net);
/* ...and begins the next, from what is left if there is any: opened and attached, or neither. */
int net_start(struct net *net, struct lc_error *error);

/* A UDP socket bound to address:port that sends multicast by lc0. */
int net_socket(const struct net *net, const char *address, uint16_t port);
void send_to(int socket, const struct lc_endpoint *to, const void *data, size_t bytes, int flags);

struct session {
	uint32_t number;
	int root;
	struct lc_endpoint name, channel;
};

struct session net_session(struct net *net, const char *root, const struct lc_policer *policer);

/* A leaf behind tap0, entered: 10.9.0.(10 + i) or fd09::(10 + i), port 6000 + i, MAC 02::i. */
uint32_t net_leaf(struct net *net, const struct session *session, unsigned int i,
		  const struct lc_policer *policer);
/* A leaf of the root's own node, entered; it receives at address:port. */
uint32_t net_local_leaf(struct net *net, const struct session *session, const char *address,
			uint16_t port);
/* What leaf i gets of a datagram, built from scratch. */
struct packet leaf_packet(const struct session *session, unsigned int i, const void *payload,
			  size_t bytes);
struct lc_leaf_spec leaf_spec(const struct session *session, struct lc_endpoint to);
struct lc_hop leaf_hop(const struct net *net, unsigned int i);

/* The next UDP packet out of tap0; false if there is none. */
bool tap_read(const struct net *net, struct packet *packet);
void tap_write(const struct net *net, const struct packet *packet);

/* lc_drops now. */
void read_drops(const struct net *net, uint64_t drops[LC_DROP_COUNT]);
uint64_t sum_counts(const uint64_t drops[LC_DROP_COUNT]);
/* Of all slots, those without a name too. */
uint64_t sum_drops(const struct lc_drops *drops);

/* Waits for the plane's descriptor and processes; false after 3 s of nothing. */
bool net_process(struct net *net, void (*probed)(void *context, uint32_t admit, uint64_t token),
		 void *context);

/* A policer with one bucket: bytes/s and bytes. */
struct lc_policer policer(uint64_t rate, uint64_t depth);

#endif
