/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the command line says. */
#ifndef CTL_DAEMON_OPTIONS_H
#define CTL_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/endpoint.h"

#define MAX_INTERFACES 16

struct options {
	const char *runtime_dir;
	const char *bpf_dir;
	struct lc_endpoint control;
	const char
		*interfaces[MAX_INTERFACES]; /* control connections are taken on these; none: all */
	unsigned int interface_count;
	bool insecure;		/* other nodes are let in, and talked to */
	bool purge;		/* take everything down instead */
	uint64_t grace_us;	/* what nobody claims is kept for so long */
	uint64_t dead_after_us; /* a host that says nothing for so long is dead */
	uint64_t alive_us;	/* copies go on without a daemon for so long; 0: for ever */
};

/* Exits on --help, --version and misuse. */
void options_parse(struct options *options, int argc, char **argv);

#endif
