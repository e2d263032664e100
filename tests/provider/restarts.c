/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "restarts.h"

#include <errno.h>

void restart(void)
{
	fake_stop();
	fake_start();
}

uint64_t number_of(int n)
{
	return fake_wait(LC_LOCAL_OPEN, n).socket;
}

uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length), 0);
	return cookie;
}

struct lc_local_message resumed(uint64_t socket)
{
	for (int n = 1;; n++) {
		struct lc_local_message message = fake_wait(LC_LOCAL_RESUME, n);

		if (message.socket == socket)
			return message;
	}
}

int resumed_at(uint64_t socket)
{
	for (int n = 1;; n++)
		if (fake_wait(LC_LOCAL_RESUME, n).socket == socket)
			return fake_position(LC_LOCAL_RESUME, n);
}

void settle(void)
{
	close_handle(new_leaf());
}

int join_code(SOCKET s)
{
	int code;

	return join(s, &code) == INVALID_SOCKET ? code : 0;
}

int listen_code(SOCKET s)
{
	int code = 0;

	wsp.lpWSPListen(s, 5, &code);
	return code;
}

int accept_code(SOCKET s)
{
	int code;

	return accept_any(s, &code) == INVALID_SOCKET ? code : 0;
}

int open_code(SOCKET unused)
{
	int code = 0;

	wsp.lpWSPSocket(AF_INET, 0, 0, NULL, 0, ROOT_FLAGS, &code);
	return code;
}

int set_flows_code(SOCKET s)
{
	QOS qos = {.SendingFlowspec = {1000, 2000, QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
				       QOS_NOT_SPECIFIED, SERVICETYPE_BESTEFFORT, QOS_NOT_SPECIFIED,
				       QOS_NOT_SPECIFIED},
		   .ReceivingFlowspec.ServiceType = SERVICETYPE_NOCHANGE};
	DWORD used;
	int code = 0;

	wsp.lpWSPIoctl(s, SIO_SET_QOS, &qos, sizeof(qos), NULL, 0, &used, NULL, NULL, NULL, &code);
	return code;
}

SOCKET new_bound(DWORD flags)
{
	SOCKET s = flags == ROOT_FLAGS ? new_root() : new_leaf();
	struct sockaddr_in name = loopback(0);
	int code = 0;

	cr_assert_eq(wsp.lpWSPBind(s, (struct sockaddr *)&name, sizeof(name), &code), 0);
	return s;
}

static void *run_call(void *argument)
{
	struct call *call = argument;

	call->code = call->function(call->s);
	return NULL;
}

void call_begin(struct call *call, int (*function)(SOCKET), SOCKET s)
{
	call->function = function;
	call->s = s;
	cr_assert_eq(pthread_create(&call->thread, NULL, run_call, call), 0);
}

int call_end(struct call *call)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	cr_assert_eq(pthread_timedjoin_np(call->thread, NULL, &until), 0, "it still blocks");
	return call->code;
}
