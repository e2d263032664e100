/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Two trunks against each other, without a socket or a clock:
 *
 *   near 192.0.2.1  ===== wires, of which each side may open some =====  far 192.0.2.2
 *
 * What is said on a wire waits there until a step of the play delivers it; which
 * step comes next is the test's to choose. Memberships are played as simply as
 * the trunk sees them: JOIN is answered by ACCEPT, LEAVE ends.
 */
#ifndef TESTS_UNIT_TRUNKS_H
#define TESTS_UNIT_TRUNKS_H

#include "trunk/trunk.h"

struct side;
struct wire;

/* One end of a wire. */
struct lc_line {
	struct wire *wire;
	struct side *side; /* NULL: a stranger's */
	bool closed;	   /* by its side */
	bool told;	   /* ...or the end of the wire was told to it */
	bool has_arrived;  /* the end that was not opened here: its trunk knows of it */
	struct frame *first, **last;
	uint64_t counted, unread; /* bytes sent to it, but READ; of those, not delivered */
	unsigned int reports;	  /* sent to it, not delivered */
	unsigned int heard;	  /* messages delivered */
};

struct wire {
	struct wire *next;
	struct lc_line ends[2]; /* whose side opened it; the other */
	bool connected;
	bool slow; /* it does not connect yet */
	bool cut;  /* nothing goes through any more */
	int error;
};

enum play_state {
	PENDING,
	JOINED,
	SUSPENDED,
	LEFT,
	GONE,
};

struct member {
	struct lc_trunk_member trunk; /* first */
	struct side *side;
	uint64_t number;
	enum play_state state;
	unsigned int connected, resumed, forgotten, leaves_read, messages;
	int error; /* of hung_up() */
	struct lc_message last;
	uint64_t datagrams; /* to be reported */
	uint64_t reported;  /* by the other side */
};

struct side {
	const char *what;
	struct side *other;
	struct lc_trunk trunk;
	bool wakes, is_over;
	bool timers[LC_TRUNK_TIMER_COUNT];
	bool doubts;  /* its LC_TRUNK_RETRY is the long one */
	bool is_slow; /* to connect */
	bool refuses; /* who connects here is refused */
	bool drowsy;  /* it is not given its turns: lc_trunk_run() does not come */
	bool stopped; /* it reads nothing, and does nothing */
	int open_error;
	uint16_t data_length; /* of its JOINs */
	struct member *members[20000];
	unsigned int member_count;
	unsigned int asked;
	struct lc_line *last_opened;
};

extern struct side near, far;
extern struct wire *wires;

void trunks_begin(void);
void trunks_end(void);

/* A join by number (drawn by `side`); the secret is made of the number. */
struct member *joins(struct side *side, uint64_t number);
/* One that a daemon before this one had. */
struct member *had(struct side *side, uint64_t number, bool numbered_here, enum play_state state);
struct member *member_of(struct side *side, uint64_t number);
/* Its application leaves: LEAVE is said, now or at the resume. */
void leaves(struct member *member);

/* ---- steps ---- */

/* How many steps are possible now: the play is over when there are none. */
unsigned int steps(void);
/* Takes the one of that number. */
void step(unsigned int which);
/* Takes the first until there are none, then timers to connect again, until all is quiet. */
void play_on(void);
/* Steps of that number at most; true: as many were taken. */
bool play_steps(unsigned int count);
/* All timers of that kind that are set, on both sides; a long one has time if the other's is short. */
void run_out(enum lc_trunk_timer timer);
/* Each wire ends at both sides, what is on it is lost. */
void cut(int error);
/* The side's process ends, and another begins that knows what was suspended or joined. */
void starts_anew(struct side *side);

/* The wire that carries both trunks; NULL: there is none. */
struct wire *common_wire(void);
unsigned int open_wires(void);

/* ---- what is to be ---- */

/* At both ends. */
void expect_joined(uint64_t number);
/* Or never there. */
void expect_gone(struct side *side, uint64_t number);

/* ---- a stranger in place of far ---- */

/* Connects to near with a HELLO. */
struct lc_line *stranger_comes(void);
/* Of near's address itself, with this HELLO. */
struct lc_line *stranger_says_hello(const struct lc_message *hello);
void stranger_says(struct lc_line *line, const struct lc_message *message);
/* The next thing that near said to it; false: nothing. */
bool stranger_hears(struct lc_line *line, struct lc_message *message);
/* Connects, lists nothing, and has heard all: near is up. */
struct lc_line *stranger_is_up(void);
/* Whether near has closed it. */
bool is_closed(const struct lc_line *line);
/* About number 9, which the stranger has drawn. */
struct lc_message any_message(enum lc_message_kind kind);

#endif
