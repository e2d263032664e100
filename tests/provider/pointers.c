/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * R17, R19, R20 of every call: a bad pointer is WSAEFAULT, never a signal, and
 * nothing is lost by it.
 */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "provider/memory.h"

#define PAGE 4096

/* Three pages: to write, to read only, not to touch. */
static char *pages;

static void setup_pages(void)
{
	const sa_family_t family = AF_INET;

	setup();
	pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(pages, MAP_FAILED);
	/* So that a name that breaks off there is one of the right family */
	memcpy(pages + 2 * PAGE - sizeof(family), &family, sizeof(family));
	cr_assert_eq(mprotect(pages + PAGE, PAGE, PROT_READ), 0);
	cr_assert_eq(mprotect(pages + 2 * PAGE, PAGE, PROT_NONE), 0);
}

static void teardown_pages(void)
{
	munmap(pages, 3 * PAGE);
	teardown();
}

TestSuite(pointers, .init = setup_pages, .fini = teardown_pages, .timeout = 20);

/* Where nothing can be read: not at all, and not to the end. */
static void *unreadable(int i)
{
	void *const all[] = {NULL,
			     (void *)8,
			     (void *)~(uintptr_t)0,
			     (void *)((uintptr_t)1 << 63),
			     pages + 2 * PAGE,
			     pages + 2 * PAGE - 2};

	return all[i];
}
#define UNREADABLE 6

/* Where nothing can be written: besides those, what is to be read only. */
static void *unwritable(int i)
{
	void *const all[] = {pages + PAGE, pages + PAGE - 2, pages + 2 * PAGE - 1};

	return i < UNREADABLE ? unreadable(i) : all[i - UNREADABLE];
}
#define UNWRITABLE (UNREADABLE + 3)

Test(pointers, memory_is_read_and_written_where_it_is)
{
	char text[8] = "1234567", *heap = malloc(PAGE);
	int number;

	memcpy(pages + PAGE - 4, "good", 4);
	cr_expect_eq(lc_memory_read(&number, pages + PAGE - 4, 4), 0);
	cr_expect_eq(memcmp(&number, "good", 4), 0);
	cr_expect_eq(lc_memory_read(&number, pages + 2 * PAGE - 4, 4), 0, "read only");
	cr_expect_eq(memcmp(&number, pages + 2 * PAGE - 4, 4), 0);
	cr_expect_eq(lc_memory_write(heap + 3, text, 8), 0);
	cr_expect_str_eq(heap + 3, "1234567");
	cr_expect_eq(lc_memory_write(text, "stack", 6), 0);
	cr_expect_str_eq(text, "stack");
	memset(heap, 7, PAGE);
	cr_expect_eq(lc_memory_check_writable(heap, PAGE), 0);
	cr_expect_eq(lc_memory_expect_writable(heap, PAGE), 0);
	for (int i = 0; i < PAGE; i++)
		cr_assert_eq(heap[i], 7, "a check changed byte %d", i);
	/* Nothing is touched for nothing */
	cr_expect_eq(lc_memory_read(&number, (void *)8, 0), 0);
	cr_expect_eq(lc_memory_write((void *)8, &number, 0), 0);
	cr_expect_eq(lc_memory_check_writable(NULL, 0), 0);
	for (int i = 0; i < UNREADABLE; i++)
		cr_expect_eq(lc_memory_read(text, unreadable(i), 4), -EFAULT, "row %d", i);
	for (int i = 0; i < UNWRITABLE; i++) {
		cr_expect_eq(lc_memory_write(unwritable(i), text, 4), -EFAULT, "row %d", i);
		cr_expect_eq(lc_memory_check_writable(unwritable(i), 4), -EFAULT, "row %d", i);
		cr_expect_eq(lc_memory_expect_writable(unwritable(i), 4), -EFAULT, "row %d", i);
	}
	cr_expect_eq(lc_memory_check_writable(pages, 3 * PAGE), -EFAULT, "the page behind");
	cr_expect_eq(lc_memory_check_writable(text, SIZE_MAX), -EFAULT, "round the address space");
	mprotect(pages + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	cr_expect_eq(lc_memory_check_writable(pages, 3 * PAGE), -EFAULT, "the page in the middle");
	free(heap);
}

/* What expect_writable() remembers is for the kernel's eyes; asked anew it knows better. */
Test(pointers, memory_that_was_good_is_remembered_until_forgotten)
{
	cr_expect_eq(lc_memory_expect_writable(pages, PAGE), 0);
	mprotect(pages, PAGE, PROT_READ);
	cr_expect_eq(lc_memory_check_writable(pages, PAGE), -EFAULT);
	lc_memory_forget();
	cr_expect_eq(lc_memory_expect_writable(pages, PAGE), -EFAULT);
}

Test(pointers, a_bad_receive_buffer_loses_no_datagram)
{
	SOCKET s = new_joined_leaf();
	DWORD bytes = 77, flags = 0;
	char room[8];
	int code;

	feed(s, "kept", 4);
	for (int i = 0; i < UNWRITABLE; i++) {
		WSABUF parts[] = {{2, room}, {4, unwritable(i)}};

		code = 0;
		wsp.lpWSPRecv(s, parts + 1, 1, &bytes, &flags, NULL, NULL, NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "row %d: %d", i, code);
		code = 0;
		wsp.lpWSPRecv(s, parts, 2, &bytes, &flags, NULL, NULL, NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "row %d, second part: %d", i, code);
	}
	cr_expect_eq(bytes, 77);
	cr_expect_eq(receive_text(s, room, 8), 4);
	cr_expect_arr_eq(room, "kept", 4);
}

/* Bad where the datagram would not reach, too; but not where none ever reaches. */
Test(pointers, the_whole_receive_buffer_counts)
{
	SOCKET s = new_joined_leaf();
	char *most = mmap(NULL, 17 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);

	feed(s, "kept", 4);
	cr_expect_eq(receive_text(s, pages, 3 * PAGE), -WSAEFAULT);
	mprotect(most + 16 * PAGE, PAGE, PROT_NONE);
	cr_expect_eq(receive_text(s, most, 0x7fffffff), 4);
	munmap(most, 17 * PAGE);
}

/* One that this thread has received into before is not asked about: no signal, no wrong success. */
Test(pointers, a_buffer_that_was_good_is_FAULT_too)
{
	SOCKET s = new_joined_leaf();
	char room[8];

	feed(s, "one", 3);
	cr_expect_eq(receive_text(s, pages, 64), 3);
	mprotect(pages, PAGE, PROT_READ);
	feed(s, "two", 3);
	cr_expect_eq(receive_text(s, pages, 64), -WSAEFAULT);
	feed(s, "three", 5);
	cr_expect_eq(receive_text(s, pages, 64), -WSAEFAULT);
	cr_expect_eq(receive_text(s, room, 8), 5, "lost although the page was known to be bad");
}

Test(pointers, receive_parameters)
{
	SOCKET s = new_joined_leaf();
	DWORD bytes, flags = 0;
	struct sockaddr_in from;
	char room[8];
	WSABUF part = {8, room};
	int code, length = sizeof(from);

	feed(s, "kept", 4);
	for (int i = 0; i < UNWRITABLE; i++) {
		void *bad = unwritable(i);

		code = 0;
		wsp.lpWSPRecv(s, &part, 1, bad, &flags, NULL, NULL, NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "count, row %d: %d", i, code);
		code = 0;
		wsp.lpWSPRecv(s, &part, 1, &bytes, bad, NULL, NULL, NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "flags, row %d: %d", i, code);
		code = 0;
		wsp.lpWSPRecvFrom(s, &part, 1, &bytes, &flags, (struct sockaddr *)&from, bad, NULL,
				  NULL, NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "fromlen, row %d: %d", i, code);
		if (!bad)
			continue; /* no source is asked for */
		code = 0;
		wsp.lpWSPRecvFrom(s, &part, 1, &bytes, &flags, bad, &length, NULL, NULL, NULL,
				  &code);
		cr_expect_eq(code, WSAEFAULT, "from, row %d: %d", i, code);
	}
	for (int i = 0; i < UNREADABLE; i++) {
		code = 0;
		wsp.lpWSPRecv(s, unreadable(i), 1, &bytes, &flags, NULL, NULL, NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "buffers, row %d: %d", i, code);
	}
	cr_expect_eq(receive_text(s, room, 8), 4);
}

Test(pointers, parameters_off_the_stack_work)
{
	struct {
		WSABUF parts[20];
		DWORD bytes, flags;
		struct sockaddr_in from;
		int length, code;
		char bytes_of[20];
	} *all = calloc(1, sizeof(*all));
	SOCKET s = new_joined_leaf();
	char text[32];

	for (int i = 0; i < 20; i++)
		all->parts[i] = (WSABUF){1, &all->bytes_of[i]};
	memcpy(all->bytes_of, "abcdefghijklmnopqrst", 20);
	cr_expect_eq(wsp.lpWSPSend(s, all->parts, 20, &all->bytes, 0, NULL, NULL, NULL, &all->code),
		     0);
	cr_expect_eq(all->bytes, 20);
	cr_expect_eq(recv(other_end, text, sizeof(text), 0), 20);
	cr_expect_arr_eq(text, "abcdefghijklmnopqrst", 20);
	feed(s, "0123456789", 10);
	all->length = sizeof(all->from);
	all->flags = MSG_PEEK;
	cr_expect_eq(wsp.lpWSPRecvFrom(s, all->parts, 20, &all->bytes, &all->flags,
				       (struct sockaddr *)&all->from, &all->length, NULL, NULL,
				       NULL, &all->code),
		     0);
	cr_expect_eq(all->bytes, 10);
	cr_expect_eq(all->flags, 0);
	cr_expect_eq(all->from.sin_port, other_end_name.sin_port);
	cr_expect_arr_eq(all->bytes_of, "0123456789klmnopqrst", 20);
	free(all);
}

Test(pointers, send_parameters)
{
	SOCKET s = new_joined_leaf();
	struct sockaddr_in stranger = loopback(9);
	char text[] = "x", room[4];
	WSABUF part = {1, text};
	DWORD sent = 77;
	int code;

	for (int i = 0; i < UNREADABLE; i++) {
		WSABUF bad[] = {{1, text}, {4, unreadable(i)}};

		code = 0;
		wsp.lpWSPSend(s, bad, 2, &sent, 0, NULL, NULL, NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "buffer, row %d: %d", i, code);
		code = 0;
		wsp.lpWSPSend(s, unreadable(i), 1, &sent, 0, NULL, NULL, NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "buffers, row %d: %d", i, code);
		code = 0;
		wsp.lpWSPSend(s, unreadable(i), 1000, &sent, 0, NULL, NULL, NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "many buffers, row %d: %d", i, code);
		if (!unreadable(i))
			continue; /* no address is given */
		code = 0;
		wsp.lpWSPSendTo(s, &part, 1, &sent, 0, unreadable(i), sizeof(stranger), NULL, NULL,
				NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "to, row %d: %d", i, code);
	}
	for (int i = 0; i < UNWRITABLE; i++) {
		code = 0;
		wsp.lpWSPSend(s, &part, 1, unwritable(i), 0, NULL, NULL, NULL, &code);
		cr_expect_eq(code, WSAEFAULT, "count, row %d: %d", i, code);
	}
	cr_expect_eq(sent, 77);
	cr_expect_eq(recv(other_end, room, 4, MSG_DONTWAIT), -1, "sent all the same");
}

/* Decided: the code is told nowhere; the call fails, or does what it does. */
Test(pointers, an_lpErrno_that_is_no_memory)
{
	char text[] = "x", room[4];
	WSABUF part = {1, text};
	SOCKET s = new_leaf();
	DWORD sent = 0;

	for (int i = 0; i < UNWRITABLE; i++) {
		cr_expect_eq(wsp.lpWSPListen(s, 1, unwritable(i)), SOCKET_ERROR, "row %d", i);
		cr_expect_eq(wsp.lpWSPSocket(AF_UNIX, 0, 0, NULL, 0, ROOT_FLAGS, unwritable(i)),
			     INVALID_SOCKET, "row %d", i);
	}
	cr_expect_eq(wsp.lpWSPJoinLeaf(s, (struct sockaddr *)&other_end_name,
				       sizeof(other_end_name), NULL, NULL, NULL, NULL, JL_BOTH,
				       (LPINT)8),
		     s);
	cr_expect_eq(wsp.lpWSPSend(s, &part, 1, &sent, 0, NULL, NULL, NULL, (LPINT)8), 0);
	cr_expect_eq(recv(other_end, room, 4, 0), 1);
}

static int bind_code(SOCKET s, void *name)
{
	int code = 0;

	wsp.lpWSPBind(s, name, sizeof(struct sockaddr_in), &code);
	return code;
}

static int name_code(SOCKET s, void *name, void *length)
{
	int code = 0;

	wsp.lpWSPGetSockName(s, name, length, &code);
	return code;
}

Test(pointers, names)
{
	SOCKET s = new_joined_leaf(), unbound = new_leaf();
	struct sockaddr_in own = {0};
	int length = sizeof(own), code;

	for (int i = 0; i < UNREADABLE; i++)
		cr_expect_eq(bind_code(unbound, unreadable(i)), WSAEFAULT, "row %d", i);
	for (int i = 0; i < UNWRITABLE; i++) {
		cr_expect_eq(name_code(s, unwritable(i), &length), WSAEFAULT, "row %d", i);
		cr_expect_eq(name_code(s, &own, unwritable(i)), WSAEFAULT, "row %d", i);
		code = 0;
		wsp.lpWSPGetPeerName(s, unwritable(i), &length, &code);
		cr_expect_eq(code, WSAEFAULT, "peer, row %d", i);
	}
	length = sizeof(own) - 1;
	assert_code(WSAEFAULT, name_code(s, &own, &length));
	cr_expect_eq(own.sin_family, 0);
}

Test(pointers, options)
{
	SOCKET s = new_leaf();
	int value = 0, length = sizeof(value), code;

	for (int i = 0; i < UNREADABLE; i++) {
		code = 0;
		wsp.lpWSPSetSockOpt(s, SOL_SOCKET, SO_RCVBUF, unreadable(i), sizeof(value), &code);
		cr_expect_eq(code, WSAEFAULT, "row %d: %d", i, code);
	}
	for (int i = 0; i < UNWRITABLE; i++) {
		code = 0;
		wsp.lpWSPGetSockOpt(s, SOL_SOCKET, SO_TYPE, unwritable(i), &length, &code);
		cr_expect_eq(code, WSAEFAULT, "value, row %d: %d", i, code);
		code = 0;
		wsp.lpWSPGetSockOpt(s, SOL_SOCKET, SO_TYPE, (char *)&value, unwritable(i), &code);
		cr_expect_eq(code, WSAEFAULT, "length, row %d: %d", i, code);
	}
	cr_expect_eq(value, 0, "half of it was written");
	code = 0;
	wsp.lpWSPSetSockOpt(s, SOL_SOCKET, SO_LINGER, (char *)&value, sizeof(value), &code);
	assert_code(WSAEFAULT, code); /* too short for a linger */
}

static int control(SOCKET s, DWORD what, void *in, DWORD in_bytes, void *out, DWORD out_bytes,
		   void *returned)
{
	int code = 0;

	wsp.lpWSPIoctl(s, what, in, in_bytes, out, out_bytes, returned, NULL, NULL, NULL, &code);
	return code;
}

Test(pointers, ioctl)
{
	SOCKET s = new_leaf();
	ULONG value = 1;
	DWORD used;
	QOS qos;

	for (int i = 0; i < UNREADABLE; i++) {
		void *bad = unreadable(i);

		cr_expect_eq(control(s, FIONBIO, bad, 4, NULL, 0, &used), WSAEFAULT, "row %d", i);
		cr_expect_eq(control(s, SIO_SET_QOS, bad, sizeof(qos), NULL, 0, &used), WSAEFAULT,
			     "row %d", i);
	}
	for (int i = 0; i < UNWRITABLE; i++) {
		void *bad = unwritable(i);

		cr_expect_eq(control(s, FIONBIO, &value, 4, NULL, 0, bad), WSAEFAULT, "row %d", i);
		cr_expect_eq(control(s, FIONREAD, NULL, 0, bad, 4, &used), WSAEFAULT, "row %d", i);
		cr_expect_eq(control(s, SIO_GET_QOS, NULL, 0, bad, sizeof(qos), &used), WSAEFAULT,
			     "row %d", i);
	}
	assert_code(WSAEFAULT, control(s, FIONBIO, &value, 3, NULL, 0, &used));
	assert_code(WSAEFAULT, control(s, FIONREAD, NULL, 0, &value, 3, &used));
	assert_code(WSAEFAULT, control(s, SIO_SET_QOS, &qos, sizeof(qos) - 1, NULL, 0, &used));
	assert_code(WSAEFAULT, control(s, SIO_GET_QOS, NULL, 0, &qos, sizeof(qos) - 1, &used));
}

Test(pointers, sockets_and_start_up)
{
	const WSPUPCALLTABLE none = {0};
	WSPPROC_TABLE table;
	WSPDATA data;
	int code;

	for (int i = 0; i < UNREADABLE; i++) {
		if (!unreadable(i))
			continue; /* no information is given */
		code = 0;
		wsp.lpWSPSocket(-1, -1, -1, unreadable(i), 0, LEAF_FLAGS, &code);
		cr_expect_eq(code, WSAEFAULT, "row %d: %d", i, code);
	}
	for (int i = 0; i < UNWRITABLE; i++) {
		void *bad = unwritable(i);

		cr_expect_eq(WSPStartup(0x202, bad, NULL, none, &table), WSAEFAULT, "row %d", i);
		cr_expect_eq(WSPStartup(0x202, &data, NULL, none, bad), WSAEFAULT, "row %d", i);
		cr_expect_not(leafcast_catalogue_entry(0, bad), "row %d", i);
	}
	/* None of them counts: one clean-up undoes setup()'s */
	cr_expect_eq(wsp.lpWSPCleanup(&code), 0);
	cr_expect_eq(wsp.lpWSPCleanup(&code), SOCKET_ERROR);
}

Test(pointers, events)
{
	SOCKET s = new_joined_leaf();
	WSAEVENT event = new_event();
	int code;

	wsp.lpWSPEventSelect(s, event, FD_WRITE, &code);
	for (int i = 0; i < UNWRITABLE; i++) {
		code = 0;
		wsp.lpWSPEnumNetworkEvents(s, event, unwritable(i), &code);
		cr_expect_eq(code, WSAEFAULT, "row %d: %d", i, code);
	}
	cr_expect(is_set(event), "reset by a call that failed");
	cr_expect_eq(wait_network_event(s, event, FD_WRITE_BIT), 0);
	for (int i = 0; i < UNREADABLE; i++) {
		WSASetLastError(0);
		cr_expect_eq(WSAWaitForMultipleEvents(1, unreadable(i), FALSE, 0, FALSE),
			     WSA_WAIT_FAILED);
		cr_expect_eq(WSAGetLastError(), WSAEFAULT, "row %d: %d", i, WSAGetLastError());
	}
	close_event(event);
}

Test(pointers, the_front)
{
	WSAPROTOCOL_INFOA narrow[2];
	WSAPROTOCOL_INFOW wide[2];
	int list[] = {LEAFCAST_IPPROTO_ROOTED, 0};
	DWORD length = sizeof(wide);
	WSADATA data;

	for (int i = 0; i < UNWRITABLE; i++)
		cr_expect_eq(WSAStartup(0x202, unwritable(i)), WSAEFAULT, "row %d", i);
	cr_assert_eq(WSAStartup(0x202, &data), 0);
	for (int i = 0; i < UNREADABLE; i++) {
		void *bad = unreadable(i);

		if (!bad)
			continue; /* NULL: all protocols; no information */
		WSASetLastError(0);
		cr_expect_eq(WSAEnumProtocolsW(bad, wide, &length), SOCKET_ERROR);
		cr_expect_eq(WSAGetLastError(), WSAEFAULT, "row %d: %d", i, WSAGetLastError());
		WSASetLastError(0);
		cr_expect_eq(WSASocketA(-1, -1, -1, bad, 0, LEAF_FLAGS), INVALID_SOCKET);
		cr_expect_eq(WSAGetLastError(), WSAEFAULT, "row %d: %d", i, WSAGetLastError());
	}
	for (int i = 0; i < UNWRITABLE; i++) {
		void *bad = unwritable(i);

		WSASetLastError(0);
		length = 4;
		cr_expect_eq(WSAEnumProtocolsA(list, narrow, bad), SOCKET_ERROR);
		/* Where it can be read there is room for nothing */
		cr_expect_eq(WSAGetLastError(), WSAEFAULT, "length, row %d: %d", i,
			     WSAGetLastError());
		if (!bad)
			continue; /* NULL: only the length is asked for */
		length = sizeof(wide);
		WSASetLastError(0);
		cr_expect_eq(WSAEnumProtocolsW(list, bad, &length), SOCKET_ERROR);
		cr_expect_eq(WSAGetLastError(), WSAEFAULT, "row %d: %d", i, WSAGetLastError());
		length = sizeof(wide);
		WSASetLastError(0);
		cr_expect_eq(WSAEnumProtocolsA(list, bad, &length), SOCKET_ERROR);
		cr_expect_eq(WSAGetLastError(), WSAEFAULT, "row %d: %d", i, WSAGetLastError());
	}
	length = sizeof(wide);
	cr_expect_eq(WSAEnumProtocolsW(list, wide, &length), 2);
	length = sizeof(narrow);
	cr_expect_eq(WSAEnumProtocolsA(NULL, narrow, &length), 2);
	cr_expect_str_eq(narrow[1].szProtocol, "Leafcast rooted/rooted [UDP/IPv6]");
	cr_expect_eq(WSACleanup(), 0);
	cr_expect_eq(WSACleanup(), SOCKET_ERROR, "a start-up that failed counts");
}
