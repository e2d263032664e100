/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Where connections come in. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "peer/peer.h"
#include "peer/tcp.h"

struct lc_peer_listener {
	int fd;
};

int lc_peer_listen(struct lc_peer_listener **listener, const struct lc_endpoint *name,
		   const char *device)
{
	int fd = lc_tcp_listen(name, device);
	struct lc_peer_listener *made;

	if (fd < 0)
		return fd;
	made = malloc(sizeof(*made));
	if (!made) {
		close(fd);
		return -ENOMEM;
	}
	made->fd = fd;
	*listener = made;
	return 0;
}

void lc_peer_listener_free(struct lc_peer_listener *listener)
{
	if (!listener)
		return;
	close(listener->fd);
	free(listener);
}

int lc_peer_listener_fd(const struct lc_peer_listener *listener)
{
	return listener->fd;
}

int lc_peer_accept(struct lc_peer_listener *listener, struct lc_peer **peer)
{
	int fd = lc_tcp_accept(listener->fd);

	return fd < 0 ? fd : lc_peer_adopt(peer, fd);
}
