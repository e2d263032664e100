/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
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

__attribute__((noreturn)) static void misuse(const char *what, const char *about)
{
	fprintf(stderr, "leafcastd: %s: %s; see leafcastd --help\n", about, what);
	exit(MISUSE);
}

/* ---- what the values may be ---- */

struct choice {
	const char *name;  /* with its dashes */
	const char *value; /* NULL: a switch without one */
	void (*set)(struct options *options, const struct choice *choice, const char *value);
	size_t field;	  /* where in struct options `set` puts it */
	const char *help; /* lines */
};

static void *field_of(struct options *options, const struct choice *choice)
{
	return (char *)options + choice->field;
}

static void set_switch(struct options *options, const struct choice *choice, const char *value)
{
	(void)value;
	*(bool *)field_of(options, choice) = true;
}

/* Also what the kernel would make of it: directories of other lengths cannot hold a socket's name. */
static void set_directory(struct options *options, const struct choice *choice, const char *value)
{
	if (value[0] != '/')
		misuse("wants an absolute path", choice->name);
	if (strlen(value) > 90)
		misuse("the path is too long", choice->name);
	*(const char **)field_of(options, choice) = value;
}

static void set_endpoint(struct options *options, const struct choice *choice, const char *value)
{
	struct lc_endpoint *endpoint = field_of(options, choice);

	if (lc_endpoint_parse(endpoint, value) < 0 || lc_endpoint_port(endpoint) == 0)
		misuse("not of the form ADDR:PORT", value);
}

static void add_interface(struct options *options, const struct choice *choice, const char *value)
{
	const char **names = field_of(options, choice);

	if (options->interface_count == MAX_INTERFACES)
		misuse("given too many times", choice->name);
	names[options->interface_count++] = value;
}

/* Whole seconds, `least` and a day at most, as microseconds. */
static uint64_t seconds(const struct choice *choice, const char *value, unsigned long least)
{
	char *end = NULL;
	unsigned long number = value[0] >= '0' && value[0] <= '9' ? strtoul(value, &end, 10)
								  : MOST_S + 1;

	if (number < least || number > MOST_S || *end)
		misuse(least ? "wants 1 to 86400 seconds" : "wants 0 to 86400 seconds",
		       choice->name);
	return number * SECOND;
}

static void set_seconds(struct options *options, const struct choice *choice, const char *value)
{
	*(uint64_t *)field_of(options, choice) = seconds(choice, value, 1);
}

static void set_alive(struct options *options, const struct choice *choice, const char *value)
{
	uint64_t alive_us = seconds(choice, value, 0);

	if (alive_us && alive_us < LEAST_ALIVE_S * SECOND)
		misuse("wants 0, or at least 2 seconds", choice->name);
	*(uint64_t *)field_of(options, choice) = alive_us;
}

/* ---- the options ---- */

static const struct choice choices[] = {
#define FIELD(field) offsetof(struct options, field)
	{"--runtime-dir", "DIR", set_directory, FIELD(runtime_dir),
	 "where applications find the daemon (default " LEAFCAST_RUNTIME_DIR ")"},
	{"--bpf-dir", "DIR", set_directory, FIELD(bpf_dir),
	 "where maps and programs are pinned (default " LEAFCAST_BPF_DIR ")"},
	{"--control", "ADDR:PORT", set_endpoint, FIELD(control),
	 "where other nodes' daemons find this one (default [::]:19750)"},
	{"--interface", "DEV", add_interface, FIELD(interfaces),
	 "take control connections on this interface only; may be repeated"},
	{"--insecure", NULL, set_switch, FIELD(insecure),
	 "take joins from other nodes, without any credentials;\n"
	 "without it members of one session are all on this node"},
	{"--grace", "SECONDS", set_seconds, FIELD(grace_us),
	 "keep what is an absent daemon's or application's for so long\n"
	 "(default 60)"},
	{"--dead-after", "SECONDS", set_seconds, FIELD(dead_after_us),
	 "take a host for dead that has not answered for so long (default 3)"},
	{"--alive", "SECONDS", set_alive, FIELD(alive_us),
	 "let copies end when no leafcastd has run for so long; 0 (default):\n"
	 "they go on without one"},
	{"--purge", NULL, set_switch, FIELD(purge),
	 "take everything down, which nothing else does: members, maps,\n"
	 "programs, devices, routes, settings; no leafcastd may run"},
#undef FIELD
};
#define CHOICES (sizeof(choices) / sizeof(choices[0]))

/* What getopt_long() returns: one of the choices by its number, or one of these. */
enum {
	FIRST_CHOICE = 256,
	HELP = FIRST_CHOICE + CHOICES,
	VERSION,
};

static void print_choice(const struct choice *choice)
{
	const int width = 20;
	int used = printf("  %s%s%s", choice->name, choice->value ? " " : "",
			  choice->value ? choice->value : "");
	const char *line = choice->help, *end;

	for (; (end = strchr(line, '\n')); line = end + 1, used = 0)
		printf("%*s %.*s\n", width + 2 - used, "", (int)(end - line), line);
	printf("%*s %s\n", width + 2 - used, "", line);
}

static void print_help(void)
{
	puts("Usage: leafcastd [OPTION]...\n"
	     "The daemon of one Leafcast node: copies datagrams to admitted leaves in the "
	     "kernel.\n");
	for (size_t i = 0; i < CHOICES; i++)
		print_choice(&choices[i]);
	puts("  --help, --version\n"
	     "\n"
	     "However leafcastd ends, streams go on, and the next leafcastd takes them over.");
}

static void make_list(struct option list[CHOICES + 3])
{
	for (size_t i = 0; i < CHOICES; i++)
		list[i] = (struct option){
			.name = choices[i].name + strlen("--"),
			.has_arg = choices[i].value ? required_argument : no_argument,
			.val = FIRST_CHOICE + (int)i,
		};
	list[CHOICES] = (struct option){"help", no_argument, NULL, HELP};
	list[CHOICES + 1] = (struct option){"version", no_argument, NULL, VERSION};
	list[CHOICES + 2] = (struct option){0};
}

/* What was asked for is all that is done, and it has been printed, or that failed. */
static _Noreturn void finish(void)
{
	if (!fflush(stdout))
		exit(EXIT_SUCCESS);
	fprintf(stderr, "leafcastd: standard output: %s\n", strerror(errno));
	exit(EXIT_FAILURE);
}

static void take(struct options *options, int option, char **argv)
{
	const struct choice *choice;

	switch (option) {
	case HELP:
		print_help();
		finish();
	case VERSION:
		puts("leafcastd " LC_VERSION);
		finish();
	case ':':
		misuse("wants a value", argv[optind - 1]);
	case '?':
		misuse("unknown option", argv[optind - 1]);
	}
	choice = &choices[option - FIRST_CHOICE];
	choice->set(options, choice, optarg);
}

void options_parse(struct options *options, int argc, char **argv)
{
	struct option list[CHOICES + 3];
	int option;

	*options = (struct options){.runtime_dir = LEAFCAST_RUNTIME_DIR,
				    .bpf_dir = LEAFCAST_BPF_DIR,
				    .grace_us = GRACE_S * SECOND,
				    .dead_after_us = DEAD_AFTER_S * SECOND};
	lc_endpoint_parse(&options->control, "[::]:19750");
	_Static_assert(LEAFCAST_CONTROL_PORT == 19750, "the default above, and in the help");
	make_list(list);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", list, NULL)) != -1)
		take(options, option, argv);
	if (optind < argc)
		misuse("unexpected argument", argv[optind]);
}
