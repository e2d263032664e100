/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The catalogue: which kinds of multipoint session there are, and which one a socket gets. */
#ifndef CTL_PROVIDER_CATALOGUE_H
#define CTL_PROVIDER_CATALOGUE_H

#include "core/local.h"
#include "provider/provider.h"

struct lc_catalogue_entry {
	DWORD id;
	int family; /* AF_INET or AF_INET6 */
	int protocol;
	DWORD service_flags;
	const char *name;
};

#define LC_CATALOGUE_ENTRIES 2
extern const struct lc_catalogue_entry lc_catalogue[LC_CATALOGUE_ENTRIES];

void lc_catalogue_describe(const struct lc_catalogue_entry *entry, LPWSAPROTOCOL_INFOW info);

/*
 * Which entry and role WSPSocket's parameters name. WSAEINVAL: flags that are
 * not exactly one C and one D; WSAEAFNOSUPPORT, WSAESOCKTNOSUPPORT,
 * WSAEPROTONOSUPPORT; WSAEOPNOTSUPP: a kind of a later issue.
 */
int lc_catalogue_choose(int family, int type, int protocol, const WSAPROTOCOL_INFOW *info,
			DWORD flags, const struct lc_catalogue_entry **entry,
			enum lc_local_role *role);

#endif
