/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The alias of every device we make. It says that the device is ours, how the
 * host was set before there were any, and where the plane is pinned that it
 * belongs to:
 *
 *   leafcast accept_local=0 route_localnet=0 bpf_dir=/sys/fs/bpf/leafcast
 *
 * Other versions may have left out the settings or the directory. With any other
 * words it is not ours.
 */
#ifndef CTL_NETWORK_ALIAS_H
#define CTL_NETWORK_ALIAS_H

#include <stdbool.h>

#include "abi/records.h"

#define LC_ALIAS_BYTES 256 /* IFALIASZ: the end included */

struct lc_alias {
	struct lc_host_before before; /* LC_BEFORE_LOST: it does not say */
	char bpf_dir[LC_ALIAS_BYTES]; /* an absolute path; "": it does not say */
};

/* -ENAMETOOLONG; -EINVAL: a path that is not absolute or has control characters. */
int lc_alias_format(char text[LC_ALIAS_BYTES], const struct lc_host_before *before,
		    const char *bpf_dir);
/* False: it is not ours. */
bool lc_alias_parse(const char *text, struct lc_alias *alias);

#endif
