/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The records in the pinned maps: what the daemon tells the kernel and what
 * the kernel counts. abi/maps.h lists the maps. Both are the interface between
 * bpf/ and ctl/plane/; nobody else writes the maps.
 *
 * Who writes: the daemon writes configuration through mmap while programs read
 * it, programs write the *_use records. A record is configured while nothing
 * refers to it and becomes visible by one aligned store (session.state,
 * session.extent, leaf.hop_in_use; admissions change under a version), and its
 * number is used again only after an RCU grace period. Number 0 of sessions,
 * leaves and admissions is never used.
 *
 * The records say all there is to know about members: a daemon that finds them
 * goes on from them as the one that wrote them would have, wherever that one
 * was killed. What is decided is stored before it is carried out where it takes
 * something away (lc_leaf.entered = 0), and after where it gives.
 *
 * Receivers: lc_extents[offset .. offset + count) holds the numbers of the
 * session's receiving leaves; 0 is the hole of one that left. Numbers never
 * move within an extent: a leave makes a hole, a join fills one or appends,
 * and a full extent or one with many holes is replaced by a fresh copy, by
 * storing lc_session.extent; the old one is used again after a grace period.
 * So a walk sees the receivers before or after the change, each once, and no
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

/*
 * Whoever finds another layout than its own goes on with it if that is no more
 * than one older (LC_LAYOUT_ADOPTS), or says that it may (LC_LAYOUT_READABLE_BY):
 * then what is new are slots of LC_DROPS, fields out of a reserve, which were zero, and
 * maps, at the end of their list. Layout 4 has lc_farewells, which 3 has not.
 * `make LAYOUT=next` builds one that has one of each.
 */
#ifdef LC_LAYOUT_NEXT
#define LC_LAYOUT_VERSION 5
#else
#define LC_LAYOUT_VERSION 4
#endif
/* The oldest layout whose programs and daemon may go on with records of this one. */
#define LC_LAYOUT_READABLE_BY (LC_LAYOUT_VERSION - 1)
/* The oldest layout with whose records those of this one may go on. */
#define LC_LAYOUT_ADOPTS (LC_LAYOUT_VERSION - 1)
/* The oldest layout with an lc_config.before. */
#define LC_LAYOUT_WITH_BEFORE 3

/* Default capacities, number 0 included; set before the maps are created. */
#define LC_MAX_SESSIONS 1024
#define LC_MAX_LEAVES	8192
#define LC_MAX_ADMITS	8192
/* Of lc_farewells, whatever the others are: it is not made anew, since it may hold some when all members are gone. */
#define LC_MAX_FAREWELLS 16384

/*
 * What the host's settings were before Leafcast changed them, for who takes it
 * all down; written before they are changed, and once. Our devices' aliases say
 * it too (ctl/network/alias.h), and neither place can do without the other: pins
 * and devices are each lost alone, by a hand or with their mount, and a purge that
 * is killed has removed all of the pins and not yet the devices. What is left of
 * either then still tells.
 */
enum lc_before {
	LC_BEFORE_NOTHING = 0, /* nobody has changed them */
	LC_BEFORE_RECORDED = 1,
	/* Who changed them has recorded nothing: the values are those that it set. */
	LC_BEFORE_LOST = 2,
};

struct lc_host_before {
	__u32 recorded;			    /* enum lc_before; stored last */
	__s32 accept_local, route_localnet; /* net.ipv4.conf.lo */
	__u32 zero;
};
LC_ASSERT_SIZE(struct lc_host_before, 16);
#define LC_HOST_LOST                                                                \
	{                                                                           \
		.recorded = LC_BEFORE_LOST, .accept_local = 1, .route_localnet = 1, \
	}

struct lc_config {
	__u32 layout; /* LC_LAYOUT_VERSION: in every layout the first field */
	__u32 loopback_ifindex;
	__u64 probe_cookie[2]; /* the daemon's probe sockets: IPv4, IPv6 */
	__be32 pool4;	       /* 239.255.0.0: a channel is pool + number */
	__be32 pool6[4];       /* ff3e::: number in the last 32 bits */
	__u32 cut_ifindex;     /* ls0; 0: super-packets are policed whole */
	__u32 readable_by;     /* LC_LAYOUT_READABLE_BY of who wrote it: in every layout here */
	__u32 zero;
	/* CLOCK_MONOTONIC; from then on nothing is copied and nobody admitted; 0: no end */
	__u64 alive_until_ns;
	struct lc_host_before before;
	__u64 reserved[22];
};
LC_ASSERT_SIZE(struct lc_config, 256);

/* What the daemon, not a program, counts on this node. */
struct lc_node_use {
	struct lc_drops drops;
	__u64 reserved[16];
};
LC_ASSERT_SIZE(struct lc_node_use, 640);

#ifdef LC_LAYOUT_NEXT
/* What the programs of this layout count on this node, whatever the session. */
struct lc_next_use {
	__u64 walks;
	__u64 reserved[15];
};
LC_ASSERT_SIZE(struct lc_next_use, 128);
#endif

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

/* 128 bits at random. */
struct lc_identity {
	__u8 bytes[16];
};
LC_ASSERT_SIZE(struct lc_identity, 16);

/*
 * What lets one end of a membership go on after its daemon, or the other end's,
 * was away (core/message.h). No program reads it. `number` is stored last and
 * withdrawn first: without it there is no membership.
 */
struct lc_resumption {
	__u64 number; /* by which the two nodes name the membership; 0: none */
	__u32 end;    /* 1 + enum lc_join_end of core/join.h: this end */
	__u32 left;   /* a leaf's: enum leafcast_reason of the root's LEAVE; 0: it has not left */
	struct lc_identity secret;     /* of the join, known to both ends alone */
	struct lc_endpoint own, other; /* the nodes' addresses, port 0 */
	__u64 admitted_before;	       /* a leaf's: datagrams before it was a member */
	__u64 expected;		       /* a leaf's whose root left: how many were sent to it */
	__u64 handle_cookie; /* a root's: SO_COOKIE of the socket that stands for the leaf */
};
LC_ASSERT_SIZE(struct lc_resumption, 96);

struct lc_farewell_key {
	__u64 number;
	__u32 end; /* both ends of a membership within a node have one number */
	__u32 zero;
};
LC_ASSERT_SIZE(struct lc_farewell_key, 16);

/*
 * One end of a membership that is over, as long as the other node is not known to
 * have read so: what is to be said, and how one proves to that node that one may.
 * Stored before the record of that end goes; where that is still there, it alone has
 * the counts. No program reads it.
 */
struct lc_farewell {
	struct lc_resumption resumption; /* number, end, secret, own, other; the rest 0 */
	__u32 why;			 /* enum leafcast_reason of the LEAVE */
	__u32 zero;
	__u64 datagrams, bytes, buffer_drops; /* of the LEAVE */
	__u64 left_ns; /* CLOCK_MONOTONIC; for the grace time from then on it is kept */
	__u64 reserved[17];
};
LC_ASSERT_SIZE(struct lc_farewell, 272);

enum lc_session_state {
	LC_SESSION_FREE = 0,
	LC_SESSION_OPEN = 1,
};

#define LC_EXTENT(offset, count) ((__u64)(offset) << 32 | (__u32)(count))
#define LC_EXTENT_OFFSET(extent) ((__u32)((extent) >> 32))
#define LC_EXTENT_COUNT(extent)	 ((__u32)(extent))

/* What routing may ask about a sender's socket besides addresses and ports. */
struct lc_route_keys {
	__u32 uid;    /* its owner */
	__u32 mark;   /* SO_MARK */
	__u32 device; /* SO_BINDTOIFINDEX: a VRF or any other; 0: not bound to one */
	__u32 tos;    /* IP_TOS or IPV6_TCLASS, without the two bits of ECN */
};
LC_ASSERT_SIZE(struct lc_route_keys, 16);

struct lc_session {
	__u32 state; /* enum lc_session_state; stored last */
	__u32 zero;
	__u64 extent;		     /* LC_EXTENT(): stored atomically */
	__u64 sender_cookie;	     /* SO_COOKIE of the root's socket: nobody else may send */
	struct lc_endpoint root;     /* the name; its address may be the wildcard */
	struct lc_endpoint channel;  /* where the root's socket sends; port as the root's */
	struct lc_policer policer;   /* the root's sending flowspec */
	struct lc_flowspec flow;     /* the same as the application gave it */
	__u64 opened_ns;	     /* CLOCK_MONOTONIC */
	struct lc_identity identity; /* this session's and no other's, anywhere */
	/*
	 * Slots of the extent, those behind its end included. Less than the extent's
	 * count: the count is meant (a daemon that was killed between two stores).
	 */
	__u32 extent_capacity;

	/* The daemon's own, which programs do not read. */
	__u32 uid;			 /* the user whose session it is */
	__u32 root_receives;		 /* takes what leaves send */
	__u32 directions_fixed;		 /* ...for good */
	struct lc_route_keys route_keys; /* of the root's socket, when it was last asked */
	__u64 reserved[22];
};
LC_ASSERT_SIZE(struct lc_session, 384);

struct lc_session_use {
	__u64 datagrams; /* sent by the root and conforming */
	__u64 bytes;	 /* of whole IP datagrams */
	struct lc_meter meter;
	struct lc_drops drops;
#ifdef LC_LAYOUT_NEXT
	__u64 walks; /* of the session's leaves, begun */
	__u64 reserved[19];
#else
	__u64 reserved[20];
#endif
};
LC_ASSERT_SIZE(struct lc_session_use, 704);

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

enum lc_leaf_kind {
	LC_LEAF_OF_ROOT = 0, /* a rooted session's leaf */
};

/*
 * Programs read the first two cache lines of each leaf and the policer. Its
 * size and that of struct lc_leaf_use are odd numbers of such lines, so that a
 * walk over many leaves uses all sets of a cache.
 */
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
	__u32 receives;		/* 1: when it has entered, in the session's extent */
	struct lc_policer down; /* root -> leaf */
	struct lc_policer up;	/* leaf -> root */
	struct lc_flowspec down_flow;
	struct lc_flowspec up_flow;
	__u64 joined_ns; /* CLOCK_MONOTONIC */

	/* The daemon's own, which programs do not read. */
	__u32 sends;	 /* 1: when it has entered, in lc_uplinks */
	__u32 entered;	 /* 1: data flows, as `receives` and `sends` say */
	__u32 hop_last;	 /* the one of hop[] that was in use last */
	__u32 hop_waits; /* 1: hop_wanted is to be used when nobody reads the spare hop any more */
	struct lc_hop hop_wanted;
	__u32 kind; /* enum lc_leaf_kind */
	__u32 zero;
	struct lc_resumption resumption;
	__u64 reserved[30];
};
LC_ASSERT_SIZE(struct lc_leaf, 704);

struct lc_leaf_use {
	__u64 datagrams; /* copies handed to the device */
	__u64 bytes;
	struct lc_meter meter;
	__u32 cut_sent;	   /* datagrams sent to ls0, modulo 2^32... */
	__u32 cut_settled; /* ...and those of them that came out of ls1 or are known not to */
	__u64 zero[3];
	__u64 up_datagrams; /* admitted at the root's socket */
	__u64 up_bytes;
	struct lc_meter up_meter;
	struct lc_drops drops;
	__u64 reserved[28];
};
LC_ASSERT_SIZE(struct lc_leaf_use, 832);

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

struct lc_admit_rule {
	__u32 kind;		 /* enum lc_admit_kind */
	__u32 session;		 /* LC_ADMIT_LEAVES: channel number */
	struct lc_endpoint peer; /* LC_ADMIT_ANCHOR */
	/* LC_ADMIT_ANCHOR: lo: it must arrive there, the anchor is on this node; any other: not there */
	__u32 ifindex;
	/* LC_ADMIT_ANCHOR: a probe with it raises LC_EVENT_PROBED; 0: none is expected */
	__u64 token;
	__u32 receives; /* LC_ADMIT_ANCHOR: 0: probes only, the leaf takes no data */
	__u32 zero;
};
LC_ASSERT_SIZE(struct lc_admit_rule, 48);

/*
 * A rule is read whole or not at all: `version` is odd while it is written, and
 * differs after. Only ifindex, token and receives change by a store of their own.
 */
struct lc_admit {
	__u32 version;
	__u32 zero;
	struct lc_admit_rule rule;
	__u64 cookie; /* SO_COOKIE; 0: a free record */

	/* The daemon's own, which programs do not read. */
	__u32 uid;		     /* the user whose socket it is */
	__u32 role;		     /* enum lc_local_role of core/local.h */
	struct lc_endpoint name;     /* a leaf's: where it receives */
	__u32 sends;		     /* a leaf's: whether it does */
	struct lc_identity identity; /* a leaf's: of its session */
	struct lc_resumption resumption;
	__u64 reserved[30];
};
LC_ASSERT_SIZE(struct lc_admit, 448);

struct lc_admit_use {
	__u64 datagrams; /* let through to the socket's buffer */
	__u64 bytes;
	__u64 probes;
	struct lc_drops drops;
	__u64 reserved[21];
};
LC_ASSERT_SIZE(struct lc_admit_use, 704);

struct lc_uplink_key {
	__u32 session;
	struct lc_endpoint leaf;
};
LC_ASSERT_SIZE(struct lc_uplink_key, 24);

/*
 * For people, by bpftool and `leafcast show`: lc_members has an entry for each
 * member and nothing else, written by the daemon from the records that it names.
 * Nothing that is done with a member depends on it, and no program reads it.
 */
enum lc_member_kind {
	LC_MEMBER_ROOT = 1,   /* of a session of this node: lc_sessions, lc_session_use */
	LC_MEMBER_LEAF = 2,   /* copied to by this node: lc_leaves, lc_leaf_use */
	LC_MEMBER_SOCKET = 3, /* of an application on this node: lc_admits, lc_admit_use */
};

enum lc_member_state {
	LC_MEMBER_IDLE =
		0, /* no data may flow: a leaf that joins or has left, a socket of neither */
	LC_MEMBER_FLOWING = 1,
	/* A leaf that has entered, and why copies do not reach it */
	LC_MEMBER_NO_ROUTE = 2,
	LC_MEMBER_NO_NEIGHBOUR = 3,
	LC_MEMBER_LINK_DOWN = 4,
};

struct lc_member_key {
	enum lc_member_kind kind;
	__u32 number; /* of the records in the two maps that the kind names */
};
LC_ASSERT_SIZE(struct lc_member_key, 8);

struct lc_member_end {
	__u8 address[16]; /* IPv4: the first four bytes */
	__u16 port;	  /* host byte order */
	__u8 family;	  /* enum lc_family */
	__u8 zero;
};
LC_ASSERT_SIZE(struct lc_member_end, 20);

struct lc_member {
	enum lc_member_state state;
	__u32 session; /* channel number; 0: a leaf's socket, whose session is another node's affair */
	__u32 ifindex; /* that data to or from `remote` takes; 0: none, or any */
	/*
	 * CLOCK_MONOTONIC, in seconds and 1 at least: since when a leaf or a leaf's
	 * socket is suspended: the other node's daemon is away, and data goes on; 0: it is not
	 */
	__u32 suspended_since_s;
	struct lc_member_end local;  /* a root's name, the source of a leaf's copies */
	struct lc_member_end remote; /* a root's channel, a leaf, a socket's anchor */
	__u64 cookie;		     /* of the member's socket, if it is on this node */
	__u64 since_ns;		     /* CLOCK_MONOTONIC; 0 for a socket */
};
LC_ASSERT_SIZE(struct lc_member, 72);

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
