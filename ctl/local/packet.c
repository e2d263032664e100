/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The packets themselves: one message and at most one descriptor each. */
#include "local/local.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/codec.h"

/* Room for one descriptor; alignment makes the kernel take it as room for two. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* Appends `descriptor` as the only control message. */
static void attach(struct msghdr *packet, union control *control, int descriptor)
{
	struct cmsghdr *header;

	memset(control, 0, sizeof(*control));
	packet->msg_control = control->bytes;
	packet->msg_controllen = sizeof(control->bytes);
	header = CMSG_FIRSTHDR(packet);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
}

int lc_local_send(int connection, const struct lc_local_message *message, int descriptor)
{
	uint8_t bytes[LC_MESSAGE_MAX];
	struct iovec part = {.iov_base = bytes, .iov_len = lc_local_encode(message, bytes)};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	union control control;
	ssize_t sent;

	if (descriptor >= 0)
		attach(&packet, &control, descriptor);
	do
		sent = sendmsg(connection, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return 0;
	switch (errno) {
	case ECONNRESET:
	case ENOTCONN:
		return -EPIPE;
	case ENOBUFS:
		return -EAGAIN;
	}
	return -errno;
}

/* Takes every descriptor out of the packet, keeps the first, closes the others. Returns how many there were. */
static unsigned int take_descriptors(struct msghdr *packet, int *first)
{
	unsigned int count = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(packet); header;
	     header = CMSG_NXTHDR(packet, header)) {
		size_t length = header->cmsg_len - CMSG_LEN(0);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= length; at += sizeof(int)) {
			int descriptor;

			memcpy(&descriptor, CMSG_DATA(header) + at, sizeof(int));
			if (count++ == 0)
				*first = descriptor;
			else
				close(descriptor);
		}
	}
	return count;
}

int lc_local_receive(int connection, struct lc_local_message *message, int *descriptor)
{
	uint8_t bytes[LC_MESSAGE_MAX];
	union control control;
	struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr packet = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	unsigned int count;
	int first = -1, error;
	ssize_t received;

	do
		received = recvmsg(connection, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (received < 0 && errno == EINTR);
	if (received < 0)
		return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
	count = take_descriptors(&packet, &first);
	if (received == 0) /* the end, or an empty packet, which nobody of ours sends */
		error = -EPIPE;
	else if (count > 1 || (packet.msg_flags & MSG_TRUNC) ||
		 (count == 1 && (packet.msg_flags & MSG_CTRUNC)))
		error = -EBADMSG;
	else
		error = lc_local_decode(message, bytes, (size_t)received);
	if (error) {
		if (first >= 0)
			close(first);
		return error;
	}
	/* The kernel drops what it finds no room for, and says no more than that. */
	*descriptor = packet.msg_flags & MSG_CTRUNC ? -EMFILE : first;
	return 0;
}
