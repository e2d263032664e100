/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/loopback.h"

#include <string.h>

#include "network/sysctl.h"

struct setting {
	const char *path, *name;
};

static const struct setting accept_local = {"ipv4/conf/lo/accept_local",
					    "net.ipv4.conf.lo.accept_local"};
static const struct setting route_localnet = {"ipv4/conf/lo/route_localnet",
					      "net.ipv4.conf.lo.route_localnet"};

static int read_setting(const struct setting *setting, int *value, struct lc_error *error)
{
	int status = lc_sysctl_read(setting->path, value);

	return status ? lc_fail(error, status, "cannot read %s: %s", setting->name,
				strerror(-status))
		      : 0;
}

static int set(const struct setting *setting, int value, struct lc_error *error)
{
	int status = lc_sysctl_set(setting->path, value);

	return status ? lc_fail(error, status, "cannot set %s: %s", setting->name,
				strerror(-status))
		      : 0;
}

int lc_loopback_read(struct lc_host_before *before, struct lc_error *error)
{
	struct lc_host_before now = {.recorded = 1};
	int status = read_setting(&accept_local, &now.accept_local, error);

	if (!status)
		status = read_setting(&route_localnet, &now.route_localnet, error);
	if (!status)
		*before = now;
	return status;
}

int lc_loopback_admit(struct lc_error *error)
{
	int status = set(&accept_local, 1, error);

	return status ? status : set(&route_localnet, 1, error);
}

int lc_loopback_restore(const struct lc_host_before *before, struct lc_error *error)
{
	int status = set(&accept_local, before->accept_local, error);
	int other = set(&route_localnet, before->route_localnet, status ? NULL : error);

	return status ? status : other;
}
