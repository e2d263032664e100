/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tool/progress.h"

#include "tool/stop.h"

/* Changes what is noted and wakes whoever waits for it. */
static void note(struct lc_progress *progress, bool *flag)
{
	pthread_mutex_lock(&progress->lock);
	*flag = true;
	pthread_cond_signal(&progress->changed);
	pthread_mutex_unlock(&progress->lock);
}

void lc_progress_note_leaf(struct lc_progress *progress)
{
	pthread_mutex_lock(&progress->lock);
	progress->joined++;
	pthread_cond_signal(&progress->changed);
	pthread_mutex_unlock(&progress->lock);
}

void lc_progress_note_refusal(struct lc_progress *progress)
{
	note(progress, &progress->refused);
}

void lc_progress_note_invitations_decided(struct lc_progress *progress)
{
	note(progress, &progress->invitations_decided);
}

void lc_progress_note_break(struct lc_progress *progress)
{
	note(progress, &progress->broken);
	lc_stop_ask();
}

void lc_progress_note_unwritten(struct lc_progress *progress)
{
	note(progress, &progress->unwritten);
}

void lc_progress_note_end(struct lc_progress *progress)
{
	note(progress, &progress->ending);
}

bool lc_progress_is_ending(struct lc_progress *progress)
{
	bool ending;

	pthread_mutex_lock(&progress->lock);
	ending = progress->ending;
	pthread_mutex_unlock(&progress->lock);
	return ending;
}

bool lc_progress_is_well(struct lc_progress *progress)
{
	bool well;

	pthread_mutex_lock(&progress->lock);
	well = !progress->refused && !progress->broken && !progress->unwritten;
	pthread_mutex_unlock(&progress->lock);
	return well;
}

bool lc_progress_wait(struct lc_progress *progress, uint64_t leaves)
{
	bool ready;

	pthread_mutex_lock(&progress->lock);
	for (;;) {
		ready = progress->invitations_decided && progress->joined >= leaves;
		if (ready || progress->broken || lc_stop_asked())
			break;
		pthread_cond_wait(&progress->changed, &progress->lock);
	}
	ready = ready && !progress->broken;
	pthread_mutex_unlock(&progress->lock);
	return ready;
}

void lc_progress_wake(struct lc_progress *progress)
{
	pthread_mutex_lock(&progress->lock);
	pthread_cond_signal(&progress->changed);
	pthread_mutex_unlock(&progress->lock);
}
