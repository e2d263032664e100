/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The records in the pinned maps: what the daemon tells the kernel and what
 * the kernel counts. This header is the interface between bpf/ and ctl/plane/;
 * nobody else writes the maps.
 *
 *   map             type              key              value
 *   lc_config       array, mmap       0                struct lc_config
 *   lc_sessions     array, mmap       channel number   struct lc_session
 *   lc_session_use  array, mmap       channel number   struct lc_session_use
 *   lc_extents      array, mmap       slot             __u32 leaf number
 *   lc_leaves       array, mmap       leaf number      struct lc_leaf
 *   lc_leaf_use     array, mmap       leaf number      struct lc_leaf_use
 *   lc_admit_index  hash              __u64 cookie     __u32 admission number
 *   lc_admits       array, mmap       admission number struct lc_admit
 *   lc_admit_use    array, mmap       admission number struct lc_admit_use
 *   lc_uplinks      hash              lc_uplink_key    __u32 leaf number
 *   lc_drops        per-CPU array     enum lc_drop     __u64 datagrams
 *   lc_events       ring buffer                        struct lc_event
 *
 * Who writes: the daemon writes configuration through mmap while programs read
 * it, programs write the *_use records. A record is configured while nothing
 * refers to it and becomes visible by one aligned store (session.state,
 * session.extent, leaf.hop_in_use, admit.kind), and its number is used again
 * only after an RCU grace period. Number 0 of sessions, leaves and admissions
 * is never used.
 *
 * Membership: lc_extents[offset .. offset + count) holds the numbers of the
 * session's receiving leaves; 0 is the hole of one that left. Numbers never
 * move within an extent: a leave makes a hole, a join fills one or appends,
 * and a full extent or one with many holes is replaced by a fresh copy, by
 * storing lc_session.extent; the old one is used again after a grace period.
 * So a walk sees the members before or after the change, each once, and no
 * other leaf notices.
 *
 * State maps (*_use) are append-only across layouts. Layout changes that are
 * not raise LC_LAYOUT_VERSION.
 */
#ifndef ABI_RECORDS_H
#define ABI_RECORDS_H

#include "abi/bucket.h"
#include "abi/drops.h"
#include "abi/endpoint.h"

#define LC_LAYOUT_VERSION 1

/* Default capacities, number 0 included; set before the maps are created. */
#define LC_MAX_SESSIONS	    1024
#define LC_MAX_LEAVES	    8192
#define LC_MAX_ADMITS	    8192
#define LC_MAX_EXTENT_SLOTS (8 * LC_MAX_LEAVES)

struct lc_config {
	__u32 layout; /* LC_LAYOUT_VERSION */
	__u32 loopback_ifindex;
	__u64 probe_cookie[2]; /* the daemon's probe sockets: IPv4, IPv6 */
	__be32 pool4;	       /* 239.255.0.0: a channel is pool + number */
	__be32 pool6[4];       /* ff3e::: number in the last 32 bits */
	__u32 cut_ifindex;     /* ls0; 0: super-packets are policed whole */
	__u32 zero[8];
};
LC_ASSERT_SIZE(struct lc_config, 80);

/* A flowspec in the order and units of Winsock's FLOWSPEC (bytes, seconds, microseconds). */
struct lc_flowspec {
	__u32 token_rate;
	__u32 token_bucket;
	__u32 peak;
	__u32 latency_us;
	__u32 delay_variation_us;
	__u32 service;
	__u32 max_sdu;
	__u32 min_policed;
};
LC_ASSERT_SIZE(struct lc_flowspec, 32);

enum lc_session_state {
	LC_SESSION_FREE = 0,
	LC_SESSION_OPEN = 1,
};

#define LC_EXTENT(offset, count) ((__u64)(offset) << 32 | (__u32)(count))
#define LC_EXTENT_OFFSET(extent) ((__u32)((extent) >> 32))
#define LC_EXTENT_COUNT(extent)	 ((__u32)(extent))

struct lc_session {
	__u32 state; /* enum lc_session_state; stored last */
	__u32 zero;
	__u64 extent;		    /* LC_EXTENT(): stored atomically */
	__u64 sender_cookie;	    /* SO_COOKIE of the root's socket: nobody else may send */
	struct lc_endpoint root;    /* the name; its address may be the wildcard */
	struct lc_endpoint channel; /* where the root's socket sends; port as the root's */
	struct lc_policer policer;  /* the root's sending flowspec */
	struct lc_flowspec flow;    /* the same as the application gave it */
	__u64 opened_ns;	    /* CLOCK_MONOTONIC */
	__u64 reserved[4];
};
LC_ASSERT_SIZE(struct lc_session, 192);

struct lc_session_use {
	__u64 datagrams; /* sent by the root and conforming */
	__u64 bytes;	 /* of whole IP datagrams */
	struct lc_meter meter;
	__u64 drops[LC_DROP_SLOTS];
	__u64 reserved[4];
};
LC_ASSERT_SIZE(struct lc_session_use, 320);

/* How a copy leaves: the result of a route and a neighbour lookup. */
struct lc_hop {
	__u32 ifindex;
	__u32 mtu;   /* of whole IP datagrams */
	__u32 local; /* 1: into the loopback device's ingress; both addresses zero */
	__u8 destination[6];
	__u8 source[6];
	__u32 zero[2];
};
LC_ASSERT_SIZE(struct lc_hop, 32);

/*
 * Values of lc_leaf.hop_in_use. A change writes the hop not in use, then
 * stores its number; a second change waits for a grace period.
 */
enum lc_hop_in_use {
	LC_HOP_0 = 0,
	LC_HOP_1 = 1,
	LC_HOP_NO_ROUTE = 2,
	LC_HOP_NO_NEIGHBOUR = 3,
	LC_HOP_LINK_DOWN = 4,
};

struct lc_leaf {
	__u32 session;	  /* channel number; 0: free */
	__u32 hop_in_use; /* enum lc_hop_in_use */
	struct lc_hop hop[2];
	struct lc_endpoint from; /* source of copies: the anchor's address, the session's port */
	struct lc_endpoint to;	 /* the leaf's address and port */
	__u32 address_sum;	 /* one's complement sums, of both addresses as 16-bit words... */
	/* ...and of both ports, in network order, not folded to 16 bits */
	__u32 port_sum;
	__u32 hop_limit;	/* TTL of the copies */
	__u32 receives;		/* 1: in the session's extent; 0: a leaf that only sends */
	struct lc_policer down; /* root -> leaf */
	struct lc_policer up;	/* leaf -> root */
	struct lc_flowspec down_flow;
	struct lc_flowspec up_flow;
	__u64 joined_ns; /* CLOCK_MONOTONIC */
	__u64 reserved[4];
};
LC_ASSERT_SIZE(struct lc_leaf, 344);

struct lc_leaf_use {
	__u64 datagrams; /* copies handed to the device */
	__u64 bytes;
	struct lc_meter meter;
	__u64 up_datagrams; /* admitted at the root's socket */
	__u64 up_bytes;
	struct lc_meter up_meter;
	__u64 drops[LC_DROP_SLOTS];
	__u32 cut_sent;	   /* datagrams sent to ls0, modulo 2^32... */
	__u32 cut_settled; /* ...and those of them that came out of ls1 or are known not to */
	__u64 reserved[3];
};
LC_ASSERT_SIZE(struct lc_leaf_use, 352);

/*
 * What stands in place of both Ethernet addresses between ls0 and ls1 (see
 * bpf/cut.h): whose the packet is, and which of the leaf's datagrams on that
 * way it is or was cut from: [first .. end) in the count of cut_sent. In host
 * byte order.
 */
struct lc_cut_tag {
	__u32 leaf;
	__u32 first;
	__u32 end;
};
LC_ASSERT_SIZE(struct lc_cut_tag, 12);

/*
 * Admission: the filter on every socket of ours finds its record by the
 * receiving socket's cookie. No record, or LC_ADMIT_NOBODY: nothing passes.
 */
enum lc_admit_kind {
	LC_ADMIT_NOBODY = 0,
	LC_ADMIT_ANCHOR = 1, /* a leaf's socket: from `peer` on `ifindex` */
	LC_ADMIT_LEAVES = 2, /* a root's socket: from lc_uplinks of `session` */
};

struct lc_admit {
	__u32 kind;
	__u32 session;		 /* LC_ADMIT_LEAVES: channel number */
	struct lc_endpoint peer; /* LC_ADMIT_ANCHOR */
	__u32 ifindex;		 /* LC_ADMIT_ANCHOR: where it must arrive; 0: anywhere */
	/* LC_ADMIT_ANCHOR: a probe with it raises LC_EVENT_PROBED; 0: none is expected */
	__u64 token;
	__u32 receives; /* LC_ADMIT_ANCHOR: 0: probes only, the leaf takes no data */
	__u32 zero;
	__u64 cookie;
	__u64 reserved[2];
};
LC_ASSERT_SIZE(struct lc_admit, 72);

struct lc_admit_use {
	__u64 datagrams; /* let through to the socket's buffer */
	__u64 bytes;
	__u64 probes;
	__u64 drops[LC_DROP_SLOTS];
	__u64 reserved[4];
};
LC_ASSERT_SIZE(struct lc_admit_use, 312);

struct lc_uplink_key {
	__u32 session;
	struct lc_endpoint leaf;
};
LC_ASSERT_SIZE(struct lc_uplink_key, 24);

/*
 * A probe: sent by the daemon's own socket to a session's channel, copied by
 * the sender's program to that one leaf like data, but past the buckets;
 * taken off by the leaf's filter.
 */
#define LC_PROBE_MAGIC 0x6c656166636173ffull /* "leafcas\xff" */

struct lc_probe {
	__be64 magic;
	__be64 token;
	__be32 leaf; /* leaf number at the anchor */
	__be32 zero;
};
LC_ASSERT_SIZE(struct lc_probe, 24);

enum lc_event_kind {
	LC_EVENT_PROBED = 1,
};

struct lc_event {
	__u32 kind;
	__u32 admit; /* admission number */
	__u64 token;
};
LC_ASSERT_SIZE(struct lc_event, 16);

#endif
