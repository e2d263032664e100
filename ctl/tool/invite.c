/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast root: invitations, one after another (a root may have one join outstanding, R34). */
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "core/endpoint.h"
#include "tool/root.h"

#define RETRY_NS     (200 * LC_NS_PER_MS)
#define RETRY_FOR_NS (5000 * LC_NS_PER_MS)

static void next_invitation(struct lc_root *root)
{
	root->invited++;
	root->retry_ns = 0;
	root->give_up_ns = 0;
}

static void refused(struct lc_root *root, enum leafcast_reason reason, int code)
{
	const struct lc_endpoint *leaf = &root->settings->invite.entry[root->invited];
	uint64_t now = lc_now_ns();
	char text[LC_ENDPOINT_TEXT], what[LC_ENDPOINT_TEXT + 32];

	if (lc_nobody_yet(reason) && now + RETRY_NS < root->give_up_ns) {
		root->retry_ns = now + RETRY_NS;
		return;
	}
	snprintf(what, sizeof(what), "invitation of %s", lc_endpoint_format(text, leaf));
	lc_say_refused(what, reason, code);
	next_invitation(root);
	pthread_mutex_lock(&root->lock);
	root->refused = true;
	pthread_mutex_unlock(&root->lock);
}

static void try_invitation(struct lc_root *root)
{
	const struct lc_endpoint *leaf = &root->settings->invite.entry[root->invited];
	WSABUF data = lc_sockets_buffer(root->settings->data);
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(leaf, &address);

	root->retry_ns = 0;
	if (!root->give_up_ns)
		root->give_up_ns = lc_now_ns() + RETRY_FOR_NS;
	root->answer = (WSABUF){.len = sizeof(root->answer_bytes), .buf = root->answer_bytes};
	root->invitation = WSAJoinLeaf(root->socket, (struct sockaddr *)&address, (int)length,
				       data.len ? &data : NULL, &root->answer, NULL, NULL, JL_BOTH);
	if (root->invitation == INVALID_SOCKET) {
		int code = WSAGetLastError();

		refused(root, leafcast_socket_reason(root->socket), code);
	}
}

void lc_root_invitation_decided(struct lc_root *root, int code)
{
	enum leafcast_reason reason = leafcast_socket_reason(root->socket);
	SOCKET leaf = root->invitation;

	if (leaf == INVALID_SOCKET)
		return;
	root->invitation = INVALID_SOCKET;
	if (code) {
		closesocket(leaf);
		refused(root, reason, code);
		return;
	}
	lc_root_add_leaf(root, leaf, &root->settings->invite.entry[root->invited]);
	if (root->answer.len)
		lc_sockets_print_data("callee-data", root->answer.buf, root->answer.len);
	next_invitation(root);
}

DWORD lc_root_invite(struct lc_root *root)
{
	const struct lc_endpoint_list *invite = &root->settings->invite;

	while (root->invitation == INVALID_SOCKET && root->invited < invite->count) {
		uint64_t now = lc_now_ns();

		if (root->retry_ns > now)
			return (DWORD)((root->retry_ns - now) / LC_NS_PER_MS + 1);
		try_invitation(root);
	}
	if (root->invited == invite->count) {
		pthread_mutex_lock(&root->lock);
		root->invitations_decided = true;
		pthread_cond_signal(&root->changed);
		pthread_mutex_unlock(&root->lock);
	}
	return WSA_INFINITE;
}
