/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Opening and closing. */
#include "network/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "network/link.h"
#include "network/loopback.h"

static void note_link(const struct lc_link *link, void *context)
{
	struct lc_network *network = context;

	lc_links_note(&network->links, link, false);
	if (link->flags & IFF_LOOPBACK)
		network->loopback_ifindex = link->ifindex;
}

static int open_both(struct lc_network *network)
{
	int error = lc_netlink_open(&network->netlink, NETLINK_ROUTE);

	if (!error)
		error = lc_watch_open(&network->changes);
	if (!error)
		error = lc_link_each(&network->netlink, note_link, network);
	if (!error && !network->loopback_ifindex)
		error = -ENODEV;
	return error;
}

int lc_network_open(struct lc_network **network, struct lc_error *error)
{
	struct lc_network *made = calloc(1, sizeof(*made));
	int status;

	if (!made)
		return lc_fail(error, -ENOMEM, "no memory");
	made->changes = -1;
	lc_paths_open(&made->paths);
	status = open_both(made);
	if (status) {
		lc_network_close(made);
		return lc_fail(error, status, "cannot talk to the kernel by netlink: %s",
			       strerror(-status));
	}
	*network = made;
	return 0;
}

void lc_network_close(struct lc_network *network)
{
	if (!network)
		return;
	lc_paths_close(&network->paths);
	lc_links_forget(&network->links);
	lc_neighbours_forget(&network->neighbours);
	if (network->changes >= 0)
		close(network->changes);
	lc_netlink_close(&network->netlink);
	free(network);
}

static void remember(void *context, const struct lc_alias *alias)
{
	struct lc_host_before *before = context;

	if (before->recorded != LC_BEFORE_RECORDED)
		*before = alias->before;
}

int lc_network_remembered_host(struct lc_network *network, struct lc_host_before *before,
			       struct lc_error *error)
{
	struct lc_host_before remembered = {.recorded = LC_BEFORE_NOTHING};
	int status = lc_devices_each_alias(&network->netlink, remember, &remembered);

	if (status)
		return lc_fail(error, status, "cannot list the interfaces: %s", strerror(-status));
	*before = remembered;
	return 0;
}

int lc_network_host_before(struct lc_network *network, struct lc_host_before *before,
			   struct lc_error *error)
{
	struct lc_host_before remembered;
	int status = lc_network_remembered_host(network, &remembered, error);

	if (status)
		return status;
	if (remembered.recorded == LC_BEFORE_NOTHING)
		return lc_loopback_read(before, error);
	*before = remembered;
	return 0;
}

int lc_network_restore_host(const struct lc_host_before *before, struct lc_error *error)
{
	return before->recorded == LC_BEFORE_RECORDED ? lc_loopback_restore(before, error) : 0;
}

struct list {
	void (*each)(void *context, const char *bpf_dir);
	void *context;
};

static void name_directory(void *context, const struct lc_alias *alias)
{
	const struct list *list = context;

	if (alias->bpf_dir[0])
		list->each(list->context, alias->bpf_dir);
}

int lc_network_each_plane(struct lc_network *network,
			  void (*each)(void *context, const char *bpf_dir), void *context)
{
	struct list list = {each, context};

	return lc_devices_each_alias(&network->netlink, name_directory, &list);
}

int lc_network_make_devices(struct lc_network *network, const struct lc_host_before *before,
			    const char *bpf_dir, struct lc_network_devices *devices,
			    struct lc_error *error)
{
	int status = lc_devices_make(&network->devices, &network->netlink, before, bpf_dir, error);

	if (status)
		return status;
	*devices = (struct lc_network_devices){
		.sender = network->devices.sender.first,
		.cut = network->devices.cut.first,
		.cut_end = network->devices.cut.second,
	};
	return 0;
}

void lc_network_unmake_devices(struct lc_network *network)
{
	lc_devices_unmake(&network->devices, &network->netlink);
}

int lc_network_remove_devices(struct lc_network *network, struct lc_error *error)
{
	network->devices = (struct lc_devices){0};
	return lc_devices_remove(&network->netlink, error);
}
