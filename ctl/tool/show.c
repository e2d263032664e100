/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast show: what is in the kernel now. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "leafcast/leafcast.h"
#include "plane/plane.h"
#include "tool/options.h"
#include "tool/settings.h"
#include "tool/show.h"
#include "tool/tool.h"

struct settings {
	bool json;
	const char *bpf_dir;
};

#define FIELD(field) offsetof(struct settings, field)

static const struct lc_option options[] = {
	{"-j", NULL, lc_set_switch, FIELD(json), "one JSON document instead of a table"},
	{"--bpf-dir", "DIR", lc_set_text, FIELD(bpf_dir),
	 "where the daemon pins its maps (" LEAFCAST_BPF_DIR ")"},
	{NULL, NULL, NULL, 0, NULL},
};

static enum lc_exit help(void)
{
	puts("usage: leafcast show sessions|leaves|drops [-j] [--bpf-dir DIR]\n\n"
	     "What is in the kernel now; works without the daemon.\n\n"
	     "  sessions  whose root is on this node\n"
	     "  leaves    to which this node copies, and members of sessions on this node;\n"
	     "            suspended: the other node's leafcastd is away, and data goes on\n"
	     "  drops     datagrams dropped on this node, by reason\n");
	lc_options_print(options);
	puts("\nExit status: 0 shown, 1 nothing to read there, 2 usage.");
	return LC_EXIT_SUCCESS;
}

struct walk {
	const struct lc_plane_view *view;
	const struct lc_show_printer *printer;
	void *state;
};

static int64_t suspended_for_s(const struct walk *walk, enum lc_member_kind kind, uint32_t number)
{
	uint32_t since_s = lc_plane_suspended_since_s(walk->view, kind, number);
	uint64_t now_s = lc_now_ns() / LC_NS_PER_S;

	if (!since_s)
		return LC_NOT_SUSPENDED;
	return now_s > since_s ? (int64_t)(now_s - since_s) : 0;
}

static int each_session(void *context, uint32_t number, const struct lc_session *session,
			const struct lc_session_use *use, uint32_t receiving_leaves)
{
	struct walk *walk = context;

	walk->printer->session(walk->state, number, session, use, receiving_leaves);
	return 0;
}

static int each_leaf(void *context, uint32_t number, const struct lc_leaf *leaf,
		     const struct lc_leaf_use *use)
{
	struct walk *walk = context;

	walk->printer->leaf(walk->state, number, leaf, use,
			    suspended_for_s(walk, LC_MEMBER_LEAF, number));
	return 0;
}

static int each_member(void *context, uint32_t number, const struct lc_admit *admit,
		       const struct lc_admit_use *use)
{
	struct walk *walk = context;

	walk->printer->member(walk->state, number, admit, use,
			      suspended_for_s(walk, LC_MEMBER_SOCKET, number));
	return 0;
}

static int show_sessions(const struct lc_plane_view *view, struct walk *walk)
{
	return lc_plane_each_session(view, each_session, walk);
}

static int show_leaves(const struct lc_plane_view *view, struct walk *walk)
{
	int error = lc_plane_each_leaf(view, each_leaf, walk);

	return error ? error : lc_plane_each_admit(view, each_member, walk);
}

static int show_drops(const struct lc_plane_view *view, struct walk *walk)
{
	uint64_t drops[LC_DROP_COUNT];
	int error = lc_plane_drops(view, drops);

	if (!error)
		walk->printer->drops(walk->state, drops);
	return error;
}

static const struct noun {
	const char *name;
	int (*show)(const struct lc_plane_view *view, struct walk *walk);
} nouns[] = {
	{"sessions", show_sessions},
	{"leaves", show_leaves},
	{"drops", show_drops},
};

/* Not a failure: the kernel goes on as it was told. */
static void say_if_alone(const char *bpf_dir)
{
	if (!lc_plane_has_daemon(bpf_dir))
		fputs("leafcast: no leafcastd runs here: data goes on, and what is shown of other "
		      "daemons is as the last one left it\n",
		      stderr);
}

static enum lc_exit show(const struct noun *noun, const struct settings *settings)
{
	struct walk walk = {.printer = settings->json ? &lc_show_json : &lc_show_text};
	struct lc_error text = {""};
	struct lc_plane_view *view;
	int error, printed;

	error = lc_plane_view_open(&view, settings->bpf_dir, &text);
	if (error) {
		fprintf(stderr, "leafcast: %s\n", *text.text ? text.text : strerror(-error));
		return LC_EXIT_FAILURE;
	}
	say_if_alone(settings->bpf_dir);
	walk.view = view;
	walk.state = walk.printer->begin(noun->name);
	error = walk.state ? noun->show(view, &walk) : -ENOMEM;
	lc_plane_view_close(view);
	printed = walk.state ? walk.printer->finish(walk.state) : 0;
	if (!error)
		error = printed;
	if (!error && fflush(stdout))
		error = -errno;
	if (error)
		fprintf(stderr, "leafcast: show %s: %s\n", noun->name, strerror(-error));
	return error ? LC_EXIT_FAILURE : LC_EXIT_SUCCESS;
}

enum lc_exit lc_tool_show(int argc, char **argv)
{
	const char *environment = getenv("LEAFCAST_BPF_DIR");
	struct settings settings = {
		.bpf_dir = environment && *environment ? environment : LEAFCAST_BPF_DIR,
	};
	const char *name;

	switch (lc_options_read(argc, argv, options, &settings, &name, 1,
				"sessions, leaves or drops")) {
	case 0:
		break;
	case 1:
		return help();
	default:
		return LC_EXIT_USAGE;
	}
	for (size_t i = 0; i < sizeof(nouns) / sizeof(*nouns); i++)
		if (!strcmp(name, nouns[i].name))
			return show(&nouns[i], &settings);
	return lc_usage("show %s: sessions, leaves or drops can be shown", name);
}
