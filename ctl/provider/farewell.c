/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "provider/connection.h"
#include "provider/farewell.h"

struct farewell {
	struct lc_asked asked; /* first */
	struct farewell *next;
	uint64_t cookie;
	enum leafcast_reason reason;
	bool meanwhile; /* told as CLOSED_MEANWHILE */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t none_left;
static pthread_once_t none_left_once = PTHREAD_ONCE_INIT;
static struct farewell *waiting, **last = &waiting; /* for a connection */
static unsigned int unanswered;			    /* told or waiting */

static void make_none_left(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&none_left, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void wait_for_connection(struct farewell *farewell)
{
	uint64_t link;

	pthread_mutex_lock(&mutex);
	farewell->next = NULL;
	*last = farewell;
	last = &farewell->next;
	pthread_mutex_unlock(&mutex);
	/* One that came up before this was in the list is not told by the hidden thread. */
	link = lc_connection_link();
	if (link)
		lc_farewell_repeat(link);
}

static void finish(struct farewell *farewell)
{
	free(farewell);
	pthread_once(&none_left_once, make_none_left);
	pthread_mutex_lock(&mutex);
	unanswered--;
	pthread_cond_broadcast(&none_left);
	pthread_mutex_unlock(&mutex);
}

/* One that did not know the socket by its number may know it by its cookie. */
static void answered(struct lc_asked *asked, const struct lc_local_message *reply)
{
	struct farewell *farewell = (struct farewell *)asked;

	if (reply && (!reply->error || farewell->meanwhile))
		finish(farewell);
	else
		wait_for_connection(farewell);
}

void lc_tell_close(const struct lc_socket *socket, enum leafcast_reason reason)
{
	lc_connection_tell(socket->link, &(struct lc_local_message){.kind = LC_LOCAL_CLOSE,
								    .socket = socket->number,
								    .reason = reason});
}

void lc_farewell(const struct lc_socket *socket, enum leafcast_reason reason)
{
	struct lc_local_message message = {
		.kind = LC_LOCAL_CLOSE, .socket = socket->number, .reason = reason};
	struct farewell *farewell = malloc(sizeof(*farewell));

	if (!farewell) {
		lc_tell_close(socket, reason);
		return;
	}
	*farewell = (struct farewell){
		.asked.answered = answered, .cookie = socket->cookie, .reason = reason};
	pthread_mutex_lock(&mutex);
	unanswered++;
	pthread_mutex_unlock(&mutex);
	if (!lc_connection_tell_and_hear(&farewell->asked, socket->link, &message))
		wait_for_connection(farewell);
}

/* The first that waits; NULL: none does. */
static struct farewell *take_first(void)
{
	struct farewell *first;

	pthread_mutex_lock(&mutex);
	first = waiting;
	if (first)
		waiting = first->next;
	if (!waiting)
		last = &waiting;
	pthread_mutex_unlock(&mutex);
	return first;
}

static void put_back(struct farewell *farewell)
{
	pthread_mutex_lock(&mutex);
	farewell->next = waiting;
	if (!waiting)
		last = &farewell->next;
	waiting = farewell;
	pthread_mutex_unlock(&mutex);
}

void lc_farewell_repeat(uint64_t link)
{
	struct farewell *first;

	while ((first = take_first())) {
		struct lc_local_message message = {.kind = LC_LOCAL_CLOSED_MEANWHILE,
						   .cookie = first->cookie,
						   .reason = first->reason};

		first->meanwhile = true;
		if (lc_connection_tell_and_hear(&first->asked, link, &message))
			continue;
		put_back(first);
		return;
	}
}

void lc_farewell_drain(uint64_t until_ns)
{
	struct timespec until = {.tv_sec = (time_t)(until_ns / LC_NS_PER_S),
				 .tv_nsec = (long)(until_ns % LC_NS_PER_S)};

	pthread_once(&none_left_once, make_none_left);
	pthread_mutex_lock(&mutex);
	while (unanswered)
		if (pthread_cond_timedwait(&none_left, &mutex, &until))
			break;
	pthread_mutex_unlock(&mutex);
}

void lc_farewell_lock(void)
{
	pthread_mutex_lock(&mutex);
}

void lc_farewell_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

void lc_farewell_forget(void)
{
	pthread_mutex_init(&mutex, NULL);
	make_none_left();
	while (waiting) {
		struct farewell *first = waiting;

		waiting = first->next;
		free(first);
	}
	last = &waiting;
	unanswered = 0;
}
