/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/endpoint.h"
#include "daemon/daemon.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define RECEIVE_BUFFER_BYTES (4 << 20)

static int get_option(int descriptor, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	return getsockopt(descriptor, SOL_SOCKET, option, &value, &length) < 0 ? -errno : value;
}

/* Only what we can police: a UDP socket of this very network namespace. */
static int check(const struct daemon *daemon, int descriptor, uint8_t *family)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);
	int domain = get_option(descriptor, SO_DOMAIN);

	if (get_option(descriptor, SO_TYPE) != SOCK_DGRAM ||
	    get_option(descriptor, SO_PROTOCOL) != IPPROTO_UDP)
		return -EINVAL;
	if (domain != AF_INET && domain != AF_INET6)
		return -EINVAL;
	if (getsockopt(descriptor, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0)
		return -errno;
	if (cookie != daemon->netns_cookie)
		return -EXDEV;
	*family = domain == AF_INET ? LC_INET : LC_INET6;
	return 0;
}

static void widen_receive_buffer(int descriptor)
{
	int bytes = RECEIVE_BUFFER_BYTES;

	/* The kernel doubles what it is told; an application that chose more keeps it. */
	if (get_option(descriptor, SO_RCVBUF) < 2 * RECEIVE_BUFFER_BYTES)
		setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

int socket_open(struct client *client, uint64_t number, enum lc_local_role role, int descriptor,
		struct socket **socket)
{
	struct socket *new;
	uint8_t family = LC_FAMILY_NONE;
	int error = check(client->daemon, descriptor, &family);

	if (error)
		return error;
	if (number == 0 || socket_find(client, number))
		return -EEXIST;
	if (client->socket_count >= MAX_SOCKETS_PER_CLIENT || client_has_most_sockets(client))
		return -EMFILE;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	error = lc_plane_admit_socket(client->daemon->plane, descriptor, &new->admit);
	if (error) {
		free(new);
		return error;
	}
	widen_receive_buffer(descriptor);
	new->client = client;
	new->number = number;
	new->fd = descriptor;
	new->role = role;
	new->family = family;
	new->flows.down = new->flows.up = lc_flowspec_default;
	LIST_INSERT_HEAD(&client->sockets, new, entry);
	client->socket_count++;
	client_make_room(client, false);
	*socket = new;
	return 0;
}

struct socket *socket_find(struct client *client, uint64_t number)
{
	struct socket *socket;

	LIST_FOREACH(socket, &client->sockets, entry)
		if (socket->number == number)
			return socket;
	return NULL;
}

/* Each event may free its member and no other, so look again from the start. */
static struct member *involved(struct socket *socket)
{
	struct member *member;

	LIST_FOREACH(member, &socket->client->daemon->members, entry) {
		if (member->busy || member->state == LC_JOIN_GONE)
			continue;
		if (member->socket == socket || member->owner == socket ||
		    (socket->session && member->session == socket->session))
			return member;
	}
	return NULL;
}

void socket_close(struct socket *socket, bool died)
{
	struct client *client = socket->client;
	struct member *member;

	while ((member = involved(socket)))
		member_event(member, died ? LC_ON_APP_DIES : LC_ON_APP_CLOSES, LEAFCAST_NO_REASON);
	if (socket->session)
		session_free(client->daemon, socket->session);
	lc_plane_forget_socket(client->daemon->plane, socket->admit);
	close(socket->fd);
	LIST_REMOVE(socket, entry);
	client->socket_count--;
	free(socket);
}

int socket_name(const struct socket *socket, struct lc_endpoint *name)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(socket->fd, (struct sockaddr *)&address, &length) < 0)
		return -errno;
	return lc_endpoint_from_sockaddr(name, (struct sockaddr *)&address, length);
}

int socket_bind(const struct socket *socket, const struct lc_endpoint *address)
{
	struct lc_endpoint name = *address;
	struct sockaddr_storage storage;
	socklen_t length;

	name.port = 0;
	length = lc_endpoint_to_sockaddr(&name, &storage);
	return bind(socket->fd, (struct sockaddr *)&storage, length) < 0 ? -errno : 0;
}

static uint64_t drops_at_the_door(const struct socket *socket)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t length = sizeof(memory);

	if (getsockopt(socket->fd, SOL_SOCKET, SO_MEMINFO, memory, &length) < 0)
		return 0;
	return memory[SK_MEMINFO_DROPS];
}

uint64_t socket_full_buffer(const struct socket *socket)
{
	struct lc_plane *plane = socket->client->daemon->plane;
	uint64_t all = drops_at_the_door(socket), filtered, full;
	struct lc_admit_use use;

	/* The kernel's count has what our filter dropped, probes too. */
	lc_plane_admit_use(plane, socket->admit, &use);
	filtered = use.probes;
	for (int reason = 0; reason < LC_DROP_COUNT; reason++)
		filtered += reason == LC_DROP_BUFFER_FULL ? 0 : use.drops[reason];
	full = all > filtered ? all - filtered : 0;
	lc_plane_note_full_buffer(plane, socket->admit, full);
	return full;
}
