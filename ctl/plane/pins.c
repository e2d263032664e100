// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "plane/pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

static int pin_path(char path[PATH_MAX], const char *bpf_dir, const char *name)
{
	int length = snprintf(path, PATH_MAX, "%s/%s", bpf_dir, name);

	return length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool on_bpffs(const char *path)
{
	struct statfs info;

	return statfs(path, &info) == 0 && info.f_type == BPF_FS_MAGIC;
}

/* Whether a line of mountinfo (proc_pid_mountinfo(5)) is of this device. */
static bool is_mount_of(const char *line, dev_t device)
{
	unsigned int mount, parent, device_major, device_minor;

	return sscanf(line, "%u %u %u:%u", &mount, &parent, &device_major, &device_minor) == 4 &&
	       device_major == major(device) && device_minor == minor(device);
}

/*
 * One that only this mount namespace has ends with it, and all that is pinned
 * there too. Where nobody may look, it is taken for the host's.
 */
static bool is_hosts(const char *path)
{
	FILE *mounts = fopen("/proc/1/mountinfo", "re");
	bool found = false, any = false;
	char *line = NULL;
	size_t room = 0;
	struct stat info;

	if (!mounts || stat(path, &info)) {
		if (mounts)
			fclose(mounts);
		return true;
	}
	while (!found && getline(&line, &room, mounts) >= 0) {
		any = true;
		found = is_mount_of(line, info.st_dev);
	}
	free(line);
	fclose(mounts);
	return found || !any;
}

static bool is_ours(const struct dirent *entry)
{
	return strncmp(entry->d_name, "lc_", 3) == 0;
}

bool lc_pins_any(const char *bpf_dir)
{
	DIR *directory = opendir(bpf_dir);
	struct dirent *entry = NULL;

	if (!directory)
		return errno != ENOENT && errno != ENOTDIR;
	while ((entry = readdir(directory)) && !is_ours(entry))
		;
	closedir(directory);
	return entry;
}

void lc_pins_clear(const char *bpf_dir)
{
	DIR *directory = opendir(bpf_dir);
	struct dirent *entry;

	if (!directory)
		return;
	while ((entry = readdir(directory)))
		if (is_ours(entry))
			unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
}

/* Whether a line of /proc/locks (proc_locks(5)) is of a flock(2) on this file; whose. */
static bool is_lock_of(const char *line, const struct stat *file, int *pid)
{
	unsigned int device_major, device_minor;
	unsigned long inode;

	return sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", pid, &device_major, &device_minor,
		      &inode) == 4 &&
	       device_major == major(file->st_dev) && device_minor == minor(file->st_dev) &&
	       inode == file->st_ino;
}

/* Its pid. 0: there is none, or none that can be seen from here; -errno: locks are not told of. */
static int find_holder(const struct stat *file)
{
	FILE *locks = fopen("/proc/locks", "re");
	char *line = NULL;
	size_t room = 0;
	int pid = 0, holder = 0;

	if (!locks)
		return -errno;
	while (!holder && getline(&line, &room, locks) >= 0)
		if (is_lock_of(line, file, &pid))
			holder = pid;
	free(line);
	fclose(locks);
	return holder;
}

/* The daemon that pins here may be one of another network namespace and runtime directory. */
static int fail_as_held(const char *bpf_dir, int directory, struct lc_error *error)
{
	struct stat info;
	int holder = fstat(directory, &info) ? 0 : find_holder(&info);

	if (holder > 0)
		return lc_fail(error, -EADDRINUSE, "another leafcastd (pid %d) pins in %s", holder,
			       bpf_dir);
	return lc_fail(error, -EADDRINUSE, "another leafcastd pins in %s", bpf_dir);
}

/* Held until its owner closes it or dies: two daemons would take each other's pins for leftovers. */
static int claim(const char *bpf_dir, struct lc_error *error)
{
	int fd = open(bpf_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return lc_fail(error, errno == EACCES ? -EPERM : -errno, "cannot open %s: %s",
			       bpf_dir, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno == EWOULDBLOCK)
		err = fail_as_held(bpf_dir, fd, error);
	else
		err = lc_fail(error, -errno, "cannot lock %s", bpf_dir);
	close(fd);
	return err;
}

static int find_directory(const char *bpf_dir, bool make, struct lc_error *error)
{
	bool made = make && mkdir(bpf_dir, 0700) == 0;

	if (make && !made && errno != EEXIST)
		return lc_fail(error, errno == EACCES ? -EPERM : -errno, "cannot make %s: %s",
			       bpf_dir, strerror(errno));
	if (!make && access(bpf_dir, F_OK))
		return lc_fail(error, errno == EACCES ? -EPERM : -errno, "nothing is pinned in %s",
			       bpf_dir);
	if (!on_bpffs(bpf_dir)) {
		if (made)
			rmdir(bpf_dir);
		return lc_fail(error, -ENOENT,
			       "%s is not on a BPF file system; mount one, for instance with "
			       "`mount -t bpf bpf /sys/fs/bpf`, or name a directory on one",
			       bpf_dir);
	}
	if (is_hosts(bpf_dir))
		return 0;
	if (made)
		rmdir(bpf_dir);
	return lc_fail(error, -ENOENT,
		       "%s is on a BPF file system of this mount namespace alone, which would take "
		       "all streams along when it ends; use the one of the host",
		       bpf_dir);
}

/* Whether the directory that is held is still the one of that name: a purge may have come in between. */
static bool is_current(const char *bpf_dir, int held)
{
	struct stat named, mine;

	return stat(bpf_dir, &named) == 0 && fstat(held, &mine) == 0 &&
	       named.st_dev == mine.st_dev && named.st_ino == mine.st_ino;
}

int lc_pins_claim(const char *bpf_dir, bool make, struct lc_error *error)
{
	int err, lock;

	for (;;) {
		err = find_directory(bpf_dir, make, error);
		lock = err ? err : claim(bpf_dir, error);
		if (lock < 0)
			return lock;
		if (is_current(bpf_dir, lock))
			break;
		close(lock);
	}
	if (chmod(bpf_dir, 0700)) {
		err = lc_fail(error, errno == EACCES ? -EPERM : -errno,
			      "%s belongs to somebody else: %s", bpf_dir, strerror(errno));
		close(lock);
		return err;
	}
	return lock;
}

bool lc_pins_are_claimed(const char *bpf_dir)
{
	struct stat directory;

	return stat(bpf_dir, &directory) || find_holder(&directory) != 0;
}

int lc_pins_add(const char *bpf_dir, const char *name, int fd)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	int err = pin_path(path, bpf_dir, name);

	if (!err)
		err = pin_path(fresh, bpf_dir, "lc_new");
	if (err)
		return err;
	unlink(fresh); /* of somebody who was killed here */
	if (bpf_obj_pin(fd, fresh) || rename(fresh, path))
		return -errno;
	return 0;
}

int lc_pins_get(const char *bpf_dir, const char *name)
{
	char path[PATH_MAX];
	int err = pin_path(path, bpf_dir, name), fd;

	if (err)
		return err;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

void lc_pins_remove(const char *bpf_dir)
{
	lc_pins_clear(bpf_dir);
	rmdir(bpf_dir);
}
