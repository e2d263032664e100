/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <string.h>
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
};

/* Between two tries, and what a connection must have lasted for the next try to be made at once. */
#define FIRST_PAUSE_NS (50 * LC_NS_PER_MS)
#define MOST_PAUSE_NS  LC_NS_PER_S

/* Of an answer that is waited for as long as the connection lasts. */
#define FOR_EVER UINT64_MAX

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
/* A connection that is up, a try that failed, an answer, room to send. */
static pthread_cond_t progress;
static pthread_once_t progress_once = PTHREAD_ONCE_INIT;
static const struct lc_connection_handlers *handlers;

static struct {
	int fd;		      /* -1: none */
	bool up;	      /* HELLO has been answered */
	bool broken;	      /* it cannot be sent on: the hidden thread is about to see that */
	bool wanted;	      /* when it is lost there is to be another */
	uint64_t link;	      /* the last that was tried */
	unsigned int waiting; /* for one to come up */
	uint64_t pause_ns;    /* before the next try */
	uint64_t changed_ns;  /* since when it is up, or is not */
	uint64_t heard_ns;
	unsigned int failures; /* of tries, ever */
	int failure;	       /* the last one's */
	uint64_t last_id;
	unsigned int unanswered; /* requests sent less replies received */
	struct lc_asked_table asked;
	struct lc_outbox outbox; /* what was told while the daemon did not read */
} connection = {.fd = -1};

static void expire(void);
static void try_next(void);
static struct lc_timer expiry = {.fire = expire}, next_try = {.fire = try_next};

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
	if (next && next != FOR_EVER)
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

/* Locked. */
static bool is_up(uint64_t link)
{
	return connection.up && !connection.broken && link == connection.link;
}

bool lc_connection_tell(uint64_t link, const struct lc_local_message *message)
{
	struct lc_local_message copy = *message;
	bool told = false;

	pthread_mutex_lock(&mutex);
	if (is_up(link)) {
		copy.id = ++connection.last_id;
		told = lc_outbox_append(&connection.outbox, &copy);
		connection.unanswered += told;
		send_told();
	}
	pthread_mutex_unlock(&mutex);
	return told;
}

/* Locked. */
static void expect_answer(struct lc_asked *asked, uint64_t until_ns)
{
	connection.unanswered++;
	asked->lost = false;
	asked->until_ns = until_ns;
	lc_asked_insert(&connection.asked, asked);
}

bool lc_connection_tell_and_hear(struct lc_asked *asked, uint64_t link,
				 struct lc_local_message *message)
{
	bool told = false;

	pthread_mutex_lock(&mutex);
	if (is_up(link)) {
		asked->id = message->id = ++connection.last_id;
		told = lc_outbox_append(&connection.outbox, message);
		if (told)
			expect_answer(asked, FOR_EVER);
		send_told();
	}
	pthread_mutex_unlock(&mutex);
	return told;
}

/* --- asking */

/* Locked. Behind what was told before. */
static int try_send(uint64_t link, const struct lc_local_message *message, int descriptor)
{
	int error;

	if (!is_up(link))
		return -EPIPE;
	error = lc_outbox_is_empty(&connection.outbox)
			? lc_local_send(connection.fd, message, descriptor)
			: -EAGAIN;
	if (error == -EAGAIN)
		watch(true);
	connection.broken |= error == -EPIPE;
	return error;
}

/* Locked. Waits for room. */
static int send_in_turn(uint64_t link, const struct lc_local_message *message, int descriptor)
{
	uint64_t until = lc_now_ns() + lc_waits.patience_ns;
	int error;

	while ((error = try_send(link, message, descriptor)) == -EAGAIN)
		if (!wait_for_progress(until))
			return -ENETDOWN;
	return error;
}

int lc_connection_ask(struct lc_asked *asked, uint64_t link, struct lc_local_message *message,
		      int descriptor, uint64_t wait_ns)
{
	int error;

	pthread_mutex_lock(&mutex);
	asked->id = message->id = ++connection.last_id;
	error = send_in_turn(link, message, descriptor);
	if (!error) {
		expect_answer(asked, lc_now_ns() + wait_ns);
		lc_timer_set_earlier(&expiry, asked->until_ns);
	}
	pthread_mutex_unlock(&mutex);
	return error;
}

int lc_connection_try_ask(struct lc_asked *asked, uint64_t link, struct lc_local_message *message,
			  int descriptor)
{
	int error;

	pthread_mutex_lock(&mutex);
	asked->id = message->id = ++connection.last_id;
	error = try_send(link, message, descriptor);
	if (!error)
		expect_answer(asked, FOR_EVER);
	pthread_mutex_unlock(&mutex);
	return error;
}

/* --- its end, by the hidden thread */

/* Locked. */
static void close_descriptor(void)
{
	lc_loop_unwatch(connection.fd);
	close(connection.fd);
	connection.fd = -1;
	connection.up = connection.broken = false;
}

/* Locked. After a pause, which the next one exceeds. */
static void try_again(void)
{
	uint64_t pause = connection.pause_ns;

	if (!connection.wanted)
		return;
	if (connection.waiting && pause > FIRST_PAUSE_NS)
		pause = FIRST_PAUSE_NS;
	lc_timer_set(&next_try, lc_now_ns() + pause);
	connection.pause_ns = pause ? 2 * pause : FIRST_PAUSE_NS;
	if (connection.pause_ns > MOST_PAUSE_NS)
		connection.pause_ns = MOST_PAUSE_NS;
}

static void lose(void)
{
	struct lc_asked *all;
	uint64_t none, now = lc_now_ns();

	pthread_mutex_lock(&mutex);
	if (!connection.up) {
		pthread_mutex_unlock(&mutex);
		return;
	}
	lc_trace("daemon", (SOCKET)connection.fd, "lost", WSAENETDOWN);
	close_descriptor();
	connection.unanswered = 0;
	lc_outbox_empty(&connection.outbox);
	all = lc_asked_take_late(&connection.asked, UINT64_MAX, &none);
	for (struct lc_asked *asked = all; asked; asked = asked->next)
		asked->lost = true;
	/* One that keeps ending as soon as it is up is left alone for longer and longer. */
	if (now - connection.changed_ns >= MOST_PAUSE_NS)
		connection.pause_ns = 0;
	connection.changed_ns = now;
	try_again();
	pthread_cond_broadcast(&progress);
	pthread_mutex_unlock(&mutex);
	answer_all(all);
	handlers->lost();
}

/* --- reading, by the hidden thread */

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

static void hear(void)
{
	pthread_mutex_lock(&mutex);
	connection.heard_ns = lc_now_ns();
	pthread_mutex_unlock(&mutex);
}

/* Only the hidden thread closes the descriptor while it runs, so it is read unlocked. */
static void read_all(int fd)
{
	struct lc_local_message message;
	int descriptor, error;

	hear();
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

/* --- the beginning, by the hidden thread */

/* Locked. */
static void failed(int error)
{
	if (connection.fd >= 0)
		close_descriptor();
	connection.failures++;
	connection.failure = error;
	try_again();
	pthread_cond_broadcast(&progress);
}

static void try_next(void)
{
	int error;

	pthread_mutex_lock(&mutex);
	if (connection.wanted && connection.fd < 0) {
		connection.fd = lc_hello_say();
		connection.link++;
		error = connection.fd < 0 ? connection.fd
					  : lc_loop_watch(connection.fd, LC_LOOP_CONNECTION,
							  connection.link, EPOLLIN, false);
		if (error)
			failed(error);
	}
	pthread_mutex_unlock(&mutex);
}

/* However long the daemon takes for its answer: it may be stopped, and go on. */
static void read_hello(void)
{
	uint64_t link = 0;
	int error;

	pthread_mutex_lock(&mutex);
	error = lc_hello_answer(connection.fd);
	if (!error) {
		connection.up = true;
		connection.last_id = 1; /* HELLO's */
		connection.changed_ns = connection.heard_ns = lc_now_ns();
		link = connection.link;
		pthread_cond_broadcast(&progress);
	} else if (error != -EAGAIN) {
		failed(error);
	}
	pthread_mutex_unlock(&mutex);
	if (link)
		handlers->up(link);
}

void lc_connection_ready(uint64_t link, uint32_t events)
{
	bool up = false;
	int fd = -1;

	pthread_mutex_lock(&mutex);
	if (link == connection.link) {
		fd = connection.fd;
		up = connection.up;
	}
	if (up && events & EPOLLOUT) {
		watch(false);
		send_told();
		pthread_cond_broadcast(&progress);
	}
	pthread_mutex_unlock(&mutex);
	if (fd >= 0 && !up) {
		read_hello();
		return;
	}
	if (up && events & EPOLLOUT)
		handlers->room();
	if (up && events & ~(uint32_t)EPOLLOUT)
		read_all(fd);
}

/* --- waiting for it */

/* Locked. */
static void hurry(void)
{
	connection.waiting++;
	if (connection.fd >= 0)
		return;
	if (connection.pause_ns > FIRST_PAUSE_NS)
		connection.pause_ns = FIRST_PAUSE_NS;
	lc_timer_set_earlier(&next_try, lc_now_ns());
}

void lc_connection_hurry(bool on)
{
	pthread_mutex_lock(&mutex);
	if (on)
		hurry();
	else
		connection.waiting--;
	pthread_mutex_unlock(&mutex);
}

static bool is_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

/* Locked, unlocked meanwhile. What a try that failed since says of all further ones is not waited for. */
static int wait_until_up(uint64_t until_ns)
{
	unsigned int failures = connection.failures;

	while (!is_up(connection.link)) {
		if (connection.failures != failures) {
			failures = connection.failures;
			if (is_shortage(connection.failure))
				return connection.failure;
			if (connection.failure == -EPROTO)
				return -ENETDOWN;
		}
		if (!wait_for_progress(until_ns))
			return -ENETDOWN;
	}
	return 0;
}

int lc_connection_open(uint64_t *link)
{
	uint64_t until = lc_now_ns() + lc_waits.patience_ns;
	int error;

	pthread_mutex_lock(&mutex);
	error = lc_loop_start();
	if (!error && !is_up(connection.link)) {
		connection.wanted = true;
		hurry();
		error = wait_until_up(until);
		connection.waiting--;
	}
	*link = connection.link;
	pthread_mutex_unlock(&mutex);
	return error;
}

uint64_t lc_connection_link(void)
{
	uint64_t link;

	pthread_mutex_lock(&mutex);
	link = is_up(connection.link) ? connection.link : 0;
	pthread_mutex_unlock(&mutex);
	return link;
}

uint64_t lc_connection_lost_ns(void)
{
	uint64_t since;

	pthread_mutex_lock(&mutex);
	since = connection.changed_ns;
	pthread_mutex_unlock(&mutex);
	return since;
}

uint64_t lc_connection_heard_ns(void)
{
	uint64_t heard;

	pthread_mutex_lock(&mutex);
	heard = connection.heard_ns;
	pthread_mutex_unlock(&mutex);
	return heard;
}

/* --- no more */

void lc_connection_drain(uint64_t until_ns)
{
	pthread_mutex_lock(&mutex);
	while (connection.up && (connection.unanswered || !lc_outbox_is_empty(&connection.outbox)))
		if (!wait_for_progress(until_ns))
			break;
	pthread_mutex_unlock(&mutex);
}

/* The hidden thread has ended, so this one may do what is its alone. */
void lc_connection_close(void)
{
	pthread_mutex_lock(&mutex);
	connection.wanted = false;
	connection.pause_ns = 0;
	connection.heard_ns = 0;
	lc_timer_set(&next_try, 0);
	if (connection.fd >= 0 && !connection.up)
		close_descriptor();
	pthread_mutex_unlock(&mutex);
	lose();
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
	lc_outbox_empty(&connection.outbox);
	memset(&connection, 0, sizeof(connection));
	connection.fd = -1;
}
