/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/endpoint.h"
#include "daemon/options.h"
#include "leafcast/leafcast.h"

#define MISUSE 2

static const char help[] =
	"Usage: leafcastd [OPTION]...\n"
	"The daemon of one Leafcast node: copies datagrams to admitted leaves in the kernel.\n"
	"\n"
	"  --runtime-dir DIR    where applications find the daemon (default " LEAFCAST_RUNTIME_DIR
	")\n"
	"  --bpf-dir DIR        where maps and programs are pinned (default " LEAFCAST_BPF_DIR ")\n"
	"  --control ADDR:PORT  where other nodes' daemons find this one (default [::]:19750)\n"
	"  --interface DEV      take control connections on this interface only; may be repeated\n"
	"  --insecure           take joins from other nodes, without any credentials;\n"
	"                       without it members of one session are all on this node\n"
	"  --help, --version\n";

__attribute__((noreturn)) static void misuse(const char *what, const char *about)
{
	fprintf(stderr, "leafcastd: %s: %s; see leafcastd --help\n", about, what);
	exit(MISUSE);
}

/* Also what the kernel would make of it: directories of other lengths cannot hold a socket's name. */
static const char *directory(const char *option, const char *value)
{
	if (value[0] != '/')
		misuse("wants an absolute path", option);
	if (strlen(value) > 90)
		misuse("the path is too long", option);
	return value;
}

void options_parse(struct options *options, int argc, char **argv)
{
	enum {
		RUNTIME = 256,
		BPF,
		CONTROL,
		INTERFACE,
		INSECURE,
		HELP,
		VERSION
	};
	static const struct option list[] = {
		{"runtime-dir", required_argument, NULL, RUNTIME},
		{"bpf-dir", required_argument, NULL, BPF},
		{"control", required_argument, NULL, CONTROL},
		{"interface", required_argument, NULL, INTERFACE},
		{"insecure", no_argument, NULL, INSECURE},
		{"help", no_argument, NULL, HELP},
		{"version", no_argument, NULL, VERSION},
		{0},
	};
	int option;

	*options = (struct options){.runtime_dir = LEAFCAST_RUNTIME_DIR,
				    .bpf_dir = LEAFCAST_BPF_DIR};
	lc_endpoint_parse(&options->control, "[::]:19750");
	_Static_assert(LEAFCAST_CONTROL_PORT == 19750, "the default above");
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		switch (option) {
		case RUNTIME:
			options->runtime_dir = directory("--runtime-dir", optarg);
			break;
		case BPF:
			options->bpf_dir = directory("--bpf-dir", optarg);
			break;
		case CONTROL:
			if (lc_endpoint_parse(&options->control, optarg) < 0 ||
			    lc_endpoint_port(&options->control) == 0)
				misuse("not of the form ADDR:PORT", optarg);
			break;
		case INTERFACE:
			if (options->interface_count ==
			    sizeof(options->interfaces) / sizeof(options->interfaces[0]))
				misuse("given too many times", "--interface");
			options->interfaces[options->interface_count++] = optarg;
			break;
		case INSECURE:
			options->insecure = true;
			break;
		case HELP:
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		case VERSION:
			puts("leafcastd " LC_VERSION);
			exit(EXIT_SUCCESS);
		case ':':
			misuse("wants a value", argv[optind - 1]);
		default:
			misuse("unknown option", argv[optind - 1]);
		}
	}
	if (optind < argc)
		misuse("unexpected argument", argv[optind]);
}
