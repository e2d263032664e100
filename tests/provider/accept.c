/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "fake.h"

#include <pthread.h>

TestSuite(accept, .init = setup, .fini = teardown, .timeout = 20);

static SOCKET accept_one(SOCKET s, LPCONDITIONPROC condition, DWORD_PTR data, int *code)
{
	*code = 0;
	return wsp.lpWSPAccept(s, NULL, NULL, condition, data, code);
}

/* What a condition function saw and what it is to do. */
struct script {
	int verdict;
	ULONG callee_bytes; /* how much to give back */
	ULONG rate;	    /* 0: leave */
	bool set_group;
	SOCKET call_on; /* calls back into the provider */
	/* seen */
	int calls;
	pthread_t thread;
	struct sockaddr_in caller, callee;
	bool had_data, had_qos;
	ULONG data_length, capacity;
	char data[16];
	int nested_code;
};

static int follow(LPWSABUF caller, LPWSABUF caller_data, LPQOS qos, LPQOS gqos, LPWSABUF callee,
		  LPWSABUF callee_data, GROUP *g, DWORD_PTR data)
{
	struct script *script = (struct script *)data;

	script->calls++;
	script->thread = pthread_self();
	memcpy(&script->caller, caller->buf, sizeof(script->caller));
	memcpy(&script->callee, callee->buf, sizeof(script->callee));
	script->had_data = caller_data;
	if (caller_data) {
		script->data_length = caller_data->len;
		memcpy(script->data, caller_data->buf,
		       caller_data->len < 16 ? caller_data->len : 16);
	}
	script->had_qos = qos;
	if (qos && script->rate)
		qos->ReceivingFlowspec.TokenRate = script->rate;
	script->capacity = callee_data->len;
	if (script->callee_bytes && script->callee_bytes <= callee_data->len)
		memset(callee_data->buf, 'c', script->callee_bytes);
	callee_data->len = script->callee_bytes;
	if (script->set_group)
		*g = 7;
	if (script->call_on)
		join(script->call_on, &script->nested_code);
	return script->verdict;
}

Test(accept, R48_no_condition_accepts)
{
	SOCKET root = new_listening(ROOT_FLAGS), leaf;
	struct sockaddr_in peer;
	int code = 0, length = sizeof(peer);

	fake_event(fake_request(1, 42));
	leaf = wsp.lpWSPAccept(root, (struct sockaddr *)&peer, &length, NULL, 0, &code);
	cr_assert(leaf != INVALID_SOCKET && leaf != root, "%d", code);
	cr_expect_eq(ntohs(peer.sin_port), 9);
	cr_expect_eq(fake_wait(LC_LOCAL_ACCEPT, 1).request, 42);
	cr_expect_geq(fake_descriptor(LC_LOCAL_ACCEPT, 1), 0);
	/* R42 */
	cr_expect_eq(send_text(leaf, "x"), -WSAEOPNOTSUPP);
}

Test(accept, listening_leaf_gets_the_member)
{
	SOCKET s = new_listening(LEAF_FLAGS), member;
	char room[8];
	struct sockaddr_in own;
	int code = 0, length = sizeof(own);

	fake_event(fake_request(1, 1));
	member = accept_one(s, NULL, 0, &code);
	cr_assert_neq(member, INVALID_SOCKET, "%d", code);
	cr_expect_eq(send_text(member, "up"), 2);
	cr_expect_eq(recv(other_end, room, 8, 0), 2);
	wsp.lpWSPGetSockName(member, (struct sockaddr *)&own, &length, &code);
	sendto(other_end, "down", 4, 0, (struct sockaddr *)&own, sizeof(own));
	cr_expect_eq(receive_text(member, room, 8), 4);
	cr_expect_eq(send_text(s, "x"), -WSAENOTCONN);
}

Test(accept, condition_sees_the_request_in_the_callers_thread)
{
	struct script script = {.verdict = CF_ACCEPT, .callee_bytes = 3, .rate = 700};
	struct lc_local_message request, answer;
	SOCKET root = new_listening(ROOT_FLAGS);
	int code;

	request = fake_request(1, 5);
	request.data = (struct lc_connect_data){.present = true, .length = 2, .bytes = "hi"};
	request.data_capacity = 10;
	request.has_flows = true;
	request.flows.up = request.flows.down =
		(struct lc_flowspec){1000, 2000, ~0u, ~0u, ~0u, SERVICETYPE_BESTEFFORT, ~0u, ~0u};
	fake_event(request);
	cr_assert_neq(accept_one(root, follow, (DWORD_PTR)&script, &code), INVALID_SOCKET, "%d",
		      code);
	cr_expect_eq(script.calls, 1);
	cr_expect(pthread_equal(script.thread, pthread_self()));
	cr_expect_eq(ntohs(script.caller.sin_port), 9);
	cr_expect_eq(ntohs(script.callee.sin_port), 10);
	cr_expect(script.had_data && script.had_qos);
	cr_expect_eq(script.data_length, 2);
	cr_expect_arr_eq(script.data, "hi", 2);
	cr_expect_eq(script.capacity, 10);
	answer = fake_wait(LC_LOCAL_ACCEPT, 1);
	cr_expect(answer.data.present);
	cr_expect_eq(answer.data.length, 3);
	cr_expect_arr_eq(answer.data.bytes, "ccc", 3);
	/* The joiner's receiving, and it is a leaf: down */
	cr_expect_eq(answer.flows.down.token_rate, 700);
	cr_expect_eq(answer.flows.up.token_rate, 1000);
}

Test(accept, nothing_given_is_NULL)
{
	struct script script = {.verdict = CF_ACCEPT};
	SOCKET root = new_listening(ROOT_FLAGS);
	struct lc_local_message request = fake_request(1, 5);
	int code;

	request.data_capacity = 0;
	fake_event(request);
	accept_one(root, follow, (DWORD_PTR)&script, &code);
	cr_expect(!script.had_data && !script.had_qos);
	cr_expect_eq(script.capacity, 0);
	cr_expect_not(fake_wait(LC_LOCAL_ACCEPT, 1).data.present);
	cr_expect_not(fake_wait(LC_LOCAL_ACCEPT, 1).has_flows);
}

Test(accept, R16_CF_REJECT_refuses)
{
	struct script script = {.verdict = CF_REJECT};
	SOCKET root = new_listening(ROOT_FLAGS);
	int code;

	fake_event(fake_request(1, 5));
	cr_expect_eq(accept_one(root, follow, (DWORD_PTR)&script, &code), INVALID_SOCKET);
	assert_code(WSAECONNREFUSED, code);
	cr_expect_eq(fake_wait(LC_LOCAL_REJECT, 1).request, 5);
	cr_expect_eq(fake_wait(LC_LOCAL_REJECT, 1).reason, LEAFCAST_REJECTED);
	cr_expect_eq(fake_count(LC_LOCAL_ACCEPT), 0);
}

Test(accept, impossible_answers_are_INVAL_and_reject)
{
	struct script scripts[] = {{.verdict = 3},
				   {.verdict = -1},
				   {.verdict = CF_ACCEPT, .set_group = true},
				   {.verdict = CF_ACCEPT, .callee_bytes = 1025}};
	SOCKET root = new_listening(ROOT_FLAGS);
	int code;

	for (int i = 0; i < 4; i++) {
		fake_event(fake_request(1, 100 + (uint64_t)i));
		accept_one(root, follow, (DWORD_PTR)&scripts[i], &code);
		cr_expect_eq(code, WSAEINVAL, "row %d: %d", i, code);
		cr_expect_eq(fake_wait(LC_LOCAL_REJECT, i + 1).request, 100 + (uint64_t)i);
	}
}

Test(accept, N3_CF_DEFER_stays_at_the_head_and_holds_FD_ACCEPT_back)
{
	struct script defer = {.verdict = CF_DEFER}, reject = {.verdict = CF_REJECT};
	SOCKET root = new_listening(ROOT_FLAGS);
	WSAEVENT event = new_event();
	int code;

	wsp.lpWSPEventSelect(root, event, FD_ACCEPT, &code);
	fake_event(fake_request(1, 1));
	cr_assert_eq(wait_network_event(root, event, FD_ACCEPT_BIT), 0);
	WSAResetEvent(event);
	accept_one(root, follow, (DWORD_PTR)&defer, &code);
	assert_code(WSATRY_AGAIN, code);
	fake_event(fake_request(1, 2));
	usleep(50000);
	cr_expect_not(is_set(event), "FD_ACCEPT while the head is deferred");
	wsp.lpWSPEventSelect(root, event, FD_ACCEPT, &code);
	cr_expect_not(is_set(event), "FD_ACCEPT by registering again");
	accept_one(root, follow, (DWORD_PTR)&reject, &code);
	cr_expect_eq(fake_wait(LC_LOCAL_REJECT, 1).request, 1);
	cr_expect_eq(wait_network_event(root, event, FD_ACCEPT_BIT), 0);
	accept_one(root, NULL, 0, &code);
	cr_expect_eq(fake_wait(LC_LOCAL_ACCEPT, 1).request, 2);
	close_event(event);
}

Test(accept, N3_a_deferred_request_withdrawn_makes_way)
{
	struct script defer = {.verdict = CF_DEFER};
	SOCKET root = new_listening(ROOT_FLAGS);
	struct lc_local_message withdrawn = fake_request(1, 1);
	WSAEVENT event = new_event();
	int code;

	wsp.lpWSPEventSelect(root, event, FD_ACCEPT, &code);
	fake_event(fake_request(1, 1));
	cr_assert_eq(wait_network_event(root, event, FD_ACCEPT_BIT), 0);
	accept_one(root, follow, (DWORD_PTR)&defer, &code);
	fake_event(fake_request(1, 2));
	withdrawn.kind = LC_LOCAL_WITHDRAWN;
	withdrawn.reason = LEAFCAST_TIMED_OUT;
	fake_event(withdrawn);
	cr_expect_eq(wait_network_event(root, event, FD_ACCEPT_BIT), 0);
	accept_one(root, NULL, 0, &code);
	assert_code(WSAEACCES, code);
	cr_expect_neq(accept_one(root, NULL, 0, &code), INVALID_SOCKET);
	close_event(event);
}

Test(accept, FD_ACCEPT_again_only_after_accept)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	WSAEVENT event = new_event();
	int code;

	wsp.lpWSPEventSelect(root, event, FD_ACCEPT, &code);
	fake_event(fake_request(1, 1));
	fake_event(fake_request(1, 2));
	cr_assert_eq(wait_network_event(root, event, FD_ACCEPT_BIT), 0);
	fake_event(fake_request(1, 3));
	usleep(50000);
	cr_expect_not(is_set(event));
	accept_one(root, NULL, 0, &code);
	cr_expect_eq(wait_network_event(root, event, FD_ACCEPT_BIT), 0);
	close_event(event);
}

Test(accept, withdrawn_offers)
{
	const struct {
		enum leafcast_reason reason;
		int code;
	} rows[] = {{LEAFCAST_CANCELLED, WSAEACCES},
		    {LEAFCAST_TIMED_OUT, WSAEACCES},
		    {LEAFCAST_RESET, WSAECONNRESET},
		    {LEAFCAST_LOST, WSAECONNRESET}};
	SOCKET root = new_listening(ROOT_FLAGS);
	int code;

	for (uint64_t i = 0; i < 4; i++) {
		struct lc_local_message event = fake_request(1, i + 1);
		fd_set read;

		fake_event(event);
		event.kind = LC_LOCAL_WITHDRAWN;
		event.reason = rows[i].reason;
		fake_event(event);
		do {
			FD_ZERO(&read);
			FD_SET((int)root, &read);
		} while (wsp.lpWSPSelect(0, &read, NULL, NULL, NULL, &code) != 1);
		usleep(20000);
		accept_one(root, NULL, 0, &code);
		cr_expect_eq(code, rows[i].code, "row %d: %d", (int)i, code);
	}
	cr_expect_eq(fake_count(LC_LOCAL_ACCEPT), 0);
}

Test(accept, refused_by_the_daemon)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	int code;

	fake.accept = LEAFCAST_RESET;
	fake_event(fake_request(1, 1));
	cr_expect_eq(accept_one(root, NULL, 0, &code), INVALID_SOCKET);
	assert_code(WSAECONNRESET, code);
	cr_expect_eq(fake_wait(LC_LOCAL_CLOSE, 1).socket, fake_wait(LC_LOCAL_ACCEPT, 1).other);
}

/* Either thread may be first: so, often. */
Test(accept, close_right_behind_the_accept_is_not_lost)
{
	SOCKET root = new_listening(ROOT_FLAGS), leaf;
	WSAEVENT event = new_event();
	int code;

	fake.close_accepted_at_once = true;
	wsp.lpWSPEventSelect(root, event, FD_CLOSE | FD_ACCEPT, &code);
	for (uint64_t i = 1; i <= 60; i++) {
		fake_event(fake_request(1, i));
		wait_network_event(root, event, FD_ACCEPT_BIT);
		leaf = accept_one(root, NULL, 0, &code);
		cr_assert_neq(leaf, INVALID_SOCKET);
		cr_assert_eq(wait_network_event(leaf, event, FD_CLOSE_BIT), 0);
		close_handle(leaf);
	}
	close_event(event);
}

Test(accept, states)
{
	SOCKET root = new_root(), listening = new_listening(ROOT_FLAGS);
	struct sockaddr_in peer;
	ULONG on = 1;
	DWORD used;
	int code = 0, length = 3;

	accept_one(root, NULL, 0, &code);
	assert_code(WSAEINVAL, code);
	wsp.lpWSPListen(root, 1, &code);
	assert_code(WSAEINVAL, code); /* unbound */
	wsp.lpWSPAccept(listening, (struct sockaddr *)&peer, &length, NULL, 0, &code);
	assert_code(WSAEFAULT, code);
	wsp.lpWSPIoctl(listening, FIONBIO, &on, sizeof(on), NULL, 0, &used, NULL, NULL, NULL,
		       &code);
	accept_one(listening, NULL, 0, &code);
	assert_code(WSAEWOULDBLOCK, code);
}

Test(accept, R13_no_join_from_within_a_condition_function)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	struct script script = {.verdict = CF_ACCEPT, .call_on = new_leaf()};
	int code;

	fake_event(fake_request(1, 1));
	accept_one(root, follow, (DWORD_PTR)&script, &code);
	assert_code(WSAEINPROGRESS, script.nested_code);
	join(script.call_on, &code);
	assert_code(0, code);
}

static void *close_later(void *s)
{
	usleep(50000);
	close_handle((SOCKET)s);
	return NULL;
}

Test(accept, close_ends_a_blocked_accept)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	pthread_t thread;
	int code;

	pthread_create(&thread, NULL, close_later, (void *)root);
	accept_one(root, NULL, 0, &code);
	assert_code(WSAEINTR, code);
	pthread_join(thread, NULL);
}

Test(accept, backlog_and_repeated_listen)
{
	SOCKET root = new_listening(ROOT_FLAGS);
	int code = 0;

	cr_expect_eq(fake_wait(LC_LOCAL_LISTEN, 1).backlog, 8);
	cr_expect_eq(wsp.lpWSPListen(root, SOMAXCONN, &code), 0);
	cr_expect_eq(wsp.lpWSPListen(root, -5, &code), 0);
	cr_expect_eq(fake_wait(LC_LOCAL_LISTEN, 3).backlog, 1);
	fake.listen = LEAFCAST_ADDRESS_IN_USE;
	cr_expect_neq(wsp.lpWSPListen(root, 1, &code), 0);
	assert_code(WSAEADDRINUSE, code);
	wsp.lpWSPListen(new_joined_leaf(), 1, &code);
	assert_code(WSAEISCONN, code);
}
