/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Descriptors that applications handed over, and what each is in Leafcast. */
#ifndef CTL_DAEMON_SOCKET_H
#define CTL_DAEMON_SOCKET_H

#include "daemon/application.h"

#define MAX_SOCKETS_OF_APPLICATION 1024
#define MAX_BACKLOG		   1024

struct socket {
	struct application *application;
	UT_hash_handle by_number; /* application->sockets */
	UT_hash_handle by_admit;  /* node->sockets_by_admit */
	UT_hash_handle by_name;	  /* node->listeners_by_name, while a leaf listens */
	uint64_t number; /* the library's; of an adopted one that is not claimed: `admit` */
	uint64_t cookie; /* SO_COOKIE */
	int fd;		 /* -1: unclaimed, by adoption or since it was let go */
	enum lc_local_role role;
	uint8_t family; /* enum lc_family */
	uint32_t admit;
	bool has_flows;
	struct lc_flows flows;
	uint32_t backlog;	       /* 0: does not listen */
	uint32_t waiting;	       /* requests before the application, or about to be */
	struct lc_endpoint listens_at; /* a leaf's, while it listens */

	/* While its application is away: */
	enum leafcast_reason
		ended;	     /* how the membership ended that it was told nothing of; 0: none did */
	bool bound;	     /* a look would find it if it were there (adopt.h) */
	bool absent;	     /* the last look has not */
	unsigned int missed; /* looks in a row that have not */
	bool closing, reset; /* it was closed meanwhile; abortively */

	struct session *session;    /* a root's */
	struct membership *member;  /* a leaf's, or the one this root-side handle stands for */
	struct membership *joining; /* a root's own invitation under way */
	LIST_HEAD(, membership) requested; /* those whose application-side it is (membership.h) */
};

/*
 * Registers a descriptor: a UDP socket of this network namespace. From then on
 * its filter is locked. Its receive buffer grows to 4 MiB if it had the
 * system's default, so that a burst survives a scheduling delay. -EINVAL,
 * -EXDEV, -EEXIST, -EMFILE: as many as one may have, -ENOSPC, -ENOMEM.
 */
int socket_open(struct application *application, uint64_t number, enum lc_local_role role,
		int descriptor, struct socket **socket);
/*
 * One that an earlier daemon had, of an application that is away: without a
 * descriptor until it is claimed. -ENOMEM.
 */
int socket_adopt(struct application *application, uint32_t admit, const struct lc_admit *record,
		 struct socket **socket);
/*
 * Finds what a descriptor that was passed is; NULL: not one of ours. -EINVAL,
 * -EXDEV as socket_open().
 */
int socket_of_descriptor(struct node *node, int descriptor, struct socket **socket);
/*
 * From an application that is away to one that is there, whose number for it is
 * `number`. Takes *descriptor (sets it to -1) if it has none yet. -EEXIST: the
 * number is in use; -EMFILE; -ENOMEM: it belongs to nobody now, and must be ended.
 */
int socket_claim(struct socket *socket, struct application *by, uint64_t number, int *descriptor);
/*
 * Unclaimed from now on, and no listener: its process alone keeps it open, and
 * may claim it as one that is adopted.
 */
void socket_let_go(struct socket *socket);
/* It takes part in nothing any more. */
void socket_free(struct socket *socket);
struct socket *socket_find(struct application *application, uint64_t number);
struct socket *socket_of_admit(struct node *node, uint32_t admit);

/* A leaf takes invitations at `name`; -EADDRINUSE: another one does. */
int socket_listen(struct socket *socket, const struct lc_endpoint *name);
/* One bound to that very address goes before one bound to any, as in the kernel. NULL. */
struct socket *socket_listening_at(struct node *node, const struct lc_endpoint *name);

/* The name it is bound to; port 0: unbound. */
int socket_name(const struct socket *socket, struct lc_endpoint *name);
/* Of a socket with a descriptor. */
struct lc_route_keys socket_route_keys(const struct socket *socket);
/* Binds to an address and a port of the system's choice. */
int socket_bind(const struct socket *socket, const struct lc_endpoint *address);
/* Datagrams that found a leaf's receive buffer full, since it is open; noted in its record too. */
uint64_t socket_full_buffer(const struct socket *socket);

#endif
