/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "provider/table.h"

#define BUCKETS 1024

/* A cache line each, so that threads which use neighbours do not slow each other down. */
static struct bucket {
	_Alignas(64) pthread_mutex_t mutex;
	struct lc_socket *first;
} by_handle[BUCKETS] = {[0 ... BUCKETS - 1] = {.mutex = PTHREAD_MUTEX_INITIALIZER}};

/* In each chain the numbers go down, because they are given in order. */
static pthread_mutex_t numbers_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lc_socket *by_number[BUCKETS];
static uint64_t last_number;

static struct bucket *bucket_of(SOCKET handle)
{
	return &by_handle[handle % BUCKETS];
}

static struct lc_socket **find_handle(struct bucket *bucket, SOCKET handle)
{
	struct lc_socket **at = &bucket->first;

	while (*at && (*at)->handle != handle)
		at = &(*at)->next_by_handle;
	return at;
}

struct lc_socket *lc_table_by_handle(SOCKET handle)
{
	struct bucket *bucket = bucket_of(handle);
	struct lc_socket *found;

	pthread_mutex_lock(&bucket->mutex);
	found = *find_handle(bucket, handle);
	if (found)
		lc_socket_reference(found);
	pthread_mutex_unlock(&bucket->mutex);
	return found;
}

struct lc_socket *lc_table_publish(struct lc_socket *socket)
{
	struct bucket *bucket = bucket_of(socket->handle);
	struct lc_socket **at, *former;

	lc_socket_reference(socket);
	pthread_mutex_lock(&bucket->mutex);
	at = find_handle(bucket, socket->handle);
	former = *at;
	if (former)
		*at = former->next_by_handle;
	socket->next_by_handle = bucket->first;
	bucket->first = socket;
	pthread_mutex_unlock(&bucket->mutex);
	return former;
}

bool lc_table_unpublish(struct lc_socket *socket)
{
	struct bucket *bucket = bucket_of(socket->handle);
	struct lc_socket **at;
	bool found;

	pthread_mutex_lock(&bucket->mutex);
	at = find_handle(bucket, socket->handle);
	found = *at == socket;
	if (found)
		*at = socket->next_by_handle;
	pthread_mutex_unlock(&bucket->mutex);
	return found;
}

struct lc_socket *lc_table_any(void)
{
	struct lc_socket *found = NULL;

	for (size_t i = 0; i < BUCKETS && !found; i++) {
		pthread_mutex_lock(&by_handle[i].mutex);
		found = by_handle[i].first;
		if (found)
			lc_socket_reference(found);
		pthread_mutex_unlock(&by_handle[i].mutex);
	}
	return found;
}

void lc_table_list(struct lc_socket *socket)
{
	struct lc_socket **bucket;

	lc_socket_reference(socket);
	pthread_mutex_lock(&numbers_mutex);
	socket->number = ++last_number;
	bucket = &by_number[socket->number % BUCKETS];
	socket->next_by_number = *bucket;
	*bucket = socket;
	pthread_mutex_unlock(&numbers_mutex);
}

void lc_table_unlist(struct lc_socket *socket)
{
	struct lc_socket **at;
	bool found;

	pthread_mutex_lock(&numbers_mutex);
	at = &by_number[socket->number % BUCKETS];
	while (*at && *at != socket)
		at = &(*at)->next_by_number;
	found = *at;
	if (found)
		*at = socket->next_by_number;
	pthread_mutex_unlock(&numbers_mutex);
	if (found)
		lc_socket_release(socket);
}

struct lc_socket *lc_table_by_number(uint64_t number)
{
	struct lc_socket *found;

	pthread_mutex_lock(&numbers_mutex);
	found = by_number[number % BUCKETS];
	while (found && found->number != number)
		found = found->next_by_number;
	if (found)
		lc_socket_reference(found);
	pthread_mutex_unlock(&numbers_mutex);
	return found;
}

/* The next in a chain is the first with a lower number, even if that of the cursor has left it. */
static struct lc_socket *after(uint64_t cursor)
{
	struct lc_socket *found;

	if (!cursor)
		return NULL;
	found = by_number[cursor % BUCKETS];
	while (found && found->number >= cursor)
		found = found->next_by_number;
	return found;
}

struct lc_socket *lc_table_next(uint64_t *cursor)
{
	size_t bucket = *cursor ? *cursor % BUCKETS + 1 : 0;
	struct lc_socket *found;

	pthread_mutex_lock(&numbers_mutex);
	found = after(*cursor);
	while (!found && bucket < BUCKETS)
		found = by_number[bucket++];
	if (found) {
		lc_socket_reference(found);
		*cursor = found->number;
	}
	pthread_mutex_unlock(&numbers_mutex);
	return found;
}

void lc_table_forget(void)
{
	pthread_mutex_init(&numbers_mutex, NULL);
	for (size_t i = 0; i < BUCKETS; i++) {
		pthread_mutex_init(&by_handle[i].mutex, NULL);
		by_handle[i].first = by_number[i] = NULL;
	}
}
