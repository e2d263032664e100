/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

#include "core/endpoint.h"
#include "daemon/daemon.h"

/* Messages taken from one connection before others get their turn. */
#define MESSAGES_AT_ONCE 16

enum leafcast_reason reason_of_errno(int error)
{
	switch (error) {
	case 0:
		return LEAFCAST_NO_REASON;
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EPIPE:
		return LEAFCAST_NO_CONTROL;
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -EADDRNOTAVAIL:
		return LEAFCAST_UNREACHABLE;
	case -ETIMEDOUT:
		return LEAFCAST_TIMED_OUT;
	case -EADDRINUSE:
	case -EEXIST: /* the session has a leaf of that name */
		return LEAFCAST_ADDRESS_IN_USE;
	case -ENOSPC:
	case -ENOMEM:
	case -ENOBUFS:
	case -EMFILE:
	case -ENFILE:
		return LEAFCAST_LIMIT;
	default:
		return LEAFCAST_FAULT;
	}
}

struct member *member_new(struct daemon *daemon)
{
	struct member *member = calloc(1, sizeof(*member));

	if (!member)
		return NULL;
	member->daemon = daemon;
	member->flows.down = member->flows.up = lc_flowspec_default;
	member->deadline_us = JOIN_DEADLINE;
	LIST_INSERT_HEAD(&daemon->members, member, entry);
	return member;
}

static void has_arrived(struct member *member)
{
	if (!member->arrives)
		return;
	TAILQ_REMOVE(&member->daemon->arrivals, member, arrival);
	member->daemon->arrival_count--;
	member->arrives = false;
}

static void member_free(struct member *member)
{
	has_arrived(member);
	sd_event_source_disable_unref(member->io);
	sd_event_source_disable_unref(member->deadline);
	sd_event_source_disable_unref(member->probe);
	sd_event_source_disable_unref(member->drain);
	lc_peer_free(member->peer);
	LIST_REMOVE(member, entry);
	free(member);
}

static int on_deadline(sd_event_source *source, uint64_t now, void *context)
{
	struct member *member = context;

	(void)source, (void)now;
	if (member->has_end)
		member_event(member, LC_ON_DEADLINE, LEAFCAST_NO_REASON);
	else
		member_free(member);
	return 0;
}

/* `in_us` 0: there is none. */
static int arm_deadline(struct member *member, uint64_t in_us)
{
	member->deadline = sd_event_source_disable_unref(member->deadline);
	if (!in_us)
		return 0;
	return sd_event_add_time_relative(member->daemon->event, &member->deadline, CLOCK_MONOTONIC,
					  in_us, 0, on_deadline, member);
}

/* Every state that is left by the answer of somebody else has its own time. */
static void arm_deadline_of_state(struct member *member)
{
	switch (member->state) {
	case LC_JOIN_CONNECTING:
		arm_deadline(member, member->deadline_us);
		break;
	case LC_JOIN_REQUESTED:
	case LC_JOIN_PROVEN:
		break; /* goes on */
	case LC_JOIN_PROBING:
		arm_deadline(member, PROBE_DEADLINE);
		break;
	case LC_JOIN_ASKING:
		arm_deadline(member, ASK_DEADLINE);
		break;
	case LC_JOIN_CONFIRMING:
		arm_deadline(member, 2 * PROBE_DEADLINE);
		break;
	case LC_JOIN_IDLE:
	case LC_JOIN_MEMBER:
	case LC_JOIN_DRAINING:
	case LC_JOIN_GONE:
	case LC_JOIN_STATE_COUNT:
		arm_deadline(member, 0);
		break;
	}
}

static void note_change(const struct member *member, enum lc_join_state before,
			const struct lc_join_step *step)
{
	char root[LC_ENDPOINT_TEXT], leaf[LC_ENDPOINT_TEXT];
	const char *session = lc_endpoint_format(root, &member->session_name);
	const char *name = lc_endpoint_format(leaf, member->leaf_name.port ? &member->leaf_name
									   : &member->listen_name);

	if (step->state == LC_JOIN_MEMBER)
		say(SD_INFO, "session %s: leaf %s joined", session, name);
	else if (step->state != LC_JOIN_GONE)
		return;
	else if (before == LC_JOIN_MEMBER && lc_join_end_is_root(member->end))
		say(SD_INFO,
		    "session %s: leaf %s left: %s; %" PRIu64 " datagrams, %" PRIu64 " bytes sent",
		    session, name, leafcast_reason_word(step->reason), member->sent,
		    member->sent_bytes);
	else if (before == LC_JOIN_MEMBER || before == LC_JOIN_DRAINING)
		say(SD_INFO,
		    "session %s: leaf %s ended: %s; %" PRIu64 " datagrams arrived, %" PRIu64
		    " of them found its buffer full",
		    session, name, leafcast_reason_word(step->reason), member->arrived,
		    member->arrived_too_many);
	else
		say(SD_NOTICE, "session %s: leaf %s not joined: %s", session, name,
		    leafcast_reason_word(step->reason));
}

bool member_event(struct member *member, enum lc_join_event event, enum leafcast_reason reason)
{
	enum lc_join_state before = member->state;
	struct lc_join_step step = lc_join_next(member->end, before, event, reason);
	enum leafcast_reason failure;

	if (step.state == before && !step.actions)
		return true;
	member->state = step.state;
	member->busy++;
	failure = steps_run(member, step.actions, step.reason);
	member->busy--;
	if (failure)
		return member_event(member, LC_ON_FAILED, failure);
	if (step.state != before) {
		note_change(member, before, &step);
		arm_deadline_of_state(member);
	}
	if (member->state != LC_JOIN_GONE)
		return true;
	member_free(member);
	return false;
}

/* Where an invited leaf wants its copies is believed only for the host that said it. */
static bool take_leaf_name(struct member *member, const struct lc_message *message)
{
	if (message->leaf.family != member->session_name.family ||
	    !lc_address_is_unicast(&message->leaf) || message->leaf.port == 0)
		return false;
	if (!lc_address_equal(&message->leaf, lc_peer_other(member->peer)))
		return false;
	member->leaf_name = message->leaf;
	member->token = message->token;
	member->leaf_sends = message->leaf_sends;
	member->leaf_receives = message->leaf_receives;
	return true;
}

static enum lc_join_event event_of_accept(struct member *member, const struct lc_message *message)
{
	if (message->data.length > member->capacity)
		return LC_ON_GOT_OTHER;
	if (member->end == LC_END_INVITER &&
	    (member->state != LC_JOIN_REQUESTED || !take_leaf_name(member, message)))
		return LC_ON_GOT_OTHER;
	member->callee = message->data;
	if (message->has_flows) {
		member->has_flows = true;
		member->flows.down = lc_flowspec_merge(&member->flows.down, &message->flows.down);
		member->flows.up = lc_flowspec_merge(&member->flows.up, &message->flows.up);
	}
	return LC_ON_GOT_ACCEPT;
}

/* The event a message stands for; what it carries is put into the member. */
static enum lc_join_event event_of_message(struct member *member, const struct lc_message *message)
{
	switch (message->kind) {
	case LC_MESSAGE_SEEN:
		return message->token == member->token ? LC_ON_GOT_SEEN : LC_ON_GOT_OTHER;
	case LC_MESSAGE_ACCEPT:
		return event_of_accept(member, message);
	case LC_MESSAGE_JOINED:
		return LC_ON_GOT_JOINED;
	case LC_MESSAGE_REFUSE:
		return LC_ON_GOT_REFUSE;
	case LC_MESSAGE_LEAVE:
		member->left = message->reason ?: LEAFCAST_CLOSED;
		member->expected = message->datagrams;
		return LC_ON_GOT_LEAVE;
	case LC_MESSAGE_REPORT:
		return LC_ON_GOT_REPORT;
	case LC_MESSAGE_JOIN:
	case LC_MESSAGE_INVITE:
		break;
	}
	return LC_ON_GOT_OTHER;
}

static bool take_message(struct member *member, const struct lc_message *message)
{
	enum lc_join_event event;
	enum leafcast_reason reason = message->reason;

	member->silent_ticks = 0;
	if (!member->has_end) {
		if (message->kind != LC_MESSAGE_JOIN && message->kind != LC_MESSAGE_INVITE) {
			member_free(member);
			return false;
		}
		member->has_end = true;
		has_arrived(member);
		return asked_judge(member, message);
	}
	event = event_of_message(member, message);
	if (event == LC_ON_GOT_REFUSE || event == LC_ON_GOT_LEAVE)
		member->heard_last_word = true;
	if (reason == LEAFCAST_NO_REASON && event == LC_ON_GOT_REFUSE)
		reason = LEAFCAST_REJECTED;
	if (event == LC_ON_GOT_LEAVE)
		reason = member->left;
	return member_event(member, event, reason);
}

static bool take_end(struct member *member, int error)
{
	member->heard_last_word = true;
	if (!member->has_end) {
		member_free(member);
		return false;
	}
	if (member->state == LC_JOIN_CONNECTING && error)
		return member_event(member, LC_ON_FAILED, reason_of_errno(error));
	return member_event(member, LC_ON_HUNG_UP, LEAFCAST_NO_REASON);
}

/* One piece of news; false: the member is gone, or there is no more news. */
static bool take_news(struct member *member)
{
	struct lc_message message;
	int error = 0;

	switch (lc_peer_process(member->peer, &message, &error)) {
	case LC_PEER_NOTHING:
		sd_event_source_set_io_events(member->io, lc_peer_events(member->peer));
		return false;
	case LC_PEER_CONNECTED:
		return !member->has_end ||
		       member_event(member, LC_ON_CONNECTED, LEAFCAST_NO_REASON);
	case LC_PEER_MESSAGE:
		return take_message(member, &message);
	case LC_PEER_GARBAGE:
		if (member->has_end)
			return member_event(member, LC_ON_GOT_OTHER, LEAFCAST_NO_REASON);
		error = -EBADMSG;
		/* fallthrough */
	case LC_PEER_CLOSED:
		if (take_end(member, error))
			/* Draining: the connection has nothing more to say. */
			member->io = sd_event_source_disable_unref(member->io);
		return false;
	}
	return false;
}

static int on_ready(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct member *member = context;

	(void)source, (void)descriptor, (void)events;
	for (int i = 0; i < MESSAGES_AT_ONCE; i++)
		if (!take_news(member))
			break;
	return 0;
}

int member_adopt_peer(struct member *member, struct lc_peer *peer)
{
	int error = sd_event_add_io(member->daemon->event, &member->io, lc_peer_fd(peer),
				    lc_peer_events(peer), on_ready, member);

	if (error < 0)
		return error;
	member->peer = peer;
	return 0;
}

static bool is_of_address(const struct lc_peer *peer, const struct lc_endpoint *address)
{
	return lc_prefix_holds(address, address->family == LC_INET6 ? 64 : 32, lc_peer_other(peer));
}

static void make_room(struct daemon *daemon, const struct lc_endpoint *address)
{
	struct member *member, *oldest = NULL;
	unsigned int count = 0;

	TAILQ_FOREACH(member, &daemon->arrivals, arrival)
		if (is_of_address(member->peer, address) && count++ == 0)
			oldest = member;
	if (count < MAX_ARRIVALS_OF_ADDRESS)
		oldest = NULL;
	if (!oldest && daemon->arrival_count >= MAX_ARRIVALS)
		oldest = TAILQ_FIRST(&daemon->arrivals);
	if (oldest)
		member_free(oldest);
}

void member_incoming(struct daemon *daemon, struct lc_peer *peer)
{
	struct member *member = member_new(daemon);

	if (!member || member_adopt_peer(member, peer) < 0) {
		lc_peer_free(peer);
		if (member)
			member_free(member);
		return;
	}
	/* The other end of a pair is a socket of this node, and bounded with those. */
	if (!lc_peer_is_pair(peer)) {
		make_room(daemon, lc_peer_other(peer));
		TAILQ_INSERT_TAIL(&daemon->arrivals, member, arrival);
		daemon->arrival_count++;
		member->arrives = true;
	}
	if (arm_deadline(member, FIRST_WORD_DEADLINE) < 0)
		member_free(member);
}

void members_free_strangers(struct daemon *daemon)
{
	struct member *member, *next;

	for (member = LIST_FIRST(&daemon->members); member; member = next) {
		next = LIST_NEXT(member, entry);
		if (!member->has_end)
			member_free(member);
	}
}

struct member *member_of_request(struct daemon *daemon, uint64_t request)
{
	struct member *member;

	LIST_FOREACH(member, &daemon->members, entry)
		if (request && member->request == request)
			return member;
	return NULL;
}

void members_follow_network(struct daemon *daemon)
{
	struct member *member;

	LIST_FOREACH(member, &daemon->members, entry)
		steps_refresh_path(member);
}

static int send_report(struct member *member)
{
	struct lc_message report = {.kind = LC_MESSAGE_REPORT};
	int error;

	steps_count(member, &report);
	error = lc_peer_send(member->peer, &report);
	sd_event_source_set_io_events(member->io, lc_peer_events(member->peer));
	return error;
}

/*
 * Silence is counted in our own ticks, not read off a clock: a daemon that was
 * stopped for a minute does not take the whole world for dead when it goes on.
 */
void members_tick(struct daemon *daemon)
{
	struct member *member, *next;

	for (member = LIST_FIRST(&daemon->members); member; member = next) {
		next = LIST_NEXT(member, entry);
		if (member->state != LC_JOIN_MEMBER)
			continue;
		/* One that reads none of our reports any more is as good as silent. */
		if (++member->silent_ticks > SILENT_TICKS || send_report(member) == -ENOBUFS)
			member_event(member, LC_ON_HUNG_UP, LEAFCAST_NO_REASON);
	}
}
