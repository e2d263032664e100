/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The join machine, against the pictures of core/message.h and the contract of
 * core/join.h: rows (end, state, event) -> (state, actions, reason). What holds for
 * every sequence of events is in join_walks.c.
 */
#include <criterion/criterion.h>

#include "core/join.h"

#define J LC_END_JOINER
#define A LC_END_ADMITTER
#define I LC_END_INVITER
#define V LC_END_INVITEE

#define DO(name) LC_DO_##name

/* What comes with an event that carries a reason; no row's own reason is this one. */
#define GIVEN LEAFCAST_LIMIT

/* Actions that carry the step's reason (core/join.h), to this application or to the peer. */
#define TELLING (DO(FAIL) | DO(WITHDRAW) | DO(SEND_REFUSE) | DO(SEND_LEAVE) | DO(NOTIFY_CLOSE))

struct step {
	enum lc_join_event event;
	enum lc_join_state state;
	unsigned int actions;
};

/* Feeds the events in, from IDLE on, and checks each step. */
static void walk(enum lc_join_end end, const struct step *steps, size_t count)
{
	enum lc_join_state state = LC_JOIN_IDLE;

	for (size_t i = 0; i < count; i++) {
		struct lc_join_step got = lc_join_next(end, state, steps[i].event, GIVEN);

		cr_expect_eq(got.state, steps[i].state, "end %d, step %zu, %s: %s", end, i,
			     lc_join_event_word(steps[i].event), lc_join_state_word(got.state));
		cr_expect_eq(got.actions, steps[i].actions, "end %d, step %zu, %s: %#x", end, i,
			     lc_join_event_word(steps[i].event), got.actions);
		state = steps[i].state;
	}
}

#define WALK(end, ...)                                                 \
	do {                                                           \
		const struct step steps_[] = {__VA_ARGS__};            \
		walk(end, steps_, sizeof(steps_) / sizeof(steps_[0])); \
	} while (0)

/* The left picture of message.h, to the end by the root. */
Test(join, leaf_initiated)
{
	WALK(J, {LC_ON_START, LC_JOIN_CONNECTING, DO(CONNECT)},
	     {LC_ON_CONNECTED, LC_JOIN_REQUESTED, DO(ADMIT_ANCHOR) | DO(SEND_REQUEST)},
	     {LC_ON_PROBED, LC_JOIN_PROVEN, DO(SEND_SEEN)},
	     {LC_ON_GOT_ACCEPT, LC_JOIN_MEMBER, DO(COMPLETE)},
	     {LC_ON_GOT_REPORT, LC_JOIN_MEMBER, 0}, {LC_ON_GOT_LEAVE, LC_JOIN_DRAINING, DO(DRAIN)},
	     {LC_ON_DRAINED, LC_JOIN_GONE, DO(ADMIT_NOBODY) | DO(NOTIFY_CLOSE) | DO(REMOVE)});
	WALK(A, {LC_ON_ADMISSIBLE, LC_JOIN_PROBING, DO(ADD_LEAF) | DO(PROBE)},
	     {LC_ON_GOT_SEEN, LC_JOIN_ASKING, DO(STOP_PROBE) | DO(ASK)},
	     {LC_ON_APP_ACCEPTS, LC_JOIN_MEMBER, DO(ENTER) | DO(SEND_ACCEPT) | DO(COMPLETE)},
	     {LC_ON_GOT_REPORT, LC_JOIN_MEMBER, 0},
	     {LC_ON_APP_CLOSES, LC_JOIN_LEFT, DO(LEAVE) | DO(SEND_LEAVE) | DO(REMOVE)},
	     {LC_ON_LEAVE_READ, LC_JOIN_GONE, 0});
}

/* The right picture, to the end by the leaf. */
Test(join, root_initiated)
{
	WALK(I, {LC_ON_START, LC_JOIN_CONNECTING, DO(CONNECT)},
	     {LC_ON_CONNECTED, LC_JOIN_REQUESTED, DO(SEND_REQUEST)},
	     {LC_ON_GOT_ACCEPT, LC_JOIN_PROBING, DO(ADD_LEAF) | DO(PROBE)},
	     {LC_ON_GOT_SEEN, LC_JOIN_MEMBER,
	      DO(STOP_PROBE) | DO(ENTER) | DO(SEND_JOINED) | DO(COMPLETE)},
	     {LC_ON_GOT_REPORT, LC_JOIN_MEMBER, 0},
	     {LC_ON_GOT_LEAVE, LC_JOIN_GONE, DO(LEAVE) | DO(NOTIFY_CLOSE) | DO(REMOVE)});
	WALK(V, {LC_ON_ADMISSIBLE, LC_JOIN_ASKING, DO(ASK)},
	     {LC_ON_APP_ACCEPTS, LC_JOIN_CONFIRMING, DO(ADMIT_ANCHOR) | DO(SEND_ACCEPT)},
	     {LC_ON_PROBED, LC_JOIN_PROVEN, DO(SEND_SEEN)},
	     {LC_ON_GOT_JOINED, LC_JOIN_MEMBER, DO(COMPLETE)},
	     {LC_ON_GOT_REPORT, LC_JOIN_MEMBER, 0},
	     {LC_ON_APP_CLOSES, LC_JOIN_LEFT, DO(SEND_LEAVE) | DO(ADMIT_NOBODY) | DO(REMOVE)},
	     {LC_ON_LEAVE_READ, LC_JOIN_GONE, 0});
}

/* The other daemon goes and comes, this end closes meanwhile, and the connection breaks once more. */
Test(join, other_daemon_is_away)
{
	WALK(A, {LC_ON_ADMISSIBLE, LC_JOIN_PROBING, DO(ADD_LEAF) | DO(PROBE)},
	     {LC_ON_GOT_SEEN, LC_JOIN_ASKING, DO(STOP_PROBE) | DO(ASK)},
	     {LC_ON_APP_ACCEPTS, LC_JOIN_MEMBER, DO(ENTER) | DO(SEND_ACCEPT) | DO(COMPLETE)},
	     {LC_ON_HUNG_UP, LC_JOIN_SUSPENDED, 0}, {LC_ON_HUNG_UP, LC_JOIN_SUSPENDED, 0},
	     {LC_ON_RESUMED, LC_JOIN_MEMBER, 0}, {LC_ON_HUNG_UP, LC_JOIN_SUSPENDED, 0},
	     {LC_ON_APP_CLOSES, LC_JOIN_LEFT, DO(LEAVE) | DO(REMOVE)},
	     {LC_ON_RESUMED, LC_JOIN_LEFT, DO(SEND_LEAVE)}, {LC_ON_HUNG_UP, LC_JOIN_LEFT, 0},
	     {LC_ON_RESUMED, LC_JOIN_LEFT, DO(SEND_LEAVE)}, {LC_ON_LEAVE_READ, LC_JOIN_GONE, 0});
}

static const struct {
	const char *what;
	enum lc_join_end end;
	enum lc_join_state state;
	enum lc_join_event event;
	enum lc_join_state next;
	unsigned int actions;
	enum leafcast_reason reason;
} rows[] = {
	/* Refusals: of the daemon, of the application, as they arrive. */
	{"policy says no", A, LC_JOIN_IDLE, LC_ON_FAILED, LC_JOIN_GONE,
	 DO(SEND_REFUSE) | DO(REMOVE), GIVEN},
	{"policy says no to an invitation", V, LC_JOIN_IDLE, LC_ON_FAILED, LC_JOIN_GONE,
	 DO(SEND_REFUSE) | DO(REMOVE), GIVEN},
	{"CF_REJECT", A, LC_JOIN_ASKING, LC_ON_APP_REJECTS, LC_JOIN_GONE,
	 DO(SEND_REFUSE) | DO(REMOVE), GIVEN},
	{"CF_REJECT of an invitation", V, LC_JOIN_ASKING, LC_ON_APP_REJECTS, LC_JOIN_GONE,
	 DO(SEND_REFUSE) | DO(REMOVE), GIVEN},
	{"refused", J, LC_JOIN_REQUESTED, LC_ON_GOT_REFUSE, LC_JOIN_GONE,
	 DO(FAIL) | DO(ADMIT_NOBODY) | DO(REMOVE), GIVEN},
	{"invitation refused", I, LC_JOIN_REQUESTED, LC_ON_GOT_REFUSE, LC_JOIN_GONE,
	 DO(FAIL) | DO(REMOVE), GIVEN},
	{"the listener closes while asked", A, LC_JOIN_ASKING, LC_ON_APP_CLOSES, LC_JOIN_GONE,
	 DO(SEND_REFUSE) | DO(REMOVE), LEAFCAST_NOBODY_LISTENING},
	/* Failures to reach the peer. */
	{"no route", J, LC_JOIN_CONNECTING, LC_ON_FAILED, LC_JOIN_GONE, DO(FAIL) | DO(REMOVE),
	 GIVEN},
	{"connection closed at once", I, LC_JOIN_CONNECTING, LC_ON_HUNG_UP, LC_JOIN_GONE,
	 DO(FAIL) | DO(REMOVE), LEAFCAST_NO_CONTROL},
	/* Deaths of the other end. */
	{"the joiner gives up while the application is asked", A, LC_JOIN_ASKING, LC_ON_GOT_LEAVE,
	 LC_JOIN_GONE, DO(WITHDRAW) | DO(REMOVE), GIVEN},
	{"the joiner dies while the application is asked", A, LC_JOIN_ASKING, LC_ON_HUNG_UP,
	 LC_JOIN_GONE, DO(WITHDRAW) | DO(REMOVE), LEAFCAST_RESET},
	{"the inviter dies while the application is asked", V, LC_JOIN_ASKING, LC_ON_HUNG_UP,
	 LC_JOIN_GONE, DO(WITHDRAW) | DO(REMOVE), LEAFCAST_RESET},
	{"a joined leaf's host dies", A, LC_JOIN_MEMBER, LC_ON_DEAD, LC_JOIN_GONE,
	 DO(LEAVE) | DO(NOTIFY_CLOSE) | DO(REMOVE), LEAFCAST_LOST},
	{"an invited leaf's host dies", I, LC_JOIN_MEMBER, LC_ON_DEAD, LC_JOIN_GONE,
	 DO(LEAVE) | DO(NOTIFY_CLOSE) | DO(REMOVE), LEAFCAST_LOST},
	{"the root's host dies", J, LC_JOIN_MEMBER, LC_ON_DEAD, LC_JOIN_GONE,
	 DO(ADMIT_NOBODY) | DO(NOTIFY_CLOSE) | DO(REMOVE), LEAFCAST_LOST},
	{"the host dies while it is asked", J, LC_JOIN_REQUESTED, LC_ON_DEAD, LC_JOIN_GONE,
	 DO(FAIL) | DO(ADMIT_NOBODY) | DO(REMOVE), LEAFCAST_NO_CONTROL},
	/* Daemons that are away. */
	{"the root's daemon goes", V, LC_JOIN_MEMBER, LC_ON_HUNG_UP, LC_JOIN_SUSPENDED, 0,
	 LEAFCAST_NO_REASON},
	{"...and its host", V, LC_JOIN_SUSPENDED, LC_ON_DEAD, LC_JOIN_GONE,
	 DO(ADMIT_NOBODY) | DO(NOTIFY_CLOSE) | DO(REMOVE), LEAFCAST_LOST},
	{"nobody comes in the grace time", A, LC_JOIN_SUSPENDED, LC_ON_DEADLINE, LC_JOIN_GONE,
	 DO(LEAVE) | DO(NOTIFY_CLOSE) | DO(REMOVE), LEAFCAST_LOST},
	{"it comes back without the leaf", I, LC_JOIN_SUSPENDED, LC_ON_FORGOTTEN, LC_JOIN_GONE,
	 DO(LEAVE) | DO(NOTIFY_CLOSE) | DO(REMOVE), LEAFCAST_LOST},
	{"the leaf's process dies meanwhile", J, LC_JOIN_SUSPENDED, LC_ON_APP_DIES, LC_JOIN_LEFT,
	 DO(ADMIT_NOBODY) | DO(REMOVE), LEAFCAST_RESET},
	{"nobody is left to hear that", J, LC_JOIN_LEFT, LC_ON_DEADLINE, LC_JOIN_GONE, 0,
	 LEAFCAST_NO_REASON},
	{"both have left", A, LC_JOIN_LEFT, LC_ON_GOT_LEAVE, LC_JOIN_GONE, 0, LEAFCAST_NO_REASON},
	{"who has left is not known any more", V, LC_JOIN_LEFT, LC_ON_FORGOTTEN, LC_JOIN_GONE, 0,
	 LEAFCAST_NO_REASON},
	/* Deaths of this end: the peer gets WSAECONNRESET. */
	{"the leaf's process dies", J, LC_JOIN_MEMBER, LC_ON_APP_DIES, LC_JOIN_LEFT,
	 DO(SEND_LEAVE) | DO(ADMIT_NOBODY) | DO(REMOVE), LEAFCAST_RESET},
	{"the root's process dies", A, LC_JOIN_MEMBER, LC_ON_APP_DIES, LC_JOIN_LEFT,
	 DO(LEAVE) | DO(SEND_LEAVE) | DO(REMOVE), LEAFCAST_RESET},
	/* Deadlines: a probe that does not come back is its own reason. */
	{"deadline while connecting", J, LC_JOIN_CONNECTING, LC_ON_DEADLINE, LC_JOIN_GONE,
	 DO(FAIL) | DO(REMOVE), LEAFCAST_TIMED_OUT},
	{"deadline of a joiner", J, LC_JOIN_REQUESTED, LC_ON_DEADLINE, LC_JOIN_GONE,
	 DO(FAIL) | DO(SEND_LEAVE) | DO(ADMIT_NOBODY) | DO(REMOVE), LEAFCAST_TIMED_OUT},
	{"no probe came through", A, LC_JOIN_PROBING, LC_ON_DEADLINE, LC_JOIN_GONE,
	 DO(STOP_PROBE) | DO(SEND_REFUSE) | DO(REMOVE), LEAFCAST_PATH_BLOCKED},
	{"no probe came through to the invited", I, LC_JOIN_PROBING, LC_ON_DEADLINE, LC_JOIN_GONE,
	 DO(STOP_PROBE) | DO(FAIL) | DO(SEND_LEAVE) | DO(REMOVE), LEAFCAST_PATH_BLOCKED},
	{"the application does not decide", A, LC_JOIN_ASKING, LC_ON_DEADLINE, LC_JOIN_GONE,
	 DO(WITHDRAW) | DO(SEND_REFUSE) | DO(REMOVE), LEAFCAST_TIMED_OUT},
	/* Cancelled. */
	{"cancelled while connecting", I, LC_JOIN_CONNECTING, LC_ON_APP_CLOSES, LC_JOIN_GONE,
	 DO(FAIL) | DO(REMOVE), LEAFCAST_CANCELLED},
	{"cancelled while asked for", J, LC_JOIN_REQUESTED, LC_ON_APP_CLOSES, LC_JOIN_GONE,
	 DO(FAIL) | DO(SEND_LEAVE) | DO(ADMIT_NOBODY) | DO(REMOVE), LEAFCAST_CANCELLED},
	{"cancelled while probed", I, LC_JOIN_PROBING, LC_ON_APP_CLOSES, LC_JOIN_GONE,
	 DO(STOP_PROBE) | DO(FAIL) | DO(SEND_LEAVE) | DO(REMOVE), LEAFCAST_CANCELLED},
	/* Closes. */
	{"a leaf closes", J, LC_JOIN_MEMBER, LC_ON_APP_CLOSES, LC_JOIN_LEFT,
	 DO(SEND_LEAVE) | DO(ADMIT_NOBODY) | DO(REMOVE), LEAFCAST_CLOSED},
	{"a leaf closes while it drains", J, LC_JOIN_DRAINING, LC_ON_APP_CLOSES, LC_JOIN_GONE,
	 DO(ADMIT_NOBODY) | DO(REMOVE), LEAFCAST_CLOSED},
	{"the connection ends while the leaf drains", V, LC_JOIN_DRAINING, LC_ON_HUNG_UP,
	 LC_JOIN_DRAINING, 0, LEAFCAST_NO_REASON},
	{"a late SEEN", A, LC_JOIN_MEMBER, LC_ON_GOT_SEEN, LC_JOIN_MEMBER, 0, LEAFCAST_NO_REASON},
	/* What makes no sense. */
	{"a second join", A, LC_JOIN_MEMBER, LC_ON_GOT_OTHER, LC_JOIN_LEFT,
	 DO(LEAVE) | DO(SEND_LEAVE) | DO(NOTIFY_CLOSE) | DO(REMOVE), LEAFCAST_PROTOCOL},
	{"an acceptance of nothing", A, LC_JOIN_PROBING, LC_ON_GOT_ACCEPT, LC_JOIN_GONE,
	 DO(STOP_PROBE) | DO(SEND_REFUSE) | DO(REMOVE), LEAFCAST_PROTOCOL},
	{"joined, says a root that was asked", J, LC_JOIN_REQUESTED, LC_ON_GOT_JOINED, LC_JOIN_GONE,
	 DO(FAIL) | DO(SEND_LEAVE) | DO(ADMIT_NOBODY) | DO(REMOVE), LEAFCAST_PROTOCOL},
	{"refused after the join", J, LC_JOIN_MEMBER, LC_ON_GOT_REFUSE, LC_JOIN_LEFT,
	 DO(SEND_LEAVE) | DO(NOTIFY_CLOSE) | DO(ADMIT_NOBODY) | DO(REMOVE), LEAFCAST_PROTOCOL},
};

Test(join, rows)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lc_join_step got = lc_join_next(rows[i].end, rows[i].state, rows[i].event,
						       GIVEN);

		cr_expect_eq(got.state, rows[i].next, "%s: %s", rows[i].what,
			     lc_join_state_word(got.state));
		cr_expect_eq(got.actions, rows[i].actions, "%s: %#x", rows[i].what, got.actions);
		/* Where nothing is told to anybody there is none to check. */
		cr_expect((rows[i].reason != LEAFCAST_NO_REASON) || !(rows[i].actions & TELLING),
			  "%s: the row lacks its reason", rows[i].what);
		if (rows[i].reason != LEAFCAST_NO_REASON)
			cr_expect_eq(got.reason, rows[i].reason, "%s: %s", rows[i].what,
				     leafcast_reason_word(got.reason));
	}
}

/* CF_REJECT without a reason of its own is the application's. */
Test(join, rejected_without_a_reason)
{
	cr_expect_eq(lc_join_next(A, LC_JOIN_ASKING, LC_ON_APP_REJECTS, LEAFCAST_NO_REASON).reason,
		     LEAFCAST_REJECTED);
	cr_expect_eq(lc_join_next(V, LC_JOIN_ASKING, LC_ON_APP_REJECTS, LEAFCAST_NO_REASON).reason,
		     LEAFCAST_REJECTED);
}

/* What the root said in LEAVE is what the application hears when all data is in. */
Test(join, drained_with_the_reason_of_leave)
{
	cr_expect_eq(lc_join_next(J, LC_JOIN_DRAINING, LC_ON_DRAINED, LEAFCAST_RESET).reason,
		     LEAFCAST_RESET);
}

Test(join, words)
{
	for (int s = 0; s < LC_JOIN_STATE_COUNT; s++)
		for (int t = 0; t < s; t++)
			cr_expect_str_neq(lc_join_state_word((enum lc_join_state)s),
					  lc_join_state_word((enum lc_join_state)t));
	for (int s = 0; s < LC_JOIN_EVENT_COUNT; s++)
		for (int t = 0; t < s; t++)
			cr_expect_str_neq(lc_join_event_word((enum lc_join_event)s),
					  lc_join_event_word((enum lc_join_event)t));
}

/* join.h: any other event is ignored: nothing of this node makes the machine misbehave. */
Test(join, gone_is_gone)
{
	for (int end = 0; end < LC_END_COUNT; end++)
		for (int event = 0; event < LC_JOIN_EVENT_COUNT; event++) {
			struct lc_join_step step = lc_join_next((enum lc_join_end)end, LC_JOIN_GONE,
								(enum lc_join_event)event, GIVEN);

			cr_expect_eq(step.state, LC_JOIN_GONE);
			cr_expect_eq(step.actions, 0);
		}
}

Test(join, ends_and_pending)
{
	cr_expect(lc_join_end_is_root(A) && lc_join_end_is_root(I));
	cr_expect(!lc_join_end_is_root(J) && !lc_join_end_is_root(V));
	cr_expect(!lc_join_is_pending(LC_JOIN_IDLE) && !lc_join_is_pending(LC_JOIN_MEMBER));
	cr_expect(!lc_join_is_pending(LC_JOIN_DRAINING) && !lc_join_is_pending(LC_JOIN_GONE));
	cr_expect(!lc_join_is_pending(LC_JOIN_SUSPENDED) && !lc_join_is_pending(LC_JOIN_LEFT));
}
