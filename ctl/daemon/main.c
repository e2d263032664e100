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
#include "daemon/adopt.h"
#include "daemon/elsewhere.h"
#include "daemon/trunk.h"
#include "daemon/listening.h"
#include "daemon/probe.h"
#include "daemon/purge.h"
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
/* Reports. */
#define TICK_US (1 * SECOND)
/* Connections taken from a listener before others get their turn. */
#define ARRIVALS_AT_ONCE 32

/* Each ends the daemon and nothing else; the last is its terminal going away. */
static const int ends[] = {SIGTERM, SIGINT, SIGHUP};

/* What main alone needs, beside the node that all parts share. */
struct daemon {
	struct node node;
	struct lc_peer_listener *listeners[MAX_INTERFACES];
	unsigned int listener_count;
	sd_event_source *listening[MAX_INTERFACES + 2]; /* peers, applications, claimants */
	unsigned int listening_count;
	int local_listener; /* -1: none */
	int claim;	    /* keeps other daemons out of this network namespace; -1: none */
	struct timer settle, tick;
	uint64_t settle_us; /* until changes of the network are looked at */
	bool settling;
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
			arrivals_add(&daemon->node, peer, trunk_greets);
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

static void on_changed(void *context);

static void on_settled(void *context)
{
	struct daemon *daemon = context;
	uint64_t start = lc_now_ns();
	bool more;

	daemon->settling = false;
	more = memberships_follow_network(&daemon->node);
	daemon->settle_us = (lc_now_ns() - start) / 1000 * SETTLE_SHARE;
	if (more)
		on_changed(daemon);
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

/* Where the operator wants no copies without a daemon, they go on for so long at a time. */
static void stay_alive(struct node *node)
{
	uint64_t alive_us = node->options.alive_us;

	lc_plane_set_alive_until(node->plane, alive_us ? lc_now_ns() + alive_us * 1000 : 0);
}

static void on_tick(void *context)
{
	struct daemon *daemon = context;

	stay_alive(&daemon->node);
	memberships_look_again(&daemon->node);
	trunks_tick(&daemon->node);
	timer_set(&daemon->tick, daemon->node.event, TICK_US, on_tick, daemon);
}

/* Connections end with the process; members, and all that is in the kernel, stay for the next daemon. */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	(void)info, (void)context;
	sd_notify(0, "STOPPING=1");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_claimant(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	(void)source, (void)events, (void)context;
	lc_local_answer_claim(descriptor);
	return 0;
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
	}
	return 0;
}

/* Whoever comes earlier waits in the listener's queue. */
static void on_adopted(void *context)
{
	struct daemon *daemon = context;

	lines_hear(&daemon->node);
	for (unsigned int i = 0; i < daemon->listener_count; i++) {
		int error = listening_start(next_listening(daemon), daemon->node.event,
					    lc_peer_listener_fd(daemon->listeners[i]),
					    on_peer_connection, daemon);

		if (!error)
			continue;
		say(SD_ERR, "cannot set up the event loop: %s", strerror(-error));
		sd_event_exit(daemon->node.event, error);
	}
}

static int adopt_members(struct daemon *daemon)
{
	int error = adopt(&daemon->node, &application_requests, on_adopted, daemon);

	if (error)
		say(SD_ERR, "cannot take over what an earlier leafcastd began: %s",
		    strerror(-error));
	return error;
}

static int failed(int failure, const struct lc_error *error)
{
	if (failure)
		say(SD_ERR, "%s%s", error->text[0] ? error->text : strerror(-failure),
		    remedy(failure));
	return failure;
}

static int open_network(struct node *node)
{
	struct lc_error error = {""};

	return failed(lc_network_open(&node->network, &error), &error);
}

/* Its devices would get our programs, and its streams nothing any more. */
static int leave_others(struct node *node)
{
	char *elsewhere = NULL;
	int error = find_elsewhere(node->network, node->options.bpf_dir, &elsewhere);

	if (error || !elsewhere)
		return error;
	say(SD_ERR,
	    "the devices here are those of the plane pinned in %s, whose streams go on: start with "
	    "--bpf-dir %s, or end it with `leafcastd --purge --bpf-dir %s`",
	    elsewhere, elsewhere, elsewhere);
	free(elsewhere);
	return -EBUSY;
}

static int open_plane(struct node *node)
{
	const struct lc_plane_options options = {.bpf_dir = node->options.bpf_dir};
	struct lc_error error = {""};
	int failure = failed(lc_plane_open(&node->plane, &options, &error), &error);

	if (!failure && lc_plane_notice(node->plane))
		say(SD_WARNING, "%s", lc_plane_notice(node->plane));
	return failure;
}

/* Before anything of the host is changed; what a plane has recorded is from before the first daemon. */
static int record_host(struct node *node)
{
	struct lc_host_before before = {0};
	struct lc_error error = {""};
	int failure;

	if (lc_plane_host_before(node->plane)->recorded != LC_BEFORE_NOTHING)
		return 0;
	failure = failed(lc_network_host_before(node->network, &before, &error), &error);
	if (!failure)
		lc_plane_record_host(node->plane, &before);
	return failure;
}

static int make_devices(struct node *node)
{
	struct lc_error error = {""};

	return failed(lc_network_make_devices(node->network, lc_plane_host_before(node->plane),
					      node->options.bpf_dir, &node->devices, &error),
		      &error);
}

static int attach_plane(struct node *node)
{
	const struct lc_plane_devices devices = {.sender = node->devices.sender,
						 .cut = node->devices.cut,
						 .cut_end = node->devices.cut_end,
						 .loopback = if_nametoindex("lo")};
	struct lc_error error = {""};

	stay_alive(node);
	return failed(lc_plane_attach(node->plane, &devices, &error), &error);
}

static int open_probes(struct node *node)
{
	int failure = probe_open(node);

	if (failure)
		say(SD_ERR, "cannot open a socket for probes: %s", strerror(-failure));
	return failure;
}

static int say_owner(pid_t owner, const char *of)
{
	if (owner)
		say(SD_ERR, "another leafcastd (pid %d) %s", (int)owner, of);
	else
		say(SD_ERR, "another leafcastd, whose pid cannot be seen from here, %s", of);
	return -EADDRINUSE;
}

static int open_local(struct daemon *daemon)
{
	const char *directory = daemon->node.options.runtime_dir;
	pid_t owner = 0;
	int listener = lc_local_listen(directory, &owner);

	if (listener == -EADDRINUSE)
		return say_owner(owner, "serves this runtime directory");
	if (listener < 0) {
		say(SD_ERR, "cannot listen in %s: %s%s", directory, strerror(-listener),
		    remedy(listener));
		return listener;
	}
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
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends) && error >= 0; i++)
		error = sd_event_add_signal(event, NULL, ends[i], on_signal, NULL);
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
		return say_owner(owner, "runs in this network namespace");
	if (daemon->claim < 0) {
		say(SD_ERR, "cannot claim this network namespace: %s", strerror(-daemon->claim));
		return daemon->claim;
	}
	return listening_start(next_listening(daemon), daemon->node.event, daemon->claim,
			       on_claimant, NULL);
}

static int open_all(struct daemon *daemon)
{
	struct node *node = &daemon->node;
	int error = learn_namespace(node);

	/* What another daemon may hold comes before what would be taken from it. */
	error = error ?: open_local(daemon);
	error = error ?: claim_namespace(daemon);
	error = error ?: open_network(node);
	error = error ?: leave_others(node);
	error = error ?: open_plane(node);
	error = error ?: record_host(node);
	error = error ?: make_devices(node);
	error = error ?: attach_plane(node);
	error = error ?: open_probes(node);
	error = error ?: trunks_begin(node, &daemon_world);
	error = error ?: listen_to_peers(daemon);
	error = error ?: add_sources(daemon);
	return error ?: adopt_members(daemon);
}

/* What a daemon that never served has made is of no use to anybody; what it found is. */
static void undo(struct node *node)
{
	bool opened = node->plane, adopted = opened && lc_plane_is_adopted(node->plane);

	lc_plane_hand_over(node->plane);
	node->plane = NULL;
	if (opened && !adopted)
		take_back(node->options.bpf_dir, node->network);
}

static void close_all(struct daemon *daemon)
{
	struct node *node = &daemon->node;

	while (daemon->listening_count)
		sd_event_source_disable_unref(daemon->listening[--daemon->listening_count]);
	adopt_end();
	arrivals_end(node);
	memberships_end(node);
	trunks_end(node);
	for (unsigned int i = 0; i < daemon->listener_count; i++)
		lc_peer_listener_free(daemon->listeners[i]);
	probe_close(node);
	lc_plane_hand_over(node->plane);
	lc_network_close(node->network);
	if (daemon->local_listener >= 0) {
		lc_local_unlink(node->options.runtime_dir);
		close(daemon->local_listener);
	}
	if (daemon->claim >= 0)
		close(daemon->claim);
	timer_free(&daemon->settle);
	timer_free(&daemon->tick);
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
	} else {
		undo(&daemon->node);
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
	if (daemon.node.options.purge)
		return purge(&daemon.node.options) ? EXIT_FAILURE : EXIT_SUCCESS;
	TAILQ_INIT(&daemon.node.arrivals);
	take_descriptors();
	sigemptyset(&handled);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaddset(&handled, ends[i]);
	sigprocmask(SIG_BLOCK, &handled, NULL);
	signal(SIGPIPE, SIG_IGN);
	return run(&daemon) ? EXIT_FAILURE : EXIT_SUCCESS;
}
