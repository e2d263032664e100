/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int open_value(const char *path, int flags)
{
	char name[128];
	int fd, length = snprintf(name, sizeof(name), "/proc/sys/net/%s", path);

	if (length < 0 || (size_t)length >= sizeof(name))
		return -ENAMETOOLONG;
	fd = open(name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int lc_sysctl_read(const char *path, int *value)
{
	char text[16];
	int fd = open_value(path, O_RDONLY);
	ssize_t length;

	if (fd < 0)
		return fd;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return -EIO;
	text[length] = '\0';
	*value = atoi(text);
	return 0;
}

static int write_value(const char *path, int value)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d\n", value);
	int fd = open_value(path, O_WRONLY), error = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, (size_t)length) != length)
		error = -errno;
	close(fd);
	return error;
}

int lc_sysctl_set(const char *path, int value)
{
	int current;

	return lc_sysctl_read(path, &current) == 0 && current == value ? 0
								       : write_value(path, value);
}
