/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The connection between the library and its daemon, both ends: packets of
 * core/local.h over SOCK_SEQPACKET with at most one descriptor each.
 */
#ifndef CTL_LOCAL_LOCAL_H
#define CTL_LOCAL_LOCAL_H

#include <sys/types.h>

#include "core/local.h"

/*
 * Daemon: listens on <runtime_dir>/socket, mode 0666 for now (the directory's
 * mode decides who may use it); creates the directory. A stale socket is
 * replaced, a live one is -EADDRINUSE with *owner its daemon's pid if known.
 * Returns the listening descriptor, nonblocking.
 */
int lc_local_listen(const char *runtime_dir, pid_t *owner);
/* Removes the socket's name; before the descriptor is closed, or it may be a successor's. */
void lc_local_unlink(const char *runtime_dir);
/* Removes what a daemon that was killed left there; -EADDRINUSE as above. */
int lc_local_clear(const char *runtime_dir, pid_t *owner);

/*
 * Daemon: claims this network namespace, whose devices it is about to make or
 * adopt. Returns a descriptor to keep open; -EADDRINUSE: a daemon has it, *owner is
 * its pid if known. When it is readable somebody asks whose it is:
 * lc_local_answer_claim() sends them away.
 */
int lc_local_claim_namespace(pid_t *owner);
void lc_local_answer_claim(int claim);

/* The next client, nonblocking, with a pidfd of its process (-1 if the kernel has none) and its credentials. -EAGAIN: none. */
int lc_local_accept(int listener, int *pidfd, pid_t *pid, uid_t *uid);

/* Library: connects, nonblocking, and does not yet say HELLO. -ENOENT, -ECONNREFUSED: no daemon. */
int lc_local_connect(const char *runtime_dir);

/* Sends one message, with `descriptor` unless it is -1. -EAGAIN: the other side does not read. */
int lc_local_send(int connection, const struct lc_local_message *message, int descriptor);
/*
 * Receives one message; *descriptor is a new descriptor with CLOEXEC that the
 * caller owns, -1: none came, or -EMFILE: one came, and was lost because this
 * process can have no more. -EAGAIN: none; -EPIPE: ended; -EBADMSG: not a
 * message (any descriptors with it are closed).
 */
int lc_local_receive(int connection, struct lc_local_message *message, int *descriptor);

#endif
