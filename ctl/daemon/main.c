/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcastd: opens everything, wires it together, and waits for the end. */
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/endpoint.h"
#include "daemon/arrivals.h"
#include "daemon/listening.h"
#include "daemon/parting.h"
#include "daemon/probe.h"
#include "daemon/request.h"
#include "daemon/say.h"
#include "daemon/world.h"
#include "local/local.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Changes come in bursts (a link takes its routes along): look once at the end. */
#define SETTLE_US 20000
/* ...and after a look that took long (many members), not before so many times as long. */
#define SETTLE_SHARE 4
/* How long the last words to peers may take when the daemon ends. */
#define FAREWELL_US (1 * SECOND)
/* Reports. */
#define TICK_US (1 * SECOND)
/* Connections taken from a listener before others get their turn. */
#define ARRIVALS_AT_ONCE 32

/* What main alone needs, beside the node that all parts share. */
struct daemon {
	struct node node;
	struct lc_peer_listener *listeners[MAX_INTERFACES];
	unsigned int listener_count;
	sd_event_source *listening[MAX_INTERFACES + 1]; /* for peers and for applications */
	unsigned int listening_count;
	int local_listener; /* -1: none */
	int claim;	    /* keeps other daemons out of this network namespace; -1: none */
	struct timer settle, tick, farewell;
	uint64_t settle_us; /* until changes of the network are looked at */
	bool settling, stopping;
};

/* ---- what happens ---- */

static int on_peer_connection(sd_event_source *source, int descriptor, uint32_t events,
			      void *context)
{
	struct daemon *daemon = context;

	(void)source, (void)events;
	for (unsigned int i = 0; i < daemon->listener_count; i++) {
		struct lc_peer *peer;

		if (lc_peer_listener_fd(daemon->listeners[i]) != descriptor)
			continue;
		for (int taken = 0; taken < ARRIVALS_AT_ONCE; taken++) {
			if (lc_peer_accept(daemon->listeners[i], &peer) < 0)
				break;
			arrivals_add(&daemon->node, peer, &daemon_world);
		}
	}
	return 0;
}

static void on_probed(void *context, uint32_t admit, uint64_t token)
{
	struct node *node = context;
	struct socket *socket = socket_of_admit(node, admit);

	if (socket && socket->member && socket->member->member.token == token)
		lc_membership_event(&socket->member->member, LC_ON_PROBED, LEAFCAST_NO_REASON);
}

static int on_plane(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct node *node = context;

	(void)source, (void)descriptor, (void)events;
	lc_plane_process(node->plane, on_probed, node);
	return 0;
}

static void on_settled(void *context)
{
	struct daemon *daemon = context;
	uint64_t start = lc_now_ns();

	daemon->settling = false;
	memberships_follow_network(&daemon->node);
	daemon->settle_us = (lc_now_ns() - start) / 1000 * SETTLE_SHARE;
}

static void on_changed(void *context)
{
	struct daemon *daemon = context;
	uint64_t in_us = daemon->settle_us > SETTLE_US ? daemon->settle_us : SETTLE_US;

	if (daemon->settling)
		return;
	daemon->settling = !timer_set(&daemon->settle, daemon->node.event, in_us, on_settled,
				      daemon);
}

static int on_network(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct daemon *daemon = context;

	(void)source, (void)descriptor, (void)events;
	lc_network_process(daemon->node.network, on_changed, daemon);
	return 0;
}

static void on_tick(void *context)
{
	struct daemon *daemon = context;

	memberships_tick(&daemon->node);
	timer_set(&daemon->tick, daemon->node.event, TICK_US, on_tick, daemon);
}

/* ---- the end ---- */

static void on_farewell(void *context)
{
	sd_event_exit(context, 0);
}

/* After each event while stopping: are all last words read? */
static int on_done(sd_event_source *source, void *context)
{
	struct node *node = context;

	(void)source;
	return TAILQ_EMPTY(&node->partings) ? sd_event_exit(node->event, 0) : 0;
}

static void listen_no_more(struct daemon *daemon)
{
	while (daemon->listening_count)
		sd_event_source_disable_unref(daemon->listening[--daemon->listening_count]);
}

/* The sessions of this node end; peers are told before the daemon goes. */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct daemon *daemon = context;
	struct node *node = &daemon->node;
	int error;

	(void)source, (void)info;
	if (daemon->stopping)
		return sd_event_exit(node->event, 0);
	daemon->stopping = true;
	sd_notify(0, "STOPPING=1");
	listen_no_more(daemon);
	arrivals_end(node);
	requests_end(node);
	if (TAILQ_EMPTY(&node->partings))
		return sd_event_exit(node->event, 0);
	error = sd_event_add_post(node->event, NULL, on_done, node);
	if (error < 0)
		return sd_event_exit(node->event, 0);
	return timer_set(&daemon->farewell, node->event, FAREWELL_US, on_farewell, node->event);
}

/* ---- the beginning ---- */

/* Somebody knocks at `descriptor`: *slot is ours to end. */
static sd_event_source **next_listening(struct daemon *daemon)
{
	return &daemon->listening[daemon->listening_count++];
}

static int listen_to_peers(struct daemon *daemon)
{
	const struct options *options = &daemon->node.options;
	char text[LC_ENDPOINT_TEXT];

	if (!options->insecure)
		return 0; /* nobody could be let in */
	for (unsigned int i = 0; i < options->interface_count || i == 0; i++) {
		const char *device = options->interface_count ? options->interfaces[i] : NULL;
		int error = lc_peer_listen(&daemon->listeners[i], &options->control, device);

		if (error) {
			say(SD_ERR, "cannot take control connections on %s%s%s: %s",
			    lc_endpoint_format(text, &options->control), device ? " of " : "",
			    device ?: "", strerror(-error));
			return error;
		}
		daemon->listener_count++;
		error = listening_start(next_listening(daemon), daemon->node.event,
					lc_peer_listener_fd(daemon->listeners[i]),
					on_peer_connection, daemon);
		if (error)
			return error;
	}
	return 0;
}

/* What an unprivileged caller can do about it. */
static const char *remedy(int error)
{
	if (geteuid() == 0 || (error != -EPERM && error != -EACCES))
		return "";
	return "; run leafcastd as root, or with CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON and a "
	       "--runtime-dir that it may write";
}

static int open_network(struct node *node)
{
	struct lc_error error = {""};
	int failure = lc_network_open(&node->network, &error);

	failure = failure ?: lc_network_make_devices(node->network, &node->devices, &error);
	if (failure)
		say(SD_ERR, "%s%s", error.text[0] ? error.text : strerror(-failure),
		    remedy(failure));
	return failure;
}

static int open_plane(struct node *node)
{
	struct lc_plane_options options = {.bpf_dir = node->options.bpf_dir};
	struct lc_plane_devices devices = {.sender = node->devices.sender,
					   .cut = node->devices.cut,
					   .cut_end = node->devices.cut_end,
					   .loopback = if_nametoindex("lo")};
	struct lc_error error = {""};
	int failure = lc_plane_open(&node->plane, &options, &error);

	failure = failure ?: lc_plane_attach(node->plane, &devices, &error);
	if (failure) {
		say(SD_ERR, "%s", error.text[0] ? error.text : strerror(-failure));
		return failure;
	}
	failure = probe_open(node);
	if (failure)
		say(SD_ERR, "cannot open a socket for probes: %s", strerror(-failure));
	return failure;
}

static int open_local(struct daemon *daemon)
{
	const char *directory = daemon->node.options.runtime_dir;
	pid_t owner = 0;
	int listener = lc_local_listen(directory, &owner);

	if (listener == -EADDRINUSE)
		say(SD_ERR, "another leafcastd (pid %d) serves %s", (int)owner, directory);
	else if (listener < 0)
		say(SD_ERR, "cannot listen in %s: %s%s", directory, strerror(-listener),
		    remedy(listener));
	if (listener < 0)
		return listener;
	daemon->local_listener = listener;
	return applications_accept(&daemon->node, listener, &application_requests,
				   next_listening(daemon));
}

/* The namespace whose sockets we may be handed. */
static int learn_namespace(struct node *node)
{
	socklen_t length = sizeof(node->netns_cookie);
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (descriptor < 0 ||
	    getsockopt(descriptor, SOL_SOCKET, SO_NETNS_COOKIE, &node->netns_cookie, &length) < 0)
		error = -errno;
	if (descriptor >= 0)
		close(descriptor);
	if (error)
		say(SD_ERR, "the kernel does not name network namespaces (SO_NETNS_COOKIE): %s",
		    strerror(-error));
	return error;
}

static int add_sources(struct daemon *daemon)
{
	struct node *node = &daemon->node;
	sd_event *event = node->event;
	int error;

	error = sd_event_add_io(event, NULL, lc_plane_fd(node->plane), EPOLLIN, on_plane, node);
	if (error >= 0)
		error = sd_event_add_io(event, NULL, lc_network_fd(node->network), EPOLLIN,
					on_network, daemon);
	if (error >= 0)
		error = timer_set(&daemon->tick, event, TICK_US, on_tick, daemon);
	if (error >= 0)
		error = sd_event_add_signal(event, NULL, SIGTERM, on_signal, daemon);
	if (error >= 0)
		error = sd_event_add_signal(event, NULL, SIGINT, on_signal, daemon);
	if (error < 0)
		say(SD_ERR, "cannot set up the event loop: %s", strerror(-error));
	else
		on_changed(daemon); /* what happened before we listened */
	return error < 0 ? error : 0;
}

/* What a second daemon would take for leftovers of the first is the devices of this namespace. */
static int claim_namespace(struct daemon *daemon)
{
	pid_t owner = 0;

	daemon->claim = lc_local_claim_namespace(&owner);
	if (daemon->claim == -EADDRINUSE)
		say(SD_ERR, "another leafcastd (pid %d) runs in this network namespace",
		    (int)owner);
	else if (daemon->claim < 0)
		say(SD_ERR, "cannot claim this network namespace: %s", strerror(-daemon->claim));
	return daemon->claim < 0 ? daemon->claim : 0;
}

static int open_all(struct daemon *daemon)
{
	struct node *node = &daemon->node;
	int error = learn_namespace(node);

	/* What another daemon may hold comes before what would be taken from it. */
	error = error ?: open_local(daemon);
	error = error ?: claim_namespace(daemon);
	error = error ?: open_network(node);
	error = error ?: open_plane(node);
	error = error ?: listen_to_peers(daemon);
	return error ?: add_sources(daemon);
}

static void close_all(struct daemon *daemon)
{
	struct node *node = &daemon->node;
	struct lc_host_before before;
	struct lc_error error;

	listen_no_more(daemon);
	requests_end(node);
	memberships_end(node);
	partings_end(node);
	for (unsigned int i = 0; i < daemon->listener_count; i++)
		lc_peer_listener_free(daemon->listeners[i]);
	probe_close(node);
	if (node->plane) {
		lc_plane_hand_over(node->plane);
		lc_plane_purge(node->options.bpf_dir, &before, &error);
	}
	lc_network_close(node->network);
	if (daemon->local_listener >= 0) {
		close(daemon->local_listener);
		lc_local_unlink(node->options.runtime_dir);
	}
	if (daemon->claim >= 0)
		close(daemon->claim);
	timer_free(&daemon->settle);
	timer_free(&daemon->tick);
	timer_free(&daemon->farewell);
	sd_event_unref(node->event);
}

/* Members of a full table are more descriptors than a process has by default. */
static void take_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(struct daemon *daemon)
{
	const struct options *options = &daemon->node.options;
	int error;

	if (sd_event_default(&daemon->node.event) < 0)
		return -ENOMEM;
	error = open_all(daemon);
	if (!error) {
		say(SD_INFO, "ready: applications at %s, maps at %s, other nodes %s",
		    options->runtime_dir, options->bpf_dir,
		    options->insecure ? "let in without credentials" : "kept out");
		sd_notify(0, "READY=1");
		error = sd_event_loop(daemon->node.event);
	}
	close_all(daemon);
	return error;
}

int main(int argc, char **argv)
{
	static struct daemon daemon = {
		.node = {.prober4 = -1, .prober6 = -1}, .local_listener = -1, .claim = -1};
	sigset_t handled;

	options_parse(&daemon.node.options, argc, argv);
	TAILQ_INIT(&daemon.node.arrivals);
	TAILQ_INIT(&daemon.node.partings);
	take_descriptors();
	sigemptyset(&handled);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGINT);
	sigprocmask(SIG_BLOCK, &handled, NULL);
	signal(SIGPIPE, SIG_IGN);
	return run(&daemon) ? EXIT_FAILURE : EXIT_SUCCESS;
}
