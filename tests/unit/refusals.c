/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Every refusal of leafcast/reason.h that a daemon gives, of both kinds of
 * join, in the world of world.h: what each side is told, and what is left
 * after it: nothing.
 */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>

#include "core/endpoint.h"
#include "world.h"

#define NOBODY LEAFCAST_NO_REASON

enum by {
	BY_LEAF = 1, /* leaf-initiated */
	BY_ROOT = 2,
	BY_BOTH = 3,
};

/* What a refusal needs, at the end that is asked (`other`) or asks (`self`). */
struct refusal {
	const char *what;
	enum by by;
	void (*before)(struct end *self, struct end *other);
	/* NULL: nothing more is needed; else after the application may have been asked */
	void (*then)(struct end *self, struct end *other);
	enum leafcast_reason reason;   /* what the caller is told */
	enum leafcast_reason answered; /* what who accepted is told; NOBODY did */
};

static void nobody_listens(struct end *self, struct end *other)
{
	other->backlog = 0;
}

static void backlog_is_full(struct end *self, struct end *other)
{
	other->backlog = 1;
	other->waiting = 1;
}

static void does_not_read(struct end *self, struct end *other)
{
	other->is_deaf = true;
}

static void lets_nobody_in(struct end *self, struct end *other)
{
	other->lets_in = false;
}

static void speaks_for_a_third(struct end *self, struct end *other)
{
	/* Its connection comes from another address than the one it speaks for. */
	self->address.addr[0] ^= htobe32(8);
	if (self == &leaf)
		lc_endpoint_parse(&leaf.bound, "192.0.2.2:6000");
}

/* By TCP from this very host, to direct copies at other people's sockets here. */
static void speaks_for_this_host(struct end *self, struct end *other)
{
	other->local = self->address;
}

/* Within a node: of an address that is not the node's. */
static void speaks_for_no_address_of_the_node(struct end *self, struct end *other)
{
	self->within_node = other->within_node = true;
}

static void has_no_port(struct end *self, struct end *other)
{
	leaf.bound.port = 0;
}

/* RFC 1122 3.2.1.3: no host has an address of 0.0.0.0/8. */
static void has_no_address_of_a_host(struct end *self, struct end *other)
{
	cr_assert_eq(lc_endpoint_parse(&leaf.bound, "0.0.0.9:6000"), 0);
	leaf.address = leaf.bound;
}

static void is_called_by_another_name(struct end *self, struct end *other)
{
	other->address.addr[0] ^= htobe32(16);
}

static void talks_to_no_node(struct end *self, struct end *other)
{
	self->connect_error = LEAFCAST_POLICY;
}

static void no_route(struct end *self, struct end *other)
{
	self->connect_error = lc_reason_of_errno(-ENETUNREACH);
}

static void no_host(struct end *self, struct end *other)
{
	self->connect_error = lc_reason_of_errno(-EHOSTUNREACH);
}

static void no_descriptors(struct end *self, struct end *other)
{
	self->connect_error = lc_reason_of_errno(-EMFILE);
}

static void connection_refused(struct end *self, struct end *other)
{
	self->connecting = false;
	lc_membership_hung_up(&self->member, -ECONNREFUSED);
}

static void connection_times_out(struct end *self, struct end *other)
{
	self->connecting = false;
	lc_membership_hung_up(&self->member, -ETIMEDOUT);
}

static void nobody_answers(struct end *self, struct end *other)
{
	self->connecting = false;
	wait_us(LC_JOIN_DEADLINE);
}

static void table_is_full(struct end *self, struct end *other)
{
	root.add_error = -ENOSPC;
}

static void extents_are_full(struct end *self, struct end *other)
{
	root.enter_error = -ENOSPC;
}

static void name_is_taken(struct end *self, struct end *other)
{
	root.add_error = -EEXIST;
}

static void port_is_taken(struct end *self, struct end *other)
{
	leaf.name_error = -EADDRINUSE;
}

static void fault_of_the_kernel(struct end *self, struct end *other)
{
	leaf.name_error = -EIO;
}

static void path_is_blocked(struct end *self, struct end *other)
{
	leaf.takes_no_probe = true;
}

static void path_is_unknown(struct end *self, struct end *other)
{
	root.path_error = -EIO;
}

static void says_no(struct end *self, struct end *other)
{
	settle();
	wait_us(1);
	request_at(other);
	lc_membership_reject(&other->member, LEAFCAST_NO_REASON);
}

static void accepts_then_waits(struct end *self, struct end *other)
{
	wait_us(1);
	accepts(other, &yes);
	wait_us(LC_CONFIRM_DEADLINE);
}

static void never_decides(struct end *self, struct end *other)
{
	self->due_us[LC_TIMER_DEADLINE] = now_us + 2 * LC_ASK_DEADLINE; /* its own is longer */
	wait_us(1);
	request_at(other);
	wait_us(LC_ASK_DEADLINE);
	cr_assert_eq(heard(other, LC_LOCAL_WITHDRAWN)->reason, LEAFCAST_TIMED_OUT);
}

static void listener_closes(struct end *self, struct end *other)
{
	wait_us(1);
	request_at(other);
	lc_membership_event(&other->member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
}

static void caller_cancels(struct end *self, struct end *other)
{
	wait_us(1);
	request_at(other);
	lc_membership_event(&self->member, LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	settle();
	cr_assert_eq(heard(other, LC_LOCAL_WITHDRAWN)->reason, LEAFCAST_CANCELLED);
}

static void caller_dies(struct end *self, struct end *other)
{
	wait_us(1);
	request_at(other);
	lc_membership_event(&self->member, LC_ON_APP_DIES, LEAFCAST_NO_REASON);
	settle();
	cr_assert_eq(heard(other, LC_LOCAL_WITHDRAWN)->reason, LEAFCAST_RESET);
}

static void answers_too_much(struct end *self, struct end *other)
{
	self->member.capacity = 2; /* less than it said that it takes */
	accepts_then_waits(self, other);
}

static void answers_with(struct end *other, const struct lc_flows *flows)
{
	struct lc_membership_answer answer = yes;

	wait_us(1);
	answer.has_flows = true;
	answer.flows = *flows;
	accepts(other, &answer);
	settle();
}

static void answers_impossible_flows(struct end *self, struct end *other)
{
	struct lc_flows flows = flows_of("rate=1mbit,max=100,min=200", NULL); /* m > M */

	answers_with(other, &flows);
}

static void answers_with_p_below_r(struct end *self, struct end *other)
{
	struct lc_flows flows = flows_of("rate=8mbit,peak=2mbit", NULL);

	answers_with(other, &flows);
}

static void answers_with_no_service(struct end *self, struct end *other)
{
	struct lc_flows flows = flows_of("rate=8mbit", NULL);

	flows.down.service = 99;
	answers_with(other, &flows);
}

static void accepts_and_the_root_cannot(struct end *self, struct end *other)
{
	wait_us(1);
	accepts(other, &yes);
	wait_us(1);
}

/* M of the listener's flows is above the path's MTU, in either direction. */
static void m_above_the_mtu_down(struct end *self, struct end *other)
{
	other->terms.has_flows = true;
	other->terms.flows = flows_of("rate=1mbit,bucket=9000,max=1501", NULL);
}

static void m_above_the_mtu_up(struct end *self, struct end *other)
{
	other->terms.has_flows = true;
	other->terms.flows = flows_of(NULL, "rate=1mbit,bucket=9000,max=1501");
}

static const struct refusal refusals[] = {
	{"nobody listens", BY_BOTH, nobody_listens, NULL, LEAFCAST_NOBODY_LISTENING, NOBODY},
	{"the backlog is full", BY_BOTH, backlog_is_full, NULL, LEAFCAST_BACKLOG_FULL, NOBODY},
	{"the application does not read", BY_BOTH, does_not_read, NULL, LEAFCAST_BACKLOG_FULL,
	 NOBODY},
	{"other nodes are kept out there", BY_BOTH, lets_nobody_in, NULL, LEAFCAST_POLICY, NOBODY},
	{"other nodes are not talked to here", BY_BOTH, talks_to_no_node, NULL, LEAFCAST_POLICY,
	 NOBODY},
	{"speaks for a third party", BY_BOTH, speaks_for_a_third, NULL, LEAFCAST_POLICY, NOBODY},
	{"speaks for this very host", BY_BOTH, speaks_for_this_host, NULL, LEAFCAST_POLICY, NOBODY},
	{"speaks for an address the node has not", BY_BOTH, speaks_for_no_address_of_the_node, NULL,
	 LEAFCAST_POLICY, NOBODY},
	{"has no port", BY_LEAF, has_no_port, NULL, LEAFCAST_PROTOCOL, NOBODY},
	{"has no host's address", BY_LEAF, has_no_address_of_a_host, NULL, LEAFCAST_PROTOCOL,
	 NOBODY},
	{"called by another name", BY_BOTH, is_called_by_another_name, NULL,
	 LEAFCAST_NOBODY_LISTENING, NOBODY},
	{"no route", BY_BOTH, no_route, NULL, LEAFCAST_UNREACHABLE, NOBODY},
	{"no such host", BY_BOTH, no_host, NULL, LEAFCAST_UNREACHABLE, NOBODY},
	{"no descriptors", BY_BOTH, no_descriptors, NULL, LEAFCAST_LIMIT, NOBODY},
	{"no daemon there", BY_BOTH, NULL, connection_refused, LEAFCAST_NO_CONTROL, NOBODY},
	{"no answer to the call", BY_BOTH, NULL, connection_times_out, LEAFCAST_TIMED_OUT, NOBODY},
	{"no answer at all", BY_BOTH, NULL, nobody_answers, LEAFCAST_TIMED_OUT, NOBODY},
	{"the table of leaves is full", BY_LEAF, table_is_full, NULL, LEAFCAST_LIMIT, NOBODY},
	{"the table of leaves is full", BY_ROOT, table_is_full, accepts_and_the_root_cannot,
	 LEAFCAST_LIMIT, LEAFCAST_LIMIT},
	{"no extent", BY_LEAF, extents_are_full, accepts_and_the_root_cannot, LEAFCAST_LIMIT,
	 LEAFCAST_LIMIT},
	{"no extent", BY_ROOT, extents_are_full, accepts_and_the_root_cannot, LEAFCAST_LIMIT,
	 LEAFCAST_LIMIT},
	{"the session has that leaf", BY_LEAF, name_is_taken, NULL, LEAFCAST_ADDRESS_IN_USE,
	 NOBODY},
	{"the session has that leaf", BY_ROOT, name_is_taken, accepts_and_the_root_cannot,
	 LEAFCAST_ADDRESS_IN_USE, LEAFCAST_ADDRESS_IN_USE},
	{"the leaf's port is taken", BY_LEAF, port_is_taken, NULL, LEAFCAST_ADDRESS_IN_USE, NOBODY},
	{"the leaf's port is taken", BY_ROOT, port_is_taken, accepts_and_the_root_cannot,
	 LEAFCAST_ADDRESS_IN_USE, LEAFCAST_ADDRESS_IN_USE},
	{"the leaf's socket cannot be set up", BY_LEAF, fault_of_the_kernel, NULL, LEAFCAST_FAULT,
	 NOBODY},
	{"the probe does not come", BY_LEAF, path_is_blocked, NULL, LEAFCAST_PATH_BLOCKED, NOBODY},
	{"the probe does not come", BY_ROOT, path_is_blocked, accepts_then_waits,
	 LEAFCAST_PATH_BLOCKED, LEAFCAST_PATH_BLOCKED},
	{"the path is unknown", BY_LEAF, path_is_unknown, NULL, LEAFCAST_PATH_BLOCKED, NOBODY},
	{"the application says no", BY_BOTH, NULL, says_no, LEAFCAST_REJECTED, NOBODY},
	{"the application never decides", BY_BOTH, NULL, never_decides, LEAFCAST_TIMED_OUT, NOBODY},
	{"the listener closes", BY_BOTH, NULL, listener_closes, LEAFCAST_NOBODY_LISTENING, NOBODY},
	{"the caller cancels", BY_BOTH, NULL, caller_cancels, LEAFCAST_CANCELLED, NOBODY},
	{"the caller's process dies", BY_BOTH, NULL, caller_dies, LEAFCAST_RESET, NOBODY},
	{"more data than was said to be taken", BY_BOTH, NULL, answers_too_much, LEAFCAST_PROTOCOL,
	 LEAFCAST_PROTOCOL},
	{"an answer that contradicts itself", BY_BOTH, NULL, answers_impossible_flows,
	 LEAFCAST_BAD_FLOWSPEC, LEAFCAST_BAD_FLOWSPEC},
	{"an answer with p < r", BY_BOTH, NULL, answers_with_p_below_r, LEAFCAST_BAD_FLOWSPEC,
	 LEAFCAST_BAD_FLOWSPEC},
	{"an answer of no service that there is", BY_BOTH, NULL, answers_with_no_service,
	 LEAFCAST_BAD_FLOWSPEC, LEAFCAST_BAD_FLOWSPEC},
	{"M above the MTU, root to leaf", BY_BOTH, m_above_the_mtu_down, NULL,
	 LEAFCAST_BAD_FLOWSPEC, NOBODY},
	{"M above the MTU, leaf to root", BY_BOTH, m_above_the_mtu_up, NULL, LEAFCAST_BAD_FLOWSPEC,
	 NOBODY},
};

/* Of a member that the root has entered, the peer's end is told by CLOSED, not as an outcome. */
static enum leafcast_reason told(const struct end *end)
{
	const struct lc_local_message *closed = heard(end, LC_LOCAL_CLOSED);

	if (closed)
		cr_assert_eq(outcome(end), LEAFCAST_NO_REASON);
	return closed ? closed->reason : outcome(end);
}

static void refuses(const struct refusal *row, enum by by)
{
	struct end *self = by == BY_LEAF ? &leaf : &root;
	struct end *other = by == BY_LEAF ? &root : &leaf;
	unsigned int waiting;
	char what[96];

	snprintf(what, sizeof(what), "%s (%s-initiated)", row->what, self->what);
	world_begins();
	if (row->before)
		row->before(self, other);
	waiting = other->waiting;
	cr_assert_eq(by == BY_LEAF ? leaf_asks_to_join(NULL) : root_invites(NULL),
		     LEAFCAST_NO_REASON, "%s", what);
	if (row->then)
		row->then(self, other);
	settle();
	wait_us(LC_PROBE_DEADLINE);
	cr_assert_eq(outcome(self), row->reason, "%s: %s", what,
		     leafcast_reason_word(outcome(self)));
	if (row->answered)
		cr_assert_eq(told(other), row->answered, "%s: %s at the other end", what,
			     leafcast_reason_word(told(other)));
	else
		cr_assert_null(heard(other, LC_LOCAL_REPLY), "%s", what);
	cr_assert_eq(other->waiting, waiting, "%s", what);
	other->waiting = 0;
	cr_assert_eq(self->joined, 0, "%s", what);
	/* A root that has accepted has a member until the leaf's node says that it cannot. */
	cr_assert_eq(other->joined, heard(other, LC_LOCAL_CLOSED) != NULL, "%s", what);
	nothing_is_left(what);
}

Test(refusals, all)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		for (int by = BY_LEAF; by <= BY_ROOT; by++)
			if (refusals[i].by & by)
				refuses(&refusals[i], (enum by)by);
}
