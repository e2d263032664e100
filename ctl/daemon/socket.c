/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/socket.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/endpoint.h"
#include "daemon/user.h"

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
static int check(const struct node *node, int descriptor, uint8_t *family)
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
	if (cookie != node->netns_cookie)
		return -EXDEV;
	*family = domain == AF_INET ? LC_INET : LC_INET6;
	return 0;
}

static uint64_t cookie_of(int descriptor)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &length);
	return cookie;
}

static void widen_receive_buffer(int descriptor)
{
	int bytes = RECEIVE_BUFFER_BYTES;

	/* The kernel doubles what it is told; an application that chose more keeps it. */
	if (get_option(descriptor, SO_RCVBUF) < 2 * RECEIVE_BUFFER_BYTES)
		setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

/* Two tables, both or none. */
static bool list(struct socket *socket)
{
	struct application *application = socket->application;
	struct node *node = application->node;

	HASH_ADD(by_number, application->sockets, number, sizeof(socket->number), socket);
	if (!socket_find(application, socket->number))
		return false;
	HASH_ADD(by_admit, node->sockets_by_admit, admit, sizeof(socket->admit), socket);
	if (socket_of_admit(node, socket->admit))
		return true;
	HASH_DELETE(by_number, application->sockets, socket);
	return false;
}

/* Counts and admits; what it took it gives back on failure. */
static int admit(struct socket *socket)
{
	struct application *application = socket->application;
	struct node *node = application->node;
	int error;

	if (application->socket_count >= MAX_SOCKETS_OF_APPLICATION ||
	    !user_takes(node, application->uid, HOLDS_SOCKET))
		return -EMFILE;
	error = lc_plane_admit_socket(node->plane, socket->fd, application->uid, socket->role,
				      &socket->admit);
	if (!error && !list(socket)) {
		lc_plane_forget_socket(node->plane, socket->admit);
		error = -ENOMEM;
	}
	if (error)
		user_gives(node, application->uid, HOLDS_SOCKET);
	else
		application->socket_count++;
	return error;
}

int socket_open(struct application *application, uint64_t number, enum lc_local_role role,
		int descriptor, struct socket **socket)
{
	struct socket *new;
	uint8_t family = LC_FAMILY_NONE;
	int error = check(application->node, descriptor, &family);

	if (error)
		return error;
	if (number == 0 || socket_find(application, number))
		return -EEXIST;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->application = application;
	new->number = number;
	new->fd = descriptor;
	new->cookie = cookie_of(descriptor);
	new->role = role;
	new->family = family;
	new->flows.down = new->flows.up = lc_flowspec_default;
	error = admit(new);
	if (error) {
		free(new);
		return error;
	}
	widen_receive_buffer(descriptor);
	application_make_room(application, false);
	*socket = new;
	return 0;
}

int socket_adopt(struct application *application, uint32_t admit, const struct lc_admit *record,
		 struct socket **socket)
{
	struct socket *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->application = application;
	new->number = new->admit = admit;
	new->cookie = record->cookie;
	new->fd = -1;
	new->role = record->role;
	new->family = record->name.family;
	new->flows.down = new->flows.up = lc_flowspec_default;
	if (!list(new)) {
		free(new);
		return -ENOMEM;
	}
	user_has(application->node, application->uid, HOLDS_SOCKET);
	application->socket_count++;
	application->node->unclaimed++;
	*socket = new;
	return 0;
}

int socket_of_descriptor(struct node *node, int descriptor, struct socket **socket)
{
	uint8_t family;
	int error = check(node, descriptor, &family);

	if (!error)
		*socket = socket_of_admit(node,
					  lc_plane_find_socket(node->plane, cookie_of(descriptor)));
	return error;
}

/* Out of one application's table and into another's; false: no memory, it is in none. */
static bool move(struct socket *socket, struct application *to, uint64_t number)
{
	HASH_DELETE(by_number, socket->application->sockets, socket);
	socket->application->socket_count--;
	socket->application = to;
	to->socket_count++;
	socket->number = number;
	HASH_ADD(by_number, to->sockets, number, sizeof(socket->number), socket);
	if (socket_find(to, number))
		return true;
	socket->number = 0;
	return false;
}

int socket_claim(struct socket *socket, struct application *by, uint64_t number, int *descriptor)
{
	if (number == 0 || socket_find(by, number))
		return -EEXIST;
	if (by->socket_count >= MAX_SOCKETS_OF_APPLICATION)
		return -EMFILE;
	if (socket->fd < 0) {
		int error = lc_plane_guard_socket(by->node->plane, *descriptor);

		if (error)
			return error;
		socket->fd = *descriptor;
		*descriptor = -1;
		by->node->unclaimed--;
		check(by->node, socket->fd, &socket->family);
		widen_receive_buffer(socket->fd);
	}
	socket->missed = 0;
	socket->absent = socket->closing = socket->reset = false;
	if (!move(socket, by, number))
		return -ENOMEM;
	application_make_room(by, false);
	return 0;
}

static void listen_no_more(struct socket *socket)
{
	if (socket->listens_at.port)
		HASH_DELETE(by_name, socket->application->node->listeners_by_name, socket);
	socket->listens_at = (struct lc_endpoint){0};
}

void socket_let_go(struct socket *socket)
{
	struct lc_endpoint name;

	listen_no_more(socket);
	socket->backlog = 0;
	if (socket->fd < 0)
		return;
	socket->bound = socket_name(socket, &name) == 0 && name.port != 0;
	close(socket->fd);
	socket->fd = -1;
	socket->application->node->unclaimed++;
}

void socket_free(struct socket *socket)
{
	struct application *application = socket->application;
	struct node *node = application->node;

	listen_no_more(socket);
	HASH_DELETE(by_admit, node->sockets_by_admit, socket);
	if (socket->number)
		HASH_DELETE(by_number, application->sockets, socket);
	application->socket_count--;
	user_gives(node, application->uid, HOLDS_SOCKET);
	lc_plane_forget_socket(node->plane, socket->admit);
	if (socket->fd >= 0)
		close(socket->fd);
	else
		node->unclaimed--;
	free(socket);
}

struct socket *socket_find(struct application *application, uint64_t number)
{
	struct socket *socket;

	HASH_FIND(by_number, application->sockets, &number, sizeof(number), socket);
	return socket;
}

struct socket *socket_of_admit(struct node *node, uint32_t admit)
{
	struct socket *socket;

	HASH_FIND(by_admit, node->sockets_by_admit, &admit, sizeof(admit), socket);
	return socket;
}

/* ---- listening ---- */

/* Its application can give the name up behind our back: then it does not listen there any more. */
static bool still_has_name(const struct socket *socket)
{
	struct lc_endpoint name;

	return socket_name(socket, &name) == 0 && lc_endpoint_equal(&name, &socket->listens_at);
}

static struct socket *listener_named(struct node *node, const struct lc_endpoint *name)
{
	struct socket *socket;

	HASH_FIND(by_name, node->listeners_by_name, name, sizeof(*name), socket);
	if (!socket || still_has_name(socket))
		return socket;
	listen_no_more(socket);
	return NULL;
}

int socket_listen(struct socket *socket, const struct lc_endpoint *name)
{
	struct node *node = socket->application->node;
	struct socket *other = listener_named(node, name);

	if (other)
		return other == socket ? 0 : -EADDRINUSE;
	/* The key of one that is in the table must not change. */
	listen_no_more(socket);
	socket->listens_at = *name;
	HASH_ADD(by_name, node->listeners_by_name, listens_at, sizeof(socket->listens_at), socket);
	if (listener_named(node, name))
		return 0;
	socket->listens_at = (struct lc_endpoint){0};
	return -ENOMEM;
}

struct socket *socket_listening_at(struct node *node, const struct lc_endpoint *name)
{
	struct lc_endpoint any = {.port = name->port, .family = name->family};
	struct socket *socket = listener_named(node, name);

	return socket ? socket : listener_named(node, &any);
}

/* ---- the descriptor ---- */

int socket_name(const struct socket *socket, struct lc_endpoint *name)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(socket->fd, (struct sockaddr *)&address, &length) < 0)
		return -errno;
	return lc_endpoint_from_sockaddr(name, (struct sockaddr *)&address, length);
}

struct lc_route_keys socket_route_keys(const struct socket *socket)
{
	struct lc_route_keys keys = {.uid = socket->application->uid};
	socklen_t length = sizeof(keys.mark);
	struct stat status;
	int tos = 0;

	/* What a rule by user sees is who made the socket. */
	if (fstat(socket->fd, &status) == 0)
		keys.uid = status.st_uid;
	getsockopt(socket->fd, SOL_SOCKET, SO_MARK, &keys.mark, &length);
	length = sizeof(keys.device);
	getsockopt(socket->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &keys.device, &length);
	length = sizeof(tos);
	if (getsockopt(socket->fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, &length))
		getsockopt(socket->fd, IPPROTO_IP, IP_TOS, &tos, &length);
	keys.tos = (uint32_t)tos & 0xfc;
	return keys;
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
	struct lc_plane *plane = socket->application->node->plane;
	uint64_t all = drops_at_the_door(socket), filtered, full;
	struct lc_admit_use use;

	/* The kernel's count has what our filter dropped, probes too. */
	lc_plane_admit_use(plane, socket->admit, &use);
	if (socket->fd < 0) /* as it was noted */
		return lc_drop_count(&use.drops, LC_DROP_BUFFER_FULL);
	filtered = use.probes;
	for (int reason = 0; reason < LC_DROP_COUNT; reason++)
		filtered += reason == LC_DROP_BUFFER_FULL ? 0 : lc_drop_count(&use.drops, reason);
	full = all > filtered ? all - filtered : 0;
	lc_plane_note_full_buffer(plane, socket->admit, full);
	return full;
}
