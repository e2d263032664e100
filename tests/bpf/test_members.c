// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What people see with bpftool: members and nothing else, and drops by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "books.h"

/* The output of `bpftool map dump` with BTF; *lines is how long it is. */
static char *dump(const struct net *net, const char *map, int *lines)
{
	static char text[1 << 20];
	char command[256];
	FILE *pipe;
	size_t bytes;

	if (system("PATH=$PATH:/usr/sbin:/sbin command -v bpftool >/dev/null"))
		cr_skip_test("there is no bpftool here");
	snprintf(command, sizeof(command),
		 "PATH=$PATH:/usr/sbin:/sbin bpftool -p map dump pinned %s/%s", net->bpf_dir, map);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	bytes = fread(text, 1, sizeof(text) - 1, pipe);
	text[bytes] = '\0';
	cr_assert_eq(pclose(pipe), 0, "%s", command);
	*lines = 0;
	for (const char *c = text; *c; c++)
		*lines += *c == '\n';
	return text;
}

static void expect_state(const struct net *net, uint32_t leaf, enum lc_member_state state,
			 uint32_t ifindex)
{
	struct lc_member member = {0};

	cr_expect(find_member(net, LC_MEMBER_LEAF, leaf, &member));
	cr_expect_eq(member.state, state, "%d", member.state);
	cr_expect_eq(member.ifindex, ifindex);
}

Test(members, follow_the_records)
{
	static const uint8_t address[16] = {10, 9, 0, 40};
	struct session session;
	struct lc_leaf_spec spec;
	struct lc_member member;
	struct lc_hop hop;
	uint32_t leaf, admit;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	cr_expect(find_member(&net, LC_MEMBER_ROOT, session.number, &member));
	cr_expect_eq(member.state, LC_MEMBER_FLOWING);
	cr_expect_eq(member.local.port, ROOT_PORT);
	cr_expect_eq(member.local.family, LC_INET);
	cr_expect_neq(member.cookie, 0);

	spec = leaf_spec(&session, endpoint("10.9.0.40", 4321));
	spec.now_ns = 77;
	hop = leaf_hop(&net, 1);
	cr_assert_eq(lc_plane_add_leaf(net.plane, &spec, &leaf), 0);
	expect_state(&net, leaf, LC_MEMBER_IDLE, 0);
	cr_assert_eq(lc_plane_enter_leaf(net.plane, leaf), 0);
	expect_state(&net, leaf, LC_MEMBER_NO_ROUTE, 0);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_0, &hop);
	expect_state(&net, leaf, LC_MEMBER_FLOWING, net.tap0);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_NO_NEIGHBOUR, NULL);
	expect_state(&net, leaf, LC_MEMBER_NO_NEIGHBOUR, 0);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_LINK_DOWN, NULL);
	expect_state(&net, leaf, LC_MEMBER_LINK_DOWN, 0);
	lc_plane_leave_leaf(net.plane, leaf);
	expect_state(&net, leaf, LC_MEMBER_IDLE, 0);
	cr_expect(find_member(&net, LC_MEMBER_LEAF, leaf, &member));
	cr_expect_eq(member.session, session.number);
	cr_expect_arr_eq(member.remote.address, address, sizeof(address));
	cr_expect_eq(member.remote.port, 4321);
	cr_expect_eq(member.since_ns, 77);
	lc_plane_remove_leaf(net.plane, leaf);
	cr_expect_not(find_member(&net, LC_MEMBER_LEAF, leaf, &member));

	cr_assert_eq(lc_plane_admit_socket(net.plane, session.root, 0, LC_ROLE_LEAF, &admit), 0);
	cr_expect(find_member(&net, LC_MEMBER_SOCKET, admit, &member));
	cr_expect_eq(member.state, LC_MEMBER_IDLE);
	lc_plane_admit_leaves(net.plane, admit, session.number);
	cr_expect(find_member(&net, LC_MEMBER_SOCKET, admit, &member));
	cr_expect_eq(member.state, LC_MEMBER_FLOWING);
	cr_expect_eq(member.session, session.number);
	lc_plane_admit_anchor(net.plane, admit, &spec.to, true, 1, false);
	cr_expect(find_member(&net, LC_MEMBER_SOCKET, admit, &member));
	cr_expect_eq(member.state, LC_MEMBER_IDLE);
	cr_expect_eq(member.ifindex, net.lo);
	cr_expect_arr_eq(member.remote.address, address, sizeof(address));
	lc_plane_forget_socket(net.plane, admit);
	cr_expect_not(find_member(&net, LC_MEMBER_SOCKET, admit, &member));
	lc_plane_close_session(net.plane, session.number);
	cr_expect_not(find_member(&net, LC_MEMBER_ROOT, session.number, &member));
	net_close(&net);
}

static void expect_suspended(const struct net *net, enum lc_member_kind kind, uint32_t number,
			     uint32_t since_s)
{
	struct lc_member member = {0};
	struct lc_plane_view *view = NULL;
	struct lc_error error = {""};

	cr_expect(find_member(net, kind, number, &member));
	cr_expect_eq(member.suspended_since_s, since_s, "%u instead of %u",
		     member.suspended_since_s, since_s);
	cr_assert_eq(lc_plane_view_open(&view, net->bpf_dir, &error), 0, "%s", error.text);
	cr_expect_eq(lc_plane_suspended_since_s(view, kind, number), since_s);
	lc_plane_view_close(view);
}

/* Whatever else changes meanwhile, until it is said otherwise or the membership is over. */
Test(members, a_leaf_is_suspended)
{
	const struct lc_resumption resumption = {.number = 5, .end = 2};
	struct session session;
	struct lc_member member;
	struct net net;
	uint32_t leaf;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	leaf = net_leaf(&net, &session, 0, NULL);
	lc_plane_set_leaf_resumption(net.plane, leaf, &resumption);
	expect_suspended(&net, LC_MEMBER_LEAF, leaf, 0);
	lc_plane_note_suspended(net.plane, LC_MEMBER_LEAF, leaf, 12999999999);
	expect_suspended(&net, LC_MEMBER_LEAF, leaf, 12);
	lc_plane_set_hop(net.plane, leaf, LC_HOP_LINK_DOWN, NULL);
	expect_suspended(&net, LC_MEMBER_LEAF, leaf, 12);
	expect_state(&net, leaf, LC_MEMBER_LINK_DOWN, 0);
	lc_plane_note_suspended(net.plane, LC_MEMBER_LEAF, leaf, 0);
	expect_suspended(&net, LC_MEMBER_LEAF, leaf, 0);
	lc_plane_note_suspended(net.plane, LC_MEMBER_LEAF, leaf, 999999999);
	expect_suspended(&net, LC_MEMBER_LEAF, leaf, 1);
	take_over(&net);
	expect_suspended(&net, LC_MEMBER_LEAF, leaf, 0);
	lc_plane_remove_leaf(net.plane, leaf);
	lc_plane_note_suspended(net.plane, LC_MEMBER_LEAF, leaf, 12999999999);
	cr_expect_not(find_member(&net, LC_MEMBER_LEAF, leaf, &member),
		      "it has no entry to say so in");
	net_close(&net);
}

Test(members, a_socket_is_suspended)
{
	const struct lc_endpoint name = endpoint(ROOT4, 7000), anchor = endpoint("10.9.0.40", 5000);
	const struct lc_resumption first = {.number = 5, .end = 1},
				   second = {.number = 6, .end = 1};
	const struct lc_identity identity = {{1}};
	struct net net;
	uint32_t admit;

	net_open(&net);
	cr_assert_eq(lc_plane_admit_socket(net.plane, net_socket(&net, ROOT4, 7000), 0,
					   LC_ROLE_LEAF, &admit),
		     0);
	lc_plane_admit_anchor(net.plane, admit, &anchor, net.tap0, 1, true);
	lc_plane_set_socket_resumption(net.plane, admit, &name, true, &identity, &first);
	lc_plane_note_suspended(net.plane, LC_MEMBER_SOCKET, admit, 12999999999);
	expect_suspended(&net, LC_MEMBER_SOCKET, admit, 12);
	lc_plane_admit_anchor(net.plane, admit, &anchor, 0, 1, true);
	expect_suspended(&net, LC_MEMBER_SOCKET, admit, 12);
	/* Its next membership is not, and neither is a socket that has none. */
	lc_plane_set_socket_resumption(net.plane, admit, &name, true, &identity, &second);
	expect_suspended(&net, LC_MEMBER_SOCKET, admit, 0);
	lc_plane_note_suspended(net.plane, LC_MEMBER_SOCKET, admit, 12999999999);
	lc_plane_set_socket_resumption(net.plane, admit, NULL, false, NULL, NULL);
	expect_suspended(&net, LC_MEMBER_SOCKET, admit, 0);
	net_close(&net);
}

/* As many lines as there are members, times what one is worth; with names, not numbers. */
Test(members, dump)
{
	struct session session;
	int lines[2];
	char *text;
	struct net net;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	net_leaf(&net, &session, 0, NULL);
	dump(&net, "lc_members", &lines[0]);
	for (unsigned int i = 1; i < 9; i++)
		net_leaf(&net, &session, i, NULL);
	text = dump(&net, "lc_members", &lines[1]);
	cr_expect_lt(lines[0], 2 * 60, "%d lines", lines[0]);
	/* A root and a leaf, then a root and nine; and the brackets around all. */
	cr_expect_eq((lines[1] - 2) * 2, (lines[0] - 2) * 10, "%d lines for 2, %d for 10", lines[0],
		     lines[1]);
	cr_expect_not_null(strstr(text, "\"kind\": \"LC_MEMBER_LEAF\""), "%s", text);
	cr_expect_not_null(strstr(text, "\"kind\": \"LC_MEMBER_ROOT\""), "%s", text);
	cr_expect_not_null(strstr(text, "\"state\": \"LC_MEMBER_FLOWING\""), "%s", text);
	cr_expect_not_null(strstr(text, "\"port\": 6008"), "%s", text);
	net_close(&net);
}

/* Each reason has its field, and a count is found under the right one. */
Test(members, drops_have_names)
{
	static const char *const fields[] = {
#define FIELD(name, field, word, text) "\"" #field "\": ",
		LC_DROPS(FIELD)
#undef FIELD
	};
	struct session session;
	char *text;
	struct net net;
	int lines;

	net_open(&net);
	session = net_session(&net, ROOT4, NULL);
	for (int i = 0; i < 3; i++)
		send_to(session.root, &session.channel, "x", 1, 0);
	text = dump(&net, "lc_drops", &lines);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		cr_expect_not_null(strstr(text, fields[i]), "%s is missing", fields[i]);
	cr_expect_not_null(strstr(text, "\"no_leaves\": 3"), "%s", text);
	net_close(&net);
}
