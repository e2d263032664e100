/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The connection between library and daemon; hostile ends are plain sockets. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local/local.h"
#include "protocol/codec.h"

static char directory[64], socket_path[96];

static int open_descriptors(void)
{
	DIR *descriptors = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(descriptors))
		count++;
	closedir(descriptors);
	return count;
}

static void enter(void)
{
	char base[] = "/tmp/lct-local-XXXXXX";

	cr_assert_not_null(mkdtemp(base));
	snprintf(directory, sizeof(directory), "%s/run", base);
	snprintf(socket_path, sizeof(socket_path), "%s/" LC_LOCAL_SOCKET_NAME, directory);
}

static void leave(void)
{
	lc_local_unlink(directory);
	rmdir(directory);
	*strrchr(directory, '/') = '\0';
	cr_assert_eq(rmdir(directory), 0, "something was left behind");
}

TestSuite(local, .init = enter, .fini = leave, .timeout = 30);

static int listening(void)
{
	pid_t owner;
	int listener = lc_local_listen(directory, &owner);

	cr_assert(listener >= 0, "%s", strerror(-listener));
	return listener;
}

static struct lc_local_message hello(void)
{
	return (struct lc_local_message){.kind = LC_LOCAL_HELLO, .id = 7, .version = 1};
}

Test(local, client_is_known_by_its_process)
{
	int before = open_descriptors(), listener = listening(), pidfd = -2;
	int client = lc_local_connect(directory);
	pid_t pid = 0;
	uid_t uid = 4711;
	char line[64] = "", path[64];
	FILE *info;
	int served;

	cr_assert(client >= 0);
	served = lc_local_accept(listener, &pidfd, &pid, &uid);
	cr_assert(served >= 0);
	cr_assert_eq(pid, getpid());
	cr_assert_eq(uid, getuid());
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	info = fopen(path, "r");
	while (fgets(line, sizeof(line), info) && strncmp(line, "Pid:", 4) != 0)
		;
	fclose(info);
	cr_assert_eq(atoi(line + 4), getpid(), "pidfd is of %s", line);
	cr_assert_eq(lc_local_accept(listener, &pidfd, &pid, &uid), -EAGAIN);
	close(pidfd);
	close(served);
	close(client);
	close(listener);
	cr_assert_eq(open_descriptors(), before);
}

static void check_flags(int fd)
{
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

Test(local, messages_and_descriptors_travel)
{
	int listener = listening(), client = lc_local_connect(directory), descriptor = -2;
	struct lc_local_message sent = hello(), received;
	int pidfd, served, other[2];
	struct stat one, two;
	pid_t pid;
	uid_t uid;

	served = lc_local_accept(listener, &pidfd, &pid, &uid);
	check_flags(listener);
	check_flags(client);
	check_flags(served);
	cr_assert_eq(lc_local_receive(served, &received, &descriptor), -EAGAIN);
	cr_assert_eq(descriptor, -2);
	cr_assert_eq(lc_local_send(client, &sent, -1), 0);
	cr_assert_eq(lc_local_receive(served, &received, &descriptor), 0);
	cr_assert_eq(descriptor, -1);
	cr_assert_eq(received.kind, LC_LOCAL_HELLO);
	cr_assert_eq(received.id, 7);

	cr_assert_eq(pipe(other), 0);
	cr_assert_eq(lc_local_send(client, &sent, other[0]), 0);
	cr_assert_eq(lc_local_receive(served, &received, &descriptor), 0);
	cr_assert(descriptor >= 0);
	cr_assert(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(fstat(descriptor, &one), 0);
	cr_assert_eq(fstat(other[0], &two), 0);
	cr_assert_eq(one.st_ino, two.st_ino);

	close(served);
	cr_assert_eq(lc_local_receive(client, &received, &descriptor), -EPIPE);
	cr_assert_eq(lc_local_send(client, &sent, -1), -EPIPE);
}

/* Two ends without a daemon, for what strangers may send. */
static void make_ends(int ends[2])
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static void send_raw(int fd, const void *bytes, size_t length, const int *descriptors, size_t count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {0};
	struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};

	if (count) {
		struct cmsghdr *header;

		packet.msg_control = control;
		packet.msg_controllen = CMSG_SPACE(count * sizeof(int));
		header = CMSG_FIRSTHDR(&packet);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
	}
	cr_assert_eq(sendmsg(fd, &packet, MSG_NOSIGNAL), (ssize_t)length, "%m");
}

/* A message of LC_MESSAGE_MAX bytes: the rest is a field that nobody knows, 1000, of wire type 2. */
static void pad(uint8_t *padded, const uint8_t *message, size_t length)
{
	size_t rest = LC_MESSAGE_MAX - length - 4;

	memcpy(padded, message, length);
	padded[length] = 0xc2;
	padded[length + 1] = 0x3e;
	padded[length + 2] = (uint8_t)(0x80 | (rest & 0x7f));
	padded[length + 3] = (uint8_t)(rest >> 7);
}

Test(local, padded_message_is_one)
{
	static uint8_t padded[LC_MESSAGE_MAX];
	struct lc_local_message message = hello(), received;
	uint8_t good[LC_MESSAGE_MAX];
	int ends[2], descriptor;

	make_ends(ends);
	pad(padded, good, lc_local_encode(&message, good));
	send_raw(ends[0], padded, sizeof(padded), NULL, 0);
	cr_assert_eq(lc_local_receive(ends[1], &received, &descriptor), 0);
}

/* It must not look like a message that came without one, and costs nobody the connection. */
Test(local, descriptor_that_finds_no_room_is_missed)
{
	struct lc_local_message message = hello(), received;
	struct rlimit limit;
	int ends[2], descriptor = -2;

	make_ends(ends);
	cr_assert_eq(lc_local_send(ends[0], &message, 0), 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)ends[1] + 1;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(lc_local_receive(ends[1], &received, &descriptor), 0);
	cr_assert_eq(descriptor, -EMFILE);
	cr_assert_eq(received.kind, LC_LOCAL_HELLO);
}

Test(local, garbage_is_refused_and_its_descriptors_closed)
{
	static uint8_t zeros[3 * LC_MESSAGE_MAX], padded[3 * LC_MESSAGE_MAX];
	struct lc_local_message message = hello(), received;
	uint8_t good[LC_MESSAGE_MAX];
	size_t length = lc_local_encode(&message, good);
	const struct {
		const char *what;
		const void *bytes;
		size_t length, descriptors;
		int error;
	} rows[] = {
		{"no message", "\xff\xff\xff", 3, 0, -EBADMSG},
		{"no message, a descriptor", "\xff\xff\xff", 3, 1, -EBADMSG},
		{"oversize, a message as far as it is read", padded, sizeof(padded), 1, -EBADMSG},
		{"oversize", zeros, sizeof(zeros), 1, -EBADMSG},
		{"two descriptors", good, length, 2, -EBADMSG},
		{"three descriptors", good, length, 3, -EBADMSG},
		{"sixteen descriptors", good, length, 16, -EBADMSG},
		{"empty", "", 0, 1, -EPIPE},
	};
	int ends[2], descriptors[16], before;

	make_ends(ends);
	pad(padded, good, length);
	memset(descriptors, 0, sizeof(descriptors)); /* sixteen times stdin */
	before = open_descriptors();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int descriptor = -2;

		send_raw(ends[0], rows[i].bytes, rows[i].length, descriptors, rows[i].descriptors);
		cr_assert_eq(lc_local_receive(ends[1], &received, &descriptor), rows[i].error, "%s",
			     rows[i].what);
		cr_assert_eq(descriptor, -2, "%s", rows[i].what);
		cr_assert_eq(open_descriptors(), before, "%s", rows[i].what);
	}
	/* The next packet is read as if nothing had been. */
	send_raw(ends[0], good, length, NULL, 0);
	{
		int descriptor = -2;

		cr_assert_eq(lc_local_receive(ends[1], &received, &descriptor), 0);
		cr_assert_eq(descriptor, -1);
	}
}

Test(local, side_that_does_not_read_is_bounded)
{
	struct lc_local_message message = hello();
	int ends[2], error = 0, sent;

	make_ends(ends);
	for (sent = 0; sent < 100000 && !error; sent++)
		error = lc_local_send(ends[0], &message, -1);
	cr_assert_eq(error, -EAGAIN);
}

Test(local, nobody_to_connect_to)
{
	int listener;

	cr_assert_eq(lc_local_connect(directory), -ENOENT);
	listener = listening();
	close(listener);
	cr_assert_eq(lc_local_connect(directory), -ECONNREFUSED);
}

Test(local, directory_and_name_have_their_modes)
{
	mode_t mask = umask(0);
	int listener = listening();
	struct stat file;

	umask(mask);
	cr_assert_eq(stat(directory, &file), 0);
	cr_assert_eq(file.st_mode & 07777, 0755);
	cr_assert_eq(stat(socket_path, &file), 0);
	cr_assert_eq(file.st_mode & 07777, 0666);
	close(listener);
}

Test(local, stale_socket_is_replaced)
{
	int listener = listening(), client;

	close(listener); /* as a killed daemon: the name stays */
	listener = listening();
	client = lc_local_connect(directory);
	cr_assert(client >= 0);
	close(client);
	close(listener);
}

Test(local, live_daemon_is_named)
{
	int before = open_descriptors(), client;
	pid_t owner = 0, child;
	int ready[2];
	char byte;

	cr_assert_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		listening();
		cr_assert_eq(write(ready[1], "", 1), 1);
		pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_assert_eq(lc_local_listen(directory, &owner), -EADDRINUSE);
	cr_assert_eq(owner, child);
	/* And it is still there. */
	client = lc_local_connect(directory);
	cr_assert(client >= 0);
	close(client);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	cr_assert_eq(open_descriptors(), before);
}

Test(local, foreign_file_is_left_alone)
{
	pid_t owner;
	int fd;

	cr_assert_eq(mkdir(directory, 0755), 0);
	fd = open(socket_path, O_CREAT | O_WRONLY, 0600);
	cr_assert_eq(write(fd, "precious", 8), 8);
	close(fd);
	cr_assert_eq(lc_local_listen(directory, &owner), -EEXIST);
	cr_assert_eq(access(socket_path, F_OK), 0);
}

Test(local, names_that_cannot_be)
{
	char path[200];
	pid_t owner;

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	cr_assert_eq(lc_local_listen(path, &owner), -ENAMETOOLONG);
	cr_assert_eq(lc_local_connect(path), -ENAMETOOLONG);
	cr_assert_eq(lc_local_listen("/proc/none/such", &owner), -ENOENT);
}
