/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * How far a root has got: what its two threads tell each other. The attendant
 * notes, the sender waits. All of it may be called from either thread.
 */
#ifndef CTL_TOOL_PROGRESS_H
#define CTL_TOOL_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct lc_progress {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t joined; /* leaves that have joined so far, either way */
	bool invitations_decided;
	bool refused;	/* an invitation was */
	bool broken;	/* the session ended under us */
	bool unwritten; /* what leaves sent could not be */
	bool ending;	/* the sender is done */
};

#define LC_PROGRESS_BEGINS                                                              \
	{                                                                               \
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, \
	}

void lc_progress_note_leaf(struct lc_progress *progress);
void lc_progress_note_refusal(struct lc_progress *progress);
void lc_progress_note_invitations_decided(struct lc_progress *progress);
/* Asks the program to stop, too. */
void lc_progress_note_break(struct lc_progress *progress);
void lc_progress_note_unwritten(struct lc_progress *progress);
void lc_progress_note_end(struct lc_progress *progress);

bool lc_progress_is_ending(struct lc_progress *progress);
/* No invitation refused, the session not broken, all written that leaves sent. */
bool lc_progress_is_well(struct lc_progress *progress);

/*
 * Until the invitations are decided and so many leaves have joined. False: the
 * session broke, or the program was asked to stop, before.
 */
bool lc_progress_wait(struct lc_progress *progress, uint64_t leaves);
/* Whoever waits looks again whether the program was asked to stop. */
void lc_progress_wake(struct lc_progress *progress);

#endif
