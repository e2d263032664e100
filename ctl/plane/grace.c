// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "plane/grace.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct list {
	struct lc_retired *items;
	size_t count, capacity;
};

struct lc_grace {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	int event;
	struct list waiting; /* for a grace period to begin */
	struct list over;    /* for the caller to collect */
};

static int list_reserve(struct list *list, size_t more)
{
	size_t capacity = list->capacity ? list->capacity : 64;
	struct lc_retired *items;

	if (list->count + more <= list->capacity)
		return 0;
	while (capacity < list->count + more)
		capacity *= 2;
	items = reallocarray(list->items, capacity, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	list->capacity = capacity;
	return 0;
}

/* Without memory the items are lost and their numbers never used again, which is safe. */
static void list_append(struct list *list, const struct lc_retired *items, size_t count)
{
	if (count == 0 || list_reserve(list, count))
		return;
	memcpy(list->items + list->count, items, count * sizeof(*items));
	list->count += count;
}

/*
 * MEMBARRIER_CMD_GLOBAL is synchronize_rcu(). It is refused under nohz_full
 * and perhaps by a seccomp filter; then a second is far longer than any
 * program runs.
 */
void lc_grace_wait(void)
{
	struct timespec second = {.tv_sec = 1};

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
		return;
	while (nanosleep(&second, &second) && errno == EINTR)
		;
}

static void *run(void *argument)
{
	struct lc_grace *grace = argument;

	pthread_mutex_lock(&grace->lock);
	while (!grace->stop) {
		struct list batch = grace->waiting;

		if (batch.count == 0) {
			pthread_cond_wait(&grace->wake, &grace->lock);
			continue;
		}
		grace->waiting = (struct list){0};
		pthread_mutex_unlock(&grace->lock);
		lc_grace_wait();
		pthread_mutex_lock(&grace->lock);
		list_append(&grace->over, batch.items, batch.count);
		free(batch.items);
		eventfd_write(grace->event, 1);
	}
	pthread_mutex_unlock(&grace->lock);
	return NULL;
}

/* Signals are the caller's: the helper must not take one. */
static int start_thread(struct lc_grace *grace)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&grace->thread, NULL, run, grace);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int lc_grace_start(struct lc_grace **out)
{
	struct lc_grace *grace = calloc(1, sizeof(*grace));
	int err;

	if (!grace)
		return -ENOMEM;
	pthread_mutex_init(&grace->lock, NULL);
	pthread_cond_init(&grace->wake, NULL);
	grace->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = grace->event < 0 ? -errno : start_thread(grace);
	if (err) {
		if (grace->event >= 0)
			close(grace->event);
		free(grace);
		return err;
	}
	*out = grace;
	return 0;
}

void lc_grace_stop(struct lc_grace *grace)
{
	if (!grace)
		return;
	pthread_mutex_lock(&grace->lock);
	grace->stop = true;
	pthread_cond_signal(&grace->wake);
	pthread_mutex_unlock(&grace->lock);
	pthread_join(grace->thread, NULL);
	pthread_cond_destroy(&grace->wake);
	pthread_mutex_destroy(&grace->lock);
	close(grace->event);
	free(grace->waiting.items);
	free(grace->over.items);
	free(grace);
}

int lc_grace_fd(const struct lc_grace *grace)
{
	return grace->event;
}

void lc_grace_retire(struct lc_grace *grace, struct lc_retired retired)
{
	pthread_mutex_lock(&grace->lock);
	list_append(&grace->waiting, &retired, 1);
	pthread_cond_signal(&grace->wake);
	pthread_mutex_unlock(&grace->lock);
}

void lc_grace_collect(struct lc_grace *grace,
		      void (*ended)(void *context, const struct lc_retired *retired), void *context)
{
	struct list over;
	eventfd_t ignored;

	pthread_mutex_lock(&grace->lock);
	eventfd_read(grace->event, &ignored);
	over = grace->over;
	grace->over = (struct list){0};
	pthread_mutex_unlock(&grace->lock);
	for (size_t i = 0; i < over.count; i++)
		ended(context, &over.items[i]);
	free(over.items);
}
