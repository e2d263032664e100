/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Flow specifications at each moment at which an application says one. */
#include "fake.h"

#define NS QOS_NOT_SPECIFIED
/* r, b, p, M, m in the order in which the RFCs name them. */
#define FLOW(service, r, b, p, M, m)                       \
	{                                                  \
		(r), (b), (p), NS, NS, (service), (M), (m) \
	}
#define NOTHING FLOW(SERVICETYPE_NOCHANGE, NS, NS, NS, NS, NS)
#define CL	SERVICETYPE_CONTROLLEDLOAD
#define BE	SERVICETYPE_BESTEFFORT
#define GS	SERVICETYPE_GUARANTEED

TestSuite(flows, .init = setup, .fini = teardown, .timeout = 20);

static const FLOWSPEC nothing = NOTHING;

static int set_qos(SOCKET s, FLOWSPEC sending, FLOWSPEC receiving)
{
	QOS qos = {sending, receiving, {0, NULL}};
	DWORD used;
	int code = 0;

	wsp.lpWSPIoctl(s, SIO_SET_QOS, &qos, sizeof(qos), NULL, 0, &used, NULL, NULL, NULL, &code);
	return code;
}

static int join_with(SOCKET s, FLOWSPEC sending, FLOWSPEC receiving)
{
	QOS qos = {sending, receiving, {0, NULL}};
	int code = 0;

	wsp.lpWSPJoinLeaf(s, (struct sockaddr *)&other_end_name, sizeof(other_end_name), NULL, NULL,
			  &qos, NULL, JL_BOTH, &code);
	return code;
}

static void make_nonblocking(SOCKET s)
{
	ULONG on = 1;
	DWORD used;
	int code;

	cr_assert_eq(wsp.lpWSPIoctl(s, FIONBIO, &on, sizeof(on), NULL, 0, &used, NULL, NULL, NULL,
				    &code),
		     0);
}

/* Which direction it is, who says it and when changes nothing but what a sender must name. */
static const struct {
	const char *what;
	FLOWSPEC flow;
	int sending, receiving;
} rows[] = {
	{"rate alone", FLOW(CL, 1000, NS, NS, NS, NS), 0, 0},
	{"no rate", FLOW(CL, NS, NS, NS, NS, NS), WSAEOPNOTSUPP, 0},
	{"rate 0, best effort", FLOW(BE, 0, NS, NS, NS, NS), 0, WSAEOPNOTSUPP},
	{"p < r", FLOW(GS, 1000, NS, 999, NS, NS), WSAEOPNOTSUPP, WSAEOPNOTSUPP},
	{"m > M", FLOW(CL, 1000, NS, NS, 500, 501), WSAEOPNOTSUPP, WSAEOPNOTSUPP},
	{"M > b", FLOW(CL, 1000, 500, NS, 501, NS), WSAEOPNOTSUPP, WSAEOPNOTSUPP},
	{"unknown service", FLOW(7, 1000, NS, NS, NS, NS), WSAEOPNOTSUPP, WSAEOPNOTSUPP},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

Test(flows, R26_set_on_a_socket_of_either_kind)
{
	for (size_t i = 0; i < ROWS; i++) {
		SOCKET sockets[] = {new_root(), new_leaf()};

		for (int k = 0; k < 2; k++) {
			cr_expect_eq(set_qos(sockets[k], rows[i].flow, nothing), rows[i].sending,
				     "%s: sending, %d", rows[i].what, k);
			cr_expect_eq(set_qos(sockets[k], nothing, rows[i].flow), rows[i].receiving,
				     "%s: receiving, %d", rows[i].what, k);
		}
	}
}

Test(flows, R26_given_with_a_join_of_either_kind)
{
	for (size_t i = 0; i < ROWS; i++) {
		cr_expect_eq(join_with(new_root(), rows[i].flow, nothing), rows[i].sending,
			     "%s: a root's sending", rows[i].what);
		cr_expect_eq(join_with(new_root(), nothing, rows[i].flow), rows[i].receiving,
			     "%s: a root's receiving", rows[i].what);
		cr_expect_eq(join_with(new_leaf(), rows[i].flow, nothing), rows[i].sending,
			     "%s: a leaf's sending", rows[i].what);
		cr_expect_eq(join_with(new_leaf(), nothing, rows[i].flow), rows[i].receiving,
			     "%s: a leaf's receiving", rows[i].what);
	}
}

/* A sender that need not name a rate and says 0 names none: it joins, and may send. */
Test(flows, rate_0_of_a_best_effort_sender_is_none)
{
	const FLOWSPEC none = FLOW(BE, 0, 9000, NS, NS, NS);
	struct lc_local_message message;

	cr_assert_eq(join_with(new_leaf(), none, nothing), 0);
	message = fake_wait(LC_LOCAL_JOIN, 1);
	cr_expect(message.has_flows);
	cr_expect_eq(message.flows.up.token_rate, 0xFFFFFFFF);
	cr_expect_eq(message.flows.up.token_bucket, 9000);
	cr_assert_eq(join_with(new_root(), none, nothing), 0);
	cr_expect_eq(fake_wait(LC_LOCAL_JOIN, 2).flows.down.token_rate, 0xFFFFFFFF);
	cr_assert_eq(set_qos(new_root(), none, nothing), 0);
	cr_expect_eq(fake_wait(LC_LOCAL_SET_FLOWS, 1).flows.down.token_rate, 0xFFFFFFFF);
}

Test(flows, NOCHANGE_in_both_directions_is_no_QOS)
{
	const FLOWSPEC flagged = FLOW(SERVICETYPE_NOCHANGE | SERVICE_NO_QOS_SIGNALING, 1, 1, 1, 1,
				      1);

	cr_assert_eq(join_with(new_leaf(), nothing, flagged), 0);
	cr_expect_not(fake_wait(LC_LOCAL_JOIN, 1).has_flows);
}

/* R58: what the join has agreed on holds; to say otherwise and change nothing would be silent. */
Test(flows, SIO_SET_QOS_cannot_change_a_membership)
{
	const FLOWSPEC flow = FLOW(CL, 1000, NS, NS, NS, NS);
	SOCKET leaf = new_joined_leaf(), root = new_listening(ROOT_FLAGS), invited, accepted;
	SOCKET listening = new_listening(LEAF_FLAGS), member;
	int code;

	invited = join(root, &code);
	fake_event(fake_request(2, 1));
	accepted = wsp.lpWSPAccept(root, NULL, NULL, NULL, 0, &code);
	fake_event(fake_request(3, 2));
	member = wsp.lpWSPAccept(listening, NULL, NULL, NULL, 0, &code);
	cr_assert(invited != INVALID_SOCKET && accepted != INVALID_SOCKET &&
		  member != INVALID_SOCKET);
	assert_code(WSAEOPNOTSUPP, set_qos(leaf, flow, nothing));
	assert_code(WSAEOPNOTSUPP, set_qos(leaf, nothing, flow));
	assert_code(WSAEOPNOTSUPP, set_qos(leaf, nothing, nothing));
	assert_code(WSAEOPNOTSUPP, set_qos(invited, flow, nothing));
	assert_code(WSAEOPNOTSUPP, set_qos(accepted, nothing, flow));
	assert_code(WSAEOPNOTSUPP, set_qos(member, flow, nothing));
	cr_expect_eq(fake_count(LC_LOCAL_SET_FLOWS), 0);
	/* A root that has leaves changes its own sending; who listens says what later ones are offered */
	assert_code(0, set_qos(root, flow, nothing));
	cr_expect_eq(fake_wait(LC_LOCAL_SET_FLOWS, 1).flows.down.token_rate, 1000);
	assert_code(0, set_qos(listening, nothing, flow));
	cr_expect_eq(fake_count(LC_LOCAL_SET_FLOWS), 2);
}

Test(flows, SIO_SET_QOS_while_joining_and_after_the_end)
{
	const FLOWSPEC flow = FLOW(CL, 1000, NS, NS, NS, NS);
	SOCKET s = new_leaf(), dead = new_joined_leaf();
	int code;

	make_nonblocking(s);
	fake.hold_joins = true;
	join(s, &code);
	assert_code(WSAEOPNOTSUPP, set_qos(s, flow, nothing));
	fake_answer_join(LEAFCAST_REJECTED);
	while (leafcast_socket_reason(s) == LEAFCAST_NO_REASON)
		usleep(1000);
	assert_code(0, set_qos(s, flow, nothing));
	fake_close(fake_wait(LC_LOCAL_OPEN, 2).socket, LEAFCAST_CLOSED);
	while (leafcast_socket_reason(dead) != LEAFCAST_CLOSED)
		usleep(1000);
	assert_code(WSAEOPNOTSUPP, set_qos(dead, flow, nothing));
}

/* A condition function that leaves these in the QOS it was given. */
struct answer {
	FLOWSPEC sending, receiving; /* the joiner's */
	WSABUF specific;
	/* seen */
	bool had_qos;
	QOS seen;
};

#define ANSWER(sending_, receiving_)                         \
	{                                                    \
		.sending = sending_, .receiving = receiving_ \
	}

static int answer(LPWSABUF caller, LPWSABUF caller_data, LPQOS qos, LPQOS gqos, LPWSABUF callee,
		  LPWSABUF callee_data, GROUP *g, DWORD_PTR data)
{
	struct answer *answer = (struct answer *)data;

	callee_data->len = 0;
	answer->had_qos = qos;
	if (qos) {
		answer->seen = *qos;
		*qos = (QOS){answer->sending, answer->receiving, answer->specific};
	}
	return CF_ACCEPT;
}

static struct lc_local_message request_with_flows(uint64_t number)
{
	struct lc_local_message request = fake_request(1, number);

	request.has_flows = true;
	request.flows.down = (struct lc_flowspec)FLOW(CL, 1000, 2000, NS, 1500, 64);
	request.flows.up = (struct lc_flowspec)FLOW(BE, 500, NS, NS, NS, NS);
	return request;
}

/* As it came in the request: the joiner's own, receiving what goes down to it. */
Test(flows, a_condition_function_sees_the_joiners_own)
{
	const QOS want = {
		FLOW(BE, 500, NS, NS, NS, NS), FLOW(CL, 1000, 2000, NS, 1500, 64), {0, NULL}};
	struct answer kept = ANSWER(NOTHING, NOTHING);
	SOCKET root = new_listening(ROOT_FLAGS);
	int code = 0;

	/* The root has an opinion of its own, which is not the joiner's */
	assert_code(0, set_qos(root, rows[0].flow, nothing));
	fake_event(request_with_flows(1));
	cr_assert_neq(wsp.lpWSPAccept(root, NULL, NULL, answer, (DWORD_PTR)&kept, &code),
		      INVALID_SOCKET, "%d", code);
	cr_expect(kept.had_qos);
	cr_expect_eq(memcmp(&kept.seen.SendingFlowspec, &want.SendingFlowspec, sizeof(FLOWSPEC)),
		     0);
	cr_expect_eq(
		memcmp(&kept.seen.ReceivingFlowspec, &want.ReceivingFlowspec, sizeof(FLOWSPEC)), 0);
	cr_expect_eq(kept.seen.ProviderSpecific.len, 0);
	cr_expect_null(kept.seen.ProviderSpecific.buf);
}

Test(flows, a_condition_function_gets_NULL_where_none_was_given)
{
	struct answer none = ANSWER(NOTHING, NOTHING);
	SOCKET root = new_listening(ROOT_FLAGS);
	int code;

	assert_code(0, set_qos(root, rows[0].flow, nothing));
	fake_event(fake_request(1, 1));
	cr_assert_neq(wsp.lpWSPAccept(root, NULL, NULL, answer, (DWORD_PTR)&none, &code),
		      INVALID_SOCKET);
	cr_expect_not(none.had_qos);
	cr_expect_not(fake_wait(LC_LOCAL_ACCEPT, 1).has_flows);
}

/* An answer that contradicts itself: WSAEOPNOTSUPP here, bad-flowspec there. */
Test(flows, a_condition_functions_impossible_answer)
{
	QOS_SD_MODE shape = {{QOS_OBJECT_SD_MODE, sizeof(shape)}, TC_NONCONF_SHAPE};
	const struct {
		const char *what;
		struct answer answer;
	} answers[] = {
		{"m > M, sending", ANSWER(FLOW(CL, 1000, NS, NS, 500, 501), NOTHING)},
		{"m > M, receiving", ANSWER(NOTHING, FLOW(CL, 1000, NS, NS, 500, 501))},
		{"M > b", ANSWER(NOTHING, FLOW(CL, 1000, 500, NS, 501, NS))},
		{"p < r", ANSWER(FLOW(CL, 1000, NS, 999, NS, NS), NOTHING)},
		{"rate 0 to receive", ANSWER(NOTHING, FLOW(BE, 0, NS, NS, NS, NS))},
		{"no rate to send", ANSWER(FLOW(GS, NS, NS, NS, NS, NS), NOTHING)},
		{"unknown service", ANSWER(NOTHING, FLOW(99, 1000, NS, NS, NS, NS))},
		{"shaping",
		 {.sending = NOTHING,
		  .receiving = NOTHING,
		  .specific = {sizeof(shape), (CHAR *)&shape}}},
		{"objects that are no memory",
		 {.sending = NOTHING, .receiving = NOTHING, .specific = {12, (CHAR *)8}}},
	};
	SOCKET root = new_listening(ROOT_FLAGS);

	for (int i = 0; i < (int)(sizeof(answers) / sizeof(answers[0])); i++) {
		struct answer given = answers[i].answer;
		int code = 0;

		fake_event(request_with_flows(100 + (uint64_t)i));
		cr_expect_eq(wsp.lpWSPAccept(root, NULL, NULL, answer, (DWORD_PTR)&given, &code),
			     INVALID_SOCKET, "%s", answers[i].what);
		cr_expect_eq(code, WSAEOPNOTSUPP, "%s: %d", answers[i].what, code);
		cr_expect_eq(fake_wait(LC_LOCAL_REJECT, i + 1).reason, LEAFCAST_BAD_FLOWSPEC, "%s",
			     answers[i].what);
		cr_expect_eq(fake_wait(LC_LOCAL_REJECT, i + 1).request, 100 + (uint64_t)i);
	}
	cr_expect_eq(fake_count(LC_LOCAL_ACCEPT), 0);
}

/* The joiner's sending with rate 0 in the answer names none, as anywhere. */
Test(flows, a_condition_functions_answer_is_read_as_any_other)
{
	struct answer given = ANSWER(FLOW(BE, 0, NS, NS, NS, NS), FLOW(CL, 700, 1500, NS, NS, NS));
	SOCKET root = new_listening(ROOT_FLAGS);
	struct lc_local_message message;
	int code = 0;

	fake_event(request_with_flows(1));
	cr_assert_neq(wsp.lpWSPAccept(root, NULL, NULL, answer, (DWORD_PTR)&given, &code),
		      INVALID_SOCKET, "%d", code);
	message = fake_wait(LC_LOCAL_ACCEPT, 1);
	cr_expect(message.has_flows);
	cr_expect_eq(message.flows.up.token_rate, 0xFFFFFFFF);
	cr_expect_eq(message.flows.down.token_rate, 700);
}
