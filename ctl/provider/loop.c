/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "provider/loop.h"

#define AT_ONCE 64

/* What epoll keeps for us: the kind above the number. */
#define KIND_SHIFT 56

static lc_loop_ready *handlers[LC_LOOP_KINDS];

/* Starting and stopping. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;
static int polled = -1;	      /* the thread's, and of those who start and stop it */
static atomic_int epoll = -1; /* the same for everybody else; -1: no thread */
static int wake = -1;	      /* written with both mutexes locked, read with either */
static atomic_bool stopping;

static pthread_mutex_t timers_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lc_timer *timers;

void lc_loop_handle(enum lc_loop_kind kind, lc_loop_ready *ready)
{
	handlers[kind] = ready;
}

/* --- timers */

/* Milliseconds until the next timer, rounded up; -1: there is none. */
static int until_next_timer(void)
{
	uint64_t next = 0, now = lc_now_ns(), left;

	pthread_mutex_lock(&timers_mutex);
	for (struct lc_timer *timer = timers; timer; timer = timer->next)
		if (timer->at_ns && (!next || timer->at_ns < next))
			next = timer->at_ns;
	pthread_mutex_unlock(&timers_mutex);
	if (!next)
		return -1;
	left = next > now ? (next - now + LC_NS_PER_MS - 1) / LC_NS_PER_MS : 0;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

/* The first that is due, not set any more; NULL: none is. */
static struct lc_timer *take_due(void)
{
	uint64_t now = lc_now_ns();
	struct lc_timer *timer;

	pthread_mutex_lock(&timers_mutex);
	for (timer = timers; timer; timer = timer->next)
		if (timer->at_ns && timer->at_ns <= now) {
			timer->at_ns = 0;
			break;
		}
	pthread_mutex_unlock(&timers_mutex);
	return timer;
}

static void set_timer(struct lc_timer *timer, uint64_t at_ns, bool only_earlier)
{
	pthread_mutex_lock(&timers_mutex);
	if (!timer->known) {
		timer->known = true;
		timer->next = timers;
		timers = timer;
	}
	if (!only_earlier || !timer->at_ns || at_ns < timer->at_ns) {
		timer->at_ns = at_ns;
		/* It may sleep for longer. Full: it is awake. */
		if (wake >= 0 && eventfd_write(wake, 1))
			errno = 0;
	}
	pthread_mutex_unlock(&timers_mutex);
}

void lc_timer_set(struct lc_timer *timer, uint64_t at_ns)
{
	set_timer(timer, at_ns, false);
}

void lc_timer_set_earlier(struct lc_timer *timer, uint64_t at_ns)
{
	set_timer(timer, at_ns, true);
}

/* --- the thread */

static void dispatch(const struct epoll_event *event)
{
	enum lc_loop_kind kind = (enum lc_loop_kind)(event->data.u64 >> KIND_SHIFT);

	handlers[kind](event->data.u64 & ((1ull << KIND_SHIFT) - 1), event->events);
}

static void woken(uint64_t number, uint32_t events)
{
	eventfd_t value;

	(void)events;
	if (eventfd_read((int)number, &value))
		return; /* somebody else's wake was the same */
}

static void *run(void *argument)
{
	struct epoll_event ready[AT_ONCE];
	struct lc_timer *due;

	while (!atomic_load(&stopping)) {
		int count = epoll_wait(polled, ready, AT_ONCE, until_next_timer());

		for (int i = 0; i < count; i++)
			dispatch(&ready[i]);
		while ((due = take_due()))
			due->fire();
	}
	return argument;
}

int lc_loop_watch(int fd, enum lc_loop_kind kind, uint64_t number, uint32_t events, bool again)
{
	struct epoll_event event = {.events = events,
				    .data.u64 = (uint64_t)kind << KIND_SHIFT | number};

	return epoll_ctl(epoll, again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

void lc_loop_unwatch(int fd)
{
	epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* The application's signals are for the application's threads. */
static int create_thread(void)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

static void set_wake(int fd)
{
	pthread_mutex_lock(&timers_mutex);
	wake = fd;
	pthread_mutex_unlock(&timers_mutex);
}

static void close_descriptors(void)
{
	int woke = wake;

	atomic_store(&epoll, -1);
	set_wake(-1);
	if (polled >= 0)
		close(polled);
	if (woke >= 0)
		close(woke);
	polled = -1;
}

/* The descriptor is given out when nothing can fail any more. */
static int start(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int error;

	atomic_store(&stopping, false);
	handlers[LC_LOOP_OWN] = woken;
	polled = epoll_create1(EPOLL_CLOEXEC);
	if (polled < 0)
		return -errno;
	set_wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	event.data.u64 = (uint64_t)LC_LOOP_OWN << KIND_SHIFT | (uint32_t)wake;
	error = wake < 0 || epoll_ctl(polled, EPOLL_CTL_ADD, wake, &event) ? -errno : 0;
	if (!error)
		error = create_thread();
	if (error)
		close_descriptors();
	else
		atomic_store(&epoll, polled);
	return error;
}

int lc_loop_start(void)
{
	int error = 0;

	if (epoll >= 0)
		return 0;
	pthread_mutex_lock(&mutex);
	if (epoll < 0)
		error = start();
	pthread_mutex_unlock(&mutex);
	return error;
}

void lc_loop_stop(void)
{
	pthread_mutex_lock(&mutex);
	if (epoll >= 0) {
		atomic_store(&stopping, true);
		if (!eventfd_write(wake, 1) || errno == EAGAIN)
			pthread_join(thread, NULL);
		close_descriptors();
	}
	pthread_mutex_unlock(&mutex);
}

void lc_loop_lock(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_lock(&timers_mutex);
}

void lc_loop_unlock(void)
{
	pthread_mutex_unlock(&timers_mutex);
	pthread_mutex_unlock(&mutex);
}

void lc_loop_forget(void)
{
	pthread_mutex_init(&mutex, NULL);
	pthread_mutex_init(&timers_mutex, NULL);
	for (struct lc_timer *timer = timers; timer; timer = timer->next)
		timer->at_ns = 0;
	close_descriptors();
}
