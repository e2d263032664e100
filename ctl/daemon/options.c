/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/endpoint.h"
#include "daemon/options.h"
#include "leafcast/leafcast.h"

#define MISUSE 2

#define SECOND	      1000000ull /* of microseconds */
#define GRACE_S	      60
#define DEAD_AFTER_S  3
#define MOST_S	      86400
#define LEAST_ALIVE_S 2 /* twice what lies between two renewals */

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
	"  --grace SECONDS      keep what is an absent daemon's or application's for so long\n"
	"                       (default 60)\n"
	"  --dead-after SECONDS take a host for dead that has not answered for so long (default "
	"3)\n"
	"  --alive SECONDS      let copies end when no leafcastd has run for so long; 0 "
	"(default):\n"
	"                       they go on without one\n"
	"  --purge              take everything down, which nothing else does: members, maps,\n"
	"                       programs, devices, routes, settings; no leafcastd may run\n"
	"  --help, --version\n"
	"\n"
	"However leafcastd ends, streams go on, and the next leafcastd takes them over.\n";

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

/* Whole seconds, `least` and a day at most, as microseconds. */
static uint64_t seconds(const char *option, const char *value, unsigned long least)
{
	char *end = NULL;
	unsigned long number = value[0] >= '0' && value[0] <= '9' ? strtoul(value, &end, 10)
								  : MOST_S + 1;

	if (number < least || number > MOST_S || *end)
		misuse(least ? "wants 1 to 86400 seconds" : "wants 0 to 86400 seconds", option);
	return number * SECOND;
}

void options_parse(struct options *options, int argc, char **argv)
{
	enum {
		RUNTIME = 256,
		BPF,
		CONTROL,
		INTERFACE,
		INSECURE,
		GRACE,
		DEAD_AFTER,
		ALIVE,
		PURGE,
		HELP,
		VERSION
	};
	static const struct option list[] = {
		{"runtime-dir", required_argument, NULL, RUNTIME},
		{"bpf-dir", required_argument, NULL, BPF},
		{"control", required_argument, NULL, CONTROL},
		{"interface", required_argument, NULL, INTERFACE},
		{"insecure", no_argument, NULL, INSECURE},
		{"grace", required_argument, NULL, GRACE},
		{"dead-after", required_argument, NULL, DEAD_AFTER},
		{"alive", required_argument, NULL, ALIVE},
		{"purge", no_argument, NULL, PURGE},
		{"help", no_argument, NULL, HELP},
		{"version", no_argument, NULL, VERSION},
		{0},
	};
	int option;

	*options = (struct options){.runtime_dir = LEAFCAST_RUNTIME_DIR,
				    .bpf_dir = LEAFCAST_BPF_DIR,
				    .grace_us = GRACE_S * SECOND,
				    .dead_after_us = DEAD_AFTER_S * SECOND};
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
		case GRACE:
			options->grace_us = seconds("--grace", optarg, 1);
			break;
		case DEAD_AFTER:
			options->dead_after_us = seconds("--dead-after", optarg, 1);
			break;
		case ALIVE:
			options->alive_us = seconds("--alive", optarg, 0);
			if (options->alive_us && options->alive_us < LEAST_ALIVE_S * SECOND)
				misuse("wants 0, or at least 2 seconds", "--alive");
			break;
		case PURGE:
			options->purge = true;
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
