/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "trunks.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/endpoint.h"
#include "protocol/codec.h"

struct frame {
	struct frame *next;
	size_t length;
	struct lc_message message;
};

struct side near = {.what = "near", .other = &far}, far = {.what = "far", .other = &near};
struct wire *wires;

static struct side *side_of(const struct lc_trunk *trunk)
{
	return trunk == &near.trunk ? &near : &far;
}

static struct member *member_at(const struct lc_trunk_member *member)
{
	/* Whoever was detached is told nothing more. */
	cr_assert_not_null(member->trunk);
	return (struct member *)(uintptr_t)member;
}

/* ---- wires ---- */

static struct lc_line *other_end(const struct lc_line *line)
{
	return line == &line->wire->ends[0] ? &line->wire->ends[1] : &line->wire->ends[0];
}

static struct wire *new_wire(struct side *opener, struct side *other)
{
	struct wire *wire = calloc(1, sizeof(*wire)), **at = &wires;

	for (int i = 0; i < 2; i++) {
		wire->ends[i].wire = wire;
		wire->ends[i].last = &wire->ends[i].first;
	}
	wire->ends[0].side = opener;
	wire->ends[1].side = other;
	while (*at)
		at = &(*at)->next;
	*at = wire;
	return wire;
}

static struct frame *take_frame(struct lc_line *line)
{
	struct frame *frame = line->first;

	if (!frame)
		return NULL;
	line->first = frame->next;
	if (!line->first)
		line->last = &line->first;
	if (frame->message.kind != LC_MESSAGE_READ)
		line->unread -= frame->length;
	line->reports -= frame->message.kind == LC_MESSAGE_REPORT;
	return frame;
}

static void drop_frames(struct lc_line *line)
{
	struct frame *frame;

	while ((frame = take_frame(line)))
		free(frame);
}

static int send_to(struct lc_line *to, const uint8_t *bytes, size_t length)
{
	struct frame *frame = calloc(1, sizeof(*frame));

	frame->length = length;
	cr_assert_eq(lc_frame_length(bytes, length), (int)length - LC_FRAME_HEADER);
	cr_assert_eq(lc_message_decode(&frame->message, bytes + LC_FRAME_HEADER,
				       length - LC_FRAME_HEADER),
		     0);
	*to->last = frame;
	to->last = &frame->next;
	to->reports += frame->message.kind == LC_MESSAGE_REPORT;
	if (frame->message.kind != LC_MESSAGE_READ) {
		to->counted += length;
		to->unread += length;
	}
	return 0;
}

/* ---- what the trunk asks of the world ---- */

static int open_wire(struct lc_trunk *trunk, struct lc_line **line)
{
	struct side *side = side_of(trunk);

	if (side->open_error)
		return side->open_error;
	*line = side->last_opened = &new_wire(side, side->other)->ends[0];
	(*line)->wire->slow = side->is_slow;
	return 0;
}

static int send_frame(struct lc_trunk *trunk, struct lc_line *line, const uint8_t *frame,
		      size_t length)
{
	cr_assert_eq(line->side, side_of(trunk));
	cr_assert_not(line->closed);
	cr_assert(line->wire->connected, "%s speaks before it is connected", line->side->what);
	if (line->wire->cut || other_end(line)->closed)
		return -EPIPE;
	return send_to(other_end(line), frame, length);
}

static void close_wire(struct lc_trunk *trunk, struct lc_line *line)
{
	cr_assert_eq(line->side, side_of(trunk));
	cr_assert_not(line->closed);
	line->closed = true;
	drop_frames(line);
}

static bool is_dead(int error)
{
	return error == -ETIMEDOUT || error == -EHOSTUNREACH || error == -ENETUNREACH;
}

static void becomes(struct member *member, enum play_state state)
{
	member->state = state;
	if (state == GONE)
		lc_trunk_detach(&member->trunk);
}

static void say(struct member *member, enum lc_message_kind kind)
{
	struct lc_message message = {.kind = kind, .secret = member->trunk.secret};
	int error;

	if (kind == LC_MESSAGE_JOIN)
		message.session = message.leaf = (struct lc_endpoint){.family = LC_INET};
	if (kind == LC_MESSAGE_LEAVE)
		message.datagrams = member->datagrams;
	if (kind == LC_MESSAGE_JOIN)
		message.data = (struct lc_connect_data){.present = true,
							.length = member->side->data_length};
	error = lc_trunk_send(&member->trunk, &message);
	cr_assert(kind != LC_MESSAGE_JOIN || error != -ENOBUFS, "a JOIN is refused");
}

static void connected(struct lc_trunk_member *trunk)
{
	struct member *member = member_at(trunk);

	cr_assert_eq(member->state, PENDING);
	member->connected++;
	say(member, LC_MESSAGE_JOIN);
}

static void on_message(struct lc_trunk_member *trunk, const struct lc_message *message)
{
	struct member *member = member_at(trunk);

	member->messages++;
	member->last = *message;
	switch (message->kind) {
	case LC_MESSAGE_ACCEPT:
		if (member->state == PENDING)
			member->state = JOINED;
		break;
	case LC_MESSAGE_REPORT:
		member->reported = message->datagrams;
		break;
	case LC_MESSAGE_REFUSE:
	case LC_MESSAGE_LEAVE:
		cr_assert_neq(member->state, SUSPENDED, "it heard LEAVE before it was resumed");
		becomes(member, GONE);
		break;
	default:
		break;
	}
}

static void hung_up(struct lc_trunk_member *trunk, int error)
{
	struct member *member = member_at(trunk);

	member->error = error;
	if (member->state == PENDING || is_dead(error))
		becomes(member, GONE);
	else if (member->state == JOINED)
		member->state = SUSPENDED;
}

static void resumed(struct lc_trunk_member *trunk)
{
	struct member *member = member_at(trunk);

	member->resumed++;
	if (member->state == SUSPENDED)
		member->state = JOINED;
	else
		say(member, LC_MESSAGE_LEAVE);
}

static void forgotten(struct lc_trunk_member *trunk)
{
	member_at(trunk)->forgotten++;
	becomes(member_at(trunk), GONE);
}

static void leave_read(struct lc_trunk_member *trunk)
{
	cr_assert_eq(member_at(trunk)->state, LEFT);
	member_at(trunk)->leaves_read++;
	becomes(member_at(trunk), GONE);
}

static bool is_resumable(const struct lc_trunk_member *trunk)
{
	enum play_state state = member_at(trunk)->state;

	return state == SUSPENDED || state == LEFT;
}

static bool count(struct lc_trunk_member *trunk, struct lc_message_entry *entry)
{
	entry->datagrams = member_at(trunk)->datagrams;
	return member_at(trunk)->state == JOINED;
}

static struct lc_identity secret_of(uint64_t number)
{
	struct lc_identity secret = {{'s'}};

	memcpy(secret.bytes + 8, &number, sizeof(number));
	return secret;
}

static struct member *new_member(struct side *side, uint64_t number)
{
	struct member *member = calloc(1, sizeof(*member));

	cr_assert(side->member_count < sizeof(side->members) / sizeof(side->members[0]));
	member->side = side;
	member->number = number;
	side->members[side->member_count++] = member;
	return member;
}

static void asked(struct lc_trunk *trunk, const struct lc_message *message)
{
	struct side *side = side_of(trunk);
	struct member *member = new_member(side, message->number);
	const struct lc_trunk_name name = {message->number, 0};

	side->asked++;
	cr_assert_eq(lc_trunk_attach(trunk, &member->trunk, &name, &message->secret), 0);
	member->state = JOINED;
	say(member, LC_MESSAGE_ACCEPT);
}

static int draw(struct lc_trunk *trunk, void *bytes, size_t length)
{
	static unsigned char last;

	(void)trunk;
	memset(bytes, ++last, length);
	return 0;
}

static void set_timer(struct lc_trunk *trunk, enum lc_trunk_timer timer, uint64_t in_us)
{
	const bool doubts = trunk->drawn_here == 0;
	const uint64_t retry = doubts ? LC_TRUNK_DOUBT_US : LC_TRUNK_RETRY_US;
	const uint64_t least[] = {retry * 3 / 4, LC_TRUNK_IDLE_US, LC_TRUNK_HELD_US};

	cr_assert(in_us >= least[timer] && in_us <= 2 * least[timer]);
	side_of(trunk)->timers[timer] = true;
	if (timer == LC_TRUNK_RETRY)
		side_of(trunk)->doubts = doubts;
}

static void stop_timer(struct lc_trunk *trunk, enum lc_trunk_timer timer)
{
	side_of(trunk)->timers[timer] = false;
}

static void wake(struct lc_trunk *trunk)
{
	side_of(trunk)->wakes = true;
}

static void over(struct lc_trunk *trunk)
{
	cr_assert(TAILQ_EMPTY(&trunk->members) && !trunk->line && !trunk->held);
	side_of(trunk)->is_over = true;
}

static const struct lc_trunk_world played = {
	.open = open_wire,
	.send = send_frame,
	.close = close_wire,
	.connected = connected,
	.message = on_message,
	.hung_up = hung_up,
	.resumed = resumed,
	.forgotten = forgotten,
	.leave_read = leave_read,
	.is_resumable = is_resumable,
	.count = count,
	.asked = asked,
	.draw = draw,
	.set_timer = set_timer,
	.stop_timer = stop_timer,
	.wake = wake,
	.over = over,
};

/* ---- what is to be ---- */

void expect_joined(uint64_t number)
{
	struct member *here = member_of(&near, number), *there = member_of(&far, number);

	cr_assert(here && there, "%lu is not at both ends", number);
	cr_assert_eq(here->state, JOINED, "%lu is %d here", number, here->state);
	cr_assert_eq(there->state, JOINED, "%lu is %d there", number, there->state);
}

void expect_gone(struct side *side, uint64_t number)
{
	struct member *member = member_of(side, number);

	cr_assert(!member || member->state == GONE, "%lu is %d at %s", number,
		  member ? member->state : 0, side->what);
}

/* ---- beginning and end ---- */

static void begin(struct side *side, const char *own, const char *other, uint64_t instance)
{
	struct lc_endpoint here, there;

	cr_assert_eq(lc_endpoint_parse(&here, own), 0);
	cr_assert_eq(lc_endpoint_parse(&there, other), 0);
	lc_trunk_init(&side->trunk, &played, &here, &there, instance, false);
}

static void begin_side(struct side *side, uint64_t instance)
{
	if (side == &near)
		begin(side, "192.0.2.1:0", "192.0.2.2:0", instance);
	else
		begin(side, "192.0.2.2:0", "192.0.2.1:0", instance);
	side->wakes = side->is_over = side->stopped = side->drowsy = false;
	memset(side->timers, 0, sizeof(side->timers));
}

static void clear_side(struct side *side)
{
	while (side->member_count)
		free(side->members[--side->member_count]);
	side->refuses = side->is_slow = false;
	side->open_error = 0;
	side->data_length = 0;
	side->asked = 0;
}

void trunks_begin(void)
{
	begin_side(&near, 1);
	begin_side(&far, 2);
}

void trunks_end(void)
{
	struct wire *wire;

	lc_trunk_end(&near.trunk);
	lc_trunk_end(&far.trunk);
	clear_side(&near);
	clear_side(&far);
	while ((wire = wires)) {
		wires = wire->next;
		drop_frames(&wire->ends[0]);
		drop_frames(&wire->ends[1]);
		free(wire);
	}
}

struct member *joins(struct side *side, uint64_t number)
{
	struct member *member = new_member(side, number);
	struct lc_identity secret = secret_of(number);

	cr_assert_eq(lc_trunk_join(&side->trunk, &member->trunk, number, &secret), 0);
	return member;
}

struct member *had(struct side *side, uint64_t number, bool numbered_here, enum play_state state)
{
	struct member *member = new_member(side, number);
	struct lc_identity secret = secret_of(number);
	const struct lc_trunk_name name = {number, numbered_here};

	member->state = state;
	cr_assert_eq(lc_trunk_attach(&side->trunk, &member->trunk, &name, &secret), 0);
	return member;
}

struct member *member_of(struct side *side, uint64_t number)
{
	for (unsigned int i = side->member_count; i; i--)
		if (side->members[i - 1]->number == number)
			return side->members[i - 1];
	return NULL;
}

void leaves(struct member *member)
{
	enum play_state before = member->state;

	if (before != JOINED && before != SUSPENDED)
		return;
	member->state = LEFT;
	if (before == JOINED)
		say(member, LC_MESSAGE_LEAVE);
}

void starts_anew(struct side *side)
{
	static uint64_t instance = 100;
	unsigned int count = side->member_count;
	struct member **had_before = calloc(count, sizeof(*had_before));

	memcpy(had_before, side->members, count * sizeof(*had_before));
	for (struct wire *wire = wires; wire; wire = wire->next)
		for (int i = 0; i < 2; i++)
			if (wire->ends[i].side == side && !wire->ends[i].closed) {
				wire->ends[i].closed = true;
				drop_frames(&wire->ends[i]);
			}
	side->trunk.line = side->trunk.held = NULL;
	lc_trunk_end(&side->trunk);
	side->member_count = 0;
	begin_side(side, ++instance);
	for (unsigned int i = 0; i < count; i++) {
		struct member *old = had_before[i];

		if (old->state == JOINED || old->state == SUSPENDED)
			had(side, old->number, old->trunk.name.numbered_here, SUSPENDED)
				->datagrams = old->datagrams;
		free(old);
	}
	free(had_before);
}

/* ---- steps ---- */

/* Counts possible steps down; takes the one that makes it negative. */
static bool is_it(int *which)
{
	return (*which)-- == 0;
}

static void connect_wire(struct wire *wire)
{
	struct lc_line *opener = &wire->ends[0];

	if (wire->ends[1].side && wire->ends[1].side->refuses) {
		opener->told = true;
		wire->ends[1].closed = true;
		lc_trunk_ended(&opener->side->trunk, opener, -ECONNREFUSED);
		return;
	}
	wire->connected = true;
	lc_trunk_opened(&opener->side->trunk);
}

static void deliver(struct lc_line *line)
{
	struct lc_trunk *trunk = &line->side->trunk;
	struct frame *frame = take_frame(line);

	line->heard++;
	if (line == &line->wire->ends[1] && !line->has_arrived) {
		line->has_arrived = true;
		cr_assert_eq(frame->message.kind, LC_MESSAGE_HELLO);
		line->side->is_over = false;
		lc_trunk_came(trunk, line, &frame->message, frame->length);
	} else {
		lc_trunk_message(trunk, line, &frame->message, frame->length);
	}
	if (!line->closed && !line->first)
		lc_trunk_drained(trunk, line);
	free(frame);
}

static bool has_ended(const struct lc_line *line)
{
	return line->wire->cut || other_end(line)->closed;
}

static void tell_end(struct lc_line *line)
{
	line->told = true;
	if (line == &line->wire->ends[1] && !line->has_arrived)
		line->closed = true;
	else
		lc_trunk_ended(&line->side->trunk, line, line->wire->cut ? line->wire->error : 0);
}

static void step_of_line(struct lc_line *line, int *which)
{
	if (!line->side || line->side->stopped || line->closed || line->told)
		return;
	if (!line->wire->connected) {
		if (line == &line->wire->ends[0] && !has_ended(line) && !line->wire->slow &&
		    is_it(which))
			connect_wire(line->wire);
		else if (*which >= 0 && line == &line->wire->ends[0] && has_ended(line) &&
			 is_it(which))
			tell_end(line);
		return;
	}
	if (line->first) {
		if (is_it(which))
			deliver(line);
	} else if (has_ended(line) && is_it(which)) {
		tell_end(line);
	}
}

static void step_of_side(struct side *side, int *which)
{
	if (side->wakes && !side->stopped && !side->drowsy && is_it(which)) {
		side->wakes = false;
		lc_trunk_run(&side->trunk);
	}
}

/* `which` is negative when a step was taken. */
static int try_step(int which)
{
	step_of_side(&near, &which);
	if (which >= 0)
		step_of_side(&far, &which);
	for (struct wire *wire = wires; wire && which >= 0; wire = wire->next)
		for (int i = 0; i < 2 && which >= 0; i++)
			step_of_line(&wire->ends[i], &which);
	return which;
}

unsigned int steps(void)
{
	return (unsigned int)(1000 - try_step(1000));
}

void step(unsigned int which)
{
	cr_assert(try_step((int)which) < 0, "there is no step %u", which);
}

bool play_steps(unsigned int count)
{
	while (count--)
		if (!steps())
			return false;
		else
			step(0);
	return true;
}

void play_on(void)
{
	unsigned int rounds = 0;

	do {
		cr_assert(++rounds < 100, "it never settles");
		cr_assert_not(play_steps(1000000));
		run_out(LC_TRUNK_RETRY);
	} while (steps());
}

static void run_out_at(struct side *side, enum lc_trunk_timer timer)
{
	if (!side->timers[timer] || side->stopped)
		return;
	side->timers[timer] = false;
	lc_trunk_timer(&side->trunk, timer);
}

static bool is_soon(const struct side *side)
{
	return side->timers[LC_TRUNK_RETRY] && !side->doubts && !side->stopped;
}

void run_out(enum lc_trunk_timer timer)
{
	const bool soon = timer == LC_TRUNK_RETRY && (is_soon(&near) || is_soon(&far));

	if (!soon || is_soon(&near))
		run_out_at(&near, timer);
	if (!soon || is_soon(&far))
		run_out_at(&far, timer);
}

void cut(int error)
{
	for (struct wire *wire = wires; wire; wire = wire->next) {
		wire->cut = true;
		wire->error = error;
		drop_frames(&wire->ends[0]);
		drop_frames(&wire->ends[1]);
	}
}

static bool is_open(const struct wire *wire)
{
	return !wire->cut && !wire->ends[0].closed && !wire->ends[1].closed;
}

struct wire *common_wire(void)
{
	struct lc_line *line = near.trunk.line;

	if (near.trunk.state != LC_TRUNK_UP || far.trunk.state != LC_TRUNK_UP || !line ||
	    other_end(line) != far.trunk.line || !is_open(line->wire))
		return NULL;
	return line->wire;
}

unsigned int open_wires(void)
{
	unsigned int count = 0;

	for (struct wire *wire = wires; wire; wire = wire->next)
		count += is_open(wire);
	return count;
}

/* ---- a stranger ---- */

struct lc_line *stranger_says_hello(const struct lc_message *hello)
{
	struct wire *wire = new_wire(NULL, &near);

	wire->connected = true;
	stranger_says(&wire->ends[0], hello);
	return &wire->ends[0];
}

struct lc_line *stranger_comes(void)
{
	struct lc_message hello = {.kind = LC_MESSAGE_HELLO, .version = 1, .instance = 77};

	memset(&hello.nonce, 0x77, sizeof(hello.nonce));
	return stranger_says_hello(&hello);
}

void stranger_says(struct lc_line *line, const struct lc_message *message)
{
	uint8_t bytes[LC_MESSAGE_MAX];
	size_t length = lc_message_encode(message, bytes);

	if (!other_end(line)->closed)
		send_to(other_end(line), bytes, length);
}

bool stranger_hears(struct lc_line *line, struct lc_message *message)
{
	struct frame *frame = take_frame(line);

	if (!frame)
		return false;
	*message = frame->message;
	free(frame);
	return true;
}

struct lc_line *stranger_is_up(void)
{
	struct lc_line *line = stranger_comes();
	struct lc_message message;

	cr_assert_not(play_steps(100));
	stranger_says(line, &(struct lc_message){.kind = LC_MESSAGE_RESUME_END});
	cr_assert_not(play_steps(100));
	cr_assert_eq(near.trunk.state, LC_TRUNK_UP);
	while (stranger_hears(line, &message))
		;
	return line;
}

bool is_closed(const struct lc_line *line)
{
	return line->wire->ends[1].closed;
}

struct lc_message any_message(enum lc_message_kind kind)
{
	struct lc_message message = {.kind = kind, .number = 9, .numbered_by_sender = true};

	message.session = message.leaf = (struct lc_endpoint){.family = LC_INET};
	message.version = 1;
	return message;
}
