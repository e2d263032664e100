/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "fake.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "core/endpoint.h"
#include "local/local.h"

#define LOG_SIZE 4096

struct fake_behaviour fake;
WSPPROC_TABLE wsp;
int other_end = -1;
struct sockaddr_in other_end_name;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static char directory[64];
static int listener = -1, client = -1, stop = -1, hear = -1;
static struct {
	struct lc_local_message message;
	int descriptor;
} entries[LOG_SIZE];
static int entry_count, descriptors_before;
static struct lc_local_message held;

static struct lc_endpoint endpoint_of(int fd)
{
	struct sockaddr_storage address;
	struct lc_endpoint endpoint = {0};
	socklen_t length = sizeof(address);

	if (!getsockname(fd, (struct sockaddr *)&address, &length))
		lc_endpoint_from_sockaddr(&endpoint, (struct sockaddr *)&address, length);
	return endpoint;
}

/* The real daemon binds an unbound socket at the join. */
static struct lc_endpoint commit_name(int fd)
{
	struct sockaddr_in any = loopback(0);
	struct lc_endpoint name = endpoint_of(fd);

	if (!lc_endpoint_port(&name))
		bind(fd, (struct sockaddr *)&any, sizeof(any));
	return endpoint_of(fd);
}

static int descriptor_of(uint64_t socket)
{
	for (int i = 0; i < entry_count; i++)
		if (entries[i].descriptor >= 0 &&
		    (entries[i].message.socket == socket || entries[i].message.other == socket) &&
		    (entries[i].message.kind == LC_LOCAL_OPEN) ==
			    (entries[i].message.socket == socket))
			return entries[i].descriptor;
	return -1;
}

static struct lc_endpoint peer_of_members(void)
{
	struct lc_endpoint peer = endpoint_of(other_end);

	if (fake.peer)
		lc_endpoint_from_sockaddr(&peer, (const struct sockaddr *)fake.peer,
					  sizeof(*fake.peer));
	return peer;
}

static void answer_error(const struct lc_local_message *request, int error)
{
	lc_local_send(client,
		      &(struct lc_local_message){.kind = LC_LOCAL_REPLY,
						 .id = request->id,
						 .socket = request->socket,
						 .error = error},
		      -1);
}

static void answer(const struct lc_local_message *request, enum leafcast_reason reason)
{
	struct lc_local_message reply = {.kind = LC_LOCAL_REPLY,
					 .id = request->id,
					 .socket = request->socket,
					 .reason = reason};

	if (!reason && (request->kind == LC_LOCAL_JOIN || request->kind == LC_LOCAL_ACCEPT)) {
		reply.name = commit_name(
			descriptor_of(request->other ? request->other : request->socket));
		reply.peer = peer_of_members();
		reply.has_flows = fake.grants;
		reply.flows = fake.granted;
	}
	if (!reason && request->kind == LC_LOCAL_JOIN) {
		reply.data = fake.callee;
		if (request->other)
			commit_name(descriptor_of(request->socket));
	}
	if (!reason && request->kind != LC_LOCAL_RESUME &&
	    (request->kind == LC_LOCAL_LISTEN || request->other))
		reply.channel = endpoint_of(other_end);
	lc_local_send(client, &reply, -1);
}

static void answer_resume(const struct lc_local_message *request)
{
	bool meant = !fake.resume_of || fake.resume_of == request->socket;

	if (meant && fake.resume_error)
		answer_error(request, fake.resume_error);
	else
		answer(request, meant ? fake.resume : 0);
}

static void serve(const struct lc_local_message *request)
{
	if (fake.silent && request->kind != LC_LOCAL_HELLO)
		return;
	switch (request->kind) {
	case LC_LOCAL_HELLO:
		answer_error(request, fake.hello_error);
		return;
	case LC_LOCAL_RESUME:
		answer_resume(request);
		return;
	case LC_LOCAL_JOIN:
		if (fake.hold_joins)
			held = *request;
		else if (fake.join_error)
			answer_error(request, fake.join_error);
		else
			answer(request, fake.join);
		return;
	case LC_LOCAL_CANCEL:
		answer(request, 0);
		if (held.id && !fake.cancels_too_late) {
			answer(&held, LEAFCAST_CANCELLED);
			held.id = 0;
		}
		return;
	case LC_LOCAL_ACCEPT:
		if (fake.accept_error) {
			answer_error(request, fake.accept_error);
			return;
		}
		answer(request, fake.accept);
		if (fake.close_accepted_at_once)
			lc_local_send(client,
				      &(struct lc_local_message){.kind = LC_LOCAL_CLOSED,
								 .socket = request->other,
								 .reason = LEAFCAST_CLOSED},
				      -1);
		return;
	case LC_LOCAL_LISTEN:
		answer(request, fake.listen);
		return;
	default:
		answer(request, 0);
	}
}

static void read_client(void)
{
	struct lc_local_message message;
	int descriptor, error = -EAGAIN;

	while (!fake.deaf && !(error = lc_local_receive(client, &message, &descriptor))) {
		if (entry_count == LOG_SIZE)
			abort();
		entries[entry_count].message = message;
		entries[entry_count++].descriptor = descriptor;
		if (message.kind == fake.dies_at) {
			fake.dies_at = 0;
			error = -EPIPE;
		} else {
			serve(&message);
		}
		if (message.kind == fake.deaf_at) {
			fake.deaf_at = 0;
			fake.deaf = true;
		}
		pthread_cond_broadcast(&arrived);
		if (error)
			break;
	}
	if (error && error != -EAGAIN) {
		close(client);
		client = -1;
		held.id = 0;
	}
}

static void *run(void *unused)
{
	for (;;) {
		struct pollfd ready[] = {{.fd = stop, .events = POLLIN},
					 {.fd = listener, .events = POLLIN},
					 {.fd = fake.deaf ? -1 : client, .events = POLLIN},
					 {.fd = hear, .events = POLLIN}};
		eventfd_t value;
		int pidfd = -1;
		pid_t pid;
		uid_t uid;

		poll(ready, 4, -1);
		if (ready[0].revents)
			return unused;
		if (ready[3].revents)
			eventfd_read(hear, &value);
		pthread_mutex_lock(&mutex);
		if (ready[1].revents && client < 0) {
			client = lc_local_accept(listener, &pidfd, &pid, &uid);
			if (pidfd >= 0)
				close(pidfd);
		}
		if (ready[2].revents)
			read_client();
		pthread_mutex_unlock(&mutex);
	}
}

static int count_descriptors(void)
{
	DIR *list = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(list))
		count++;
	closedir(list);
	return count;
}

void fake_start(void)
{
	pid_t owner;

	if (!directory[0]) {
		strcpy(directory, "/tmp/leafcast-test-XXXXXX");
		cr_assert(mkdtemp(directory));
		setenv("LEAFCAST_RUNTIME_DIR", directory, 1);
	}
	listener = lc_local_listen(directory, &owner);
	cr_assert_geq(listener, 0);
	stop = eventfd(0, EFD_CLOEXEC);
	hear = eventfd(0, EFD_CLOEXEC);
	cr_assert_eq(pthread_create(&thread, NULL, run, NULL), 0);
}

void fake_stop(void)
{
	if (listener < 0)
		return;
	eventfd_write(stop, 1);
	pthread_join(thread, NULL);
	for (int i = 0; i < entry_count; i++) {
		if (entries[i].descriptor >= 0)
			close(entries[i].descriptor);
		entries[i].descriptor = -1;
	}
	if (client >= 0)
		close(client);
	held.id = 0;
	close(listener);
	close(stop);
	close(hear);
	listener = client = stop = hear = -1;
	lc_local_unlink(directory);
}

void fake_drop(void)
{
	pthread_mutex_lock(&mutex);
	if (client >= 0)
		shutdown(client, SHUT_RDWR);
	pthread_mutex_unlock(&mutex);
}

void setup(void)
{
	const WSPUPCALLTABLE none = {0};
	socklen_t length = sizeof(other_end_name);
	struct sockaddr_in name = loopback(0);
	WSPDATA data;

	descriptors_before = count_descriptors();
	other_end = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(other_end, (struct sockaddr *)&name, sizeof(name)), 0);
	getsockname(other_end, (struct sockaddr *)&other_end_name, &length);
	fake_start();
	cr_assert_eq(WSPStartup(MAKEWORD(2, 2), &data, NULL, none, &wsp), 0);
}

int clean_up(void)
{
	int code;

	if (other_end < 0)
		return 0;

	while (!wsp.lpWSPCleanup(&code))
		;
	fake_stop();
	close(other_end);
	other_end = -1;
	rmdir(directory);
	return count_descriptors() - descriptors_before;
}

void teardown(void)
{
	clean_up();
}

static int find(enum lc_local_kind kind, int n)
{
	for (int i = 0; i < entry_count; i++)
		if (entries[i].message.kind == kind && !--n)
			return i;
	return -1;
}

struct lc_local_message fake_wait(enum lc_local_kind kind, int n)
{
	struct lc_local_message found;
	struct timespec until;
	int at;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 2;
	pthread_mutex_lock(&mutex);
	while ((at = find(kind, n)) < 0)
		if (pthread_cond_timedwait(&arrived, &mutex, &until))
			break;
	if (at >= 0)
		found = entries[at].message;
	pthread_mutex_unlock(&mutex);
	cr_assert_geq(at, 0, "message %d of kind %d never came", n, kind);
	return found;
}

int fake_position(enum lc_local_kind kind, int n)
{
	int at;

	fake_wait(kind, n);
	pthread_mutex_lock(&mutex);
	at = find(kind, n);
	pthread_mutex_unlock(&mutex);
	return at;
}

int fake_count(enum lc_local_kind kind)
{
	int count = 0;

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < entry_count; i++)
		count += entries[i].message.kind == kind;
	pthread_mutex_unlock(&mutex);
	return count;
}

int fake_descriptor(enum lc_local_kind kind, int n)
{
	int at, descriptor;

	fake_wait(kind, n);
	pthread_mutex_lock(&mutex);
	at = find(kind, n);
	descriptor = entries[at].descriptor;
	pthread_mutex_unlock(&mutex);
	return descriptor;
}

void fake_answer_join(enum leafcast_reason reason)
{
	struct timespec until;
	bool is_held;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 2;
	pthread_mutex_lock(&mutex);
	while (!held.id && !pthread_cond_timedwait(&arrived, &mutex, &until))
		;
	is_held = held.id;
	if (is_held)
		answer(&held, reason);
	held.id = 0;
	pthread_mutex_unlock(&mutex);
	cr_assert(is_held, "no join is held");
}

void fake_hear(void)
{
	fake.deaf = false;
	eventfd_write(hear, 1);
}

void fake_event(struct lc_local_message event)
{
	cr_assert_eq(lc_local_send(client, &event, -1), 0);
}

struct lc_local_message fake_request(int n, uint64_t request)
{
	struct sockaddr_in peer = loopback(9), name = loopback(10);
	struct lc_local_message event = {.kind = LC_LOCAL_REQUEST,
					 .socket = fake_wait(LC_LOCAL_OPEN, n).socket,
					 .request = request,
					 .data_capacity = LEAFCAST_CONNECT_DATA_MAX};

	lc_endpoint_from_sockaddr(&event.peer, (struct sockaddr *)&peer, sizeof(peer));
	lc_endpoint_from_sockaddr(&event.name, (struct sockaddr *)&name, sizeof(name));
	return event;
}

void fake_close(uint64_t socket, enum leafcast_reason reason)
{
	fake_event((struct lc_local_message){
		.kind = LC_LOCAL_CLOSED, .socket = socket, .reason = reason});
}
