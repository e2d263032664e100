/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "daemon/trunk.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core/endpoint.h"
#include "daemon/say.h"
#include "trunk/trunk.h"

/* Which of the two ends of a pair within the node. */
enum trunk_end {
	TO_OTHER_NODE,
	OF_WHO_ASKS,
	OF_WHO_IS_ASKED,
};

struct trunk_key {
	struct lc_endpoint own, other; /* port 0 */
	uint32_t end;		       /* enum trunk_end */
};

/* Memberships that the end of the connection, or a resume, meant something for. */
struct told {
	unsigned int suspended, resumed, forgotten;
};

struct trunk {
	struct lc_trunk trunk;
	struct node *node;
	struct trunk_key key;
	UT_hash_handle by_key;
	struct timer timers[LC_TRUNK_TIMER_COUNT];
	sd_event_source *run;
	struct told told; /* and not in the log yet */
	bool over;	  /* nothing is left of it */
	bool evicted;	  /* it is to end */
	bool idle;	  /* in node->idle_trunks: without memberships */
	TAILQ_ENTRY(trunk) idling;
};

static struct trunk *trunk_of(struct lc_trunk *trunk)
{
	return (struct trunk *)((char *)trunk - offsetof(struct trunk, trunk));
}

static struct membership *membership_at(struct lc_trunk_member *member)
{
	return (struct membership *)((char *)member - offsetof(struct membership, trunk));
}

/* ---- lines ---- */

static void on_connected(struct lc_line *line, void *context)
{
	struct trunk *trunk = context;

	(void)line;
	lc_trunk_opened(&trunk->trunk);
}

static void on_message(struct lc_line *line, void *context, const struct lc_message *message,
		       size_t bytes)
{
	struct trunk *trunk = context;

	lc_trunk_message(&trunk->trunk, line, message, bytes);
}

static void on_drained(struct lc_line *line, void *context)
{
	struct trunk *trunk = context;

	lc_trunk_drained(&trunk->trunk, line);
}

static void on_ended(struct lc_line *line, void *context, int error)
{
	struct trunk *trunk = context;

	lc_trunk_ended(&trunk->trunk, line, error);
}

static const struct line_handler handler = {
	.connected = on_connected,
	.message = on_message,
	.drained = on_drained,
	.ended = on_ended,
};

static int open_peer(struct trunk *trunk, struct lc_peer **peer)
{
	struct lc_endpoint from = trunk->key.own, to = trunk->key.other;

	/* Of an earlier daemon, which talked to other nodes. */
	if (!trunk->node->options.insecure)
		return -ECONNREFUSED;
	to.port = trunk->node->options.control.port;
	return lc_peer_connect(peer, &from, &to);
}

static void greets_who_asks(struct lc_line *line, const struct lc_message *hello, size_t bytes);

static int open_line(struct lc_trunk *lc_trunk, struct lc_line **line)
{
	struct trunk *trunk = trunk_of(lc_trunk);
	struct lc_peer *peer, *theirs = NULL;
	int error = trunk->key.end == TO_OTHER_NODE
			    ? open_peer(trunk, &peer)
			    : lc_peer_pair(&peer, &theirs, &trunk->key.own, &trunk->key.other);

	if (error)
		return error;
	*line = line_open(trunk->node, peer, &handler, trunk);
	if (!*line) {
		lc_peer_free(peer);
		lc_peer_free(theirs);
		return -ENOMEM;
	}
	if (theirs)
		arrivals_add(trunk->node, theirs,
			     trunk->key.end == OF_WHO_ASKS ? trunk_greets : greets_who_asks);
	return 0;
}

static int send_frame(struct lc_trunk *trunk, struct lc_line *line, const uint8_t *frame,
		      size_t length)
{
	(void)trunk;
	return line_send(line, frame, length);
}

static void close_line(struct lc_trunk *trunk, struct lc_line *line)
{
	(void)trunk;
	line_close(line);
}

/* ---- memberships ---- */

static void connected(struct lc_trunk_member *member)
{
	lc_membership_event(&membership_at(member)->member, LC_ON_CONNECTED, LEAFCAST_NO_REASON);
}

static void deliver(struct lc_trunk_member *member, const struct lc_message *message)
{
	lc_membership_message(&membership_at(member)->member, message);
}

static void hung_up(struct lc_trunk_member *trunk_member, int error)
{
	struct lc_membership *member = &membership_at(trunk_member)->member;
	struct told *told = &trunk_of(trunk_member->trunk)->told;
	bool joined = member->state == LC_JOIN_MEMBER;

	lc_membership_hung_up(member, error);
	told->suspended += joined && member->state == LC_JOIN_SUSPENDED;
}

static void resumed(struct lc_trunk_member *trunk_member)
{
	struct lc_membership *member = &membership_at(trunk_member)->member;

	trunk_of(trunk_member->trunk)->told.resumed += member->state == LC_JOIN_SUSPENDED;
	lc_membership_event(member, LC_ON_RESUMED, LEAFCAST_NO_REASON);
}

static void forgotten(struct lc_trunk_member *trunk_member)
{
	struct lc_membership *member = &membership_at(trunk_member)->member;

	trunk_of(trunk_member->trunk)->told.forgotten += member->state == LC_JOIN_SUSPENDED;
	lc_membership_event(member, LC_ON_FORGOTTEN, LEAFCAST_NO_REASON);
}

static void leave_read(struct lc_trunk_member *member)
{
	lc_membership_event(&membership_at(member)->member, LC_ON_LEAVE_READ, LEAFCAST_NO_REASON);
}

static bool is_resumable(const struct lc_trunk_member *member)
{
	return lc_membership_is_resumable(
		&membership_at((struct lc_trunk_member *)(uintptr_t)member)->member);
}

static bool count(struct lc_trunk_member *trunk_member, struct lc_message_entry *entry)
{
	struct lc_membership *member = &membership_at(trunk_member)->member;
	struct lc_membership_counts counts;

	if (member->state != LC_JOIN_MEMBER)
		return false;
	counts = member->world->count(member);
	entry->datagrams = counts.datagrams;
	entry->bytes = counts.bytes;
	entry->buffer_drops = counts.buffer_drops;
	return true;
}

static void asked(struct lc_trunk *lc_trunk, const struct lc_message *message)
{
	const struct lc_trunk_name name = {.number = message->number};
	struct trunk *trunk = trunk_of(lc_trunk);
	struct membership *membership = membership_new(trunk->node, trunk->node->world);

	if (!membership)
		return; /* its maker's time runs out */
	membership->own = trunk->key.own;
	membership->other = trunk->key.other;
	membership->within_node = trunk->key.end != TO_OTHER_NODE;
	membership->member.number = message->number;
	if (lc_trunk_attach(lc_trunk, &membership->trunk, &name, &message->secret)) {
		membership_bury(membership);
		return;
	}
	lc_membership_first_word(&membership->member, message);
}

/* ---- chance and time ---- */

static int draw(struct lc_trunk *trunk, void *bytes, size_t length)
{
	(void)trunk;
	return getrandom(bytes, length, 0) == (ssize_t)length ? 0 : -EIO;
}

static void on_retry(void *context)
{
	struct trunk *trunk = context;

	lc_trunk_timer(&trunk->trunk, LC_TRUNK_RETRY);
}

static void on_idle(void *context)
{
	struct trunk *trunk = context;

	lc_trunk_timer(&trunk->trunk, LC_TRUNK_IDLE);
}

static void on_held(void *context)
{
	struct trunk *trunk = context;

	lc_trunk_timer(&trunk->trunk, LC_TRUNK_HELD);
}

static void idle_no_more(struct trunk *trunk)
{
	if (!trunk->idle)
		return;
	TAILQ_REMOVE(&trunk->node->idle_trunks, trunk, idling);
	trunk->node->idle_trunk_count--;
	trunk->idle = false;
}

/* Strangers can have as many as they have addresses. */
static void make_room(struct trunk *newest)
{
	struct node *node = newest->node;
	struct trunk *trunk, *oldest = NULL;
	unsigned int alike = 0;

	TAILQ_FOREACH(trunk, &node->idle_trunks, idling)
		if (trunk != newest && arrivals_are_alike(&newest->key.other, &trunk->key.other) &&
		    alike++ == 0)
			oldest = trunk;
	if (alike < MAX_ARRIVALS_OF_ADDRESS)
		oldest = NULL;
	if (!oldest && node->idle_trunk_count > MAX_IDLE_TRUNKS)
		oldest = TAILQ_FIRST(&node->idle_trunks);
	if (!oldest || oldest == newest)
		return;
	/* Not now: it may be in the middle of something. */
	idle_no_more(oldest);
	oldest->evicted = true;
	sd_event_source_set_enabled(oldest->run, SD_EVENT_ONESHOT);
}

static void be_idle(struct trunk *trunk)
{
	if (trunk->idle)
		return;
	TAILQ_INSERT_TAIL(&trunk->node->idle_trunks, trunk, idling);
	trunk->node->idle_trunk_count++;
	trunk->idle = true;
	make_room(trunk);
}

/* Where no timer is to be had a trunk waits for ever, but for what comes on its line. */
static void set_timer(struct lc_trunk *lc_trunk, enum lc_trunk_timer timer, uint64_t in_us)
{
	static void (*const run_out[LC_TRUNK_TIMER_COUNT])(void *context) = {
		[LC_TRUNK_RETRY] = on_retry,
		[LC_TRUNK_IDLE] = on_idle,
		[LC_TRUNK_HELD] = on_held,
	};
	struct trunk *trunk = trunk_of(lc_trunk);

	/* To call although nobody was heard does no harm. */
	if (timer == LC_TRUNK_RETRY)
		timer_set(&trunk->timers[timer], trunk->node->event, in_us, run_out[timer], trunk);
	else
		timer_set_deadline(&trunk->timers[timer], trunk->node->event, in_us, run_out[timer],
				   trunk);
	if (timer == LC_TRUNK_IDLE)
		be_idle(trunk);
}

static void stop_timer(struct lc_trunk *lc_trunk, enum lc_trunk_timer timer)
{
	struct trunk *trunk = trunk_of(lc_trunk);

	timer_stop(&trunk->timers[timer]);
	if (timer == LC_TRUNK_IDLE)
		idle_no_more(trunk);
}

static void wake(struct lc_trunk *lc_trunk)
{
	sd_event_source_set_enabled(trunk_of(lc_trunk)->run, SD_EVENT_ONESHOT);
}

static void over(struct lc_trunk *lc_trunk)
{
	trunk_of(lc_trunk)->over = true;
}

static const struct lc_trunk_world world = {
	.open = open_line,
	.send = send_frame,
	.close = close_line,
	.connected = connected,
	.message = deliver,
	.hung_up = hung_up,
	.resumed = resumed,
	.forgotten = forgotten,
	.leave_read = leave_read,
	.is_resumable = is_resumable,
	.count = count,
	.asked = asked,
	.draw = draw,
	.set_timer = set_timer,
	.stop_timer = stop_timer,
	.wake = wake,
	.over = over,
};

/* ---- all of them ---- */

static void free_trunk(struct trunk *trunk)
{
	lc_trunk_end(&trunk->trunk);
	HASH_DELETE(by_key, trunk->node->trunks, trunk);
	for (int timer = 0; timer < LC_TRUNK_TIMER_COUNT; timer++)
		timer_free(&trunk->timers[timer]);
	sd_event_source_disable_unref(trunk->run);
	free(trunk);
}

/* A line for all memberships, when each has been told; within the node nobody was away but this daemon. */
static void say_told(struct trunk *trunk)
{
	const struct told told = trunk->told;
	char text[LC_ENDPOINT_TEXT];
	const char *other = lc_address_format(text, &trunk->key.other);

	if (trunk->trunk.state == LC_TRUNK_SETTLING || trunk->trunk.state == LC_TRUNK_ENDING)
		return;
	trunk->told = (struct told){0};
	if (trunk->key.end != TO_OTHER_NODE)
		return;
	if (told.resumed || told.forgotten)
		say(SD_INFO, "leafcastd at %s is back with %u of %u memberships", other,
		    told.resumed, told.resumed + told.forgotten);
	if (told.suspended)
		say(SD_INFO,
		    "leafcastd at %s is away: %u memberships suspended, their data goes on", other,
		    told.suspended);
}

static int on_run(sd_event_source *source, void *context)
{
	struct trunk *trunk = context;

	(void)source;
	trunk->over = false;
	/* Unless somebody has come meanwhile. */
	if (trunk->evicted && TAILQ_EMPTY(&trunk->trunk.members))
		lc_trunk_ended(&trunk->trunk, trunk->trunk.line, 0);
	trunk->evicted = false;
	lc_trunk_run(&trunk->trunk);
	say_told(trunk);
	if (trunk->over)
		free_trunk(trunk);
	return 0;
}

static struct trunk *find(struct node *node, const struct trunk_key *key)
{
	struct trunk *trunk;

	HASH_FIND(by_key, node->trunks, key, sizeof(*key), trunk);
	return trunk;
}

static struct trunk *make(struct node *node, const struct trunk_key *key)
{
	struct trunk *trunk = calloc(1, sizeof(*trunk));

	if (!trunk)
		return NULL;
	trunk->node = node;
	trunk->key = *key;
	if (sd_event_add_defer(node->event, &trunk->run, on_run, trunk) < 0) {
		free(trunk);
		return NULL;
	}
	lc_trunk_init(&trunk->trunk, &world, &key->own, &key->other, node->instance,
		      key->end != TO_OTHER_NODE);
	HASH_ADD(by_key, node->trunks, key, sizeof(trunk->key), trunk);
	if (find(node, key))
		return trunk;
	sd_event_source_disable_unref(trunk->run);
	free(trunk);
	return NULL;
}

/* One that nobody uses goes when the loop next looks at it. */
static struct trunk *find_or_make(struct node *node, const struct lc_endpoint *own,
				  const struct lc_endpoint *other, enum trunk_end end)
{
	struct trunk_key key = {.own = *own, .other = *other, .end = end};
	struct trunk *trunk;

	key.own.port = key.other.port = 0;
	trunk = find(node, &key);
	return trunk ? trunk : make(node, &key);
}

int trunks_begin(struct node *node, const struct lc_membership_world *members)
{
	node->world = members;
	TAILQ_INIT(&node->idle_trunks);
	return getrandom(&node->instance, sizeof(node->instance), 0) == sizeof(node->instance)
		       ? 0
		       : -EIO;
}

void trunks_end(struct node *node)
{
	struct trunk *trunk, *next;

	HASH_ITER(by_key, node->trunks, trunk, next)
	free_trunk(trunk);
}

void trunks_tick(struct node *node)
{
	struct trunk *trunk, *next;

	HASH_ITER(by_key, node->trunks, trunk, next)
	lc_trunk_report(&trunk->trunk);
}

static void greets(struct lc_line *line, const struct lc_message *hello, size_t bytes,
		   enum trunk_end end)
{
	struct trunk *trunk = find_or_make(line->node, lc_peer_own(line->peer),
					   lc_peer_other(line->peer), end);

	if (!trunk) {
		line_close(line);
		return;
	}
	line->handler = &handler;
	line->context = trunk;
	lc_trunk_came(&trunk->trunk, line, hello, bytes);
}

void trunk_greets(struct lc_line *line, const struct lc_message *hello, size_t bytes)
{
	bool within = lc_peer_is_pair(line->peer);

	greets(line, hello, bytes, within ? OF_WHO_IS_ASKED : TO_OTHER_NODE);
}

/* Who was asked calls when who asked does not: see LC_TRUNK_DOUBT_US. */
static void greets_who_asks(struct lc_line *line, const struct lc_message *hello, size_t bytes)
{
	greets(line, hello, bytes, OF_WHO_ASKS);
}

/* ---- memberships ---- */

static bool asks(const struct lc_membership *member)
{
	return member->end == LC_END_JOINER || member->end == LC_END_INVITER;
}

static struct trunk *trunk_for(struct membership *membership)
{
	struct node *node = membership->node;
	enum trunk_end end = TO_OTHER_NODE;

	membership->within_node = lc_network_is_local(node->network, &membership->other);
	if (membership->within_node)
		end = asks(&membership->member) ? OF_WHO_ASKS : OF_WHO_IS_ASKED;
	return find_or_make(node, &membership->own, &membership->other, end);
}

int trunk_join(struct membership *membership, const struct lc_endpoint *own,
	       const struct lc_endpoint *other)
{
	const struct lc_membership *member = &membership->member;
	struct trunk *trunk;

	membership->own = *own;
	membership->other = *other;
	membership->own.port = membership->other.port = 0;
	trunk = trunk_for(membership);
	if (!trunk)
		return -ENOMEM;
	return lc_trunk_join(&trunk->trunk, &membership->trunk, member->number, &member->secret);
}

void trunk_take_up(struct membership *membership)
{
	const struct lc_membership *member = &membership->member;
	const struct lc_trunk_name name = {.number = member->number, .numbered_here = asks(member)};
	struct trunk *trunk;

	if (member->state == LC_JOIN_GONE)
		return;
	trunk = trunk_for(membership);
	if (trunk)
		lc_trunk_attach(&trunk->trunk, &membership->trunk, &name, &member->secret);
}
