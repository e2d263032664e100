/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/purge.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/say.h"
#include "local/local.h"
#include "plane/plane.h"

/* The devices go last: they too remember how the host was, for who was killed after the pins went. */
int take_down(const char *bpf_dir, struct lc_network *network, bool *found)
{
	bool pinned = access(bpf_dir, F_OK) == 0;
	struct lc_host_before before = {0};
	struct lc_error error = {""};
	int removed = 0, status = pinned ? lc_plane_purge(bpf_dir, &before, &error) : 0;

	if (!status && !before.recorded)
		status = lc_network_host_before(network, &before, &error);
	if (!status)
		status = lc_network_restore_host(&before, &error);
	if (!status)
		removed = lc_network_remove_devices(network, &error);
	if (removed < 0)
		status = removed;
	if (status)
		say(SD_ERR, "%s%s", error.text[0] ? error.text : strerror(-status), remedy(status));
	else if (found)
		*found = pinned || removed;
	return status;
}

static int refuse(int error, pid_t owner, const char *what)
{
	if (error == -EADDRINUSE)
		say(SD_ERR, "leafcastd (pid %d) runs: end it before what it uses is taken down",
		    (int)owner);
	else
		say(SD_ERR, "cannot look for a leafcastd in %s: %s%s", what, strerror(-error),
		    remedy(error));
	return error;
}

static int purge_claimed(const struct options *options)
{
	struct lc_network *network = NULL;
	struct lc_error error = {""};
	bool found = false;
	int status = lc_network_open(&network, &error);

	if (status) {
		say(SD_ERR, "%s%s", error.text, remedy(status));
		return status;
	}
	status = take_down(options->bpf_dir, network, &found);
	lc_network_close(network);
	if (!status)
		say(SD_INFO,
		    found ? "all is taken down: pins in %s, devices, routes, settings"
			  : "there is nothing to take down, neither in %s nor devices",
		    options->bpf_dir);
	return status;
}

int purge(const struct options *options)
{
	pid_t owner = 0;
	int claim, status = lc_local_clear(options->runtime_dir, &owner);

	if (status)
		return refuse(status, owner, options->runtime_dir);
	/* Held meanwhile: nobody starts on what is half gone. */
	claim = lc_local_claim_namespace(&owner);
	if (claim < 0)
		return refuse(claim, owner, "this network namespace");
	status = purge_claimed(options);
	close(claim);
	return status;
}
