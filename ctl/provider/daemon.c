/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "leafcast/leafcast.h"
#include "local/local.h"
#include "provider/daemon.h"
#include "provider/dispatch.h"
#include "provider/errors.h"
#include "provider/events.h"

/* epoll tags; a socket's is its number, which is larger. */
enum {
	TAG_CHANNEL = 1,
	TAG_STOP = 2
};

static struct {
	int fd;
	bool up;
	bool connecting;
	uint64_t link;
	unsigned int senders; /* calls that use fd unlocked: it is closed when none does */
	uint64_t last_id;
	struct lc_call *calls;
	uint64_t given_up_ns; /* when sockets of a lost connection end; 0: none was lost */
} channel = {.fd = -1};

static struct {
	bool running;
	bool stopping;
	pthread_t thread;
	int epoll, stop;
} loop = {.epoll = -1, .stop = -1};

/* A connection that is up, a call that is answered, one sender less. */
static pthread_cond_t progress;
static pthread_once_t progress_once = PTHREAD_ONCE_INIT;

static void make_progress(void)
{
	lc_condition_init(&progress);
}

static void close_if_unused(void)
{
	if (!channel.up && !channel.senders && channel.fd >= 0) {
		close(channel.fd);
		channel.fd = -1;
		pthread_cond_broadcast(&progress);
	}
}

static struct lc_call *take_call(uint64_t id)
{
	for (struct lc_call **at = &channel.calls; *at; at = &(*at)->next)
		if ((*at)->id == id) {
			struct lc_call *call = *at;

			*at = call->next;
			return call;
		}
	return NULL;
}

static void finish_call(struct lc_call *call, const struct lc_local_message *reply)
{
	call->reply = *reply;
	call->done = true;
	if (call->apply)
		call->apply(call);
	pthread_cond_broadcast(&progress);
}

static void lost(void)
{
	const struct lc_local_message reply = {.kind = LC_LOCAL_REPLY, .error = -ENETDOWN};

	if (!channel.up)
		return;
	channel.up = false;
	channel.given_up_ns = lc_now_ns() + LC_DAEMON_ABSENCE_NS;
	epoll_ctl(loop.epoll, EPOLL_CTL_DEL, channel.fd, NULL);
	lc_trace("daemon", (SOCKET)channel.fd, "lost", WSAENETDOWN);
	while (channel.calls)
		finish_call(take_call(channel.calls->id), &reply);
	close_if_unused();
}

/* --- the hidden thread */

static void read_channel(void)
{
	struct lc_local_message message;
	int descriptor, error;

	while (channel.up) {
		error = lc_local_receive(channel.fd, &message, &descriptor);
		if (error == -EAGAIN)
			return;
		if (error) {
			lost();
			return;
		}
		if (descriptor >= 0)
			close(descriptor); /* none is ever sent this way */
		if (message.kind == LC_LOCAL_REPLY) {
			struct lc_call *call = take_call(message.id);

			if (call)
				finish_call(call, &message);
		} else {
			lc_dispatch(&message);
		}
	}
}

/* Milliseconds until sockets of a lost connection end; -1: there are none. */
static int until_given_up(void)
{
	uint64_t now = lc_now_ns();

	if (!channel.given_up_ns)
		return -1;
	return now >= channel.given_up_ns ? 0 : (int)((channel.given_up_ns - now) / 1000000 + 1);
}

static void give_up_in_time(void)
{
	if (until_given_up() != 0)
		return;
	channel.given_up_ns = 0;
	lc_socket_end_those_without(lc_daemon_link());
}

static void *run(void *unused)
{
	struct epoll_event ready[64];
	struct lc_socket *socket;
	bool stop = false;
	int patience = -1;

	while (!stop) {
		int count = epoll_wait(loop.epoll, ready, 64, patience);

		lc_lock();
		for (int i = 0; i < count; i++) {
			uint64_t tag = ready[i].data.u64;
			const uint32_t broken = EPOLLERR | EPOLLHUP;

			if (tag == TAG_STOP)
				stop = true;
			else if (tag == TAG_CHANNEL)
				read_channel();
			else if ((socket = lc_socket_by_number(tag)))
				lc_event_ready(socket, ready[i].events & (EPOLLIN | broken),
					       ready[i].events & (EPOLLOUT | broken));
		}
		give_up_in_time();
		patience = until_given_up();
		lc_unlock();
	}
	return unused;
}

static int add(int fd, uint64_t tag)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};

	return epoll_ctl(loop.epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int start_thread(void)
{
	sigset_t all, before;
	int error;

	if (loop.running)
		return 0;
	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	loop.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = loop.epoll < 0 || loop.stop < 0 ? -EMFILE : add(loop.stop, TAG_STOP);
	if (!error) {
		/* The application's signals are for the application's threads. */
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		error = -pthread_create(&loop.thread, NULL, run, NULL);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (error) {
		close(loop.epoll);
		close(loop.stop);
		loop.epoll = loop.stop = -1;
		return lc_wsa_from_errno(error);
	}
	loop.running = true;
	return 0;
}

int lc_daemon_watch(struct lc_socket *socket, uint32_t events)
{
	struct epoll_event event = {.events = events | EPOLLONESHOT, .data.u64 = socket->number};
	int error = start_thread();

	if (error)
		return error;
	if (epoll_ctl(loop.epoll, socket->events.watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		      socket->fd, &event))
		return lc_wsa_from_errno(-errno);
	socket->events.watched = true;
	return 0;
}

void lc_daemon_unwatch(struct lc_socket *socket)
{
	/* By hand: the daemon's duplicate would keep a closed descriptor in the set. */
	if (socket->events.watched)
		epoll_ctl(loop.epoll, EPOLL_CTL_DEL, socket->fd, NULL);
	socket->events.watched = false;
}

/* --- connecting */

static int wait_for_hello(int fd, uint64_t until_ns)
{
	struct lc_local_message reply;
	int descriptor, error;

	for (;;) {
		struct pollfd readable = {.fd = fd, .events = POLLIN};
		uint64_t now = lc_now_ns();

		if (now >= until_ns)
			return -ETIMEDOUT;
		poll(&readable, 1, (int)((until_ns - now) / 1000000 + 1));
		error = lc_local_receive(fd, &reply, &descriptor);
		if (error == -EAGAIN)
			continue;
		if (!error && descriptor >= 0)
			close(descriptor);
		return error ? error : reply.error;
	}
}

/* Unlocked. A descriptor, or the error of the last try. */
static int try_to_connect(uint64_t until_ns)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	const struct lc_local_message hello = {
		.kind = LC_LOCAL_HELLO, .id = 1, .version = LC_LOCAL_VERSION};
	const char *directory = secure_getenv("LEAFCAST_RUNTIME_DIR");

	for (;;) {
		int fd = lc_local_connect(directory && *directory ? directory
								  : LEAFCAST_RUNTIME_DIR);
		int error = fd < 0 ? fd : lc_local_send(fd, &hello, -1);

		if (!error)
			error = wait_for_hello(fd, until_ns);
		if (!error)
			return fd;
		if (fd >= 0)
			close(fd);
		if (error == -EPROTO || lc_now_ns() + (uint64_t)pause.tv_nsec >= until_ns)
			return error;
		nanosleep(&pause, NULL);
	}
}

int lc_daemon_connect(void)
{
	uint64_t until = lc_now_ns() + LC_DAEMON_PATIENCE_NS;
	int fd, error;

	pthread_once(&progress_once, make_progress);
	while (channel.connecting || loop.stopping || (!channel.up && channel.fd >= 0))
		if (!lc_wait(&progress, until))
			return WSAENETDOWN;
	if (channel.up)
		return 0;
	error = start_thread();
	if (error)
		return error;
	channel.connecting = true;
	lc_unlock();
	fd = try_to_connect(until);
	lc_lock();
	channel.connecting = false;
	if (fd >= 0) {
		channel.fd = fd;
		channel.up = true;
		channel.link++;
		channel.last_id = 1; /* HELLO's */
		if (add(fd, TAG_CHANNEL))
			lost();
	}
	pthread_cond_broadcast(&progress);
	return channel.up ? 0 : WSAENETDOWN;
}

uint64_t lc_daemon_link(void)
{
	return channel.up ? channel.link : 0;
}

/* --- requests */

static int send_patiently(int fd, const struct lc_local_message *message, int descriptor)
{
	uint64_t until = lc_now_ns() + LC_DAEMON_PATIENCE_NS, now;
	int error;

	while ((error = lc_local_send(fd, message, descriptor)) == -EAGAIN &&
	       (now = lc_now_ns()) < until) {
		struct pollfd writable = {.fd = fd, .events = POLLOUT};

		poll(&writable, 1, (int)((until - now) / 1000000 + 1));
	}
	return error;
}

int lc_daemon_submit(struct lc_call *call, uint64_t link, struct lc_local_message *message,
		     int descriptor)
{
	int error, fd = channel.fd;

	if (!channel.up || link != channel.link)
		return WSAENETDOWN;
	call->id = message->id = ++channel.last_id;
	call->done = false;
	call->next = channel.calls;
	channel.calls = call;
	channel.senders++;
	lc_unlock();
	error = send_patiently(fd, message, descriptor);
	lc_lock();
	channel.senders--;
	close_if_unused();
	/* Not found: the thread saw the connection end first, and has finished the call. */
	return error && take_call(message->id) ? WSAENETDOWN : 0;
}

int lc_daemon_ask(struct lc_socket *socket, struct lc_local_message *message, int descriptor,
		  struct lc_local_message *reply)
{
	uint64_t until = lc_now_ns() + LC_DAEMON_PATIENCE_NS;
	struct lc_call call = {0};
	int error = lc_daemon_submit(&call, socket->link, message, descriptor);

	if (error)
		return error;
	while (!call.done)
		if (!lc_wait(&progress, until) && !call.done) {
			take_call(call.id);
			return WSAENETDOWN;
		}
	if (reply)
		*reply = call.reply;
	return lc_wsa_from_reply(&call.reply);
}

static void free_call(struct lc_call *call)
{
	free(call);
}

void lc_daemon_tell(uint64_t link, const struct lc_local_message *message)
{
	struct lc_local_message copy = *message;
	struct lc_call *call = calloc(1, sizeof(*call));

	if (!call)
		return; /* the daemon sees the end of the process in the end */
	call->apply = free_call;
	if (lc_daemon_submit(call, link, &copy, -1))
		free(call);
}

void lc_daemon_tell_close(const struct lc_socket *socket, enum leafcast_reason reason)
{
	lc_daemon_tell(socket->link, &(struct lc_local_message){.kind = LC_LOCAL_CLOSE,
								.socket = socket->number,
								.reason = reason});
}

/* --- the end */

void lc_daemon_stop(void)
{
	uint64_t until = lc_now_ns() + LC_DAEMON_PATIENCE_NS;

	while (channel.up && channel.calls)
		if (!lc_wait(&progress, until))
			break;
	if (!loop.running || loop.stopping)
		return;
	loop.stopping = true;
	lost();
	eventfd_write(loop.stop, 1);
	lc_unlock();
	pthread_join(loop.thread, NULL);
	lc_lock();
	close(loop.epoll);
	close(loop.stop);
	loop.epoll = loop.stop = -1;
	loop.running = loop.stopping = false;
	pthread_cond_broadcast(&progress);
}

void lc_daemon_forget(void)
{
	if (channel.fd >= 0)
		close(channel.fd);
	if (loop.running) {
		close(loop.epoll);
		close(loop.stop);
	}
	channel.fd = loop.epoll = loop.stop = -1;
	channel.up = channel.connecting = false;
	loop.running = loop.stopping = false;
	channel.senders = 0;
	channel.calls = NULL;
	make_progress();
}
