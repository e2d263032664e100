/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast: sessions from a shell. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool/options.h"
#include "tool/say.h"
#include "tool/tool.h"

static const struct lc_verb verbs[] = {
	{"root", "open a session and send standard input to every leaf", lc_tool_root},
	{"leaf", "join a session and write what arrives to standard output", lc_tool_leaf},
	{"show", "what is in the kernel now: sessions, leaves, drops", lc_tool_show},
	{NULL, NULL, NULL},
};

static enum lc_exit help(void)
{
	puts("usage: leafcast VERB ...\n");
	for (const struct lc_verb *verb = verbs; verb->name; verb++)
		printf("  %-6s %s\n", verb->name, verb->summary);
	puts("\nleafcast VERB --help says more; leafcast --version. LEAFCAST_RUNTIME_DIR and\n"
	     "LEAFCAST_BPF_DIR stand for --runtime-dir and --bpf-dir. Exit status: 0 success, 1 "
	     "refused or broken, 2 "
	     "usage.");
	return LC_EXIT_SUCCESS;
}

/*
 * A stream that is closed must not become the number of a socket. Reading from
 * such a standard input, or writing to such an output, still fails.
 */
static void fill_standard_streams(void)
{
	static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) < 0)
			return;
}

static enum lc_exit run(int argc, char **argv)
{
	if (argc < 2)
		return lc_usage("a verb is needed; see leafcast --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help();
	if (!strcmp(argv[1], "--version")) {
		puts("leafcast " LC_VERSION);
		return LC_EXIT_SUCCESS;
	}
	for (const struct lc_verb *verb = verbs; verb->name; verb++)
		if (!strcmp(argv[1], verb->name))
			return verb->run(argc - 1, argv + 1);
	return lc_usage("there is no verb %s; see leafcast --help", argv[1]);
}

int main(int argc, char **argv)
{
	enum lc_exit result;

	fill_standard_streams();
	result = run(argc, argv);
	if (result != LC_EXIT_SUCCESS || !fflush(stdout))
		return result;
	lc_say("leafcast: standard output: %s", strerror(errno));
	return LC_EXIT_FAILURE;
}
