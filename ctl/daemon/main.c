/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
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

#include "core/endpoint.h"
#include "daemon/daemon.h"
#include "local/local.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Changes come in bursts (a link takes its routes along): look once at the end. */
#define SETTLE_US 20000
/* Not sd-event's default of 250 ms: until we look, copies go to a link that is down. */
#define SETTLE_ACCURACY_US 1000
/* ...and after a look that took long (many members), not before so many times as long. */
#define SETTLE_SHARE 4
/* How long the last words to peers may take when the daemon ends. */
#define FAREWELL_US (1 * SECOND)

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
			member_incoming(daemon, peer);
		}
	}
	return 0;
}

static void on_probed(void *context, uint32_t admit, uint64_t token)
{
	struct daemon *daemon = context;
	struct member *member;

	LIST_FOREACH(member, &daemon->members, entry)
		if (member->socket && member->socket->admit == admit && member->token == token) {
			member_event(member, LC_ON_PROBED, LEAFCAST_NO_REASON);
			return;
		}
}

static int on_plane(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct daemon *daemon = context;

	(void)source, (void)descriptor, (void)events;
	lc_plane_process(daemon->plane, on_probed, daemon);
	return 0;
}

static int on_settled(sd_event_source *source, uint64_t now, void *context)
{
	struct daemon *daemon = context;
	uint64_t start = lc_now_ns();

	(void)now;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	members_follow_network(daemon);
	daemon->settle_us = SETTLE_SHARE * (lc_now_ns() - start) / 1000;
	return 0;
}

static void on_changed(void *context)
{
	struct daemon *daemon = context;
	int enabled = SD_EVENT_OFF;

	sd_event_source_get_enabled(daemon->changed_timer, &enabled);
	if (enabled != SD_EVENT_OFF)
		return;
	sd_event_source_set_time_relative(daemon->changed_timer, daemon->settle_us > SETTLE_US
									 ? daemon->settle_us
									 : SETTLE_US);
	sd_event_source_set_enabled(daemon->changed_timer, SD_EVENT_ONESHOT);
}

static int on_network(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct daemon *daemon = context;

	(void)source, (void)descriptor, (void)events;
	lc_network_process(daemon->network, on_changed, daemon);
	return 0;
}

static int on_tick(sd_event_source *source, uint64_t now, void *context)
{
	(void)now;
	members_tick(context);
	sd_event_source_set_time_relative(source, TICK);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_farewell(sd_event_source *source, uint64_t now, void *context)
{
	(void)now, (void)context;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* The sessions of this node end; peers are told before the daemon goes. */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct daemon *daemon = context;
	struct client *client;

	(void)source, (void)info;
	if (daemon->stopping)
		return sd_event_exit(daemon->event, 0);
	daemon->stopping = true;
	sd_notify(0, "STOPPING=1");
	listening_stop(daemon);
	members_free_strangers(daemon);
	while ((client = LIST_FIRST(&daemon->clients)))
		client_free(client);
	if (TAILQ_EMPTY(&daemon->partings))
		return sd_event_exit(daemon->event, 0);
	return sd_event_add_time_relative(daemon->event, NULL, CLOCK_MONOTONIC, FAREWELL_US, 0,
					  on_farewell, daemon);
}

static int listen_to_peers(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
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
		error = listening_start(daemon, lc_peer_listener_fd(daemon->listeners[i]),
					on_peer_connection);
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

static int open_network(struct daemon *daemon)
{
	struct lc_error error = {""};
	int failure = lc_network_open(&daemon->network, &error);

	failure = failure ?: lc_network_make_devices(daemon->network, &daemon->devices, &error);
	if (failure)
		say(SD_ERR, "%s%s", error.text[0] ? error.text : strerror(-failure),
		    remedy(failure));
	return failure;
}

static int open_plane(struct daemon *daemon)
{
	struct lc_plane_options options = {.bpf_dir = daemon->options.bpf_dir,
					   .sender_ifindex = daemon->devices.sender,
					   .cut_ifindex = daemon->devices.cut,
					   .cut_end_ifindex = daemon->devices.cut_end,
					   .loopback_ifindex = if_nametoindex("lo")};
	struct lc_error error = {""};
	int failure = lc_plane_open(&daemon->plane, &options, &error);

	if (failure) {
		say(SD_ERR, "%s", error.text[0] ? error.text : strerror(-failure));
		return failure;
	}
	failure = probe_open(daemon);
	if (failure)
		say(SD_ERR, "cannot open a socket for probes: %s", strerror(-failure));
	return failure;
}

static int open_local(struct daemon *daemon)
{
	pid_t owner = 0;
	int error = client_listen(daemon, &owner);

	if (error == -EADDRINUSE)
		say(SD_ERR, "another leafcastd (pid %d) serves %s", (int)owner,
		    daemon->options.runtime_dir);
	else if (error)
		say(SD_ERR, "cannot listen in %s: %s%s", daemon->options.runtime_dir,
		    strerror(-error), remedy(error));
	return error;
}

/* The namespace whose sockets we may be handed. */
static int learn_namespace(struct daemon *daemon)
{
	socklen_t length = sizeof(daemon->netns_cookie);
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (descriptor < 0 ||
	    getsockopt(descriptor, SOL_SOCKET, SO_NETNS_COOKIE, &daemon->netns_cookie, &length) < 0)
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
	sd_event *event = daemon->event;
	int error;

	error = sd_event_add_io(event, NULL, lc_plane_fd(daemon->plane), EPOLLIN, on_plane, daemon);
	if (error >= 0)
		error = sd_event_add_io(event, NULL, lc_network_fd(daemon->network), EPOLLIN,
					on_network, daemon);
	if (error >= 0)
		error = sd_event_add_time_relative(event, &daemon->changed_timer, CLOCK_MONOTONIC,
						   SETTLE_US, SETTLE_ACCURACY_US, on_settled,
						   daemon);
	if (error >= 0)
		error = sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, TICK, 0, on_tick,
						   daemon);
	if (error >= 0)
		error = sd_event_add_signal(event, NULL, SIGTERM, on_signal, daemon);
	if (error >= 0)
		error = sd_event_add_signal(event, NULL, SIGINT, on_signal, daemon);
	if (error < 0)
		say(SD_ERR, "cannot set up the event loop: %s", strerror(-error));
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
	int error = learn_namespace(daemon);

	/* What another daemon may hold comes before what would be taken from it. */
	error = error ?: open_local(daemon);
	error = error ?: claim_namespace(daemon);
	error = error ?: open_network(daemon);
	error = error ?: open_plane(daemon);
	error = error ?: listen_to_peers(daemon);
	return error ?: add_sources(daemon);
}

static void close_all(struct daemon *daemon)
{
	struct parting *parting;

	listening_stop(daemon);
	while ((parting = TAILQ_FIRST(&daemon->partings)))
		parting_free(parting);
	for (unsigned int i = 0; i < daemon->listener_count; i++)
		lc_peer_listener_free(daemon->listeners[i]);
	probe_close(daemon);
	lc_plane_close(daemon->plane);
	lc_network_close(daemon->network);
	if (daemon->local_listener >= 0) {
		close(daemon->local_listener);
		lc_local_unlink(daemon->options.runtime_dir);
	}
	if (daemon->claim >= 0)
		close(daemon->claim);
	sd_event_source_disable_unref(daemon->changed_timer);
	sd_event_unref(daemon->event);
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
	int error;

	if (sd_event_default(&daemon->event) < 0)
		return -ENOMEM;
	error = open_all(daemon);
	if (!error) {
		say(SD_INFO, "ready: applications at %s, maps at %s, other nodes %s",
		    daemon->options.runtime_dir, daemon->options.bpf_dir,
		    daemon->options.insecure ? "let in without credentials" : "kept out");
		sd_notify(0, "READY=1");
		error = sd_event_loop(daemon->event);
	}
	close_all(daemon);
	return error;
}

int main(int argc, char **argv)
{
	static struct daemon daemon = {
		.local_listener = -1, .claim = -1, .prober4 = -1, .prober6 = -1};
	sigset_t handled;

	options_parse(&daemon.options, argc, argv);
	TAILQ_INIT(&daemon.arrivals);
	TAILQ_INIT(&daemon.partings);
	take_descriptors();
	sigemptyset(&handled);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGINT);
	sigprocmask(SIG_BLOCK, &handled, NULL);
	signal(SIGPIPE, SIG_IGN);
	return run(&daemon) ? EXIT_FAILURE : EXIT_SUCCESS;
}
