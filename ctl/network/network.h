/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Links, addresses, routes and neighbours of this network namespace. The only
 * module that uses libnl. Functions return 0 or a negative errno; *error, one
 * sentence, says more where given.
 *
 * Order: netlink, sysctl, alias, change < udp, link, loopback, pool, neighbour < pair < device <
 *        path < paths, watch < network
 */
#ifndef CTL_NETWORK_NETWORK_H
#define CTL_NETWORK_NETWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "abi/records.h"
#include "base/error.h"
#include "core/path.h"

struct lc_network;

int lc_network_open(struct lc_network **network, struct lc_error *error);
/* Leaves the devices, for the next to adopt. Accepts NULL. */
void lc_network_close(struct lc_network *network);

/*
 * How the host was set before an earlier daemon changed it, as its devices
 * remember; LC_BEFORE_NOTHING: there are none; LC_BEFORE_LOST: they do not.
 */
int lc_network_remembered_host(struct lc_network *network, struct lc_host_before *before,
			       struct lc_error *error);
/* The same, and as it is set now where there are no devices: to be recorded before they are made. */
int lc_network_host_before(struct lc_network *network, struct lc_host_before *before,
			   struct lc_error *error);
/* Sets it so again if it is recorded. What is so already is not touched. */
int lc_network_restore_host(const struct lc_host_before *before, struct lc_error *error);

/*
 * Our own devices: the veth pair lc0/lc1, up, with the pool's routes
 * (239.255.0.0/17 in main, ff3e::/16 in table local, both multicast), a
 * link-local address on lc0 for IPv6 senders, no ARP/NDP noise, tx checksum
 * and segmentation offload on, MTU = the largest of this node's interfaces
 * (followed later; at least 1280), and lo's accept_local and route_localnet set.
 * Beside it the veth pair ls0/ls1, up, of the same MTU, without addresses or
 * IPv6, on which ls0 cuts super-packets up (gso_max_segs 1). lo itself is not set
 * up: while it is down, members on this node are LC_HOP_LINK_DOWN.
 *
 * Pairs that an earlier daemon left are adopted, and what they lack is mended; what
 * they have is not touched, so copies under way go on. A pair that is not whole
 * is made anew. A link that is not ours (no "leafcast" alias) is -EEXIST. After a
 * failure pairs that were adopted are there, and none that this call made. All
 * four name `bpf_dir`, where their plane is pinned (-ENAMETOOLONG: it does not fit),
 * and remember `before`, if recorded.
 */
struct lc_network_devices {
	uint32_t sender;  /* lc0 */
	uint32_t cut;	  /* ls0 */
	uint32_t cut_end; /* ls1 */
};

int lc_network_make_devices(struct lc_network *network, const struct lc_host_before *before,
			    const char *bpf_dir, struct lc_network_devices *devices,
			    struct lc_error *error);
/* Removes what lc_network_make_devices() has made here, and nothing that it found. */
void lc_network_unmake_devices(struct lc_network *network);
/*
 * Calls `each` with the directory that each of our devices in this network
 * namespace names; those of earlier daemons name none. `each` may not use `network`.
 */
int lc_network_each_plane(struct lc_network *network,
			  void (*each)(void *context, const char *bpf_dir), void *context);
/*
 * Removes every device that daemons in this network namespace have made, half-made
 * ones and renamed ones too. Returns how many links that were, or a negative errno.
 */
int lc_network_remove_devices(struct lc_network *network, struct lc_error *error);

/* ---- paths ---- */

/*
 * Looks up route, link and neighbour for the datagram of `query`, as the host itself
 * would. Starts neighbour resolution where needed and returns NO_NEIGHBOUR meanwhile;
 * a later change notification follows. -EADDRNOTAVAIL: `query->from` is no address of
 * this node; -EAFNOSUPPORT: its family is another; -EINVAL: `query->to` is not unicast.
 * -ENETUNREACH never: that is usable = LC_HOP_NO_ROUTE.
 */
int lc_network_path(struct lc_network *network, const struct lc_path_query *query,
		    struct lc_path *path);

/*
 * The use of a path that is kept: looked up once for all who ask the same, and told
 * when it is another one. All zero: of none; in its owner's memory until it has left.
 */
struct lc_kept_path;
struct lc_path_use {
	struct lc_kept_path *path;
	LIST_ENTRY(lc_path_use) entry;
};

/* In place of the one used before. Errors as above, of which the use is kept all the same; -ENOMEM: it is not. */
int lc_network_use_path(struct lc_network *network, struct lc_path_use *use,
			const struct lc_path_query *query, struct lc_path *path);
/* Also if it is of none. */
void lc_network_leave_path(struct lc_network *network, struct lc_path_use *use);
/*
 * Of the paths that what has changed may have to do with, looks up again `most`. Each
 * user of one that came out differently is told; it may use others or leave from
 * within. True: there are more.
 */
bool lc_network_follow(struct lc_network *network, unsigned int most,
		       void (*moved)(void *context, struct lc_path_use *use), void *context);
/* Looks up again those that were looked at the longest ago, `most` of them: netlink does not tell of PMTU exceptions. */
void lc_network_look_again(struct lc_network *network, unsigned int most,
			   void (*moved)(void *context, struct lc_path_use *use), void *context);

/* Whether the address is one of this node's own (unicast). */
bool lc_network_is_local(struct lc_network *network, const struct lc_endpoint *endpoint);

/*
 * The SO_COOKIE of every UDP socket of this network namespace that is bound; of
 * one that is not the kernel does not tell. -ENOENT: the kernel does not tell of any.
 * After a failure some may not have been named.
 */
int lc_network_each_udp_socket(void (*each)(void *context, uint64_t cookie), void *context);

/* MTU of an interface; 0: unknown. */
uint32_t lc_network_mtu(struct lc_network *network, uint32_t ifindex);
/* IFF_UP and running. */
bool lc_network_is_up(struct lc_network *network, uint32_t ifindex);

/*
 * Readable when links, addresses, routes, next hops, rules or neighbours changed; then
 * call lc_network_process(), which calls `changed` at most once: lc_network_follow()
 * has something to do. Lost notifications (ENOBUFS) count as a change of everything.
 */
int lc_network_fd(const struct lc_network *network);
int lc_network_process(struct lc_network *network, void (*changed)(void *context), void *context);

#endif
