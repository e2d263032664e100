/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast root: sends standard input to a session's leaves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/endpoint.h"
#include "core/flowspec.h"
#include "tool/attend.h"
#include "tool/pace.h"
#include "tool/root.h"
#include "tool/say.h"
#include "tool/sockets.h"
#include "tool/stop.h"
#include "tool/stream.h"
#include "tool/tool.h"

#define DEFAULT_PAYLOAD 1400
#define BACKLOG		128

#define FIELD(field) offsetof(struct lc_root_settings, field)

static const struct lc_option options[] = {
	{"--size", "BYTES", lc_set_size, FIELD(size), "payload of each datagram (1400)"},
	{"--rate", "RATE", lc_set_rate, FIELD(rate),
	 "send no faster: 10mbit, 500kbps, ... of whole IP datagrams"},
	{"--wait", "N", lc_set_count, FIELD(wait), "begin when N leaves have joined"},
	{"--invite", "ADDR:PORT", lc_append_endpoint, FIELD(invite),
	 "ask the leaf that listens there to join; may be repeated"},
	{"--refuse", "ADDR[/LEN]", lc_append_prefix, FIELD(refuse),
	 "reject joins from there; may be repeated"},
	{"--callee-data", "TEXT", lc_set_connect_data, FIELD(data),
	 "given to each leaf with its join"},
	{"--qos", "SPEC", lc_set_flowspec, FIELD(qos),
	 "what the root may send at most; without --rate also its pace"},
	{"--absence", "SECONDS", lc_set_seconds, FIELD(absence_ms),
	 "end when no daemon has answered for so long (never)"},
	{"--runtime-dir", "DIR", lc_set_text, FIELD(runtime_dir), "the daemon to use"},
	{NULL, NULL, NULL, 0, NULL},
};

static enum lc_exit help(void)
{
	puts("usage: leafcast root ADDR:PORT [OPTION]...\n\n"
	     "Opens the session ADDR:PORT on this node, sends standard input to its leaves as\n"
	     "datagrams, and closes the session at end of input; if it ends before that, its\n"
	     "leaves are told that it broke. What leaves send goes to standard output. Sending "
	     "begins when all invitations are decided and, with\n"
	     "--wait, when enough leaves have joined; others may join while it goes on.\n");
	lc_options_print(options);
	puts("\nSPEC: rate=10mbit,bucket=15000,peak=20mbit,max=1500,min=64,service=guaranteed;\n"
	     "service is guaranteed, controlledload or besteffort; units as in tc(8). An\n"
	     "invitation is repeated for 5 seconds while nobody listens.\n"
	     "Exit status: 0 all sent; 1 the session broke, an invitation was refused, or it\n"
	     "was interrupted; 2 usage.");
	return LC_EXIT_SUCCESS;
}

/* Without --rate, no faster than its own --qos lets through: what is above would be dropped. */
static uint64_t pace_of(const struct lc_root_settings *settings)
{
	const uint32_t limit = settings->qos.flow.token_rate;

	if (settings->rate || !settings->qos.given || limit >= LC_INFINITE_RATE)
		return settings->rate;
	return limit;
}

/* Sends standard input; false after a sentence when it could not. */
static bool stream(struct lc_root *root)
{
	static char payload[LC_BUFFER_BYTES];
	struct lc_pace pace = {.bytes_per_s = pace_of(root->settings)};
	unsigned int headers = lc_header_bytes(&root->settings->name);
	uint64_t datagrams = 0, bytes = 0;
	ssize_t length;
	int code = 0;

	while (!code && (length = lc_stream_read(payload, root->settings->size)) > 0) {
		if (!lc_pace_wait(&pace, (size_t)length + headers))
			break;
		code = lc_sockets_send(root->socket, payload, (size_t)length);
		if (code)
			break;
		datagrams++;
		bytes += (uint64_t)length;
	}
	lc_say("sent %llu datagrams, %llu bytes", (unsigned long long)datagrams,
	       (unsigned long long)bytes);
	if (code == WSAEMSGSIZE)
		lc_say("leafcast: --size %u is more than the path carries (WSAEMSGSIZE %d)",
		       root->settings->size, code);
	else if (code && code != WSAEINTR)
		lc_say("leafcast: send: %s %d", leafcast_code_name(code), code);
	else if (!code && length < 0 && !lc_stop_asked())
		lc_say("leafcast: standard input: %s", strerror((int)-length));
	else if (lc_stop_asked())
		lc_say("leafcast: interrupted");
	else
		return true;
	return false;
}

static enum lc_exit serve(struct lc_root *root)
{
	pthread_t attendant;
	bool sent;

	if (!lc_attend_begin(root, &attendant))
		return LC_EXIT_FAILURE;
	sent = lc_progress_wait(&root->progress, root->settings->wait) && stream(root);
	lc_attend_end(root, attendant);
	/* What leaves have is a part of the whole, and only the root knows. */
	if (!sent)
		lc_sockets_break(root->socket);
	return sent && lc_progress_is_well(&root->progress) ? LC_EXIT_SUCCESS : LC_EXIT_FAILURE;
}

static enum lc_exit open_session(const struct lc_root_settings *settings)
{
	struct lc_root root = {
		.settings = settings,
		.progress = LC_PROGRESS_BEGINS,
		.invitations = {.under_way = INVALID_SOCKET},
	};
	enum lc_exit result = LC_EXIT_FAILURE;
	char text[LC_ENDPOINT_TEXT];

	if (!lc_sockets_begin(settings->runtime_dir, settings->absence_ms, &root.event))
		return LC_EXIT_FAILURE;
	root.socket = lc_sockets_open(&settings->name,
				      WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT,
				      settings->qos.given ? &settings->qos.flow : NULL, NULL);
	if (root.socket != INVALID_SOCKET) {
		if (lc_sockets_bind(root.socket, &settings->name, BACKLOG) &&
		    lc_sockets_watch(root.socket, root.event)) {
			lc_say("root %s is open", lc_endpoint_format(text, &settings->name));
			result = serve(&root);
		}
		closesocket(root.socket);
		if (root.invitations.under_way != INVALID_SOCKET)
			closesocket(root.invitations.under_way);
		lc_leaves_close(&root.leaves);
	}
	lc_sockets_end();
	return result;
}

static enum lc_exit run(int argc, char **argv, struct lc_root_settings *settings)
{
	const char *name, *why;

	switch (lc_options_read(argc, argv, options, settings, &name, 1, "ADDR:PORT")) {
	case 0:
		break;
	case 1:
		return help();
	default:
		return LC_EXIT_USAGE;
	}
	why = lc_set_endpoint(&settings->name, name);
	if (why)
		return lc_usage("%s %s", name, why);
	if (!lc_endpoint_port(&settings->name))
		return lc_usage("%s: a session needs a port other than 0", name);
	return open_session(settings);
}

enum lc_exit lc_tool_root(int argc, char **argv)
{
	struct lc_root_settings settings = {.size = DEFAULT_PAYLOAD};
	enum lc_exit result = run(argc, argv, &settings);

	free(settings.invite.entry);
	free(settings.refuse.entry);
	return result;
}
