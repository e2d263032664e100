/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "trunk/report.h"

#include "protocol/codec.h"
#include "trunk/flow.h"
#include "trunk/members.h"

static void name(struct lc_message_entry *entry, const struct lc_trunk_member *member)
{
	*entry = (struct lc_message_entry){
		.number = member->name.number,
		.numbered_by_sender = member->name.numbered_here == 1,
	};
}

/* The next message of the round; of a part of the round that is empty, without entries. */
static void fill(struct lc_trunk *trunk, struct lc_message *message)
{
	struct lc_trunk_member *member;

	for (int i = 0; i < LC_TRUNK_AT_ONCE; i++) {
		struct lc_message_entry *entry = &message->entries[message->entry_count];

		if (message->entry_count == LC_MESSAGE_ENTRIES_MAX ||
		    !(member = lc_walk_next(&trunk->reporting)))
			return;
		name(entry, member);
		if (trunk->world->count(member, entry))
			message->entry_count++;
	}
}

void lc_report_on(struct lc_trunk *trunk)
{
	struct lc_message message = {.kind = LC_MESSAGE_REPORT};

	if (lc_walk_is_over(&trunk->reporting) || trunk->report_at > trunk->window.read ||
	    !lc_window_has_room(&trunk->window, LC_MESSAGE_MAX))
		return;
	fill(trunk, &message);
	if (message.entry_count == 0) {
		trunk->world->wake(trunk);
		return;
	}
	if (lc_flow_say(trunk, &message, LC_WINDOW_QUEUE) == 0)
		trunk->report_at = trunk->window.given;
}

void lc_report_start(struct lc_trunk *trunk)
{
	if (lc_walk_is_over(&trunk->reporting))
		lc_walk_start(&trunk->reporting, trunk);
	lc_report_on(trunk);
}
