/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a join is given: names, room, connect data, flows, directions. */
#include "fake.h"

#include <sys/mman.h>

TestSuite(join_parameters, .init = setup, .fini = teardown, .timeout = 20);

static int join_name(SOCKET s, const void *name, int length)
{
	int code = 0;

	if (wsp.lpWSPJoinLeaf(s, name, length, NULL, NULL, NULL, NULL, JL_BOTH, &code) ==
	    INVALID_SOCKET)
		return code;
	return 0;
}

/* A page that nobody may touch. */
static void *forbidden(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

Test(join_parameters, R14_names_that_cannot_be)
{
	const char *const addresses[] = {"0.0.0.0", "255.255.255.255", "239.1.1.1", "127.0.0.1"};
	SOCKET s = new_leaf();

	for (size_t i = 0; i < 4; i++) {
		struct sockaddr_in name = loopback(i == 3 ? 0 : 7000);

		inet_pton(AF_INET, addresses[i], &name.sin_addr);
		assert_code(WSAEADDRNOTAVAIL, join_name(s, &name, sizeof(name)));
	}
	cr_expect_eq(fake_count(LC_LOCAL_JOIN), 0);
}

Test(join_parameters, R15_other_family)
{
	struct sockaddr_in6 name = {
		.sin6_family = AF_INET6, .sin6_port = htons(7), .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	assert_code(WSAEAFNOSUPPORT, join_name(new_leaf(), &name, sizeof(name)));
}

Test(join_parameters, R17_R18_bad_names)
{
	SOCKET s = new_leaf();
	void *page = forbidden();

	assert_code(WSAEFAULT, join_name(s, NULL, 16));
	assert_code(WSAEFAULT, join_name(s, (void *)16, 16));
	assert_code(WSAEFAULT, join_name(s, page, 16));
	assert_code(WSAEFAULT, join_name(s, &other_end_name, 15));
	assert_code(WSAEFAULT, join_name(s, &other_end_name, 1));
	assert_code(WSAEFAULT, join_name(s, &other_end_name, -1));
	assert_code(0, join_name(s, &other_end_name, 128));
	munmap(page, 4096);
}

Test(join_parameters, R19_callee_room_must_be_writable)
{
	SOCKET s = new_leaf();
	void *page = forbidden();
	WSABUF callee = {4, page};
	int code;

	join_giving(s, NULL, &callee, NULL, JL_BOTH, &code);
	assert_code(WSAEFAULT, code);
	mprotect(page, 4096, PROT_READ);
	join_giving(s, NULL, &callee, NULL, JL_BOTH, &code);
	assert_code(WSAEFAULT, code);
	callee.buf = NULL;
	join_giving(s, NULL, &callee, NULL, JL_BOTH, &code);
	assert_code(WSAEFAULT, code);
	callee.len = 0;
	cr_expect_eq(join_giving(s, NULL, &callee, NULL, JL_BOTH, &code), s);
	cr_expect_eq(fake_wait(LC_LOCAL_JOIN, 1).data_capacity, 0);
	munmap(page, 4096);
}

Test(join_parameters, R20_bad_qos_objects)
{
	const ULONG tables[][3] = {
		{QOS_OBJECT_SD_MODE, 4, 0},  /* shorter than its header */
		{QOS_OBJECT_SD_MODE, 16, 0}, /* past the end */
		{QOS_OBJECT_SD_MODE, 8, 0},  /* shorter than the object */
	};
	SOCKET s = new_leaf();
	QOS qos = {.SendingFlowspec.ServiceType = SERVICETYPE_NOCHANGE,
		   .ReceivingFlowspec.ServiceType = SERVICETYPE_NOCHANGE};
	int code;

	for (size_t i = 0; i < 3; i++) {
		qos.ProviderSpecific = (WSABUF){12, (CHAR *)(uintptr_t)tables[i]};
		join_giving(s, NULL, NULL, &qos, JL_BOTH, &code);
		cr_expect_eq(code, WSAEFAULT, "row %zu: %d", i, code);
	}
	qos.ProviderSpecific = (WSABUF){12, (CHAR *)8};
	join_giving(s, NULL, NULL, &qos, JL_BOTH, &code);
	assert_code(WSAEFAULT, code);
	join_giving(s, NULL, NULL, (LPQOS)8, JL_BOTH, &code);
	assert_code(WSAEFAULT, code);
}

Test(join_parameters, R21_caller_data_longer_than_carried)
{
	static char bytes[1025];
	WSABUF caller = {1025, bytes};
	SOCKET s = new_leaf();
	int code;

	join_giving(s, &caller, NULL, NULL, JL_BOTH, &code);
	assert_code(WSAEFAULT, code);
	caller.len = 1024;
	cr_expect_eq(join_giving(s, &caller, NULL, NULL, JL_BOTH, &code), s);
	cr_expect_eq(fake_wait(LC_LOCAL_JOIN, 1).data.length, 1024);
}

Test(join_parameters, R26_impossible_flow_leaves_s_joinable)
{
	QOS qos = {.SendingFlowspec = {.TokenRate = 0, .ServiceType = SERVICETYPE_GUARANTEED},
		   .ReceivingFlowspec.ServiceType = SERVICETYPE_NOCHANGE};
	SOCKET s = new_leaf();
	int code;

	join_giving(s, NULL, NULL, &qos, JL_BOTH, &code);
	assert_code(WSAEOPNOTSUPP, code);
	cr_expect_eq(fake_count(LC_LOCAL_JOIN), 0);
	/* R59: the direction not used does not matter */
	cr_expect_eq(join_giving(s, NULL, NULL, &qos, JL_RECEIVER_ONLY, &code), s);
}

Test(join_parameters, R51_R52_caller_data)
{
	char text[] = "who \0 asks";
	WSABUF caller = {sizeof(text), text};
	SOCKET s = new_leaf();
	struct lc_local_message message;
	int code;

	fake.join = LEAFCAST_REJECTED;
	join(s, &code);
	cr_expect_not(fake_wait(LC_LOCAL_JOIN, 1).data.present);
	join_giving(s, &caller, NULL, NULL, JL_BOTH, &code);
	message = fake_wait(LC_LOCAL_JOIN, 2);
	cr_expect(message.data.present);
	cr_expect_eq(message.data.length, sizeof(text));
	cr_expect_arr_eq(message.data.bytes, text, sizeof(text));
}

Test(join_parameters, R53_R54_callee_data)
{
	char room[16] = "................";
	WSABUF callee = {8, room};
	int code;

	fake.callee = (struct lc_connect_data){.present = true, .length = 3, .bytes = "yes"};
	join_giving(new_leaf(), NULL, &callee, NULL, JL_BOTH, &code);
	cr_expect_eq(fake_wait(LC_LOCAL_JOIN, 1).data_capacity, 8);
	cr_expect_eq(callee.len, 3);
	cr_expect_arr_eq(room, "yes.....", 8);
	fake.callee.present = false;
	callee.len = 8;
	join_giving(new_leaf(), NULL, &callee, NULL, JL_BOTH, &code);
	cr_expect_eq(callee.len, 0);
	/* Never more than there is room for */
	fake.callee =
		(struct lc_connect_data){.present = true, .length = 12, .bytes = "123456789abc"};
	callee.len = 8;
	join_giving(new_leaf(), NULL, &callee, NULL, JL_BOTH, &code);
	cr_expect_eq(callee.len, 8);
	cr_expect_arr_eq(room, "12345678........", 16);
}

Test(join_parameters, R54_callee_data_is_not_written_after_close)
{
	char room[8] = "........";
	WSABUF callee = {8, room};
	SOCKET root = new_root(), leaf, next;
	int code;

	fake.callee = (struct lc_connect_data){.present = true, .length = 3, .bytes = "yes"};
	fake.hold_joins = true;
	set_nonblocking(root, true);
	leaf = join_giving(root, NULL, &callee, NULL, JL_BOTH, &code);
	fake_wait(LC_LOCAL_JOIN, 1);
	close_handle(leaf);
	do /* until the cancel is through */
		next = join(root, &code);
	while (next == INVALID_SOCKET && code == WSAEALREADY);
	cr_expect_eq(callee.len, 8);
	cr_expect_arr_eq(room, "........", 8);
}

Test(join_parameters, R56_lpSQOS_overrides_SIO_SET_QOS_a_direction_at_a_time)
{
	const FLOWSPEC flow = {1000,
			       2000,
			       QOS_NOT_SPECIFIED,
			       QOS_NOT_SPECIFIED,
			       QOS_NOT_SPECIFIED,
			       SERVICETYPE_BESTEFFORT,
			       QOS_NOT_SPECIFIED,
			       QOS_NOT_SPECIFIED};
	QOS qos = {flow, flow, {0, NULL}};
	struct lc_local_message message;
	SOCKET s = new_leaf();
	DWORD used;
	int code = 0;

	cr_assert_eq(wsp.lpWSPIoctl(s, SIO_SET_QOS, &qos, sizeof(qos), NULL, 0, &used, NULL, NULL,
				    NULL, &code),
		     0, "%d", code);
	qos.SendingFlowspec.TokenRate = 500;
	qos.ReceivingFlowspec.ServiceType = SERVICETYPE_NOCHANGE;
	qos.ReceivingFlowspec.TokenRate = 1;
	join_giving(s, NULL, NULL, &qos, JL_BOTH, &code);
	message = fake_wait(LC_LOCAL_JOIN, 1);
	cr_assert(message.has_flows);
	/* a leaf's sending goes up */
	cr_expect_eq(message.flows.up.token_rate, 500);
	cr_expect_eq(message.flows.down.token_rate, 1000);
}

Test(join_parameters, R61_no_qos_at_all)
{
	int code;

	join(new_leaf(), &code);
	cr_expect_not(fake_wait(LC_LOCAL_JOIN, 1).has_flows);
}

Test(join_parameters, R58_what_cannot_be_honoured_is_an_error)
{
	QOS_SD_MODE mode = {{QOS_OBJECT_SD_MODE, sizeof(mode)}, TC_NONCONF_SHAPE};
	QOS qos = {.SendingFlowspec.ServiceType = SERVICETYPE_NOCHANGE,
		   .ReceivingFlowspec.ServiceType = SERVICETYPE_NOCHANGE,
		   .ProviderSpecific = {sizeof(mode), (CHAR *)&mode}};
	SOCKET s = new_leaf();
	int code;

	join_giving(s, NULL, NULL, &qos, JL_BOTH, &code);
	assert_code(WSAEOPNOTSUPP, code);
	mode.ShapeDiscardMode = TC_NONCONF_DISCARD;
	cr_expect_eq(join_giving(s, NULL, NULL, &qos, JL_BOTH, &code), s);
}

Test(join_parameters, R63_R64_directions)
{
	SOCKET sender = new_leaf(), receiver = new_leaf();
	struct lc_local_message message;
	char room[8];
	int code;

	join_giving(sender, NULL, NULL, NULL, JL_SENDER_ONLY, &code);
	message = fake_wait(LC_LOCAL_JOIN, 1);
	cr_expect(message.sends && !message.receives);
	cr_expect_eq(send_text(sender, "up"), 2);
	cr_expect_eq(receive_text(sender, room, 8), -WSAEOPNOTSUPP);
	join_giving(receiver, NULL, NULL, NULL, JL_RECEIVER_ONLY, &code);
	message = fake_wait(LC_LOCAL_JOIN, 2);
	cr_expect(!message.sends && message.receives);
	cr_expect_eq(send_text(receiver, "up"), -WSAEOPNOTSUPP);
	join_giving(new_leaf(), NULL, NULL, NULL, 3, &code);
	assert_code(WSAEINVAL, code);
	join_giving(new_leaf(), NULL, NULL, NULL, 0, &code);
	assert_code(WSAEINVAL, code);
}
