/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "membership/membership.h"

#include <errno.h>

#include "core/endpoint.h"
#include "membership/flows.h"
#include "membership/judge.h"
#include "membership/steps.h"

void lc_membership_init(struct lc_membership *member, const struct lc_membership_world *world)
{
	*member = (struct lc_membership){
		.world = world,
		.deadline_us = LC_JOIN_DEADLINE,
		.asked = {.down = lc_flowspec_default, .up = lc_flowspec_default},
		.flows = {.down = lc_flowspec_default, .up = lc_flowspec_default},
	};
}

/* ---- events ---- */

/* How long each state may last that is left by the answer of somebody else; 0: for ever. */
static uint64_t deadline_of(const struct lc_membership *member)
{
	switch (member->state) {
	case LC_JOIN_CONNECTING:
		return member->deadline_us;
	case LC_JOIN_PROBING:
		return LC_PROBE_DEADLINE;
	case LC_JOIN_ASKING:
		return LC_ASK_DEADLINE;
	case LC_JOIN_CONFIRMING:
		return LC_CONFIRM_DEADLINE;
	case LC_JOIN_SUSPENDED:
	case LC_JOIN_LEFT:
		return member->world->grace_us(member);
	case LC_JOIN_REQUESTED:
	case LC_JOIN_PROVEN:
	case LC_JOIN_IDLE:
	case LC_JOIN_MEMBER:
	case LC_JOIN_DRAINING:
	case LC_JOIN_GONE:
	case LC_JOIN_STATE_COUNT:
		break;
	}
	return 0;
}

static void arm_deadline(struct lc_membership *member)
{
	uint64_t in_us = deadline_of(member);

	/* Of the state before: goes on. */
	if (member->state == LC_JOIN_REQUESTED || member->state == LC_JOIN_PROVEN)
		return;
	if (in_us)
		member->world->set_timer(member, LC_TIMER_DEADLINE, in_us);
	else
		member->world->stop_timer(member, LC_TIMER_DEADLINE);
}

/* What ends is not shown any more, so that need not be said. */
static void show(struct lc_membership *member, enum lc_join_state before)
{
	if (member->state == LC_JOIN_SUSPENDED)
		member->world->show_suspended(member, true);
	else if (before == LC_JOIN_SUSPENDED && member->state == LC_JOIN_MEMBER)
		member->world->show_suspended(member, false);
}

void lc_membership_event(struct lc_membership *member, enum lc_join_event event,
			 enum leafcast_reason reason)
{
	enum lc_join_state before = member->state;
	struct lc_join_step step = lc_join_next(member->end, before, event, reason);
	enum leafcast_reason failure;

	if (step.state == before && !step.actions)
		return;
	member->state = step.state;
	failure = lc_steps_run(member, step.actions, step.reason);
	if (failure) {
		lc_membership_event(member, LC_ON_FAILED, failure);
		return;
	}
	if (step.state == before)
		return;
	show(member, before);
	member->world->note(member, before, step.reason);
	arm_deadline(member);
	if (before == LC_JOIN_LEFT)
		member->world->forget_farewell(member);
	if (step.state == LC_JOIN_GONE)
		member->world->gone(member);
}

bool lc_membership_is_resumable(const struct lc_membership *member)
{
	return member->state == LC_JOIN_SUSPENDED || member->state == LC_JOIN_LEFT;
}

void lc_membership_adopt(struct lc_membership *member)
{
	if (member->why)
		member->state = LC_JOIN_LEFT;
	else
		member->state = member->left ? LC_JOIN_DRAINING : LC_JOIN_SUSPENDED;
	show(member, LC_JOIN_IDLE);
	if (member->state != LC_JOIN_DRAINING)
		arm_deadline(member);
	else if (lc_steps_drain_on(member) < 0)
		lc_membership_event(member, LC_ON_FAILED, member->left);
}

enum leafcast_reason lc_membership_start(struct lc_membership *member, uint64_t reply,
					 const struct lc_flows *flows)
{
	struct lc_flows asked = flows ? *flows : member->asked;
	enum leafcast_reason reason;

	/* A direction that the root does not use is not offered either (R59). */
	if (member->end == LC_END_INVITER && !member->root_receives)
		asked.up = lc_flowspec_default;
	reason = lc_membership_take_asked(member, flows != NULL, &asked);
	if (reason)
		return reason;
	member->reply = reply;
	lc_membership_event(member, LC_ON_START, LEAFCAST_NO_REASON);
	return LEAFCAST_NO_REASON;
}

/* ---- the peer ---- */

void lc_membership_first_word(struct lc_membership *member, const struct lc_message *message)
{
	enum leafcast_reason reason = lc_judge_first_word(member, message);

	lc_membership_event(member, reason ? LC_ON_FAILED : LC_ON_ADMISSIBLE, reason);
}

static bool take_leaf(struct lc_membership *member, const struct lc_message *message)
{
	if (!lc_judge_leaf_name(member, &message->leaf))
		return false;
	member->leaf_name = message->leaf;
	member->token = message->token;
	member->leaf_sends = message->leaf_sends;
	member->leaf_receives = message->leaf_receives;
	return true;
}

static void take_accept(struct lc_membership *member, const struct lc_message *message)
{
	enum leafcast_reason reason;

	/* The machine judges one that comes at another time; it must change nothing here. */
	if (member->state != (member->end == LC_END_INVITER ? LC_JOIN_REQUESTED : LC_JOIN_PROVEN)) {
		lc_membership_event(member, LC_ON_GOT_ACCEPT, LEAFCAST_NO_REASON);
		return;
	}
	if (message->data.length > member->capacity ||
	    (member->end == LC_END_INVITER && !take_leaf(member, message))) {
		lc_membership_event(member, LC_ON_GOT_OTHER, LEAFCAST_NO_REASON);
		return;
	}
	reason = message->has_flows ? lc_membership_merge_flows(member, &message->flows)
				    : LEAFCAST_NO_REASON;
	if (reason) {
		lc_membership_event(member, LC_ON_FAILED, reason);
		return;
	}
	member->callee = message->data;
	if (member->end == LC_END_JOINER)
		member->identity = message->identity;
	lc_membership_event(member, LC_ON_GOT_ACCEPT, LEAFCAST_NO_REASON);
}

static void take_leave(struct lc_membership *member, const struct lc_message *message)
{
	enum leafcast_reason reason = message->reason ? message->reason : LEAFCAST_CLOSED;

	if (member->state == LC_JOIN_MEMBER) {
		member->left = reason;
		member->expected = message->datagrams;
	}
	lc_membership_event(member, LC_ON_GOT_LEAVE, reason);
}

void lc_membership_message(struct lc_membership *member, const struct lc_message *message)
{
	enum leafcast_reason reason = message->reason;

	switch (message->kind) {
	case LC_MESSAGE_ACCEPT:
		take_accept(member, message);
		return;
	case LC_MESSAGE_SEEN:
		lc_membership_event(member,
				    member->token && message->token == member->token
					    ? LC_ON_GOT_SEEN
					    : LC_ON_GOT_OTHER,
				    LEAFCAST_NO_REASON);
		return;
	case LC_MESSAGE_JOINED:
		lc_membership_event(member, LC_ON_GOT_JOINED, LEAFCAST_NO_REASON);
		return;
	case LC_MESSAGE_REFUSE:
		lc_membership_event(member, LC_ON_GOT_REFUSE, reason ? reason : LEAFCAST_REJECTED);
		return;
	case LC_MESSAGE_LEAVE:
		take_leave(member, message);
		return;
	case LC_MESSAGE_REPORT:
		member->reported = (struct lc_membership_counts){message->datagrams, message->bytes,
								 message->buffer_drops};
		lc_membership_event(member, LC_ON_GOT_REPORT, LEAFCAST_NO_REASON);
		return;
	case LC_MESSAGE_JOIN:
	case LC_MESSAGE_INVITE:
	case LC_MESSAGE_HELLO:
	case LC_MESSAGE_RESUME:
	case LC_MESSAGE_RESUME_END:
	case LC_MESSAGE_READ:
	case LC_MESSAGE_DONE:
		break;
	}
	lc_membership_garbage(member);
}

void lc_membership_garbage(struct lc_membership *member)
{
	lc_membership_event(member, LC_ON_GOT_OTHER, LEAFCAST_NO_REASON);
}

static bool tells_of_death(int error)
{
	return error == -ETIMEDOUT || error == -EHOSTUNREACH || error == -ENETUNREACH;
}

void lc_membership_hung_up(struct lc_membership *member, int error)
{
	if (member->state == LC_JOIN_CONNECTING && error)
		lc_membership_event(member, LC_ON_FAILED, lc_reason_of_errno(error));
	else
		lc_membership_event(member, tells_of_death(error) ? LC_ON_DEAD : LC_ON_HUNG_UP,
				    LEAFCAST_NO_REASON);
}

/* ---- the application ---- */

/* Its decision takes the request off the listener's backlog. */
static void decided(struct lc_membership *member)
{
	if (member->waits)
		member->world->give_place(member);
	member->waits = false;
	member->request = 0;
}

void lc_membership_accept(struct lc_membership *member, const struct lc_membership_answer *answer)
{
	enum leafcast_reason reason = LEAFCAST_NO_REASON;

	decided(member);
	member->callee = answer->data;
	if (member->end == LC_END_INVITEE) {
		member->leaf_sends = answer->sends;
		member->leaf_receives = answer->receives;
	}
	if (answer->has_flows)
		reason = lc_membership_merge_flows(member, &answer->flows);
	if (reason) {
		member->world->tell(member, &(struct lc_local_message){.kind = LC_LOCAL_REPLY,
								       .id = answer->reply,
								       .reason = reason});
		lc_membership_event(member, LC_ON_APP_REJECTS, reason);
		return;
	}
	member->reply = answer->reply;
	lc_membership_event(member, LC_ON_APP_ACCEPTS, LEAFCAST_NO_REASON);
}

void lc_membership_reject(struct lc_membership *member, enum leafcast_reason reason)
{
	lc_membership_event(member, LC_ON_APP_REJECTS, reason);
}

/* ---- time ---- */

void lc_membership_timer(struct lc_membership *member, enum lc_membership_timer timer)
{
	switch (timer) {
	case LC_TIMER_DEADLINE:
		lc_membership_event(member, LC_ON_DEADLINE, LEAFCAST_NO_REASON);
		break;
	case LC_TIMER_PROBE:
		lc_steps_probe(member);
		break;
	case LC_TIMER_DRAIN:
		if (lc_steps_is_drained(member))
			lc_membership_event(member, LC_ON_DRAINED, member->left);
		else if (lc_steps_drain_on(member) < 0)
			lc_membership_event(member, LC_ON_FAILED, member->left);
		break;
	case LC_TIMER_COUNT:
		break;
	}
}

void lc_membership_follow_path(struct lc_membership *member)
{
	lc_steps_follow_path(member);
}
