/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* WSPSelect and Winsock's fd_set. What select sees of sockets is in events.c. */
#include "fake.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "setsize.h"

TestSuite(select, .init = setup, .fini = teardown, .timeout = 20);

/* At once; the count, or minus the code. */
static int select_now(void *read, void *write, void *except)
{
	const struct timeval now = {0};
	int code = 0, count = wsp.lpWSPSelect(0, read, write, except, &now, &code);

	return count < 0 ? -code : count;
}

Test(select, a_set_is_a_list_of_as_many_as_the_program_says)
{
	struct small_set set = {.behind = 4711};

	cr_expect_eq(small_setsize(), 3);
	cr_expect_eq(small_set_bytes(), sizeof(void *) + 3 * sizeof(SOCKET));
	small_zero(&set);
	for (uintptr_t s = 5000; s < 5010; s++) {
		small_set(&set, s);
		small_set(&set, s);
	}
	cr_expect_eq(set.count, 3, "each once, and no more than there is room for");
	cr_expect_eq(set.behind, 4711);
	cr_expect(set.members[0] == 5000 && set.members[1] == 5001 && set.members[2] == 5002);
	small_clear(&set, 5000);
	small_clear(&set, 77);
	cr_expect_eq(set.count, 2);
	cr_expect(small_is_set(&set, 5001) && small_is_set(&set, 5002));
	cr_expect_not(small_is_set(&set, 5000));
	small_zero(&set);
	cr_expect_not(small_is_set(&set, 5001));
}

static SOCKET WSPAPI add_a_million(DWORD id, SOCKET proposed, LPINT lpErrno)
{
	return proposed + 1000000;
}

Test(select, any_handle_fits_in)
{
	const WSPUPCALLTABLE upcalls = {.lpWPUModifyIFSHandle = add_a_million};
	struct small_set set = {.behind = 4711};
	SOCKET quiet, ready;
	WSADATA started;
	WSPDATA data;

	/* The front has a table of its own */
	cr_assert_eq(WSAStartup(0x202, &started), 0);
	WSPStartup(0x202, &data, NULL, upcalls, &wsp);
	quiet = new_joined_leaf();
	ready = new_joined_leaf();
	cr_assert_gt(ready, 1000000);
	feed(ready, "x", 1);
	small_zero(&set);
	small_set(&set, quiet);
	small_set(&set, ready);
	cr_expect_eq(small_select(&set), 1);
	cr_expect_eq(set.count, 1);
	cr_expect_eq(set.members[0], ready);
	cr_expect_eq(set.behind, 4711);
	WSACleanup();
}

/* As d1-d4 of a program with many files open had it: the descriptor itself is above 1023. */
Test(select, a_descriptor_above_1023)
{
	struct rlimit limit;
	fd_set set;
	SOCKET s;
	int low;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((low = fcntl(0, F_DUPFD_CLOEXEC, 3)) >= 0 && low < 1100)
		;
	cr_assert_geq(low, 1100);
	s = new_joined_leaf();
	cr_assert_gt(s, 1100);
	FD_ZERO(&set);
	FD_SET(s, &set);
	cr_expect_eq(select_now(&set, NULL, NULL), 0);
	cr_expect_eq(set.fd_count, 0);
	FD_SET(s, &set);
	feed(s, "x", 1);
	cr_expect_eq(select_now(&set, NULL, NULL), 1);
	cr_expect(FD_ISSET(s, &set));
}

/* In the order of the program, wherever it stands; once for each set that it is ready in. */
Test(select, what_is_ready_stays_in_its_sets)
{
	SOCKET a = new_joined_leaf(), b = new_joined_leaf(), c = new_joined_leaf();
	fd_set read = {3, {c, b, a}}, write = {2, {a, c}}, except = {2, {b, a}};

	feed(c, "x", 1);
	feed(a, "x", 1);
	cr_expect_eq(select_now(&read, &write, &except), 4);
	cr_expect_eq(read.fd_count, 2);
	cr_expect(read.fd_array[0] == c && read.fd_array[1] == a);
	cr_expect_eq(write.fd_count, 2);
	cr_expect(write.fd_array[0] == a && write.fd_array[1] == c);
	cr_expect_eq(except.fd_count, 0);
	/* Put in twice by hand: no harm */
	read = (fd_set){3, {a, b, a}};
	cr_expect_eq(select_now(&read, NULL, NULL), 2);
	cr_expect(read.fd_array[0] == a && read.fd_array[1] == a);
}

Test(select, a_failure_changes_no_set)
{
	SOCKET a = new_joined_leaf();
	fd_set read = {2, {a, INVALID_SOCKET}}, write = {1, {a}}, none = {0};

	cr_expect_eq(select_now(&read, &write, &none), -WSAENOTSOCK);
	cr_expect_eq(read.fd_count, 2);
	cr_expect_eq(write.fd_count, 1);
	cr_expect_eq(select_now(&none, &none, NULL), -WSAEINVAL);
	read = (fd_set){1, {(SOCKET)other_end}};
	cr_expect_eq(select_now(&read, NULL, NULL), -WSAENOTSOCK);
	/* An empty set beside one that is not is fine */
	cr_expect_eq(select_now(&none, &write, NULL), 1);
}

Test(select, pointers_and_counts)
{
	char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
	leafcast_fd_set *at_the_end = (void *)(pages + 2 * 4096 - offsetof(fd_set, fd_array[2]));
	SOCKET s = new_joined_leaf();
	fd_set good = {1, {s}};
	void *const bad[] = {(void *)8, pages, pages + 2 * 4096 - 2, pages + 2 * 4096};
	int code = 0;

	mprotect(pages + 2 * 4096, 4096, PROT_NONE);
	at_the_end->fd_count = 2;
	at_the_end->fd_array[0] = at_the_end->fd_array[1] = s;
	cr_expect_eq(select_now(NULL, at_the_end, NULL), 2, "as far as its count, and no farther");
	at_the_end->fd_count = 3;
	cr_expect_eq(select_now(&good, at_the_end, NULL), -WSAEFAULT);
	/* never initialised */
	good.fd_count = 0xCCCCCCCC;
	cr_expect_eq(select_now(&good, NULL, NULL), -WSAEFAULT);
	good.fd_count = ~0u;
	cr_expect_eq(select_now(NULL, NULL, &good), -WSAEFAULT);
	good.fd_count = 1;
	mprotect(pages, 4096, PROT_READ); /* an empty set, but it is to be written */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_eq(select_now(bad[i], NULL, NULL), -WSAEFAULT, "read, row %zu", i);
		cr_expect_eq(select_now(&good, bad[i], NULL), -WSAEFAULT, "write, row %zu", i);
		cr_expect_eq(select_now(&good, NULL, bad[i]), -WSAEFAULT, "except, row %zu", i);
		cr_expect_eq(good.fd_count, 1, "row %zu", i);
		if (bad[i] == pages)
			continue; /* of a time only reading is asked */
		wsp.lpWSPSelect(0, &good, NULL, NULL, bad[i], &code);
		cr_expect_eq(code, WSAEFAULT, "time, row %zu: %d", i, code);
	}
	munmap(pages, 3 * 4096);
}

/* There is memory for them, but no process has so many. */
Test(select, a_count_beyond_all_sockets)
{
	const unsigned int count = (1u << 20) + 1;
	size_t bytes = offsetof(fd_set, fd_array) + count * sizeof(SOCKET);
	leafcast_fd_set *set = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	cr_assert_neq(set, MAP_FAILED);
	set->fd_count = count;
	cr_expect_eq(select_now(set, NULL, NULL), -WSAEFAULT);
	set->fd_count = 1;
	cr_expect_eq(select_now(set, NULL, NULL), -WSAENOTSOCK);
	munmap(set, bytes);
}

/* Two descriptors each, the socket's and ours: poll(2) takes no list longer than RLIMIT_NOFILE. */
Test(select, as_many_as_there_can_be)
{
	enum {
		SOCKETS = 60
	};
	struct rlimit limit;
	fd_set read, write;

	FD_ZERO(&write);
	for (int i = 0; i < SOCKETS; i++)
		FD_SET(new_joined_leaf(), &write);
	read = write;
	cr_assert_eq(select_now(&read, &write, NULL), SOCKETS, "all can send");
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = SOCKETS * 2;
	setrlimit(RLIMIT_NOFILE, &limit);
	read = write;
	cr_expect_eq(select_now(&read, &write, NULL), SOCKETS);
}
