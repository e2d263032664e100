/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>

#define TIMEOUT_S 1

struct exchange {
	bool done;
	int error;
	void (*on_answer)(struct nlmsghdr *answer, void *context);
	void *context;
};

int lc_netlink_open(struct lc_netlink *netlink, int protocol)
{
	const struct timeval timeout = {.tv_sec = TIMEOUT_S};
	struct nl_sock *made = nl_socket_alloc();
	int fd;

	if (!made)
		return -ENOMEM;
	if (nl_connect(made, protocol) < 0) {
		nl_socket_free(made);
		return errno ? -errno : -EIO;
	}
	fd = nl_socket_get_fd(made);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0) {
		int error = -errno;

		nl_socket_free(made);
		return error;
	}
	netlink->socket = made;
	netlink->protocol = protocol;
	return 0;
}

void lc_netlink_close(struct lc_netlink *netlink)
{
	nl_socket_free(netlink->socket);
	netlink->socket = NULL;
}

struct nl_msg *lc_netlink_message(int type, int flags, const void *header, size_t length)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, flags);

	if (message && nlmsg_append(message, (void *)header, length, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static int take_answer(struct nl_msg *message, void *context)
{
	struct exchange *exchange = context;

	if (exchange->on_answer)
		exchange->on_answer(nlmsg_hdr(message), exchange->context);
	return NL_OK;
}

static int take_end(struct nl_msg *message, void *context)
{
	struct exchange *exchange = context;

	exchange->done = true;
	return NL_STOP;
}

static int take_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *context)
{
	struct exchange *exchange = context;

	exchange->done = true;
	exchange->error = error->error;
	return NL_STOP;
}

/* A late answer to a request given up would be taken for the next one's: start afresh. */
static void renew(struct lc_netlink *netlink)
{
	struct lc_netlink fresh;

	if (lc_netlink_open(&fresh, netlink->protocol) < 0)
		return;
	lc_netlink_close(netlink);
	*netlink = fresh;
}

static int receive(struct lc_netlink *netlink, struct exchange *exchange)
{
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	int status = 0;

	if (!callbacks)
		return -ENOMEM;
	nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, take_answer, exchange);
	nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, take_end, exchange);
	nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, take_end, exchange);
	nl_cb_err(callbacks, NL_CB_CUSTOM, take_error, exchange);
	while (!exchange->done && status >= 0)
		status = nl_recvmsgs(netlink->socket, callbacks);
	nl_cb_put(callbacks);
	return exchange->done ? exchange->error : -ETIMEDOUT;
}

int lc_netlink_request(struct lc_netlink *netlink, struct nl_msg *message,
		       void (*on_answer)(struct nlmsghdr *answer, void *context), void *context)
{
	struct exchange exchange = {.on_answer = on_answer, .context = context};
	int error;

	if (!message)
		return -ENOMEM;
	error = nl_send_auto(netlink->socket, message) < 0 ? -ETIMEDOUT : 0;
	nlmsg_free(message);
	if (!error)
		error = receive(netlink, &exchange);
	if (!exchange.done)
		renew(netlink);
	return error;
}
