/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Planted for scripts/sanitized --self-test: two threads, one number, no lock. */
#include <pthread.h>
#include <stddef.h>

static int shared;

static void *count(void *unused)
{
	for (int i = 0; i < 1000; i++)
		shared++;
	return NULL;
}

int main(void)
{
	pthread_t other;

	if (pthread_create(&other, NULL, count, NULL))
		return 0;
	count(NULL);
	pthread_join(other, NULL);
	return 0;
}
