/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "world.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/endpoint.h"

#define LEAF_NUMBER 7
#define JOIN_ID	    11
#define IFINDEX	    3
#define GRACE_US    (60 * LC_MEMBERSHIP_SECOND)

uint64_t now_us;
struct end root, leaf;

static struct end *end_of(const struct lc_membership *member)
{
	return (struct end *)(uintptr_t)member;
}

static struct lc_endpoint at(const char *text)
{
	struct lc_endpoint endpoint = {0};

	cr_assert_eq(lc_endpoint_parse(&endpoint, text), 0, "%s", text);
	return endpoint;
}

/* ---- the world's functions ---- */

static enum leafcast_reason do_connect(struct lc_membership *member, const struct lc_endpoint *to)
{
	struct end *end = end_of(member);

	(void)to;
	if (!end->connect_error)
		end->connecting = true;
	return end->connect_error;
}

static int do_send(struct lc_membership *member, const struct lc_message *message)
{
	struct end *end = end_of(member), *other = end->other;

	if (!end->connected)
		return -EPIPE;
	if (end->send_error)
		return end->send_error;
	cr_assert_lt(other->inbox_count, 16, "%s: too much for %s", end->what, other->what);
	end->leave_unread |= message->kind == LC_MESSAGE_LEAVE;
	other->inbox[other->inbox_count++] = *message;
	return 0;
}

static const struct lc_endpoint *own_address(const struct lc_membership *member)
{
	return &end_of(member)->address;
}

static const struct lc_endpoint *other_address(const struct lc_membership *member)
{
	return &end_of(member)->other->address;
}

static bool is_within_node(const struct lc_membership *member)
{
	return end_of(member)->within_node;
}

static bool lets_nodes_in(const struct lc_membership *member)
{
	return end_of(member)->lets_in;
}

static bool is_local(const struct lc_membership *member, const struct lc_endpoint *address)
{
	return lc_address_equal(address, &end_of(member)->local);
}

static bool find_listener(struct lc_membership *member, struct lc_listener_terms *terms)
{
	struct end *end = end_of(member);

	*terms = end->terms;
	return end->backlog != 0;
}

static bool take_place(struct lc_membership *member)
{
	struct end *end = end_of(member);

	if (end->waiting >= end->backlog)
		return false;
	end->waiting++;
	return true;
}

static void give_place(struct lc_membership *member)
{
	end_of(member)->waiting--;
}

static void hear(struct end *end, const struct lc_local_message *message)
{
	cr_assert_lt(end->heard_count, 16, "%s hears too much", end->what);
	end->heard[end->heard_count++] = *message;
}

static uint64_t ask(struct lc_membership *member, struct lc_local_message *request)
{
	struct end *end = end_of(member);

	if (end->is_deaf)
		return 0;
	request->request = 41;
	hear(end, request);
	return request->request;
}

static void tell(struct lc_membership *member, struct lc_local_message *message)
{
	hear(end_of(member), message);
}

static int name_socket(struct lc_membership *member, const struct lc_endpoint *address,
		       struct lc_endpoint *name)
{
	struct end *end = end_of(member);

	if (end->name_error)
		return end->name_error;
	*name = end->bound;
	if (lc_address_is_any(name)) {
		*name = *address;
		name->port = end->bound.port;
	}
	return 0;
}

static void admit_anchor(struct lc_membership *member)
{
	end_of(member)->admits = true;
}

static void admit_nobody(struct lc_membership *member)
{
	end_of(member)->admits = false;
}

static uint64_t admitted(struct lc_membership *member)
{
	return end_of(member)->arrived;
}

static int add_leaf(struct lc_membership *member)
{
	struct end *end = end_of(member);

	if (end->add_error)
		return end->add_error;
	cr_assert_not(end->has_leaf);
	end->has_leaf = true;
	member->leaf = LEAF_NUMBER;
	return 0;
}

static bool evict_suspended(struct lc_membership *member)
{
	struct end *end = end_of(member);

	if (!end->evicts)
		return false;
	end->add_error = 0;
	return true;
}

static void set_hop(struct lc_membership *member, const struct lc_path *path)
{
	end_of(member)->hop = *path;
}

/* Along the data path: the anchor's record, the network, the leaf's filter. */
static void send_probe(struct lc_membership *member)
{
	struct end *end = end_of(member);

	cr_assert(end->has_leaf);
	end->probes++;
	if (end->hop.usable == LC_HOP_0 && !leaf.takes_no_probe && leaf.admits &&
	    leaf.member.token == member->token)
		leaf.probe_comes = true;
}

static int enter_leaf(struct lc_membership *member, const struct lc_policer *down,
		      const struct lc_policer *up)
{
	struct end *end = end_of(member);

	if (end->enter_error)
		return end->enter_error;
	end->entered = true;
	end->down = *down;
	end->up = *up;
	return 0;
}

static void leave_leaf(struct lc_membership *member)
{
	end_of(member)->entered = false;
	end_of(member)->left = true;
	end_of(member)->sent += end_of(member)->late;
}

static void remove_leaf(struct lc_membership *member)
{
	struct end *end = end_of(member);

	cr_assert(end->has_leaf);
	end->has_leaf = end->entered = false;
}

static struct lc_membership_counts count(struct lc_membership *member)
{
	struct end *end = end_of(member);

	return (struct lc_membership_counts){.datagrams = end == &root ? end->sent : end->arrived};
}

static int find_path(struct lc_membership *member, const struct lc_endpoint *from,
		     const struct lc_endpoint *to, struct lc_path *path)
{
	(void)from, (void)to;
	*path = end_of(member)->path;
	return end_of(member)->path_error;
}

static int draw(struct lc_membership *member, void *bytes, size_t length)
{
	struct end *end = end_of(member);

	if (end->draw_error)
		return end->draw_error;
	for (size_t i = 0; i < length; i++)
		((uint8_t *)bytes)[i] = (uint8_t)(0x12 + 0x22 * ++end->drawn);
	return 0;
}

static void keep(struct lc_membership *member)
{
	struct end *end = end_of(member);

	cr_assert(!end->released, "%s", end->what);
	end->kept = *member;
}

/* The first is stored while everything is still as it was; none is without its end's record, nor after it. */
static void keep_farewell(struct lc_membership *member)
{
	struct end *end = end_of(member);

	cr_assert_neq(member->number, 0, "%s", end->what);
	cr_assert_neq(member->why, LEAFCAST_NO_REASON, "%s", end->what);
	cr_assert_not(end->released, "%s", end->what);
	if (!end->farewell.number) {
		cr_assert_not(end->left, "%s has left already", end->what);
		cr_assert_eq(end->has_leaf, end == &root);
		cr_assert_eq(end->admits, end == &leaf);
		end->left_us = now_us;
	}
	end->farewell = *member;
}

static void forget_farewell(struct lc_membership *member)
{
	struct end *end = end_of(member);

	cr_assert_neq(end->farewell.number, 0, "%s had said none", end->what);
	end->farewell = (struct lc_membership){0};
}

static uint64_t grace_us(const struct lc_membership *member)
{
	const struct end *end = end_of(member);
	uint64_t gone_us = end->left_us ? now_us - end->left_us : 0;

	return gone_us < GRACE_US ? GRACE_US - gone_us : 1;
}

static int set_timer(struct lc_membership *member, enum lc_membership_timer timer, uint64_t in_us)
{
	if (end_of(member)->timer_error)
		return end_of(member)->timer_error;
	end_of(member)->due_us[timer] = now_us + in_us;
	return 0;
}

static void stop_timer(struct lc_membership *member, enum lc_membership_timer timer)
{
	end_of(member)->due_us[timer] = 0;
}

static void show_suspended(struct lc_membership *member, bool suspended)
{
	end_of(member)->shown_suspended = suspended;
}

static void note(const struct lc_membership *member, enum lc_join_state before,
		 enum leafcast_reason reason)
{
	struct end *end = end_of(member);

	bool was_over = before == LC_JOIN_LEFT;

	if (member->state == LC_JOIN_MEMBER && before != LC_JOIN_SUSPENDED)
		end->joined++;
	else if (member->state == LC_JOIN_SUSPENDED)
		end->suspended++;
	else if (!was_over && (member->state == LC_JOIN_LEFT || member->state == LC_JOIN_GONE))
		end->ended++;
	end->why = reason;
}

static void release(struct lc_membership *member)
{
	struct end *end = end_of(member);

	cr_assert_not(end->released, "%s", end->what);
	if (member->state == LC_JOIN_LEFT)
		cr_assert_eq(memcmp(&end->farewell.last_counts, &member->last_counts,
				    sizeof(member->last_counts)),
			     0, "%s: the farewell has what was said", end->what);
	end->released = true;
}

static void gone(struct lc_membership *member)
{
	struct end *end = end_of(member);

	cr_assert_not(end->gone, "%s goes twice", end->what);
	end->gone = true;
	end->connecting = false;
}

static const struct lc_membership_world played = {
	.connect = do_connect,
	.send = do_send,
	.own_address = own_address,
	.other_address = other_address,
	.is_within_node = is_within_node,
	.lets_nodes_in = lets_nodes_in,
	.is_local = is_local,
	.find_listener = find_listener,
	.take_place = take_place,
	.give_place = give_place,
	.ask = ask,
	.tell = tell,
	.name_socket = name_socket,
	.admit_anchor = admit_anchor,
	.admit_nobody = admit_nobody,
	.admitted = admitted,
	.add_leaf = add_leaf,
	.evict_suspended = evict_suspended,
	.set_hop = set_hop,
	.send_probe = send_probe,
	.enter_leaf = enter_leaf,
	.leave_leaf = leave_leaf,
	.remove_leaf = remove_leaf,
	.count = count,
	.find_path = find_path,
	.keep = keep,
	.keep_farewell = keep_farewell,
	.forget_farewell = forget_farewell,
	.grace_us = grace_us,
	.draw = draw,
	.set_timer = set_timer,
	.stop_timer = stop_timer,
	.show_suspended = show_suspended,
	.note = note,
	.release = release,
	.gone = gone,
};

/* ---- the play ---- */

const struct lc_membership_answer yes = {
	.reply = 12,
	.data = {true, 3, "yes"},
	.sends = true,
	.receives = true,
};

struct lc_flows flows_of(const char *down, const char *up)
{
	struct lc_flows flows = {lc_flowspec_default, lc_flowspec_default};
	const char *error;

	if (down)
		cr_assert_eq(lc_flowspec_parse(&flows.down, down, &error), 0, "%s", error);
	if (up)
		cr_assert_eq(lc_flowspec_parse(&flows.up, up, &error), 0, "%s", error);
	return flows;
}

static void end_begins(struct end *end, const char *what, const char *local, struct end *other)
{
	*end = (struct end){
		.what = what,
		.other = other,
		.lets_in = true,
		.address = at(local),
		.local = at(local),
		.backlog = 1,
		.path = {.usable = LC_HOP_0, .hop = {.ifindex = IFINDEX, .mtu = MTU}},
	};
	lc_membership_init(&end->member, &played);
}

void world_begins(void)
{
	now_us = 1000000;
	end_begins(&root, "root", "192.0.2.1:0", &leaf);
	end_begins(&leaf, "leaf", "192.0.2.2:0", &root);
	root.terms.root_receives = root.member.root_receives = true;
	leaf.bound = at("0.0.0.0:6000");
}

enum leafcast_reason leaf_asks_to_join(const struct lc_flows *flows)
{
	struct lc_membership *member = &leaf.member;

	member->end = LC_END_JOINER;
	member->session_name = at("192.0.2.1:5000");
	member->leaf_sends = member->leaf_receives = true;
	member->capacity = LEAFCAST_CONNECT_DATA_MAX;
	member->caller = (struct lc_connect_data){true, 2, "hi"};
	leaf.has_spoken = true;
	return lc_membership_start(member, JOIN_ID, flows);
}

enum leafcast_reason root_invites(const struct lc_flows *flows)
{
	struct lc_membership *member = &root.member;

	member->end = LC_END_INVITER;
	member->session_name = at("192.0.2.1:5000");
	member->listen_name = at("192.0.2.2:7000");
	member->capacity = LEAFCAST_CONNECT_DATA_MAX;
	member->caller = (struct lc_connect_data){true, 2, "hi"};
	root.has_spoken = true;
	return lc_membership_start(member, JOIN_ID, flows);
}

const struct lc_local_message *heard(const struct end *end, enum lc_local_kind kind)
{
	for (unsigned int i = end->heard_count; i; i--)
		if (end->heard[i - 1].kind == kind)
			return &end->heard[i - 1];
	return NULL;
}

const struct lc_local_message *request_at(const struct end *end)
{
	const struct lc_local_message *request = heard(end, LC_LOCAL_REQUEST);

	cr_assert_not_null(request, "%s is not asked; it is %s", end->what,
			   lc_join_state_word(end->member.state));
	return request;
}

void accepts(struct end *end, const struct lc_membership_answer *answer)
{
	request_at(end);
	lc_membership_accept(&end->member, answer);
}

enum leafcast_reason outcome(const struct end *end)
{
	unsigned int replies = 0;

	for (unsigned int i = 0; i < end->heard_count; i++)
		replies += end->heard[i].kind == LC_LOCAL_REPLY;
	cr_assert_eq(replies, 1, "%s heard %u outcomes", end->what, replies);
	return heard(end, LC_LOCAL_REPLY)->reason;
}

/* To one that is gone it is not delivered, but read all the same. */
static void deliver(struct end *end, const struct lc_message *message)
{
	if (end->gone) {
		;
	} else if (end->has_spoken) {
		lc_membership_message(&end->member, message);
	} else if (message->kind == LC_MESSAGE_JOIN || message->kind == LC_MESSAGE_INVITE) {
		end->has_spoken = true;
		end->member.number = end->other->member.number;
		lc_membership_first_word(&end->member, message);
	} else {
		end->turned_away = true;
	}
	if (message->kind == LC_MESSAGE_LEAVE && end->other->leave_unread) {
		end->other->leave_unread = false;
		lc_membership_event(&end->other->member, LC_ON_LEAVE_READ, LEAFCAST_NO_REASON);
	}
}

static bool deliver_to(struct end *end)
{
	struct lc_message message;

	if (end->connecting) {
		end->connecting = false;
		end->connected = end->other->connected = true;
		lc_membership_event(&end->member, LC_ON_CONNECTED, LEAFCAST_NO_REASON);
		return true;
	}
	if (end->probe_comes) {
		end->probe_comes = false;
		lc_membership_event(&end->member, LC_ON_PROBED, LEAFCAST_NO_REASON);
		return true;
	}
	if (end->inbox_count && !end->is_stuck) {
		message = end->inbox[0];
		memmove(end->inbox, end->inbox + 1, --end->inbox_count * sizeof(message));
		deliver(end, &message);
		return true;
	}
	return false;
}

void connection_breaks(int error)
{
	struct end *ends[] = {&root, &leaf};

	for (int i = 0; i < 2; i++) {
		ends[i]->inbox_count = 0;
		ends[i]->connected = ends[i]->connecting = ends[i]->leave_unread = false;
	}
	for (int i = 0; i < 2; i++)
		if (ends[i]->has_spoken && !ends[i]->gone)
			lc_membership_hung_up(&ends[i]->member, error);
}

static bool has_it(const struct end *end)
{
	return end->has_spoken && !end->gone && lc_membership_is_resumable(&end->member);
}

void connection_is_back(void)
{
	struct end *ends[] = {&root, &leaf};
	bool both = has_it(&root) && has_it(&leaf) && root.member.number == leaf.member.number &&
		    memcmp(&root.member.secret, &leaf.member.secret, sizeof(root.member.secret)) ==
			    0;

	root.connected = leaf.connected = true;
	for (int i = 0; i < 2; i++)
		if (has_it(ends[i]))
			lc_membership_event(&ends[i]->member,
					    both ? LC_ON_RESUMED : LC_ON_FORGOTTEN,
					    LEAFCAST_NO_REASON);
	settle();
}

/* What struct lc_farewell holds. */
static void take_up_farewell(struct end *end)
{
	const struct lc_membership *kept = &end->farewell;

	lc_membership_init(&end->member, kept->world);
	end->member.end = kept->end;
	end->member.number = kept->number;
	end->member.secret = kept->secret;
	end->member.why = kept->why;
	end->member.last_counts = kept->last_counts;
	memset(end->due_us, 0, sizeof(end->due_us));
	lc_membership_adopt(&end->member);
}

/* What struct lc_resumption, struct lc_leaf and struct lc_admit hold, if there is no farewell. */
void daemon_is_replaced(struct end *end)
{
	const struct lc_membership *kept = &end->kept;

	if (end->farewell.number) {
		take_up_farewell(end);
		return;
	}
	cr_assert_neq(kept->number, 0, "%s was not kept", end->what);
	lc_membership_init(&end->member, kept->world);
	end->member.end = kept->end;
	end->member.number = kept->number;
	end->member.secret = kept->secret;
	end->member.session_name = kept->session_name;
	end->member.leaf_name = kept->leaf_name;
	end->member.leaf_sends = kept->leaf_sends;
	end->member.leaf_receives = kept->leaf_receives;
	end->member.leaf = kept->leaf;
	end->member.token = kept->token;
	end->member.admitted_before = kept->admitted_before;
	end->member.left = kept->left;
	end->member.expected = kept->expected;
	memset(end->due_us, 0, sizeof(end->due_us));
	end->shown_suspended = false; /* as a plane that is adopted shows it */
	lc_membership_adopt(&end->member);
}

void settle(void)
{
	for (int i = 0; i < 1000; i++)
		if (!deliver_to(&root) && !deliver_to(&leaf))
			return;
	cr_assert_fail("it never settles");
}

/* The timer that falls due first, until then; NULL: none. */
static struct end *next_due(uint64_t until, enum lc_membership_timer *which)
{
	struct end *ends[] = {&root, &leaf}, *found = NULL;

	for (int i = 0; i < 2; i++)
		for (int timer = 0; timer < LC_TIMER_COUNT; timer++) {
			uint64_t due = ends[i]->due_us[timer];

			if (due && due <= until) {
				until = due;
				*which = timer;
				found = ends[i];
			}
		}
	return found;
}

void wait_us(uint64_t us)
{
	uint64_t until = now_us + us;
	enum lc_membership_timer timer;
	struct end *end;

	settle();
	while ((end = next_due(until, &timer))) {
		if (end->due_us[timer] > now_us)
			now_us = end->due_us[timer];
		end->due_us[timer] = 0;
		lc_membership_timer(&end->member, timer);
		settle();
	}
	now_us = until;
}

void data_flows(unsigned int sent, unsigned int arrive)
{
	cr_assert(root.entered);
	cr_assert(leaf.admits);
	root.sent += sent;
	leaf.arrived += arrive;
}

void leaf_joins(void)
{
	cr_assert_eq(leaf_asks_to_join(NULL), LEAFCAST_NO_REASON);
	wait_us(1);
	accepts(&root, &yes);
	settle();
	cr_assert_eq(outcome(&leaf), LEAFCAST_NO_REASON);
	cr_assert_eq(outcome(&root), LEAFCAST_NO_REASON);
	cr_assert(root.entered && leaf.admits);
	cr_assert_eq(root.joined, 1);
	cr_assert_eq(leaf.joined, 1);
}

void root_invites_and_leaf_accepts(void)
{
	cr_assert_eq(root_invites(NULL), LEAFCAST_NO_REASON);
	settle();
	accepts(&leaf, &yes);
	wait_us(1);
	cr_assert_eq(outcome(&root), LEAFCAST_NO_REASON);
	cr_assert_eq(outcome(&leaf), LEAFCAST_NO_REASON);
	cr_assert(root.entered && leaf.admits);
}

void nothing_is_left(const char *after)
{
	struct end *ends[] = {&root, &leaf};

	for (int i = 0; i < 2; i++) {
		const struct end *end = ends[i];

		if (!end->has_spoken)
			continue; /* it never came so far */
		cr_assert(end->gone, "after %s: %s is %s", after, end->what,
			  lc_join_state_word(end->member.state));
		cr_assert(end->released, "after %s: %s", after, end->what);
		cr_assert_eq(end->farewell.number, 0, "after %s: %s", after, end->what);
		cr_assert_not(end->has_leaf || end->entered, "after %s: %s has a record", after,
			      end->what);
		cr_assert_not(end->admits, "after %s: %s lets data in", after, end->what);
		cr_assert_eq(end->waiting, 0, "after %s: %s", after, end->what);
		cr_assert_eq(end->ended, 1, "after %s: %s", after, end->what);
		for (int timer = 0; timer < LC_TIMER_COUNT; timer++)
			cr_assert_eq(end->due_us[timer], 0, "after %s: %s, timer %d", after,
				     end->what, timer);
	}
}
