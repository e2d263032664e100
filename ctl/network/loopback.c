/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/loopback.h"

#include <string.h>

#include "network/sysctl.h"

static const struct {
	const char *path, *name;
} settings[LC_LOOPBACK_SETTINGS] = {
	{"ipv4/conf/lo/accept_local", "net.ipv4.conf.lo.accept_local"},
	{"ipv4/conf/lo/route_localnet", "net.ipv4.conf.lo.route_localnet"},
};

int lc_loopback_read(int values[LC_LOOPBACK_SETTINGS], struct lc_error *error)
{
	for (int i = 0; i < LC_LOOPBACK_SETTINGS; i++) {
		int status = values[i] < 0 ? lc_sysctl_read(settings[i].path, &values[i]) : 0;

		if (status)
			return lc_fail(error, status, "cannot read %s: %s", settings[i].name,
				       strerror(-status));
	}
	return 0;
}

int lc_loopback_admit(struct lc_error *error)
{
	for (int i = 0; i < LC_LOOPBACK_SETTINGS; i++) {
		int value, status = lc_sysctl_write(settings[i].path, 1);

		/* /proc may be read-only, which does not matter if it says the right thing. */
		if (status && (lc_sysctl_read(settings[i].path, &value) < 0 || value != 1))
			return lc_fail(error, status, "cannot set %s: %s", settings[i].name,
				       strerror(-status));
	}
	return 0;
}

void lc_loopback_restore(const int values[LC_LOOPBACK_SETTINGS])
{
	for (int i = 0; i < LC_LOOPBACK_SETTINGS; i++)
		if (values[i] >= 0)
			lc_sysctl_write(settings[i].path, values[i]);
}
