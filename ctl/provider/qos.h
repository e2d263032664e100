/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * QOS structures of the application and flows as the rest of Leafcast has them.
 *
 * Winsock names directions by the socket (sending, receiving), Leafcast by the
 * way the data goes: a root's sending is `down`, a leaf's is `up`.
 */
#ifndef CTL_PROVIDER_QOS_H
#define CTL_PROVIDER_QOS_H

#include "core/flowspec.h"
#include "provider/provider.h"

/* Which end a QOS speaks of, and which directions that end uses. */
struct lc_qos_view {
	bool root;
	bool sends;
	bool receives;
};

/*
 * Reads a QOS. A direction not used is as if it said NOCHANGE (R59), and of a
 * sender that names no rate none is read (lc_flowspec_of_sender()). WSAEFAULT:
 * unreadable, or an object shorter than its header or past the end (R20);
 * WSAEOPNOTSUPP: what cannot be met or is unknown (R26, R58). *flows is
 * untouched on failure.
 */
int lc_qos_read(struct lc_flows *flows, const QOS *qos, struct lc_qos_view view);
/* The other way; ProviderSpecific is {0, NULL}. */
QOS lc_qos_from_flows(const struct lc_flows *flows, bool root);

#endif
