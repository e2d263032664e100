/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The beginning and the end of a membership. Called with the socket's lock. */
#ifndef CTL_PROVIDER_MEMBERSHIP_H
#define CTL_PROVIDER_MEMBERSHIP_H

#include "provider/sockets.h"

/* What the daemon's REPLY to JOIN or ACCEPT grants. */
void lc_member_enter(struct lc_socket *member, const struct lc_local_message *reply);
/* Properties and registrations of the socket that a new handle or member comes from (R41). Both locked. */
void lc_member_inherit(struct lc_socket *member, const struct lc_socket *parent);

/* Whether it stands for a membership, or for a root's session: what ends with it. */
bool lc_member_stands(const struct lc_socket *socket);

/* A join did not come to be, for SO_ERROR and leafcast_socket_reason(). */
void lc_member_refused(struct lc_socket *socket, enum leafcast_reason reason, int code);
/* The membership is over: calls end and FD_CLOSE is recorded, unless it is the caller's own doing. Once. */
void lc_member_ended(struct lc_socket *socket, enum leafcast_reason reason, bool by_caller);

/* --- of many sockets; nothing locked */

/* Ends the root's handles of its leaves. */
void lc_member_end_handles(uint64_t root);
/* Ends all for want of a daemon. One that comes back is told that they broke off. */
void lc_member_forsake_all(void);

#endif
