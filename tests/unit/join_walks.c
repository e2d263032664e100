/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the join machine promises on every sequence of events.
 *
 * A walk is a state and what has happened on the way to it, as bits: there are
 * finitely many, so all sequences of any length are covered by visiting each
 * once. Any event may come at any time; nothing relies on the daemon's manners.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "core/join.h"

#define J LC_END_JOINER
#define A LC_END_ADMITTER
#define I LC_END_INVITER
#define V LC_END_INVITEE

#define DO(name) LC_DO_##name

/* What comes with an event that carries a reason. */
#define GIVEN LEAFCAST_LIMIT

enum happened {
	STARTED = 1 << 0,
	CONNECTED = 1 << 1,
	PROBED = 1 << 2,     /* the leaf's filter saw the probe */
	HEARD_SEEN = 1 << 3, /* the root was told so */
	ADMITTED = 1 << 4,   /* and not yet ADMIT_NOBODY */
	ADDED = 1 << 5,	     /* and not yet REMOVE */
	PROBE_RUNS = 1 << 6,
	ENTERED = 1 << 7, /* and not yet LEAVE */
	ASKED = 1 << 8,
	DECIDED = 1 << 9,   /* by the application, or withdrawn */
	ACCEPTED = 1 << 10, /* and the decision was yes */
	COMPLETED = 1 << 11,
	FAILED = 1 << 12,
	NOTIFIED = 1 << 13,
	ALL = 1 << 14,
};

struct place {
	enum lc_join_end end;
	enum lc_join_state state;
	unsigned int happened;
};

static bool is_root(enum lc_join_end end)
{
	return end == A || end == I;
}

static bool asks(enum lc_join_end end)
{
	return end == J || end == I;
}

static const unsigned int root_only = DO(ADD_LEAF) | DO(PROBE) | DO(STOP_PROBE) | DO(ENTER) |
				      DO(LEAVE) | DO(SEND_JOINED);
static const unsigned int leaf_only = DO(ADMIT_ANCHOR) | DO(ADMIT_NOBODY) | DO(DRAIN) |
				      DO(SEND_SEEN);
static const unsigned int asker_only = DO(CONNECT) | DO(SEND_REQUEST);
static const unsigned int asked_only = DO(ASK) | DO(WITHDRAW) | DO(SEND_ACCEPT) | DO(SEND_REFUSE);
static const unsigned int sends = DO(SEND_REQUEST) | DO(SEND_SEEN) | DO(SEND_ACCEPT) |
				  DO(SEND_JOINED) | DO(SEND_REFUSE) | DO(SEND_LEAVE);

#define HOLDS(condition, ...)                                                                 \
	cr_assert(condition, "end %d, %s (%#x) + %s -> %s %#x: %s", from->end,                \
		  lc_join_state_word(from->state), from->happened, lc_join_event_word(event), \
		  lc_join_state_word(step->state), step->actions, #condition)

static void check_who(const struct place *from, enum lc_join_event event,
		      const struct lc_join_step *step)
{
	unsigned int did = step->actions;

	HOLDS(!(did & ~((DO(REMOVE) << 1) - 1)));
	HOLDS(is_root(from->end) || !(did & root_only));
	HOLDS(!is_root(from->end) || !(did & leaf_only));
	HOLDS(asks(from->end) || !(did & asker_only));
	HOLDS(!asks(from->end) || !(did & asked_only));
	HOLDS(from->end == I || !(did & DO(SEND_JOINED)));
}

static bool takes_refusal(enum lc_join_state state)
{
	return state == LC_JOIN_REQUESTED || state == LC_JOIN_CONFIRMING || state == LC_JOIN_PROVEN;
}

/* Over at this end. */
static bool is_over(enum lc_join_state state)
{
	return state == LC_JOIN_LEFT || state == LC_JOIN_GONE;
}

/* The other node knows already, or never will. */
static bool knows(enum lc_join_state state, enum lc_join_event event)
{
	return event == LC_ON_GOT_LEAVE || event == LC_ON_DEAD || event == LC_ON_FORGOTTEN ||
	       (state == LC_JOIN_SUSPENDED && event == LC_ON_DEADLINE);
}

static void check_end(const struct place *from, enum lc_join_event event,
		      const struct lc_join_step *step)
{
	unsigned int did = step->actions, was = from->happened;
	bool ends = !is_over(from->state) && is_over(step->state);

	if (from->state == LC_JOIN_GONE)
		HOLDS(step->state == LC_JOIN_GONE && did == 0);
	/* What the other node has still to hear is all that is left then. */
	if (from->state == LC_JOIN_LEFT)
		HOLDS(is_over(step->state) && did == (event == LC_ON_RESUMED ? DO(SEND_LEAVE) : 0));
	/* Everything is given back, then and only then. */
	HOLDS(ends == !!(did & DO(REMOVE)));
	HOLDS(ends || !(did & (DO(FAIL) | DO(SEND_REFUSE) | DO(NOTIFY_CLOSE) | DO(WITHDRAW) |
			       DO(LEAVE) | DO(ADMIT_NOBODY))));
	HOLDS(ends || from->state == LC_JOIN_LEFT || !(did & DO(SEND_LEAVE)));
	if (!ends)
		return;
	HOLDS(!(was & ENTERED) == !(did & DO(LEAVE)));
	HOLDS(!(was & ADMITTED) == !(did & DO(ADMIT_NOBODY)));
	HOLDS(!(was & PROBE_RUNS) || (did & DO(STOP_PROBE)));
	/* Who asked, or accepted, is told how it came out; a member's end only if it did not end it. */
	if ((was & STARTED) && asks(from->end))
		HOLDS(!(was & COMPLETED) == !!(did & DO(FAIL)));
	if (was & COMPLETED)
		HOLDS(!(did & DO(NOTIFY_CLOSE)) ==
		      (event == LC_ON_APP_CLOSES || event == LC_ON_APP_DIES));
	/* An open question is taken back, unless the application itself ended it. */
	if ((was & ASKED) && !(was & DECIDED))
		HOLDS(!(did & DO(WITHDRAW)) ==
		      (event == LC_ON_APP_REJECTS || event == LC_ON_APP_CLOSES ||
		       event == LC_ON_APP_DIES));
	/* A reason goes with each that needs one. */
	if (did & (DO(FAIL) | DO(SEND_REFUSE) | DO(SEND_LEAVE) | DO(NOTIFY_CLOSE)))
		HOLDS(step->reason != LEAFCAST_NO_REASON);
	/* A member that is over at this end is left until the other node knows. */
	if (from->state == LC_JOIN_SUSPENDED || from->state == LC_JOIN_MEMBER)
		HOLDS((step->state == LC_JOIN_GONE) == knows(from->state, event));
	else
		HOLDS(step->state != LC_JOIN_LEFT);
	/* A peer that waits for an answer, or is a member, gets a word; one that left or is away does not. */
	if (event == LC_ON_HUNG_UP || event == LC_ON_DEAD || event == LC_ON_GOT_LEAVE)
		HOLDS(!(did & sends));
	else if (event == LC_ON_GOT_REFUSE && takes_refusal(from->state))
		HOLDS(!(did & sends));
	else if ((was & CONNECTED) && from->state != LC_JOIN_DRAINING)
		HOLDS(did & (DO(SEND_REFUSE) | DO(SEND_LEAVE)));
}

static void check_order(const struct place *from, enum lc_join_event event,
			const struct lc_join_step *step)
{
	unsigned int did = step->actions, was = from->happened;

	HOLDS(!(did & sends) || (was & CONNECTED) || event == LC_ON_CONNECTED ||
	      event == LC_ON_RESUMED);
	HOLDS(!(did & DO(ASK)) || !(was & ASKED));
	HOLDS(!(did & DO(WITHDRAW)) || ((was & ASKED) && !(was & DECIDED)));
	HOLDS(!(did & DO(ADD_LEAF)) || !(was & ADDED));
	HOLDS(!(did & DO(PROBE)) || (did & DO(ADD_LEAF)));
	HOLDS(!(did & DO(STOP_PROBE)) || (was & PROBE_RUNS));
	HOLDS(!(did & DO(ENTER)) || ((was & ADDED) && !(was & ENTERED)));
	HOLDS(!(did & DO(ENTER)) || (was & HEARD_SEEN) || event == LC_ON_GOT_SEEN);
	HOLDS(!(did & DO(ENTER)) || from->end == I || event == LC_ON_APP_ACCEPTS);
	HOLDS(!(did & DO(LEAVE)) || (was & ENTERED));
	HOLDS(!(did & DO(SEND_ACCEPT)) || event == LC_ON_APP_ACCEPTS);
	/* Nothing may arrive before the anchor is admitted: the request asks for a probe. */
	if (from->end == J)
		HOLDS(!(did & DO(SEND_REQUEST)) || (did & DO(ADMIT_ANCHOR)));
	if (from->end == V)
		HOLDS(!(did & DO(SEND_ACCEPT)) || (did & DO(ADMIT_ANCHOR)));
	/* The application hears the outcome once, the end after that and once. */
	HOLDS(!(did & DO(COMPLETE)) || !(did & DO(FAIL)));
	HOLDS(!(did & (DO(COMPLETE) | DO(FAIL))) || !(was & (COMPLETED | FAILED)));
	HOLDS(!(did & DO(NOTIFY_CLOSE)) || ((was & COMPLETED) && !(was & NOTIFIED)));
	HOLDS(!(did & (DO(COMPLETE) | DO(FAIL))) || asks(from->end) || (was & ACCEPTED) ||
	      event == LC_ON_APP_ACCEPTS);
	/* What the root hands to the application as joined receives already. */
	if (is_root(from->end))
		HOLDS(!(did & DO(COMPLETE)) || (did & DO(ENTER)));
	HOLDS((step->state == LC_JOIN_MEMBER) <= (bool)((was & COMPLETED) || (did & DO(COMPLETE))));
}

/* DEADLINE ends what waits and nothing else; every state can be left. */
static void check_deadline(const struct place *from, enum lc_join_event event,
			   const struct lc_join_step *step)
{
	if (event != LC_ON_DEADLINE)
		return;
	if (lc_join_is_pending(from->state) || from->state == LC_JOIN_SUSPENDED ||
	    from->state == LC_JOIN_LEFT)
		HOLDS(step->state == LC_JOIN_GONE);
	else
		HOLDS(step->state == from->state && step->actions == 0);
}

static unsigned int after(unsigned int was, enum lc_join_event event,
			  const struct lc_join_step *step)
{
	static const struct {
		unsigned int action, sets, clears;
	} effects[] = {
		{DO(CONNECT), STARTED, 0},
		{DO(ADMIT_ANCHOR), ADMITTED, 0},
		{DO(ADD_LEAF), ADDED, 0},
		{DO(PROBE), PROBE_RUNS, 0},
		{DO(STOP_PROBE), 0, PROBE_RUNS},
		{DO(ASK), ASKED, 0},
		{DO(WITHDRAW), DECIDED, 0},
		{DO(ENTER), ENTERED, 0},
		{DO(COMPLETE), COMPLETED, 0},
		{DO(FAIL), FAILED, 0},
		{DO(LEAVE), 0, ENTERED},
		{DO(ADMIT_NOBODY), 0, ADMITTED},
		{DO(NOTIFY_CLOSE), NOTIFIED, 0},
		{DO(REMOVE), 0, ADDED},
		{DO(SEND_ACCEPT), ACCEPTED | DECIDED, 0},
		{DO(SEND_REQUEST), CONNECTED, 0},
	};

	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++)
		if (step->actions & effects[i].action)
			was = (was | effects[i].sets) & ~effects[i].clears;
	if (event == LC_ON_HUNG_UP || event == LC_ON_DEAD)
		was &= ~(unsigned int)CONNECTED;
	if (event == LC_ON_RESUMED &&
	    (step->state == LC_JOIN_MEMBER || step->state == LC_JOIN_LEFT))
		was |= CONNECTED;
	if (event == LC_ON_PROBED)
		was |= PROBED;
	if (event == LC_ON_GOT_SEEN)
		was |= HEARD_SEEN;
	return was;
}

typedef void (*check_fn)(const struct place *from, enum lc_join_event event,
			 const struct lc_join_step *step);

/* Runs the check on every step of every sequence; returns how many places there are. */
static size_t explore(check_fn check)
{
	static bool seen[LC_END_COUNT][LC_JOIN_STATE_COUNT][ALL];
	static struct place queue[LC_END_COUNT * LC_JOIN_STATE_COUNT * ALL];
	size_t head = 0, tail = 0;

	memset(seen, 0, sizeof(seen));
	for (int end = 0; end < LC_END_COUNT; end++) {
		/* Who is asked has the connection from the start. */
		struct place start = {(enum lc_join_end)end, LC_JOIN_IDLE,
				      end == A || end == V ? CONNECTED : 0};

		queue[tail++] = start;
		seen[end][start.state][start.happened] = true;
	}
	while (head < tail) {
		struct place from = queue[head++];

		for (int event = 0; event < LC_JOIN_EVENT_COUNT; event++) {
			struct lc_join_step step = lc_join_next(from.end, from.state,
								(enum lc_join_event)event, GIVEN);
			struct place to = {from.end, step.state,
					   after(from.happened, (enum lc_join_event)event, &step)};

			cr_assert_lt(step.state, LC_JOIN_STATE_COUNT);
			check(&from, (enum lc_join_event)event, &step);
			if (!seen[to.end][to.state][to.happened]) {
				seen[to.end][to.state][to.happened] = true;
				queue[tail++] = to;
			}
		}
	}
	return tail;
}

Test(join, every_end_keeps_to_its_part)
{
	cr_expect_gt(explore(check_who), 50);
}

Test(join, whatever_was_begun_is_ended_once)
{
	explore(check_end);
}

Test(join, actions_come_in_order)
{
	explore(check_order);
}

Test(join, deadlines_end_what_waits)
{
	explore(check_deadline);
}

/* message.h: without the probe a join is never complete, whatever the peer claims. */
static void check_probed(const struct place *from, enum lc_join_event event,
			 const struct lc_join_step *step)
{
	if (!is_root(from->end))
		HOLDS(!(step->actions & DO(COMPLETE)) || (from->happened & PROBED));
}

Test(join, never_complete_without_a_probe)
{
	explore(check_probed);
}

static bool reached[LC_END_COUNT][LC_JOIN_STATE_COUNT];

static void note_state(const struct place *from, enum lc_join_event event,
		       const struct lc_join_step *step)
{
	reached[from->end][step->state] = true;
}

/* Which states each end has, from the comments of join.h: no other is reached, and each of these is. */
Test(join, states_of_each_end)
{
#define IN(name) (1u << LC_JOIN_##name)
	static const unsigned int common = IN(IDLE) | IN(MEMBER) | IN(SUSPENDED) | IN(LEFT) |
					   IN(GONE);
	static const unsigned int states[LC_END_COUNT] = {
		[J] = IN(CONNECTING) | IN(REQUESTED) | IN(PROVEN) | IN(DRAINING),
		[A] = IN(PROBING) | IN(ASKING),
		[I] = IN(CONNECTING) | IN(REQUESTED) | IN(PROBING),
		[V] = IN(ASKING) | IN(CONFIRMING) | IN(PROVEN) | IN(DRAINING),
	};

	explore(note_state);
	for (int end = 0; end < LC_END_COUNT; end++)
		for (int state = 0; state < LC_JOIN_STATE_COUNT; state++)
			cr_expect_eq(reached[end][state],
				     (bool)((common | states[end]) >> state & 1), "end %d, %s", end,
				     lc_join_state_word((enum lc_join_state)state));
}

/* Which messages mean something where, from the pictures; a second SEEN is harmless. */
static bool means_something(const struct place *at, enum lc_join_event event)
{
	switch (event) {
	case LC_ON_GOT_SEEN:
		return is_root(at->end) && at->state != LC_JOIN_REQUESTED &&
		       at->state != LC_JOIN_IDLE;
	case LC_ON_GOT_ACCEPT:
		return at->state == (at->end == I ? LC_JOIN_REQUESTED : LC_JOIN_PROVEN) &&
		       asks(at->end);
	case LC_ON_GOT_JOINED:
		return at->end == V && at->state == LC_JOIN_PROVEN;
	case LC_ON_GOT_REFUSE:
		return takes_refusal(at->state);
	case LC_ON_GOT_LEAVE:
		return true;
	case LC_ON_GOT_REPORT:
		return at->state == LC_JOIN_MEMBER || at->state == LC_JOIN_SUSPENDED;
	default:
		return false;
	}
}

static void check_protocol(const struct place *from, enum lc_join_event event,
			   const struct lc_join_step *step)
{
	/* Before there is a connection nothing arrives on it, after LEAVE nothing counts. */
	if (!(from->happened & CONNECTED) || from->state == LC_JOIN_DRAINING ||
	    from->state == LC_JOIN_SUSPENDED || is_over(from->state))
		return;
	if (event < LC_ON_GOT_SEEN || event > LC_ON_GOT_OTHER || means_something(from, event))
		return;
	HOLDS(step->state == (from->state == LC_JOIN_MEMBER ? LC_JOIN_LEFT : LC_JOIN_GONE));
	HOLDS(step->reason == LEAFCAST_PROTOCOL);
}

/* join.h: any other message of the peer is a protocol error. */
Test(join, messages_out_of_place)
{
	explore(check_protocol);
}
