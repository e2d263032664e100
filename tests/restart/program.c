/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define BUFFER_BYTES	 (128 << 20)
#define MOST_DESCRIPTORS 8192

static const char *program_name;

void program_fail(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_name, what, leafcast_code_name(WSAGetLastError()));
	exit(1);
}

void program_begin(const char *name)
{
	const struct rlimit descriptors = {MOST_DESCRIPTORS, MOST_DESCRIPTORS};
	WSADATA data;

	program_name = name;
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Whether another line is there, poll() says. */
	setvbuf(stdin, NULL, _IONBF, 0);
	setrlimit(RLIMIT_NOFILE, &descriptors);
	if (WSAStartup(MAKEWORD(2, 2), &data))
		program_fail("startup");
}

static void say(char mark, const char *format, va_list arguments)
{
	/* Another thread may say something too. */
	flockfile(stdout);
	printf("%c ", mark);
	vprintf(format, arguments);
	putchar('\n');
	funlockfile(stdout);
}

void answer(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say('=', format, arguments);
	va_end(arguments);
}

void tell(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say('!', format, arguments);
	va_end(arguments);
}

struct outcome outcome_of(int code, SOCKET socket)
{
	struct outcome outcome;

	snprintf(outcome.text, sizeof(outcome.text), "%s %s", leafcast_code_name(code),
		 leafcast_reason_word(leafcast_socket_reason(socket)));
	return outcome;
}

void socket_set_buffers(SOCKET socket)
{
	const int bytes = BUFFER_BYTES;

	if (setsockopt((int)socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		perror("SO_RCVBUFFORCE");
}
