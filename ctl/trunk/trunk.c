/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "trunk/trunk.h"

#include <errno.h>
#include <string.h>

#include "trunk/flow.h"
#include "trunk/members.h"
#include "trunk/report.h"
#include "trunk/resume.h"

void lc_trunk_init(struct lc_trunk *trunk, const struct lc_trunk_world *world,
		   const struct lc_endpoint *own, const struct lc_endpoint *other,
		   uint64_t instance, bool within_node)
{
	*trunk = (struct lc_trunk){
		.world = world,
		.own = *own,
		.other = *other,
		.instance = instance,
		.within_node = within_node,
	};
	trunk->own.port = trunk->other.port = 0;
	TAILQ_INIT(&trunk->members);
	TAILQ_INIT(&trunk->wanting);
	TAILQ_INIT(&trunk->leaving);
}

static bool is_empty(const struct lc_trunk *trunk)
{
	return TAILQ_EMPTY(&trunk->members);
}

/* Memberships may speak. */
static bool is_through(const struct lc_trunk *trunk)
{
	return trunk->state == LC_TRUNK_SETTLING || trunk->state == LC_TRUNK_UP;
}

/* ---- lines ---- */

static void close_line(struct lc_trunk *trunk)
{
	struct lc_line *line = trunk->line;

	trunk->line = NULL;
	if (line)
		trunk->world->close(trunk, line);
}

static void drop_held(struct lc_trunk *trunk)
{
	struct lc_line *held = trunk->held;

	trunk->held = NULL;
	trunk->world->stop_timer(trunk, LC_TRUNK_HELD);
	if (held)
		trunk->world->close(trunk, held);
}

/* All that was said on a connection goes with it. */
static void forget_line(struct lc_trunk *trunk)
{
	struct lc_trunk_member *member;

	close_line(trunk);
	lc_window_clear(&trunk->window);
	while ((member = TAILQ_FIRST(&trunk->leaving)))
		lc_members_leave_no_more(member);
	lc_walk_stop(&trunk->reporting);
	trunk->report_at = 0;
	trunk->broken = trunk->has_said_done = trunk->is_silent = false;
}

static bool tells_of_death(int error)
{
	return error == -ETIMEDOUT || error == -EHOSTUNREACH || error == -ENETUNREACH;
}

static void start_ending(struct lc_trunk *trunk, int error)
{
	/* A host that has called in again is not dead, whatever the old connection died of. */
	if (trunk->held && tells_of_death(error))
		error = -ECONNRESET;
	forget_line(trunk);
	trunk->failures = trunk->state == LC_TRUNK_OPENING ? trunk->failures + 1 : 0;
	trunk->was_up = is_through(trunk);
	trunk->end_error = error;
	trunk->state = LC_TRUNK_ENDING;
	lc_walk_start(&trunk->walk, trunk);
	trunk->world->wake(trunk);
}

static void say_hello(struct lc_trunk *trunk)
{
	struct lc_message hello = {
		.kind = LC_MESSAGE_HELLO,
		.version = LC_MESSAGE_VERSION,
		.instance = trunk->instance,
	};

	if (trunk->world->draw(trunk, &trunk->own_nonce, sizeof(trunk->own_nonce))) {
		lc_flow_break(trunk);
		return;
	}
	hello.nonce = trunk->own_nonce;
	if (lc_flow_say(trunk, &hello, LC_WINDOW_QUEUE))
		lc_flow_break(trunk);
}

static void open_line(struct lc_trunk *trunk)
{
	int error;

	trunk->state = LC_TRUNK_OPENING;
	trunk->opened_here = true;
	trunk->tries++;
	trunk->retries = false;
	trunk->world->stop_timer(trunk, LC_TRUNK_RETRY);
	error = trunk->world->open(trunk, &trunk->line);
	if (error)
		start_ending(trunk, error);
}

void lc_trunk_opened(struct lc_trunk *trunk)
{
	if (trunk->state != LC_TRUNK_OPENING)
		return;
	trunk->state = LC_TRUNK_GREETING;
	say_hello(trunk);
}

/* A connection that came in is used. */
static void take_line(struct lc_trunk *trunk, struct lc_line *line, const struct lc_identity *nonce,
		      size_t bytes)
{
	forget_line(trunk);
	trunk->retries = false;
	trunk->world->stop_timer(trunk, LC_TRUNK_RETRY);
	trunk->line = line;
	trunk->opened_here = false;
	trunk->other_nonce = *nonce;
	say_hello(trunk);
	lc_flow_heard(trunk, bytes);
	if (is_empty(trunk))
		trunk->world->set_timer(trunk, LC_TRUNK_IDLE, LC_TRUNK_IDLE_US);
	lc_resume_begin(trunk);
}

static void take_held(struct lc_trunk *trunk)
{
	struct lc_line *line = trunk->held;

	trunk->held = NULL;
	trunk->world->stop_timer(trunk, LC_TRUNK_HELD);
	take_line(trunk, line, &trunk->held_nonce, trunk->held_bytes);
}

static void hold(struct lc_trunk *trunk, struct lc_line *line, const struct lc_message *hello,
		 size_t bytes)
{
	drop_held(trunk);
	trunk->held = line;
	trunk->held_nonce = hello->nonce;
	trunk->held_bytes = bytes;
	trunk->world->set_timer(trunk, LC_TRUNK_HELD, LC_TRUNK_HELD_US);
}

/* Whether of two connections that are being opened this side's is used. */
static bool wins(const struct lc_trunk *trunk)
{
	const struct lc_endpoint *own = &trunk->own, *other = &trunk->other;

	/* There the addresses may be the same, and one side has drawn all numbers. */
	if (trunk->within_node)
		return trunk->drawn_here > 0;
	if (own->family != other->family)
		return own->family > other->family;
	return memcmp(own->addr, other->addr, sizeof(own->addr)) > 0;
}

void lc_trunk_came(struct lc_trunk *trunk, struct lc_line *line, const struct lc_message *hello,
		   size_t bytes)
{
	/* Something on the way leads back here. */
	if (!trunk->within_node && hello->instance == trunk->instance) {
		trunk->world->close(trunk, line);
		return;
	}
	switch (trunk->state) {
	case LC_TRUNK_DOWN:
		take_line(trunk, line, &hello->nonce, bytes);
		return;
	case LC_TRUNK_OPENING:
	case LC_TRUNK_GREETING:
		if (wins(trunk))
			hold(trunk, line, hello, bytes);
		else
			take_line(trunk, line, &hello->nonce, bytes);
		return;
	case LC_TRUNK_RESUMING:
	case LC_TRUNK_SETTLING:
	case LC_TRUNK_UP:
		hold(trunk, line, hello, bytes);
		lc_flow_nudge(trunk);
		return;
	case LC_TRUNK_ENDING:
		hold(trunk, line, hello, bytes);
		return;
	}
}

void lc_trunk_ended(struct lc_trunk *trunk, struct lc_line *line, int error)
{
	if (line == trunk->held)
		drop_held(trunk);
	else if (line == trunk->line)
		start_ending(trunk, error);
}

/* ---- messages ---- */

static void take_hello(struct lc_trunk *trunk, const struct lc_message *hello)
{
	if (!trunk->within_node && hello->instance == trunk->instance) {
		start_ending(trunk, -ECONNREFUSED);
		return;
	}
	drop_held(trunk);
	trunk->other_nonce = hello->nonce;
	lc_resume_begin(trunk);
}

/* To the membership it is about, which first hears what the lists mean for it. */
static void deliver(struct lc_trunk *trunk, const struct lc_message *message)
{
	struct lc_trunk_member *member = lc_members_find(trunk, message->number,
							 message->numbered_by_sender);

	if (member) {
		lc_resume_settle(member);
		member = lc_members_find(trunk, message->number, message->numbered_by_sender);
	}
	/* What is about none has crossed our last word on it. */
	if (member)
		trunk->world->message(member, message);
	else if (message->kind == LC_MESSAGE_JOIN || message->kind == LC_MESSAGE_INVITE)
		trunk->world->asked(trunk, message);
}

static void take_report(struct lc_trunk *trunk, const struct lc_message *report)
{
	struct lc_message one = {.kind = LC_MESSAGE_REPORT};

	for (unsigned int i = 0; i < report->entry_count; i++) {
		const struct lc_message_entry *entry = &report->entries[i];

		one.number = entry->number;
		one.numbered_by_sender = entry->numbered_by_sender;
		one.datagrams = entry->datagrams;
		one.bytes = entry->bytes;
		one.buffer_drops = entry->buffer_drops;
		deliver(trunk, &one);
	}
}

static void take_read(struct lc_trunk *trunk, uint32_t bytes)
{
	struct lc_trunk_member *member;

	if (lc_window_read(&trunk->window, bytes)) {
		lc_flow_break(trunk);
		return;
	}
	lc_flow_pump(trunk);
	while ((member = TAILQ_FIRST(&trunk->leaving)) && member->leave_at <= trunk->window.read) {
		lc_members_leave_no_more(member);
		trunk->world->leave_read(member);
	}
	trunk->world->wake(trunk); /* lists, reports and what waits may go on */
}

static void take_done(struct lc_trunk *trunk, bool answers)
{
	const struct lc_message answer = {.kind = LC_MESSAGE_DONE, .answers = true};

	/* Both may have answered, and joins wait at both for the end: somebody has to make it. */
	if (answers && trunk->has_said_done && (is_empty(trunk) || trunk->is_silent)) {
		start_ending(trunk, 0);
	} else if (!answers && is_empty(trunk) &&
		   lc_flow_say(trunk, &answer, LC_WINDOW_QUEUE) == 0) {
		trunk->is_silent = true;
		/* The end is the other side's to make, unless it never does: a join of its own may be under way. */
		trunk->world->set_timer(trunk, LC_TRUNK_IDLE, LC_TRUNK_IDLE_US);
	}
}

/* Not before both lists are through, but for the lists themselves. */
static bool may_come(const struct lc_trunk *trunk, enum lc_message_kind kind)
{
	switch (kind) {
	case LC_MESSAGE_HELLO:
		return trunk->state == LC_TRUNK_GREETING;
	case LC_MESSAGE_RESUME:
	case LC_MESSAGE_RESUME_END:
		return trunk->state == LC_TRUNK_RESUMING && !trunk->other_has_listed;
	case LC_MESSAGE_READ:
		return trunk->state == LC_TRUNK_RESUMING || is_through(trunk);
	case LC_MESSAGE_JOIN:
	case LC_MESSAGE_INVITE:
	case LC_MESSAGE_SEEN:
	case LC_MESSAGE_ACCEPT:
	case LC_MESSAGE_JOINED:
	case LC_MESSAGE_REFUSE:
	case LC_MESSAGE_LEAVE:
	case LC_MESSAGE_REPORT:
	case LC_MESSAGE_DONE:
		return is_through(trunk);
	}
	return false;
}

static void carry_out(struct lc_trunk *trunk, const struct lc_message *message)
{
	switch (message->kind) {
	case LC_MESSAGE_HELLO:
		take_hello(trunk, message);
		return;
	case LC_MESSAGE_RESUME:
		if (lc_resume_claims(trunk, message))
			lc_flow_break(trunk);
		return;
	case LC_MESSAGE_RESUME_END:
		lc_resume_listed(trunk);
		return;
	case LC_MESSAGE_READ:
		take_read(trunk, message->read_bytes);
		return;
	case LC_MESSAGE_DONE:
		take_done(trunk, message->answers);
		return;
	case LC_MESSAGE_REPORT:
		take_report(trunk, message);
		return;
	case LC_MESSAGE_JOIN:
	case LC_MESSAGE_INVITE:
	case LC_MESSAGE_SEEN:
	case LC_MESSAGE_ACCEPT:
	case LC_MESSAGE_JOINED:
	case LC_MESSAGE_REFUSE:
	case LC_MESSAGE_LEAVE:
		deliver(trunk, message);
		return;
	}
}

void lc_trunk_message(struct lc_trunk *trunk, struct lc_line *line,
		      const struct lc_message *message, size_t bytes)
{
	if (line == trunk->held) {
		drop_held(trunk); /* it has not been answered yet */
		return;
	}
	if (line != trunk->line || trunk->broken)
		return;
	if (!may_come(trunk, message->kind)) {
		lc_flow_break(trunk);
		return;
	}
	if (message->kind != LC_MESSAGE_DONE && trunk->is_silent) {
		trunk->is_silent = false;
		trunk->world->wake(trunk);
	}
	carry_out(trunk, message);
	if (message->kind != LC_MESSAGE_READ && trunk->line == line)
		lc_flow_heard(trunk, bytes);
}

void lc_trunk_drained(struct lc_trunk *trunk, struct lc_line *line)
{
	if (line == trunk->line)
		lc_flow_acknowledge(trunk);
}

/* ---- memberships ---- */

int lc_trunk_attach(struct lc_trunk *trunk, struct lc_trunk_member *member,
		    const struct lc_trunk_name *name, const struct lc_identity *secret)
{
	int error = lc_members_add(trunk, member, name, secret);

	if (error)
		return error;
	trunk->world->stop_timer(trunk, LC_TRUNK_IDLE);
	if (trunk->state == LC_TRUNK_DOWN)
		trunk->world->wake(trunk);
	return 0;
}

int lc_trunk_join(struct lc_trunk *trunk, struct lc_trunk_member *member, uint64_t number,
		  const struct lc_identity *secret)
{
	const struct lc_trunk_name name = {number, 1};
	int error = lc_trunk_attach(trunk, member, &name, secret);

	if (error)
		return error;
	lc_members_want(member);
	trunk->world->wake(trunk);
	return 0;
}

void lc_trunk_detach(struct lc_trunk_member *member)
{
	struct lc_trunk *trunk = member->trunk;

	if (!trunk)
		return;
	lc_members_remove(member);
	if (!is_empty(trunk))
		return;
	if (trunk->state == LC_TRUNK_DOWN || trunk->state == LC_TRUNK_OPENING)
		trunk->world->wake(trunk);
	else
		trunk->world->set_timer(trunk, LC_TRUNK_IDLE, LC_TRUNK_IDLE_US);
}

static bool must_not_be_lost(enum lc_message_kind kind)
{
	return kind == LC_MESSAGE_LEAVE || kind == LC_MESSAGE_REFUSE;
}

static size_t limit_of(enum lc_message_kind kind)
{
	bool asks = kind == LC_MESSAGE_JOIN || kind == LC_MESSAGE_INVITE;

	return asks ? LC_WINDOW_REQUESTS : LC_WINDOW_QUEUE;
}

int lc_trunk_send(struct lc_trunk_member *member, const struct lc_message *message)
{
	struct lc_trunk *trunk = member->trunk;
	struct lc_message named = *message;
	int error;

	if (!trunk || !is_through(trunk) || trunk->broken)
		return -EPIPE;
	named.number = member->name.number;
	named.numbered_by_sender = member->name.numbered_here == 1;
	error = lc_flow_say(trunk, &named, limit_of(message->kind));
	if (error && must_not_be_lost(message->kind)) {
		lc_flow_break(trunk);
		return 0;
	}
	if (!error && message->kind == LC_MESSAGE_LEAVE)
		lc_members_leave(member, trunk->window.given);
	return error;
}

/* ---- what is done in parts ---- */

/*
 * That there is no way, or somebody on it forbids it, may be so for a moment only
 * (routes renewed, a firewall loaded): a membership whose connection was there is
 * lost by that when it has lasted, a join fails at once. One whose number the other
 * side has drawn is not lost by it at all: that side's host may let nobody in, which
 * looks like its death from here, and calls itself when it can. Is it dead indeed,
 * the grace time ends the membership.
 */
static int error_for(const struct lc_trunk *trunk, const struct lc_trunk_member *member)
{
	bool lasts = trunk->end_error == -ETIMEDOUT || trunk->failures >= LC_TRUNK_FAILURES;
	bool was_there = trunk->failures == 0;

	if (was_there || !tells_of_death(trunk->end_error) || !trunk->world->is_resumable(member))
		return trunk->end_error;
	return lasts && member->name.numbered_here ? trunk->end_error : -ECONNRESET;
}

/* Joins that only wait for the connection have not failed with it, if another is to be had. */
static bool is_spared(const struct lc_trunk *trunk, const struct lc_trunk_member *member)
{
	return member->wants && (trunk->was_up || trunk->held);
}

static bool hang_up_on(struct lc_trunk *trunk)
{
	struct lc_trunk_member *member;

	for (int i = 0; i < LC_TRUNK_AT_ONCE; i++) {
		member = lc_walk_next(&trunk->walk);
		if (!member)
			return true;
		if (!is_spared(trunk, member))
			trunk->world->hung_up(member, error_for(trunk, member));
	}
	return lc_walk_is_over(&trunk->walk);
}

/* However many want to ask at once, none is refused for want of room: the next READ goes on with them. */
static bool may_connect(const struct lc_trunk *trunk)
{
	return !trunk->is_silent && !trunk->broken &&
	       lc_window_waiting(&trunk->window) < LC_WINDOW_REQUESTS / 2;
}

static bool connect_on(struct lc_trunk *trunk)
{
	struct lc_trunk_member *member;

	for (int i = 0; i < LC_TRUNK_AT_ONCE && may_connect(trunk); i++) {
		member = TAILQ_FIRST(&trunk->wanting);
		if (!member)
			return true;
		lc_members_want_no_more(member);
		trunk->world->connected(member);
	}
	return !may_connect(trunk) || TAILQ_EMPTY(&trunk->wanting);
}

static void retry_later(struct lc_trunk *trunk)
{
	uint32_t chance = 0;
	uint64_t about_us = trunk->drawn_here ? LC_TRUNK_RETRY_US : LC_TRUNK_DOUBT_US;
	uint64_t in_us = about_us * 3 / 4;

	/* Where chance is not to be had, all at the same time is good enough. */
	if (trunk->world->draw(trunk, &chance, sizeof(chance)) == 0)
		in_us += chance % (about_us / 2);
	trunk->retries = true;
	trunk->world->set_timer(trunk, LC_TRUNK_RETRY, in_us);
}

/* Nothing is there: who needs a connection? */
static void be_down(struct lc_trunk *trunk)
{
	trunk->state = LC_TRUNK_DOWN;
	if (trunk->held)
		take_held(trunk);
	else if (!TAILQ_EMPTY(&trunk->wanting))
		open_line(trunk);
	else if (trunk->drawn_here && trunk->tries == 0)
		open_line(trunk);
	else if (is_empty(trunk))
		trunk->world->over(trunk);
	else if (!trunk->retries)
		retry_later(trunk);
}

void lc_trunk_run(struct lc_trunk *trunk)
{
	bool again = false;

	if (trunk->broken)
		start_ending(trunk, -EBADMSG);
	switch (trunk->state) {
	case LC_TRUNK_DOWN:
		be_down(trunk);
		break;
	case LC_TRUNK_OPENING:
		/* Nobody waits for it any more. */
		if (is_empty(trunk))
			start_ending(trunk, 0);
		break;
	case LC_TRUNK_GREETING:
		break;
	case LC_TRUNK_RESUMING:
		if (!trunk->has_listed)
			lc_resume_list(trunk);
		break;
	case LC_TRUNK_SETTLING:
		if (lc_resume_settle_on(trunk))
			trunk->state = LC_TRUNK_UP;
		/* Else the next READ goes on with it. */
		again = lc_window_waiting(&trunk->window) <= LC_WINDOW_REQUESTS;
		break;
	case LC_TRUNK_UP:
		lc_report_on(trunk);
		again = !connect_on(trunk);
		break;
	case LC_TRUNK_ENDING:
		if (hang_up_on(trunk))
			be_down(trunk);
		else
			again = true;
		break;
	}
	if (again)
		trunk->world->wake(trunk);
}

/* ---- time ---- */

static void be_idle(struct lc_trunk *trunk)
{
	const struct lc_message done = {.kind = LC_MESSAGE_DONE};

	if (!is_empty(trunk) || trunk->state == LC_TRUNK_DOWN || trunk->state == LC_TRUNK_ENDING)
		return;
	if (trunk->state != LC_TRUNK_UP || trunk->has_said_done || trunk->is_silent ||
	    lc_flow_say(trunk, &done, LC_WINDOW_QUEUE)) {
		start_ending(trunk, 0);
		return;
	}
	trunk->has_said_done = true;
	trunk->world->set_timer(trunk, LC_TRUNK_IDLE, LC_TRUNK_IDLE_US);
}

void lc_trunk_timer(struct lc_trunk *trunk, enum lc_trunk_timer timer)
{
	switch (timer) {
	case LC_TRUNK_RETRY:
		trunk->retries = false;
		trunk->tries = 0;
		if (trunk->state == LC_TRUNK_DOWN && !trunk->held && !is_empty(trunk))
			open_line(trunk);
		else
			lc_trunk_run(trunk);
		break;
	case LC_TRUNK_IDLE:
		be_idle(trunk);
		break;
	case LC_TRUNK_HELD:
		drop_held(trunk);
		break;
	case LC_TRUNK_TIMER_COUNT:
		break;
	}
}

void lc_trunk_report(struct lc_trunk *trunk)
{
	if (trunk->state != LC_TRUNK_UP)
		return;
	trunk->tries = 0; /* it has held for a while */
	lc_report_start(trunk);
}

void lc_trunk_end(struct lc_trunk *trunk)
{
	struct lc_trunk_member *member;

	while ((member = TAILQ_FIRST(&trunk->members)))
		lc_members_remove(member);
	drop_held(trunk);
	forget_line(trunk);
	for (int timer = 0; timer < LC_TRUNK_TIMER_COUNT; timer++)
		trunk->world->stop_timer(trunk, timer);
}
