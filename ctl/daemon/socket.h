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
	uint64_t number;	  /* the library's */
	int fd;
	enum lc_local_role role;
	uint8_t family; /* enum lc_family */
	uint32_t admit;
	bool has_flows;
	struct lc_flows flows;
	uint32_t backlog;	       /* 0: does not listen */
	uint32_t waiting;	       /* requests before the application, or about to be */
	struct lc_endpoint listens_at; /* a leaf's, while it listens */

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
/* Binds to an address and a port of the system's choice. */
int socket_bind(const struct socket *socket, const struct lc_endpoint *address);
/* Datagrams that found a leaf's receive buffer full, since it is open; noted in its record too. */
uint64_t socket_full_buffer(const struct socket *socket);

#endif
