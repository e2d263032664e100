/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "local/local.h"
#include "provider/connection.h"
#include "provider/errors.h"
#include "provider/hello.h"
#include "provider/loop.h"
#include "provider/outbox.h"

struct lc_waits lc_waits = {
	.patience_ns = 2 * LC_NS_PER_S,
	.join_ns = LC_LOCAL_JOIN_MS * LC_NS_PER_MS + 2 * LC_NS_PER_S,
	.accept_ns = LC_LOCAL_ACCEPT_MS * LC_NS_PER_MS + 2 * LC_NS_PER_S,
	.absence_ns = 5 * LC_NS_PER_S,
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
/* A connection that is up, an answer, room to send. */
static pthread_cond_t progress;
static pthread_once_t progress_once = PTHREAD_ONCE_INIT;
static const struct lc_connection_handlers *handlers;

static struct {
	int fd; /* -1: not up */
	bool connecting;
	uint64_t link; /* the last that was up */
	uint64_t last_id;
	unsigned int unanswered; /* requests sent less replies received */
	struct lc_asked_table asked;
	struct lc_outbox outbox; /* what was told while the daemon did not read */
} connection = {.fd = -1};

static void expire(void);
static void forsake(void);
static struct lc_timer expiry = {.fire = expire}, absence = {.fire = forsake};

static void make_progress(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&progress, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* Locked. False: until_ns has passed. */
static bool wait_for_progress(uint64_t until_ns)
{
	struct timespec until = {.tv_sec = (time_t)(until_ns / LC_NS_PER_S),
				 .tv_nsec = (long)(until_ns % LC_NS_PER_S)};

	return pthread_cond_timedwait(&progress, &mutex, &until) != ETIMEDOUT;
}

void lc_connection_handle(const struct lc_connection_handlers *given)
{
	pthread_once(&progress_once, make_progress);
	handlers = given;
}

/* --- requests under way */

/* Unlocked. */
static void answer_all(struct lc_asked *asked)
{
	while (asked) {
		struct lc_asked *next = asked->next;

		asked->answered(asked, NULL);
		asked = next;
	}
}

static void expire(void)
{
	struct lc_asked *late;
	uint64_t next;

	pthread_mutex_lock(&mutex);
	late = lc_asked_take_late(&connection.asked, lc_now_ns(), &next);
	if (next)
		lc_timer_set_earlier(&expiry, next);
	pthread_mutex_unlock(&mutex);
	answer_all(late);
}

/* --- telling */

/* Whether there is more to send is asked of the kernel only while somebody has it. */
static void watch(bool for_room)
{
	lc_loop_watch(connection.fd, LC_LOOP_CONNECTION, connection.link,
		      for_room ? EPOLLIN | EPOLLOUT : EPOLLIN, true);
}

/* As much as there is room for. A broken connection shows when it is read. */
static void send_told(void)
{
	if (lc_outbox_send(&connection.outbox, connection.fd) == -EAGAIN)
		watch(true);
}

void lc_connection_tell(uint64_t link, const struct lc_local_message *message)
{
	struct lc_local_message copy = *message;

	pthread_mutex_lock(&mutex);
	if (connection.fd >= 0 && link == connection.link) {
		copy.id = ++connection.last_id;
		connection.unanswered++;
		lc_outbox_append(&connection.outbox, &copy);
		send_told();
	}
	pthread_mutex_unlock(&mutex);
}

/* --- asking */

/* Locked. Waits for room, behind what was told before. */
static int send_in_turn(uint64_t link, const struct lc_local_message *message, int descriptor)
{
	uint64_t until = lc_now_ns() + lc_waits.patience_ns;
	int error;

	for (;;) {
		if (connection.fd < 0 || link != connection.link)
			return -ENETDOWN;
		error = lc_outbox_is_empty(&connection.outbox)
				? lc_local_send(connection.fd, message, descriptor)
				: -EAGAIN;
		if (error != -EAGAIN)
			return error == -EPIPE ? -ENETDOWN : error;
		watch(true);
		if (!wait_for_progress(until))
			return -ENETDOWN;
	}
}

int lc_connection_ask(struct lc_asked *asked, uint64_t link, struct lc_local_message *message,
		      int descriptor, uint64_t wait_ns)
{
	int error;

	pthread_mutex_lock(&mutex);
	asked->id = message->id = ++connection.last_id;
	error = send_in_turn(link, message, descriptor);
	if (!error) {
		connection.unanswered++;
		asked->until_ns = lc_now_ns() + wait_ns;
		lc_asked_insert(&connection.asked, asked);
		lc_timer_set_earlier(&expiry, asked->until_ns);
	}
	pthread_mutex_unlock(&mutex);
	return error;
}

/* --- reading, by the hidden thread */

static void lose(void)
{
	struct lc_asked *all;
	uint64_t none;

	pthread_mutex_lock(&mutex);
	if (connection.fd < 0) {
		pthread_mutex_unlock(&mutex);
		return;
	}
	lc_trace("daemon", (SOCKET)connection.fd, "lost", WSAENETDOWN);
	lc_loop_unwatch(connection.fd);
	close(connection.fd);
	connection.fd = -1;
	connection.unanswered = 0;
	lc_outbox_empty(&connection.outbox);
	all = lc_asked_take_late(&connection.asked, UINT64_MAX, &none);
	lc_timer_set(&absence, lc_now_ns() + lc_waits.absence_ns);
	pthread_cond_broadcast(&progress);
	pthread_mutex_unlock(&mutex);
	answer_all(all);
	handlers->lost();
}

static void forsake(void)
{
	handlers->forsaken(lc_connection_link());
}

static void take_reply(const struct lc_local_message *reply)
{
	struct lc_asked *asked;

	pthread_mutex_lock(&mutex);
	asked = lc_asked_take(&connection.asked, reply->id);
	if (connection.unanswered)
		connection.unanswered--;
	pthread_cond_broadcast(&progress);
	pthread_mutex_unlock(&mutex);
	if (asked)
		asked->answered(asked, reply);
}

/* Only the hidden thread closes the descriptor while it runs, so it is read unlocked. */
static void read_all(int fd)
{
	struct lc_local_message message;
	int descriptor, error;

	while (!(error = lc_local_receive(fd, &message, &descriptor))) {
		if (descriptor >= 0)
			close(descriptor); /* none is ever sent this way */
		if (message.kind == LC_LOCAL_REPLY)
			take_reply(&message);
		else
			handlers->event(&message);
	}
	if (error != -EAGAIN)
		lose();
}

void lc_connection_ready(uint64_t link, uint32_t events)
{
	int fd = -1;

	pthread_mutex_lock(&mutex);
	if (link == connection.link)
		fd = connection.fd;
	if (fd >= 0 && events & EPOLLOUT) {
		watch(false);
		send_told();
		pthread_cond_broadcast(&progress);
	}
	pthread_mutex_unlock(&mutex);
	if (fd >= 0 && events & ~(uint32_t)EPOLLOUT)
		read_all(fd);
}

/* --- opening */

/* Locked. Takes the descriptor over. */
static int come_up(int fd)
{
	int error = lc_loop_watch(fd, LC_LOOP_CONNECTION, connection.link + 1, EPOLLIN, false);

	if (error) {
		close(fd);
		return error;
	}
	connection.fd = fd;
	connection.link++;
	connection.last_id = 1; /* HELLO's */
	return 0;
}

/* Locked; unlocked meanwhile. */
static int connect_until(uint64_t until_ns)
{
	int fd, error = lc_loop_start();

	if (error)
		return error;
	connection.connecting = true;
	pthread_mutex_unlock(&mutex);
	fd = lc_hello_connect(until_ns);
	pthread_mutex_lock(&mutex);
	connection.connecting = false;
	error = fd < 0 ? fd : come_up(fd);
	pthread_cond_broadcast(&progress);
	return error;
}

int lc_connection_open(uint64_t *link)
{
	uint64_t until = lc_now_ns() + lc_waits.patience_ns;
	int error = 0;

	pthread_mutex_lock(&mutex);
	while (connection.connecting && !error)
		if (!wait_for_progress(until))
			error = -ENETDOWN;
	if (!error && connection.fd < 0)
		error = connect_until(until);
	*link = connection.link;
	pthread_mutex_unlock(&mutex);
	return error;
}

uint64_t lc_connection_link(void)
{
	uint64_t link;

	pthread_mutex_lock(&mutex);
	link = connection.fd >= 0 ? connection.link : 0;
	pthread_mutex_unlock(&mutex);
	return link;
}

/* --- the end */

void lc_connection_drain(void)
{
	uint64_t until = lc_now_ns() + lc_waits.patience_ns;

	pthread_mutex_lock(&mutex);
	while (connection.fd >= 0 &&
	       (connection.unanswered || !lc_outbox_is_empty(&connection.outbox)))
		if (!wait_for_progress(until))
			break;
	pthread_mutex_unlock(&mutex);
}

void lc_connection_close(void)
{
	lose();
	lc_timer_set(&absence, 0);
}

void lc_connection_lock(void)
{
	pthread_mutex_lock(&mutex);
}

void lc_connection_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

void lc_connection_forget(void)
{
	pthread_mutex_init(&mutex, NULL);
	make_progress();
	if (connection.fd >= 0)
		close(connection.fd);
	connection.fd = -1;
	connection.connecting = false;
	connection.unanswered = 0;
	lc_outbox_empty(&connection.outbox);
	connection.asked = (struct lc_asked_table){0};
}
