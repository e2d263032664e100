/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tool/invite.h"

#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "core/endpoint.h"
#include "tool/say.h"
#include "tool/sockets.h"

#define RETRY_NS     (200 * LC_NS_PER_MS)
#define RETRY_FOR_NS (5000 * LC_NS_PER_MS)

/* Who is invited now, or next. */
static const struct lc_endpoint *invited(const struct lc_root *root)
{
	return &root->settings->invite.entry[root->invitations.decided];
}

static void next_invitation(struct lc_root *root)
{
	root->invitations.decided++;
	root->invitations.retry_ns = 0;
	root->invitations.give_up_ns = 0;
}

static void refused(struct lc_root *root, enum leafcast_reason reason, int code)
{
	struct lc_root_invitations *invitations = &root->invitations;
	const struct lc_endpoint *leaf = invited(root);
	uint64_t now = lc_now_ns();
	char text[LC_ENDPOINT_TEXT], what[LC_ENDPOINT_TEXT + 32];

	if (lc_sockets_may_pass(reason) && now + RETRY_NS < invitations->give_up_ns) {
		invitations->retry_ns = now + RETRY_NS;
		return;
	}
	snprintf(what, sizeof(what), "invitation of %s", lc_endpoint_format(text, leaf));
	lc_say_refused(what, reason, code);
	next_invitation(root);
	lc_progress_note_refusal(&root->progress);
}

static void try_invitation(struct lc_root *root)
{
	struct lc_root_invitations *invitations = &root->invitations;
	WSABUF data = lc_sockets_buffer(root->settings->data);
	struct sockaddr_storage address;
	socklen_t length = lc_endpoint_to_sockaddr(invited(root), &address);

	invitations->retry_ns = 0;
	if (!invitations->give_up_ns)
		invitations->give_up_ns = lc_now_ns() + RETRY_FOR_NS;
	invitations->answer = (WSABUF){.len = sizeof(invitations->answer_bytes),
				       .buf = invitations->answer_bytes};
	invitations->under_way = WSAJoinLeaf(root->socket, (struct sockaddr *)&address, (int)length,
					     data.len ? &data : NULL, &invitations->answer, NULL,
					     NULL, JL_BOTH);
	if (invitations->under_way == INVALID_SOCKET) {
		int code = WSAGetLastError();

		refused(root, leafcast_socket_reason(root->socket), code);
	}
}

void lc_invite_decided(struct lc_root *root, int code)
{
	enum leafcast_reason reason = leafcast_socket_reason(root->socket);
	struct lc_root_invitations *invitations = &root->invitations;
	SOCKET leaf = invitations->under_way;

	if (leaf == INVALID_SOCKET)
		return;
	invitations->under_way = INVALID_SOCKET;
	if (code) {
		closesocket(leaf);
		refused(root, reason, code);
		return;
	}
	if (lc_leaves_add(&root->leaves, leaf, invited(root)))
		lc_progress_note_leaf(&root->progress);
	if (invitations->answer.len)
		lc_say_data("callee-data", invitations->answer.buf, invitations->answer.len);
	next_invitation(root);
}

DWORD lc_invite_next(struct lc_root *root)
{
	struct lc_root_invitations *invitations = &root->invitations;
	const size_t count = root->settings->invite.count;

	while (invitations->under_way == INVALID_SOCKET && invitations->decided < count) {
		uint64_t now = lc_now_ns();

		if (invitations->retry_ns > now)
			return (DWORD)((invitations->retry_ns - now) / LC_NS_PER_MS + 1);
		try_invitation(root);
	}
	if (invitations->decided == count)
		lc_progress_note_invitations_decided(&root->progress);
	return WSA_INFINITE;
}
