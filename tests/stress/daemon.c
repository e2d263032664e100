/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Answers at once, later, in another order or only when cancelled; accepts,
 * refuses, runs into limits; asks on behalf of peers and withdraws; goes and
 * comes again, and hears of the sockets by RESUME. And keeps books: every socket it was told of is closed in the end, every peer decided.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/endpoint.h"
#include "local/local.h"
#include "stress.h"

#define SOCKETS	 (1 << 20)
#define HELD	 256
#define REQUESTS 4096
/* Longest that a join is kept waiting. */
#define HELD_US 4000
/* Peers that ask at one listener. */
#define PEERS 6

/* By the library's number. */
static struct {
	bool open;
	unsigned int run; /* of the daemon, that was told of it */
	int descriptor;
} sockets[SOCKETS];

/* JOINs without an answer yet. */
static struct {
	struct lc_local_message join; /* id 0: a free place */
	uint64_t due_ns;
} held[HELD];

/* Peers without a decision yet. */
static struct {
	uint64_t request, socket; /* request 0: a free place */
} peers[REQUESTS];

static char directory[] = "/tmp/leafcast-stress-XXXXXX";
static int listener = -1, client = -1, stop = -1;
static pthread_t thread;
static uint64_t last_request;
static unsigned int still_open;
static uint64_t goes_ns;
static atomic_uint requests, accepted, restarts;

unsigned int daemon_requests(void)
{
	return requests;
}

unsigned int daemon_accepted(void)
{
	return accepted;
}

unsigned int daemon_restarts(void)
{
	return restarts;
}

static void send_message(const struct lc_local_message *message)
{
	int error;

	/* The library always reads: its hidden thread may only be slow. */
	while ((error = lc_local_send(client, message, -1)) == -EAGAIN)
		usleep(100);
	expect(!error || error == -EPIPE, "the daemon cannot send: %d", error);
}

static struct lc_endpoint somewhere(uint16_t port)
{
	struct lc_endpoint endpoint = {.family = LC_INET, .port = htons(port)};

	endpoint.addr[0] = htonl(INADDR_LOOPBACK);
	return endpoint;
}

static void answer(const struct lc_local_message *request, int error, enum leafcast_reason reason)
{
	struct lc_local_message reply = {.kind = LC_LOCAL_REPLY,
					 .id = request->id,
					 .socket = request->socket,
					 .error = error,
					 .reason = reason};

	if (!error && !reason) {
		reply.peer = somewhere(9);
		reply.name = somewhere(10);
		reply.data = request->data; /* what the caller said comes back */
		reply.channel = somewhere(11);
	}
	send_message(&reply);
}

static void book_open(uint64_t number, int descriptor)
{
	expect(number < SOCKETS, "number %llu", (unsigned long long)number);
	expect(descriptor >= 0, "no descriptor came with socket %llu", (unsigned long long)number);
	expect(!sockets[number].open, "socket %llu twice", (unsigned long long)number);
	sockets[number].open = true;
	sockets[number].run = restarts;
	sockets[number].descriptor = descriptor;
	still_open++;
}

static bool is_known(uint64_t number)
{
	return number < SOCKETS && sockets[number].open && sockets[number].run == restarts;
}

/* What an earlier run was told of, or what it was not told of in time. */
static void book_resume(uint64_t number, int descriptor)
{
	expect(!is_known(number), "socket %llu is known already", (unsigned long long)number);
	if (number < SOCKETS && sockets[number].open) {
		close(sockets[number].descriptor);
		sockets[number].open = false;
		still_open--;
	}
	book_open(number, descriptor);
}

/* As a daemon that is killed: what it was told of it does not know any more. */
static void go_away(void)
{
	close(client);
	client = -1;
	restarts++;
	memset(held, 0, sizeof(held));
	memset(peers, 0, sizeof(peers));
	goes_ns = lc_now_ns() + (100 + random_number() % 400) * LC_NS_PER_MS;
}

/* Those that were closed while there was none: nobody is told but of members. */
static void forget_earlier_runs(void)
{
	for (uint64_t number = 0; number < SOCKETS; number++)
		if (sockets[number].open && sockets[number].run != restarts) {
			close(sockets[number].descriptor);
			sockets[number].open = false;
			still_open--;
		}
}

/* --- joins */

static enum leafcast_reason outcome(void)
{
	static const enum leafcast_reason refusals[] = {LEAFCAST_REJECTED, LEAFCAST_BACKLOG_FULL,
							LEAFCAST_TIMED_OUT, LEAFCAST_LIMIT};

	return chance(60) ? LEAFCAST_NO_REASON : refusals[random_number() % 4];
}

static void on_join(const struct lc_local_message *join, int descriptor)
{
	if (join->other)
		book_open(join->other, descriptor);
	if (!is_known(join->socket)) {
		expect(!sockets[join->socket].open, "a join of a socket that was not resumed");
		answer(join, -ENOTSOCK, 0);
		return;
	}
	for (int i = 0; i < HELD && chance(60); i++)
		if (!held[i].join.id) {
			held[i].join = *join;
			held[i].due_ns = lc_now_ns() + random_number() % HELD_US * 1000;
			return;
		}
	answer(join, 0, outcome());
}

static void end_held(uint64_t number)
{
	for (int i = 0; i < HELD; i++)
		if (held[i].join.id &&
		    (held[i].join.socket == number || held[i].join.other == number)) {
			/* Sometimes the good answer was on its way already. */
			answer(&held[i].join, 0, chance(20) ? 0 : LEAFCAST_CANCELLED);
			held[i].join.id = 0;
		}
}

static void answer_due(void)
{
	uint64_t now = lc_now_ns();

	for (int i = 0; i < HELD; i++)
		if (held[i].join.id && held[i].due_ns <= now) {
			answer(&held[i].join, 0, outcome());
			held[i].join.id = 0;
		}
}

/* --- peers */

static void forget_peers(uint64_t number)
{
	for (int i = 0; i < REQUESTS; i++)
		if (peers[i].request && peers[i].socket == number)
			peers[i].request = 0;
}

static bool decide_peer(uint64_t request)
{
	for (int i = 0; i < REQUESTS; i++)
		if (peers[i].request == request) {
			peers[i].request = 0;
			return true;
		}
	return false;
}

static void ask(uint64_t number)
{
	struct lc_local_message request = {.kind = LC_LOCAL_REQUEST,
					   .socket = number,
					   .request = ++last_request,
					   .peer = somewhere(9),
					   .name = somewhere(10),
					   .data_capacity = 64};
	int i = 0;

	while (i < REQUESTS && peers[i].request)
		i++;
	if (i == REQUESTS)
		return;
	peers[i].request = request.request;
	peers[i].socket = number;
	requests++;
	send_message(&request);
	if (chance(20)) {
		request.kind = LC_LOCAL_WITHDRAWN;
		request.reason = LEAFCAST_TIMED_OUT;
		peers[i].request = 0;
		send_message(&request);
	}
}

static void on_accept(const struct lc_local_message *message, int descriptor)
{
	book_open(message->other, descriptor);
	if (chance(10)) {
		/* A limit: the peer is still undecided. */
		answer(message, chance(50) ? -EMFILE : 0, LEAFCAST_LIMIT);
		return;
	}
	if (!decide_peer(message->request) || chance(10)) {
		answer(message, 0, LEAFCAST_RESET);
		return;
	}
	accepted++;
	answer(message, 0, 0);
	if (chance(50))
		send_message(&(struct lc_local_message){.kind = LC_LOCAL_CLOSED,
							.socket = message->other,
							.reason = LEAFCAST_CLOSED});
}

static void on_close(const struct lc_local_message *message)
{
	if (!is_known(message->socket)) {
		answer(message, -ENOTSOCK, 0);
		return;
	}
	end_held(message->socket);
	forget_peers(message->socket);
	close(sockets[message->socket].descriptor);
	sockets[message->socket].open = false;
	still_open--;
	answer(message, 0, 0);
}

static void serve(const struct lc_local_message *message, int descriptor)
{
	switch (message->kind) {
	case LC_LOCAL_OPEN:
		book_open(message->socket, descriptor);
		answer(message, 0, 0);
		return;
	case LC_LOCAL_RESUME:
		book_resume(message->socket, descriptor);
		answer(message, 0, 0);
		return;
	case LC_LOCAL_LISTEN:
		expect(is_known(message->socket), "a listener that was not resumed");
		answer(message, 0, 0);
		for (int i = 0; i < PEERS; i++)
			ask(message->socket);
		return;
	case LC_LOCAL_JOIN:
		on_join(message, descriptor);
		return;
	case LC_LOCAL_CANCEL:
		end_held(message->socket);
		answer(message, 0, 0);
		return;
	case LC_LOCAL_ACCEPT:
		on_accept(message, descriptor);
		return;
	case LC_LOCAL_REJECT:
		answer(message, 0, decide_peer(message->request) ? 0 : LEAFCAST_RESET);
		return;
	case LC_LOCAL_CLOSE:
		on_close(message);
		return;
	default:
		answer(message, 0, 0);
	}
}

/* --- the thread */

static void read_client(void)
{
	struct lc_local_message message;
	int descriptor, error = -EAGAIN;

	for (int i = 0; i < 64; i++) {
		error = lc_local_receive(client, &message, &descriptor);
		if (error)
			break;
		serve(&message, descriptor);
	}
	if (error && error != -EAGAIN) {
		close(client);
		client = -1;
	} else if (lc_now_ns() >= goes_ns) {
		go_away();
	}
}

static void accept_client(void)
{
	int pidfd = -1;
	pid_t pid;
	uid_t uid;

	client = lc_local_accept(listener, &pidfd, &pid, &uid);
	if (pidfd >= 0)
		close(pidfd);
}

static void *run(void *seed)
{
	seed_random((uint64_t)(uintptr_t)seed);
	for (;;) {
		struct pollfd ready[] = {{.fd = stop, .events = POLLIN},
					 {.fd = client < 0 ? listener : client, .events = POLLIN}};

		poll(ready, 2, 1);
		if (ready[1].revents && client < 0)
			accept_client();
		else if (ready[1].revents)
			read_client();
		answer_due();
		/* All that the library said is heard first. */
		if (ready[0].revents && client < 0)
			return NULL;
	}
}

void daemon_start(uint64_t seed)
{
	pid_t owner;

	goes_ns = lc_now_ns() + 500 * LC_NS_PER_MS;
	if (!mkdtemp(directory) || setenv("LEAFCAST_RUNTIME_DIR", directory, 1))
		abort();
	listener = lc_local_listen(directory, &owner);
	stop = eventfd(0, EFD_CLOEXEC);
	if (listener < 0 || stop < 0 || pthread_create(&thread, NULL, run, (void *)(uintptr_t)seed))
		abort();
}

void daemon_stop(void)
{
	unsigned int undecided = 0;

	if (eventfd_write(stop, 1))
		abort();
	pthread_join(thread, NULL);
	forget_earlier_runs();
	for (int i = 0; i < REQUESTS; i++)
		undecided += peers[i].request != 0;
	expect(!still_open, "%u sockets were never closed", still_open);
	expect(!undecided, "%u peers were forgotten", undecided);
	close(listener);
	close(stop);
	lc_local_unlink(directory);
	rmdir(directory);
}
