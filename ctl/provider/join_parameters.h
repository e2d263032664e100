/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What WSPJoinLeaf was given, read and judged. */
#ifndef CTL_PROVIDER_JOIN_PARAMETERS_H
#define CTL_PROVIDER_JOIN_PARAMETERS_H

#include "provider/sockets.h"

struct lc_join_parameters {
	const struct sockaddr *name;
	int namelen;
	LPWSABUF caller, callee;
	const QOS *sqos;
	DWORD flags;
};

/* The caller's room for callee data. */
struct lc_callee {
	LPWSABUF buffer; /* NULL: none is wanted */
	char *bytes;
	ULONG capacity;
};

/* Fills in what JOIN says of them; socket locked. R14 to R22, R26, R58; *message is undefined on failure. */
int lc_join_read(const struct lc_socket *s, const struct lc_join_parameters *given,
		 struct lc_callee *callee, struct lc_local_message *message);

#endif
