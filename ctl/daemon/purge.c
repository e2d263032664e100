/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/purge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/elsewhere.h"
#include "daemon/say.h"
#include "local/local.h"
#include "plane/plane.h"

/* What a purge has come upon. */
struct found {
	bool pins, devices;
	char *elsewhere; /* where the plane is pinned whose devices stay; NULL: none do */
	uint32_t before; /* enum lc_before, of what the host was set back to */
};

static int failed(int status, const struct lc_error *error)
{
	if (status)
		say(SD_ERR, "%s%s", error->text[0] ? error->text : strerror(-status),
		    remedy(status));
	return status;
}

/* The host first: devices too remember how it was, for who is killed in between. */
static int take_down_devices(struct lc_network *network, struct lc_host_before before,
			     struct found *found)
{
	struct lc_host_before remembered = {0};
	struct lc_error error = {""};
	int removed = 0, status = lc_network_remembered_host(network, &remembered, &error);

	if (before.recorded != LC_BEFORE_RECORDED && remembered.recorded != LC_BEFORE_NOTHING)
		before = remembered;
	if (!status)
		status = lc_network_restore_host(&before, &error);
	if (!status)
		removed = lc_network_remove_devices(network, &error);
	if (removed < 0)
		status = removed;
	found->devices = removed > 0;
	found->before = before.recorded;
	return failed(status, &error);
}

static int take_down(const char *bpf_dir, struct lc_network *network, struct found *found)
{
	struct lc_host_before before = {0};
	struct lc_error error = {""};
	int status = find_elsewhere(network, bpf_dir, &found->elsewhere);

	if (status)
		return status;
	found->pins = access(bpf_dir, F_OK) == 0;
	if (found->pins)
		status = failed(lc_plane_purge(bpf_dir, &before, &error), &error);
	if (status || found->elsewhere)
		return status;
	return take_down_devices(network, before, found);
}

static void say_what(const char *bpf_dir, const struct found *found)
{
	if (found->elsewhere)
		say(SD_WARNING,
		    "%s %s; the devices and settings here are those of the plane pinned in %s, and "
		    "stay until `leafcastd --purge --bpf-dir %s`",
		    found->pins ? "taken down are the pins in" : "there is nothing to take down in",
		    bpf_dir, found->elsewhere, found->elsewhere);
	else if (!found->pins && !found->devices)
		say(SD_INFO, "there is nothing to take down, neither in %s nor devices", bpf_dir);
	else if (found->before == LC_BEFORE_LOST)
		say(SD_WARNING,
		    "taken down are the pins in %s, devices and routes; lo's accept_local and "
		    "route_localnet are left as they are: what they were before is recorded "
		    "nowhere",
		    bpf_dir);
	else
		say(SD_INFO, "all is taken down: pins in %s, devices, routes, settings", bpf_dir);
}

/* The pins last: they have the record, for who is killed in between. */
void take_back(const char *bpf_dir, struct lc_network *network)
{
	struct lc_host_before before = {0}, others = {0};
	struct lc_error error = {""};
	int status = lc_plane_find_host_before(bpf_dir, &before, &error);

	lc_network_unmake_devices(network);
	if (!status)
		status = lc_network_remembered_host(network, &others, &error);
	if (!status && others.recorded == LC_BEFORE_NOTHING)
		status = lc_network_restore_host(&before, &error);
	if (!status)
		status = lc_plane_purge(bpf_dir, &before, &error);
	failed(status, &error);
}

static int refuse(int error, pid_t owner, const char *what)
{
	if (error == -EADDRINUSE && owner)
		say(SD_ERR, "leafcastd (pid %d) runs: end it before what it uses is taken down",
		    (int)owner);
	else if (error == -EADDRINUSE)
		say(SD_ERR, "a leafcastd whose pid cannot be seen from here runs: end it before "
			    "what it uses is taken down");
	else
		say(SD_ERR, "cannot look for a leafcastd in %s: %s%s", what, strerror(-error),
		    remedy(error));
	return error;
}

static int purge_claimed(const struct options *options)
{
	struct lc_network *network = NULL;
	struct lc_error error = {""};
	struct found found = {0};
	int status = failed(lc_network_open(&network, &error), &error);

	if (status)
		return status;
	status = take_down(options->bpf_dir, network, &found);
	lc_network_close(network);
	if (!status)
		say_what(options->bpf_dir, &found);
	free(found.elsewhere);
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
