/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What two nodes say to each other, as the rest of the code sees it; the bytes
 * are protocol/node.proto's. A connection carries one membership: whoever
 * wants the join opens it, and it stays open until the member leaves.
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
 * never complete. After the join both sides send REPORT every second, which
 * keeps the connection alive and carries counters; LEAVE ends the membership
 * and carries the number of datagrams that went to the leaf, so that the close
 * does not overtake the data.
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
};

/* Fields a kind does not list are zero. */
struct lc_message {
	enum lc_message_kind kind;
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
	/* LEAVE, REPORT from the root: copies sent to this leaf. LEAVE, REPORT from the leaf: admitted at its socket */
	uint64_t datagrams;
	uint64_t bytes;
	/* LEAVE, REPORT from the leaf: dropped at its socket because the buffer was full */
	uint64_t buffer_drops;
};

#endif
