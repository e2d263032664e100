/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What two nodes say to each other, as the rest of the code sees it; the bytes
 * are protocol/node.proto's. One connection, the trunk, carries all memberships
 * between two node addresses, each under its number: 64 random bits, drawn by
 * the node that asks for the join, and so named by number and who drew it.
 *
 * The trunk (trunk/trunk.h)
 *
 *   whoever opened it       the other
 *      | --- HELLO ----------> |      nonces for the proofs
 *      | <------------ HELLO - |      not before it has decided for this connection
 *      | --- RESUME ... -----> |
 *      | --- RESUME_END -----> |      each side lists what it has suspended or left here,
 *      | <-------- RESUME ... -|      and proves each by the secret of its join
 *      | <-------- RESUME_END -|
 *      |                       |      what only one side has is over;
 *      | <== memberships ====> |      from here on all of them speak, and join
 *      | --- DONE -----------> |      none is left here
 *      | <------------- DONE - |      nor there: an answer; who gets it closes
 *
 * All but READ is counted by its bytes, and READ says how many of them have been
 * read and carried out. No more than a window of unread bytes is ever under
 * way, so a daemon that is stopped never closes its TCP window.
 *
 * A membership
 *
 * Leaf-initiated                           Root-initiated
 *
 *   leaf's node        root's node           root's node        leaf's node
 *      | --- JOIN --------> |                   | --- INVITE ------> |
 *      |                    | policy,           |                    | policy, listener,
 *      |                    | listener,         |                    | backlog; the
 *      |                    | backlog           |                    | application decides
 *      | <== probe (UDP) == |                   | <-- ACCEPT ------- |
 *      | --- SEEN --------> |                   | === probe (UDP) => |
 *      |                    | the application   | <-- SEEN --------- |
 *      |                    | decides           | the leaf enters    |
 *      |                    | the leaf enters   | --- JOINED ------> |
 *      | <-- ACCEPT ------- |                   |                    |
 *
 * REFUSE in place of any answer ends the join. The probe travels the data path:
 * the anchor's program, the network, the leaf's filter; without it a join is
 * never complete. After the join both sides tell their counters in REPORT, every
 * second while the other reads them; LEAVE ends the membership and carries the
 * number of datagrams that went to the leaf, so that the close does not overtake
 * the data. A join that is not complete ends with the trunk's connection; a
 * membership is suspended by it.
 */
#ifndef CTL_CORE_MESSAGE_H
#define CTL_CORE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/flowspec.h"
#include "leafcast/leafcast.h"
#include "abi/records.h"

/* Connect data: `present` tells empty data from none (R51-R53). */
struct lc_connect_data {
	bool present;
	uint16_t length;
	uint8_t bytes[LEAFCAST_CONNECT_DATA_MAX];
};

enum lc_message_kind {
	LC_MESSAGE_JOIN = 1,
	LC_MESSAGE_INVITE = 2,
	LC_MESSAGE_SEEN = 3,
	LC_MESSAGE_ACCEPT = 4,
	LC_MESSAGE_JOINED = 5,
	LC_MESSAGE_REFUSE = 6,
	LC_MESSAGE_LEAVE = 7,
	LC_MESSAGE_REPORT = 8,
	/* of the trunk itself, as REPORT is */
	LC_MESSAGE_HELLO = 9,
	LC_MESSAGE_RESUME = 10,
	LC_MESSAGE_RESUME_END = 11,
	LC_MESSAGE_READ = 12,
	LC_MESSAGE_DONE = 13,
};

/* What this code speaks, in HELLO; two nodes speak the older one's. */
#define LC_MESSAGE_VERSION 1

/* What RESUME and REPORT say of one membership. */
struct lc_message_entry {
	uint64_t number; /* not 0 */
	bool numbered_by_sender;
	struct lc_identity proof; /* RESUME: trunk/proof.h */
	/* REPORT: from the root: copies sent to this leaf; from the leaf: admitted at its socket */
	uint64_t datagrams;
	uint64_t bytes;
	/* REPORT from the leaf: dropped at its socket because the buffer was full */
	uint64_t buffer_drops;
};

/* In one message; there can be as many messages as are needed. */
#define LC_MESSAGE_ENTRIES_MAX 64

/* Fields a kind does not list are zero. */
struct lc_message {
	enum lc_message_kind kind;
	/*
	 * All kinds of one membership: which. Not 0. Who asks for the join has drawn
	 * it, so in JOIN and INVITE it is always the sender.
	 */
	uint64_t number;
	bool numbered_by_sender;
	/* JOIN, INVITE: known to the two nodes alone, proven by whoever resumes the membership */
	struct lc_identity secret;
	/* INVITE, ACCEPT of a JOIN: the session's */
	struct lc_identity identity;
	/* JOIN, INVITE: the session's name: the root's address and port, as the leaf will see it */
	struct lc_endpoint session;
	/* JOIN, ACCEPT of an INVITE: where the leaf receives. INVITE: the name it listens on */
	struct lc_endpoint leaf;
	/* JOIN, ACCEPT of an INVITE: what the probe shall carry, random. SEEN: what it carried */
	uint64_t token;
	/* JOIN, ACCEPT of an INVITE: which directions the leaf uses */
	bool leaf_sends;
	bool leaf_receives;
	/* JOIN, INVITE: caller data. ACCEPT: callee data */
	struct lc_connect_data data;
	/* JOIN, INVITE: the most callee data the caller takes */
	uint16_t data_capacity;
	/* JOIN, INVITE: asked or offered. ACCEPT: granted */
	bool has_flows;
	struct lc_flows flows;
	/* REFUSE, LEAVE */
	enum leafcast_reason reason;
	/*
	 * LEAVE, as in struct lc_message_entry; REPORT too, when it is handed to
	 * one membership (on the wire it speaks of many, by entries).
	 */
	uint64_t datagrams;
	uint64_t bytes;
	uint64_t buffer_drops;
	/* HELLO: the newest version that the sender speaks, not 0 */
	uint32_t version;
	/* HELLO: random, of this run of the daemon */
	uint64_t instance;
	/* HELLO: random, of this connection and this side */
	struct lc_identity nonce;
	/* READ: bytes of frames, headers included, since the last READ; 0 only tells TCP that the connection is in use */
	uint32_t read_bytes;
	/* DONE: to the other side's */
	bool answers;
	/* RESUME, REPORT */
	unsigned int entry_count;
	struct lc_message_entry entries[LC_MESSAGE_ENTRIES_MAX];
};

#endif
