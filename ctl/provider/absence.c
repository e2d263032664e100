/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "provider/absence.h"
#include "provider/connection.h"
#include "provider/loop.h"
#include "provider/membership.h"

/* A daemon that is well has been heard this often within the limit. */
#define PINGS 4

static void look(void);
static struct lc_timer next_look = {.fire = look};
static atomic_uint_fast64_t limit;
static atomic_bool chosen;

static void answered(struct lc_asked *asked, const struct lc_local_message *reply);
static struct lc_asked ping = {.answered = answered};
static bool pinging; /* the hidden thread's */

static void answered(struct lc_asked *asked, const struct lc_local_message *reply)
{
	(void)asked, (void)reply; /* that it was heard the connection knows */
	pinging = false;
}

/* A stopped daemon has one PING to answer, however long it is stopped. */
static void send_ping(void)
{
	struct lc_local_message message = {.kind = LC_LOCAL_PING};

	if (!pinging)
		pinging = lc_connection_tell_and_hear(&ping, lc_connection_link(), &message);
}

/* By the hidden thread. */
static void look(void)
{
	uint64_t most = limit, heard = lc_connection_heard_ns(), now = lc_now_ns(), next;

	if (!most || !heard)
		return;
	next = now + most / PINGS;
	if (now - heard >= most)
		lc_member_forsake_all();
	else if (heard + most < next)
		next = heard + most;
	send_ping();
	lc_timer_set(&next_look, next);
}

void lc_absence_begin(void)
{
	if (limit)
		lc_timer_set_earlier(&next_look, lc_now_ns());
}

void lc_absence_limit(uint64_t limit_ns)
{
	atomic_store(&chosen, true);
	atomic_store(&limit, limit_ns);
	lc_absence_begin();
}

void lc_absence_read_environment(void)
{
	const char *text = secure_getenv("LEAFCAST_ABSENCE");
	unsigned long seconds;
	char *end;

	if (chosen || !text || *text < '0' || *text > '9')
		return;
	errno = 0;
	seconds = strtoul(text, &end, 10);
	if (!*end && !errno && seconds <= UINT32_MAX)
		atomic_store(&limit, seconds * LC_NS_PER_S);
}

void lc_absence_forget(void)
{
	pinging = false;
}
