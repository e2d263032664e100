/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast leaf: takes part in a session. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/endpoint.h"
#include "tool/join.h"
#include "tool/say.h"
#include "tool/sockets.h"
#include "tool/stop.h"
#include "tool/stream.h"
#include "tool/tool.h"

#define DEFAULT_TIMEOUT_MS 30000
#define PAYLOAD		   1400

#define FIELD(field) offsetof(struct lc_leaf_settings, field)

static const struct lc_option options[] = {
	{"--bind", "ADDR:PORT", lc_set_endpoint, FIELD(bind), "the leaf's own address and port"},
	{"--listen", NULL, lc_set_switch, FIELD(listen), "wait to be invited instead of joining"},
	{"--send", NULL, lc_set_switch, FIELD(send), "send standard input to the root"},
	{"--caller-data", "TEXT", lc_set_connect_data, FIELD(data),
	 "given to the root with the join"},
	{"--qos", "SPEC", lc_set_flowspec, FIELD(qos), "receive at most this"},
	{"--count", "N", lc_set_count, FIELD(count), "end after N datagrams"},
	{"--timeout", "SECONDS", lc_set_seconds, FIELD(timeout_ms),
	 "how long to try to join, or to wait to be invited (30)"},
	{"--absence", "SECONDS", lc_set_seconds, FIELD(absence_ms),
	 "end when no daemon has answered for so long (never)"},
	{"--runtime-dir", "DIR", lc_set_text, FIELD(runtime_dir), "the daemon to use"},
	{NULL, NULL, NULL, 0, NULL},
};

static enum lc_exit help(void)
{
	puts("usage: leafcast leaf ADDR:PORT [OPTION]...\n\n"
	     "Joins the session ADDR:PORT and writes the payloads that arrive to standard\n"
	     "output until the root closes it. While nobody listens there, it tries again\n"
	     "until the time is up; a rejection is final.\n\n"
	     "With --listen it waits to be invited: at --bind ADDR:PORT, by the root ADDR:PORT\n"
	     "only; or without --bind at ADDR:PORT itself, by any root.\n");
	lc_options_print(options);
	puts("\nSPEC: rate=10mbit,bucket=15000,peak=20mbit,max=1500,min=64,service=guaranteed;\n"
	     "service is guaranteed, controlledload or besteffort; units as in tc(8).\n"
	     "Exit status: 0 the root closed, or N datagrams came; 1 refused, broken\n"
	     "or interrupted; 2 usage.");
	return LC_EXIT_SUCCESS;
}

static void say_joined(struct lc_leaf_tool *leaf)
{
	char session[LC_ENDPOINT_TEXT], own[LC_ENDPOINT_TEXT] = "?";
	struct lc_endpoint name;
	struct sockaddr_storage address;
	int length = sizeof(address);

	if (!leafcast_getsockname(leaf->member, (struct sockaddr *)&address, &length) &&
	    !lc_endpoint_from_sockaddr(&name, (struct sockaddr *)&address, (socklen_t)length))
		lc_endpoint_format(own, &name);
	lc_say("joined %s as %s", lc_endpoint_format(session, &leaf->session), own);
	if (leaf->peer_data.len)
		lc_say_data(leaf->settings->listen ? "caller-data" : "callee-data",
			    leaf->peer_data.buf, leaf->peer_data.len);
}

/* Standard input to the root, until it ends or the leaf does. */
static void *send_input(void *context)
{
	struct lc_leaf_tool *leaf = context;
	static char payload[PAYLOAD];
	ssize_t length = 0;
	int code = 0;

	while (!code && (length = lc_stream_read(payload, sizeof(payload))) > 0)
		code = lc_sockets_send(leaf->member, payload, (size_t)length);
	if (lc_stop_asked() || code == WSAEINTR)
		return NULL;
	if (code)
		lc_say("leafcast: send: %s %d", leafcast_code_name(code), code);
	else if (length < 0)
		lc_say("leafcast: standard input: %s", strerror((int)-length));
	leaf->send_failed = code || length < 0;
	return NULL;
}

static enum lc_exit ended(struct lc_leaf_tool *leaf, int code)
{
	if (!code)
		return LC_EXIT_SUCCESS;
	lc_say("leafcast: the session broke: %s (%s %d)",
	       leafcast_reason_word(leafcast_socket_reason(leaf->member)), leafcast_code_name(code),
	       code);
	return LC_EXIT_FAILURE;
}

/* What arrived may be a part of the whole: no success. */
static enum lc_exit interrupted(void)
{
	if (lc_stop_asked())
		lc_say("leafcast: interrupted");
	return LC_EXIT_FAILURE;
}

/* Writes what arrives, until the session ends, enough has come, or the program is to stop. */
static enum lc_exit receive(struct lc_leaf_tool *leaf)
{
	uint64_t most = leaf->settings->count ? leaf->settings->count : UINT64_MAX;
	enum lc_exit result;
	WSANETWORKEVENTS events;
	uint64_t datagrams = 0;
	int code;

	for (;;) {
		lc_sockets_events(leaf->member, leaf->event, &events);
		code = lc_sockets_drain(leaf->member, most, &datagrams);
		if (code == WSAEINTR || (!code && datagrams < most && lc_stop_asked())) {
			result = interrupted();
			break;
		}
		if (code == WSAEDISCON || datagrams == most) {
			result = LC_EXIT_SUCCESS;
			break;
		}
		if (code || events.lNetworkEvents & FD_CLOSE) {
			result = ended(leaf, code ? code : events.iErrorCode[FD_CLOSE_BIT]);
			break;
		}
		lc_sockets_wait(leaf->event, WSA_INFINITE);
	}
	lc_say("received %llu datagrams", (unsigned long long)datagrams);
	return result;
}

static enum lc_exit take_part(struct lc_leaf_tool *leaf)
{
	pthread_t sender;
	enum lc_exit result;
	int error;

	say_joined(leaf);
	if (leaf->settings->send) {
		error = pthread_create(&sender, NULL, send_input, leaf);
		if (error) {
			lc_say("leafcast: no thread: %s", strerror(error));
			return LC_EXIT_FAILURE;
		}
	}
	result = receive(leaf);
	if (leaf->settings->send) {
		lc_stop_ask();
		pthread_join(sender, NULL);
	}
	return leaf->send_failed ? LC_EXIT_FAILURE : result;
}

static enum lc_exit open_leaf(const struct lc_leaf_settings *settings)
{
	struct lc_leaf_tool leaf = {
		.settings = settings,
		.session = settings->name,
		.socket = INVALID_SOCKET,
		.member = INVALID_SOCKET,
	};
	enum lc_exit result = LC_EXIT_FAILURE;

	if (!lc_sockets_begin(settings->runtime_dir, settings->absence_ms, &leaf.event))
		return LC_EXIT_FAILURE;
	leaf.socket = lc_sockets_open(&settings->name,
				      WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF, NULL,
				      settings->qos.given ? &settings->qos.flow : NULL);
	if (leaf.socket != INVALID_SOCKET) {
		if (settings->listen ? lc_join_by_invitation(&leaf) : lc_join(&leaf))
			result = take_part(&leaf);
		else if (lc_stop_asked())
			result = interrupted();
		if (leaf.member != leaf.socket && leaf.member != INVALID_SOCKET)
			closesocket(leaf.member);
		if (leaf.socket != INVALID_SOCKET)
			closesocket(leaf.socket);
	}
	lc_sockets_end();
	return result;
}

enum lc_exit lc_tool_leaf(int argc, char **argv)
{
	struct lc_leaf_settings settings = {.timeout_ms = DEFAULT_TIMEOUT_MS};
	const char *name, *why;

	switch (lc_options_read(argc, argv, options, &settings, &name, 1, "ADDR:PORT")) {
	case 0:
		break;
	case 1:
		return help();
	default:
		return LC_EXIT_USAGE;
	}
	why = lc_set_endpoint(&settings.name, name);
	if (why)
		return lc_usage("%s %s", name, why);
	if (!lc_endpoint_port(&settings.name))
		return lc_usage("%s: a session needs a port other than 0", name);
	if (settings.bind.family && settings.bind.family != settings.name.family)
		return lc_usage("--bind and %s are not of one address family", name);
	if (settings.listen && settings.bind.family && !lc_endpoint_port(&settings.bind))
		return lc_usage("--listen needs a port other than 0 in --bind");
	return open_leaf(&settings);
}
