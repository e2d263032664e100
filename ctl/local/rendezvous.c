/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Where library and daemon meet: the socket's name, who listens on it and who connects. */
#include "local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

#define BACKLOG 64
/* Clients that died before they were accepted, skipped in one call. */
#define MAX_SKIPPED 16

static int socket_name(struct sockaddr_un *name, const char *runtime_dir)
{
	int length = snprintf(name->sun_path, sizeof(name->sun_path), "%s/%s", runtime_dir,
			      LC_LOCAL_SOCKET_NAME);

	if (length < 0 || (size_t)length >= sizeof(name->sun_path))
		return -ENAMETOOLONG;
	name->sun_family = AF_UNIX;
	return 0;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

static int connect_to(const struct sockaddr_un *name)
{
	int fd = new_socket(), error;

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int lc_local_connect(const char *runtime_dir)
{
	struct sockaddr_un name = {0};
	int error = socket_name(&name, runtime_dir);

	return error ? error : connect_to(&name);
}

/* Finds out whether somebody listens on `name`; removes it if nobody does. */
static int remove_stale(const struct sockaddr_un *name, pid_t *owner)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	struct stat file;
	int fd;

	if (lstat(name->sun_path, &file) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(file.st_mode))
		return -EEXIST;
	fd = connect_to(name);
	if (fd >= 0) {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
			*owner = peer.pid;
		close(fd);
		return -EADDRINUSE;
	}
	switch (fd) {
	case -ECONNREFUSED:
		return unlink(name->sun_path) < 0 && errno != ENOENT ? -errno : 0;
	case -ENOENT:
		return 0;
	case -EAGAIN:	  /* its backlog is full */
	case -EPROTOTYPE: /* not one of ours, but alive */
		return -EADDRINUSE;
	}
	return fd;
}

static int bind_and_listen(const struct sockaddr_un *name)
{
	int fd = new_socket(), error;

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)name, sizeof(*name)) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	if (chmod(name->sun_path, 0666) < 0 || listen(fd, BACKLOG) < 0) {
		error = -errno;
		unlink(name->sun_path);
		close(fd);
		return error;
	}
	return fd;
}

/* Locks the directory: of two daemons that start at once, one must see the other's socket. */
static int lock(const char *runtime_dir)
{
	int error, directory = open(runtime_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return -errno;
	if (flock(directory, LOCK_EX) == 0)
		return directory;
	error = -errno;
	close(directory);
	return error;
}

int lc_local_listen(const char *runtime_dir, pid_t *owner)
{
	struct sockaddr_un name = {0};
	int directory, fd, error = socket_name(&name, runtime_dir);

	*owner = 0;
	if (error)
		return error;
	if (mkdir(runtime_dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	directory = lock(runtime_dir);
	if (directory < 0)
		return directory;
	error = remove_stale(&name, owner);
	fd = error ? error : bind_and_listen(&name);
	close(directory);
	return fd;
}

int lc_local_clear(const char *runtime_dir, pid_t *owner)
{
	struct sockaddr_un name = {0};
	int directory, error = socket_name(&name, runtime_dir);

	*owner = 0;
	if (error)
		return error;
	directory = lock(runtime_dir);
	if (directory < 0)
		return directory == -ENOENT ? 0 : directory;
	error = remove_stale(&name, owner);
	close(directory);
	return error;
}

void lc_local_unlink(const char *runtime_dir)
{
	struct sockaddr_un name = {0};

	if (socket_name(&name, runtime_dir) == 0)
		unlink(name.sun_path);
}

/* A pidfd of the process at the other end, -EOPNOTSUPP if the kernel has none, -ESRCH if it is gone. */
static int peer_pidfd(int fd, pid_t pid)
{
	socklen_t length = sizeof(int);
	int pidfd = -1;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &length) == 0)
		return pidfd;
	if (errno == ENOPROTOOPT) {
		if (pid <= 0) /* outside our PID namespace */
			return -EOPNOTSUPP;
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (pidfd >= 0)
			return pidfd;
	}
	switch (errno) {
	case ENOSYS:
	case EPERM: /* a seccomp filter of old */
		return -EOPNOTSUPP;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return -errno;
	}
	return -ESRCH;
}

static int identify(int fd, int *pidfd, pid_t *pid, uid_t *uid)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	int handle;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return -errno;
	handle = peer_pidfd(fd, peer.pid);
	if (handle < 0 && handle != -EOPNOTSUPP)
		return handle;
	*pidfd = handle < 0 ? -1 : handle;
	*pid = peer.pid;
	*uid = peer.uid;
	return 0;
}

int lc_local_accept(int listener, int *pidfd, pid_t *pid, uid_t *uid)
{
	for (int skipped = 0; skipped < MAX_SKIPPED; skipped++) {
		int error, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return -errno;
		}
		error = identify(fd, pidfd, pid, uid);
		if (!error)
			return fd;
		close(fd);
		if (error != -ESRCH)
			return error;
	}
	return -EAGAIN;
}
