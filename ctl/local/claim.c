/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Who has this network namespace. The claim's name is in the abstract
 * namespace of Unix sockets, which belongs to the network namespace; anybody may
 * take it or connect to it, so what counts is whose the socket is.
 */
#include "local/local.h"

#include <dirent.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64
/* Those who ask, sent away in one call. */
#define AT_ONCE	      64
#define LISTENING     (1u << 10) /* TCP_LISTEN, of Unix sockets too */
#define SHOW_UID      0x40	 /* UDIAG_SHOW_UID, */
#define ATTRIBUTE_UID 7		 /* UNIX_DIAG_UID of Linux 5.3 */
#define ANSWER	      16384

static const char text[] = "leafcastd"; /* after a zero byte; its own is no part of it */
#define NAME_LENGTH sizeof(text)

static socklen_t claim_name(struct sockaddr_un *name)
{
	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(name->sun_path + 1, text, NAME_LENGTH - 1);
	return offsetof(struct sockaddr_un, sun_path) + NAME_LENGTH;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* ---- as the kernel lists sockets, for one that answers nobody ---- */

struct holder {
	bool found;
	uint32_t inode;
	uid_t uid;
};

static void read_listed(const struct nlmsghdr *message, struct holder *holder)
{
	const struct unix_diag_msg *listed = NLMSG_DATA(message);
	int left = (int)(message->nlmsg_len - NLMSG_LENGTH(sizeof(*listed)));
	const struct rtattr *attribute =
		(const struct rtattr *)((const char *)listed + NLMSG_ALIGN(sizeof(*listed)));
	struct holder seen = {.inode = listed->udiag_ino};
	bool has_uid = false;

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		const char *value = RTA_DATA(attribute);

		if (attribute->rta_type == UNIX_DIAG_NAME)
			seen.found = RTA_PAYLOAD(attribute) == NAME_LENGTH && !value[0] &&
				     memcmp(value + 1, text, NAME_LENGTH - 1) == 0;
		if (attribute->rta_type == ATTRIBUTE_UID &&
		    RTA_PAYLOAD(attribute) == sizeof(uint32_t)) {
			memcpy(&seen.uid, value, sizeof(uint32_t));
			has_uid = true;
		}
	}
	if (seen.found && has_uid)
		*holder = seen;
}

/* Returns 0 when there is more to come. */
static int read_answer(int fd, struct holder *holder)
{
	_Alignas(struct nlmsghdr) char bytes[ANSWER];
	ssize_t received = recv(fd, bytes, sizeof(bytes), 0);
	unsigned int left = received > 0 ? (unsigned int)received : 0;

	if (received <= 0)
		return -EIO;
	for (struct nlmsghdr *message = (struct nlmsghdr *)bytes; NLMSG_OK(message, left);
	     message = NLMSG_NEXT(message, left)) {
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return 1;
		if (message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
			read_listed(message, holder);
	}
	return 0;
}

static struct holder find_holder(void)
{
	const struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} ask = {
		.header = {.nlmsg_len = sizeof(ask),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.request = {.sdiag_family = AF_UNIX,
			    .udiag_states = LISTENING,
			    .udiag_show = UDIAG_SHOW_NAME | SHOW_UID},
	};
	struct holder holder = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return holder;
	if (send(fd, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask))
		while (!read_answer(fd, &holder))
			;
	close(fd);
	return holder;
}

static bool process_has(const char *pid, const char *socket_text)
{
	char path[300], target[64];
	struct dirent *entry;
	bool has = false;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	directory = opendir(path);
	if (!directory)
		return false;
	while (!has && (entry = readdir(directory))) {
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, target,
					    sizeof(target) - 1);

		target[length > 0 ? length : 0] = '\0';
		has = strcmp(target, socket_text) == 0;
	}
	closedir(directory);
	return has;
}

/* 0: none that may be seen. */
static pid_t process_of(uint32_t inode)
{
	DIR *directory = opendir("/proc");
	char socket_text[32];
	struct dirent *entry;
	pid_t pid = 0;

	if (!directory)
		return 0;
	snprintf(socket_text, sizeof(socket_text), "socket:[%u]", inode);
	while (!pid && (entry = readdir(directory)))
		if (atoi(entry->d_name) > 0 && process_has(entry->d_name, socket_text))
			pid = atoi(entry->d_name);
	closedir(directory);
	return pid;
}

/* ---- claiming ---- */

static bool may_be_daemon(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* Its backlog is full of those who wait for an answer: it is stopped, or somebody keeps others away. */
static bool is_listed(pid_t *owner)
{
	struct holder holder = find_holder();

	if (!holder.found) /* the kernel tells nothing: rather no daemon than two */
		return true;
	*owner = process_of(holder.inode);
	return may_be_daemon(holder.uid);
}

/* False: nobody has it, or somebody with no more rights than to squat there. */
static bool is_claimed(const struct sockaddr_un *name, socklen_t name_length, pid_t *owner)
{
	struct ucred peer = {0};
	socklen_t length = sizeof(peer);
	int fd = new_socket();
	bool is_full, claimed;

	if (fd < 0)
		return true;
	claimed = connect(fd, (const struct sockaddr *)name, name_length) == 0;
	is_full = !claimed && errno == EAGAIN;
	claimed = claimed && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
		  may_be_daemon(peer.uid);
	close(fd);
	*owner = peer.pid;
	return is_full ? is_listed(owner) : claimed;
}

int lc_local_claim_namespace(pid_t *owner)
{
	struct sockaddr_un name;
	socklen_t length = claim_name(&name);
	int fd = new_socket(), error;

	*owner = 0;
	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&name, length) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = -errno;
	/* Who squats there does not keep the daemon from starting, only from being the only one. */
	if (error == -EADDRINUSE && !is_claimed(&name, length, owner))
		return fd;
	close(fd);
	return error;
}

void lc_local_answer_claim(int claim)
{
	for (int i = 0; i < AT_ONCE; i++) {
		int fd = accept4(claim, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return;
		close(fd);
	}
}
